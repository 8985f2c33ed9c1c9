"""One request as a server hands it to the application: when each message goes out, and clients that hang up."""

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

from tests.gateway_house import GatewayHouse


class Sent(NamedTuple):
    """A message of the application, so many seconds after the request came."""

    seconds: float
    message: dict[str, Any]


async def talk(
    house: GatewayHouse,
    path: str,
    *,
    query: str = "",
    key: str = "spend",
    accept: str = "application/json",
    headers: Sequence[tuple[bytes, bytes]] = (),
    hangs_up_after: float | None = None,
    reads_after: float = 0,
    owes_body: bool = False,
) -> list[Sent]:
    """Send a GET request, whose client hangs up after so many seconds, or takes each message after so many.

    One that owes a body has announced one, and never sends it.
    """
    gone = asyncio.Event()
    sent: list[Sent] = []
    loop = asyncio.get_running_loop()
    began = loop.time()
    requests = iter([] if owes_body else [{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        if message := next(requests, None):
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        await asyncio.sleep(reads_after)
        if not gone.is_set():  # a server throws away what nobody takes
            sent.append(Sent(loop.time() - began, dict(message)))

    if hangs_up_after is not None:
        loop.call_later(hangs_up_after, gone.set)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(b"x-api-key", house.keys[key].encode()), (b"accept", accept.encode()), *headers],
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
        "state": {},
    }
    await house.app(scope, receive, send)
    return sent
