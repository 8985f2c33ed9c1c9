"""The simulated Keepa as an ASGI app: every Keepa path, and under /_simulator/ a control plane that Keepa has not."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route
from starlette.types import Receive, Scope, Send

from keepahead.simulator.faults import Faults, Outsider
from keepahead.simulator.simulator import SIMULATOR_KEY, Simulator
from keepahead.simulator.virtual import ScaledClock

_Sleep = Callable[[float], Awaitable[None]]


class ConnectionCutError(ConnectionError):
    """Raised after half an answer so that the server cuts the connection."""


class _KeepaDoor:
    """Raw ASGI, because an answer must be able to die half-way."""

    def __init__(self, simulator: Simulator, sleep_async: _Sleep) -> None:
        self._simulator = simulator
        self._sleep_async = sleep_async

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        pending = self._simulator.begin(
            request.method,
            scope["path"].removeprefix(scope.get("root_path", "")),
            dict(request.query_params),
            await request.body(),
            accept_gzip="gzip" in request.headers.get("accept-encoding", ""),
        )
        if pending.refused:
            await _cut(send)
        await self._wait_or_leave(pending.delay_seconds, lambda: self._simulator.leave(pending))
        reply = await asyncio.to_thread(self._simulator.finish, pending)
        if reply.dropped:
            await _cut(send)
        await self._wait_or_leave(reply.delay_seconds, lambda: None)
        await Response(reply.body, reply.status, reply.headers)(scope, receive, send)

    async def _wait_or_leave(self, seconds: float, leave: Callable[[], None]) -> None:
        if seconds <= 0:
            return
        try:
            await self._sleep_async(seconds)
        except asyncio.CancelledError:
            leave()
            raise


async def _cut(send: Send) -> None:
    """Promise more bytes than are sent, then give up: the client sees the connection die."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"1000000")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionCutError("the simulated Keepa cuts the connection")


class _FaultsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What PUT /_simulator/faults takes: the fields of Faults, and the outsider."""

    latency_seconds: tuple[float, float] = (0.0, 0.0)
    storm_percent: float = 0.0
    error_percent: float = 0.0
    drop_percent: float = 0.0
    refuse_percent: float = 0.0
    late_percent: float = 0.0
    late_seconds: tuple[float, float] = (2.0, 8.0)
    html_percent: float = 0.0
    truncated_percent: float = 0.0
    zero_envelope_percent: float = 0.0
    outsider_tokens_per_minute: float = 0.0


class _RateBody(msgspec.Struct, forbid_unknown_fields=True):
    refill_rate: int
    key: str = SIMULATOR_KEY


def make_app(simulator: Simulator, *, clock: ScaledClock | None = None) -> Starlette:
    """Build the ASGI app: Keepa's paths, GET /_simulator/truth, PUT /_simulator/faults and PUT /_simulator/rate.

    `clock` is the one that the simulator lives by, if it runs faster than the real one; GET /_simulator/clock tells it,
    so that clients can live by it too.
    """
    time = clock or ScaledClock()

    async def truth(request: Request) -> Response:
        body = msgspec.json.encode(simulator.truth(request.query_params.get("key", SIMULATOR_KEY)))
        return Response(body, media_type="application/json")

    async def clock_told(request: Request) -> Response:
        _ = request
        body = msgspec.json.encode({"speed": time.speed, "since": time.since})
        return Response(body, media_type="application/json")

    async def faults(request: Request) -> Response:
        try:
            wanted = msgspec.structs.asdict(msgspec.json.decode(await request.body(), type=_FaultsBody))
        except msgspec.DecodeError as error:
            return Response(str(error), 400)
        outsider = wanted.pop("outsider_tokens_per_minute")
        simulator.faults = Faults(**wanted)
        simulator.outsider = Outsider(outsider) if outsider else None
        return Response(status_code=204)

    async def rate(request: Request) -> Response:
        try:
            wanted = msgspec.json.decode(await request.body(), type=_RateBody)
        except msgspec.DecodeError as error:
            return Response(str(error), 400)
        simulator.set_refill_rate(wanted.refill_rate, wanted.key)
        return Response(status_code=204)

    return Starlette(
        routes=[
            Route("/_simulator/truth", truth),
            Route("/_simulator/clock", clock_told),
            Route("/_simulator/faults", faults, methods=["PUT"]),
            Route("/_simulator/rate", rate, methods=["PUT"]),
            Mount("/", app=_KeepaDoor(simulator, time.sleep_async)),
        ]
    )
