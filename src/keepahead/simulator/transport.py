"""The simulated Keepa as an httpx2 transport: no socket, the caller's own time.

The conversation is written once as a generator of waits; the blocking and the asynchronous driver only sleep.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Generator

import httpx2

from keepahead.simulator.answers import Reply
from keepahead.simulator.simulator import Simulator

_Flow = Generator[float, None, httpx2.Response]


class SimulatorTransport(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """Carries requests to a Simulator in this process.

    sleep and sleep_async wait so many seconds on the same time that the simulator's `now` tells. The read timeout of
    the request is kept (httpx2.ReadTimeout), and what timed out or was cancelled is charged all the same.
    """

    def __init__(
        self,
        simulator: Simulator,
        *,
        sleep: Callable[[float], None] = time.sleep,
        sleep_async: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._simulator = simulator
        self._sleep = sleep
        self._sleep_async = sleep_async

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request, blocking."""
        flow = self._flow(request, request.read())
        try:
            while True:
                self._sleep(next(flow))
        except StopIteration as done:
            return done.value
        finally:
            flow.close()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Carry one request."""
        flow = self._flow(request, await request.aread())
        try:
            while True:
                await self._sleep_async(next(flow))
        except StopIteration as done:
            return done.value
        finally:
            flow.close()

    def _flow(self, request: httpx2.Request, body: bytes) -> _Flow:
        patience: float | None = request.extensions.get("timeout", {}).get("read")
        pending = self._simulator.begin(
            request.method,
            request.url.path,
            dict(request.url.params),
            body,
            accept_gzip="gzip" in request.headers.get("accept-encoding", ""),
        )
        if pending.refused:
            raise httpx2.ConnectError("the simulated Keepa refused the connection", request=request)
        gone = False
        try:
            if patience is not None and patience < pending.delay_seconds:
                gone = True
                yield patience
                raise httpx2.ReadTimeout("the simulated Keepa took too long", request=request)
            if pending.delay_seconds > 0:
                gone = True
                yield pending.delay_seconds
                gone = False
        finally:
            if gone:
                self._simulator.leave(pending)
        reply = self._simulator.finish(pending)
        if reply.dropped:
            raise httpx2.RemoteProtocolError(
                "the simulated Keepa closed the connection without an answer", request=request
            )
        if reply.delay_seconds > 0:
            rest = None if patience is None else patience - pending.delay_seconds
            yield reply.delay_seconds if rest is None else min(rest, reply.delay_seconds)
            if rest is not None and rest < reply.delay_seconds:
                raise httpx2.ReadTimeout("the simulated Keepa's answer came too late", request=request)
        return _response(reply, request)


def _response(reply: Reply, request: httpx2.Request) -> httpx2.Response:
    return httpx2.Response(reply.status, headers=reply.headers, content=reply.body, request=request)
