"""A gateway and, beside it, a second Keepa that is asked straight, with which the door can be compared."""

import asyncio
import gzip
import json
from collections.abc import Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx2
import msgspec
from tests.gateway_house import GatewayHouse
from tests.house import KEY

from keepahead.keepa.calls import Call, DealCall
from keepahead.simulator import Reply, Simulator, VirtualLoop
from keepahead.simulator.catalogue.catalogue import Catalogue

R = TypeVar("R")

_CATALOGUE = Catalogue(1)  # the same for all tests: nothing in it ever changes

ENVELOPE = frozenset(
    (
        "timestamp",
        "tokensLeft",
        "refillIn",
        "refillRate",
        "tokenFlowReduction",
        "tokensConsumed",
        "processingTimeInMs",
    )
)
"""What stands in every JSON answer of Keepa's."""


def fields_of(body: bytes) -> dict[str, bytes]:
    """Return the fields of an answer, each with its bytes."""
    return {name: bytes(raw) for name, raw in msgspec.json.decode(body, type=dict[str, msgspec.Raw]).items()}


def payload_of(body: bytes) -> Any:
    """Return what is no envelope, each field with its bytes; the body itself if it is a picture."""
    if body.startswith(b"\x89PNG"):
        return body
    return {name: raw for name, raw in fields_of(body).items() if name not in ENVELOPE}


def items_of(body: bytes) -> Any:
    """Return the payload with its lists and maps taken apart, lists in no order."""
    told = payload_of(body)
    return told if isinstance(told, bytes) else {name: _apart(raw) for name, raw in told.items()}


def _apart(raw: bytes) -> Any:
    if raw.startswith(b"["):
        return sorted(bytes(each) for each in msgspec.json.decode(raw, type=list[msgspec.Raw]))
    return fields_of(raw) if raw.startswith(b"{") else raw


def body_of(reply: Reply) -> bytes:
    """Return the body of the other Keepa's answer."""
    return gzip.decompress(reply.body) if reply.headers.get("content-encoding") == "gzip" else reply.body


class DoorHouse:
    """A gateway that stays open from request to request, with one client of each key."""

    def __init__(self, folder: Path, *, settings: Mapping[str, Any] | None = None, **house: Any) -> None:
        self._runner = asyncio.Runner(loop_factory=VirtualLoop)
        self._stack = AsyncExitStack()
        self._house = GatewayHouse(folder, **house)
        self._settings = settings or {}
        self.straight = Simulator(
            now=self._house.clock.now, refill_rate=house.get("rate", 20), balance=house.get("balance")
        )
        self._house.simulator.catalogue = self.straight.catalogue = _CATALOGUE

    def __enter__(self) -> Self:
        self.run(self._stack.enter_async_context(self._house.opened(**self._settings)))
        self._client = self._house.client(None)
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self._stack.aclose())
        self._runner.close()

    def run(self, main: Coroutine[Any, Any, R]) -> R:
        """Run something on the gateway's loop."""
        return self._runner.run(main)

    @property
    def house(self) -> GatewayHouse:
        """The gateway and its simulator."""
        return self._house

    def some(self, count: int) -> list[str]:
        """Return ASINs that are for sale."""
        catalogue = self._house.simulator.catalogue
        return [catalogue.asin(n) for n, _ in zip(catalogue.index(1)[1], range(count), strict=False)]

    def pass_time(self, seconds: float) -> None:
        """Let time go by."""
        self.run(asyncio.sleep(seconds))

    async def asking(
        self, path: str, *, method: str = "GET", content: bytes | None = None, key: str = "spend", **params: Any
    ) -> httpx2.Response:
        """Ask the door. Names with _ are written with -; `headers` are its headers."""
        headers = params.pop("headers", None)
        query = {"key": self._house.keys[key], **{name.replace("_", "-"): value for name, value in params.items()}}
        return await self._client.request(method, f"/keepa{path}", params=query, content=content, headers=headers)

    def ask(self, path: str, **options: Any) -> httpx2.Response:
        """Ask the door."""
        return self.run(self.asking(path, **options))

    def ask_raw(self, method: str, path: str, query: str, content: bytes = b"") -> httpx2.Response:
        """Ask the door with a query as it stands there; the key is added."""
        url = f"/keepa{path}?{query}&key={self._house.keys['spend']}"
        return self.run(self._client.request(method, url, content=content))

    def tell(self, path: str, *, method: str = "GET", content: bytes = b"", **params: Any) -> Reply:
        """Ask the other Keepa, straight."""
        query = {"key": KEY, **{name.replace("_", "-"): str(value) for name, value in params.items()}}
        return self.straight.finish(self.straight.begin(method, path, query, content))

    def ask_both(self, call: Call, **headers: str) -> tuple[httpx2.Response, Reply]:
        """Carry out a call through the door and straight. All in one domain: a catalogue of each takes its time."""
        query, content = call.query(), call.body() or b""
        if "domain" in query:
            query["domain"] = "1"
        if isinstance(call, DealCall):
            content = json.dumps({**call.filters, "domainId": 1}).encode()
        through = self.ask(call.path, method=call.method, content=content, headers=headers, **query)
        return through, self.tell(call.path, method=call.method, content=content, **query)
