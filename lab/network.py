"""The road between the processes and Keepa: messages are under way for a while, overtake each other, and get lost.

A message belongs to nobody: once it is under way it arrives, whatever becomes of who sent it.
"""

import asyncio
import contextvars
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import httpx2

from keepahead.simulator.answers import Reply
from keepahead.simulator.simulator import Pending, Simulator
from lab.loop import LabLoop
from lab.process import PROCESS, Process

_STAMP = re.compile(rb'"timestamp":(\d{10,})')

OUTSIDE = contextvars.Context()
"""The context of what belongs to no process."""

SENDING: "contextvars.ContextVar[str]" = contextvars.ContextVar("sending", default="")
"""The id of the call that is sent in this context."""


@dataclass
class NetworkWeather:
    """How long messages take, in seconds, and how many get lost, in percent."""

    way_seconds: tuple[float, float] = (0.01, 0.2)
    slow_percent: float = 0.0
    slow_seconds: float = 0.0
    lost_request_percent: float = 0.0
    lost_answer_percent: float = 0.0
    unreachable_percent: float = 0.0
    keepa_ahead_ms: int = 0
    """By how much the timestamps in Keepa's answers are ahead of its own time, by which it refills."""
    cut_percent: float = 0.0
    """Connections that break while Keepa is at work: it goes on, and charges."""


@dataclass(eq=False)
class Exchange:
    """One request and what became of it."""

    call_id: str
    process: Process
    request: httpx2.Request
    body: bytes
    heard: "asyncio.Future[httpx2.Response]"
    at: float = 0.0
    pending: Pending | None = None


@dataclass
class Ears:
    """Who wants to know of the exchanges; each is called outside of all processes."""

    sent: Callable[[Exchange], None] = lambda _: None
    ended: Callable[[Exchange, Reply | None, Mapping[str, int]], None] = lambda _exchange, _reply, _charged: None
    vanished: Callable[[Exchange], None] = lambda _: None
    delivered: Callable[[Exchange, Reply], None] = lambda _exchange, _reply: None
    measured: Callable[[], None] = lambda: None


class Network:
    """Carries requests to the simulated Keepa and answers back."""

    def __init__(self, loop: LabLoop, simulator: Simulator, rng: random.Random, charged: Callable[[], int]) -> None:
        self.weather = NetworkWeather()
        self.ears = Ears()
        self.counts: dict[str, int] = {}
        self._loop = loop
        self._simulator = simulator
        self._rng = rng
        self._charged = charged

    async def carry(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request for the process whose turn it is; return the answer, or raise as a real transport would."""
        process = PROCESS.get()
        assert process is not None
        if self._happens(self.weather.unreachable_percent, "connection refused"):
            raise httpx2.ConnectError("the laboratory says: no connection", request=request)
        body = await request.aread()
        exchange = Exchange(SENDING.get(), process, request, body, self._loop.create_future(), self._loop.seconds)
        self.ears.sent(exchange)
        if self._happens(self.weather.lost_request_percent, "request lost"):
            self.ears.vanished(exchange)
        else:
            self._later(self._way(), self._arrive, exchange)
        patience = request.extensions.get("timeout", {}).get("read") or 120.0
        try:
            async with asyncio.timeout(patience):
                return await exchange.heard
        except TimeoutError:
            raise httpx2.ReadTimeout("the laboratory says: no answer in time", request=request) from None

    def _arrive(self, exchange: Exchange) -> None:
        request = exchange.request
        self.ears.measured()
        pending = self._simulator.begin(
            request.method, request.url.path, dict(request.url.params), exchange.body, accept_gzip=False
        )
        exchange.pending = pending
        self._count(pending.fate.kind)
        if pending.refused:
            self.ears.vanished(exchange)
            self._answer(exchange, httpx2.ConnectError("the laboratory says: refused", request=request))
            return
        self._later(pending.delay_seconds, self._finish, exchange)
        if self._happens(self.weather.cut_percent, "connection cut"):
            self._answer(exchange, httpx2.RemoteProtocolError("the laboratory says: cut", request=request))

    def _finish(self, exchange: Exchange) -> None:
        assert exchange.pending is not None
        self.ears.measured()
        before = self._charged()
        reply = self._stamped(self._simulator.finish(exchange.pending))
        self.ears.ended(exchange, reply, {"consumed": self._charged() - before})
        if self._happens(self.weather.lost_answer_percent, "answer lost"):
            return
        self._later(self._way() + reply.delay_seconds, self._come_back, exchange, reply)

    def _stamped(self, reply: Reply) -> Reply:
        """Return an answer with the timestamp that Keepa's clock shows."""
        ahead = self.weather.keepa_ahead_ms
        if not ahead:
            return reply
        body = _STAMP.sub(lambda found: b'"timestamp":%d' % (int(found[1]) + ahead), reply.body, count=1)
        return replace(reply, body=body)

    def _come_back(self, exchange: Exchange, reply: Reply) -> None:
        if reply.dropped:
            self._answer(exchange, httpx2.RemoteProtocolError("the laboratory says: cut off", request=exchange.request))
            return
        self.ears.delivered(exchange, reply)
        self._answer(
            exchange, httpx2.Response(reply.status, headers=reply.headers, content=reply.body, request=exchange.request)
        )

    def _answer(self, exchange: Exchange, answer: httpx2.Response | Exception) -> None:
        if exchange.heard.done() or not exchange.process.is_alive:
            return
        if isinstance(answer, Exception):
            exchange.heard.set_exception(answer)
        else:
            exchange.heard.set_result(answer)

    def _way(self) -> float:
        weather = self.weather
        if self._happens(weather.slow_percent, "message slow"):
            return self._rng.uniform(0.0, weather.slow_seconds)
        return self._rng.uniform(*weather.way_seconds)

    def _later(self, seconds: float, do: Callable[..., None], *args: object) -> None:
        self._loop.call_later(seconds, do, *args, context=OUTSIDE)

    def _count(self, kind: str) -> None:
        if kind != "none":
            self.counts[f"Keepa: {kind}"] = self.counts.get(f"Keepa: {kind}", 0) + 1

    def _happens(self, percent: float, kind: str) -> bool:
        happens = percent > 0 and self._rng.random() * 100 < percent
        if happens:
            self.counts[kind] = self.counts.get(kind, 0) + 1
        return happens


class LabTransport(httpx2.AsyncBaseTransport):
    """An httpx2 transport over that network."""

    def __init__(self, network: Network) -> None:
        self._network = network

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request."""
        return await self._network.carry(request)
