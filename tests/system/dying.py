"""A child of test_crashes.py: makes one call and kills itself at the step that it was told."""

import asyncio
import os
import signal
import sys
import threading
from typing import Any

import httpx2
from tests.system.children import clock_of, order

from keepahead import AsyncKeepa, Keepa
from keepahead.keepa.flow import Got, Leave, Pace, Send, Step, Wait

CATEGORY = 3760911


def die() -> None:
    """End as a power cut would end it: no handler, no clean-up."""
    os.kill(os.getpid(), signal.SIGKILL)


class Watch:
    """Sees every step of the flow; dies at one of them."""

    def __init__(self, at: str) -> None:
        self._at = at
        self._sent = False

    def __call__(self, step: Step) -> None:
        match step:
            case Wait():
                print("waits", flush=True)  # noqa: T201 - its parent reads it
            case Send(tokens=0) if self._at == "probing":
                die()
            case Pace() if self._at == "reserved":
                die()
            case Send(tokens=tokens):
                self._sent = tokens > 0
            case Leave() if self._sent and self._at == "settled":
                die()
            case Got() if self._at == "delivered":
                die()
            case _:
                pass


class Wire(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """httpx2's own transport; dies when the request has arrived, when it is charged, or when the answer is read."""

    def __init__(self, at: str, inner: Any, told: dict[str, Any]) -> None:
        self._at = at
        self._inner = inner
        self._told = told

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        killer = self._aim(request)
        response = self._inner.handle_request(request)
        killer.join()
        if self._dies_of(request, "charged"):
            die()
        response.read()
        if self._dies_of(request, "answered"):
            die()
        return response

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        killer = self._aim(request)
        response = await self._inner.handle_async_request(request)
        await asyncio.to_thread(killer.join)
        if self._dies_of(request, "charged"):
            die()
        await response.aread()
        if self._dies_of(request, "answered"):
            die()
        return response

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner.aclose()

    def _dies_of(self, request: httpx2.Request, at: str) -> bool:
        return self._at == at and request.url.path != "/token"

    def _aim(self, request: httpx2.Request) -> threading.Thread:
        """Let a thread kill this process once Keepa has the request; the answer is not handed on before."""
        aims = self._dies_of(request, "sent")
        before = self._requests() if aims else 0
        killer = threading.Thread(target=self._die_when_it_arrived if aims else int, args=(before,), daemon=True)
        killer.start()
        return killer

    def _die_when_it_arrived(self, before: int) -> None:
        while self._requests() == before:
            pass
        die()

    def _requests(self) -> int:
        where = f"{self._told['upstream_url']}/_simulator/truth"
        return httpx2.get(where, params={"key": self._told["key"]}).json()["requests"]


def options(told: dict[str, Any], inner: Any) -> dict[str, Any]:
    """Return what a client of this child is made of."""
    return {
        "upstream_url": told["upstream_url"],
        "database_url": told["database_url"],
        "clock": clock_of(told),
        "watch": Watch(told["at"]),
        "transport": Wire(told["at"], inner, told),
    }


def made(keepa: Any, told: dict[str, Any]) -> Any:
    """Return the call that was told: so many products at a token each, or a list for 50 that cannot be divided."""
    items = [f"B1{number:08}" for number in range(told["items"])]
    return keepa.products(items, max_age=0) if items else keepa.best_sellers(CATEGORY, max_age=0)


async def call(told: dict[str, Any]) -> None:
    """Make the call with the client for asyncio."""
    async with AsyncKeepa(told["key"], **options(told, httpx2.AsyncHTTPTransport())) as keepa:
        await made(keepa, told)


def main(told: dict[str, Any]) -> None:
    """Make the call; whoever comes to the end of it has not died."""
    if told["client"] == "AsyncKeepa":
        asyncio.run(call(told))
    else:
        with Keepa(told["key"], **options(told, httpx2.HTTPTransport())) as keepa:
            made(keepa, told)
    print(clock_of(told).now().timestamp(), flush=True)  # noqa: T201 - its parent reads it


if __name__ == "__main__":
    sys.exit(main(order()))
