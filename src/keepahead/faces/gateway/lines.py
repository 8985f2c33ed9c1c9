"""Answers as lines of JSON (NDJSON), sent as they come. What goes wrong after the first line is the last one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from keepahead.clock import Clock
from keepahead.errors import KeepaheadError
from keepahead.faces.gateway.problems import Problem, problem_of
from keepahead.faces.gateway.visit import visit_of
from keepahead.keepa.tally import Tally
from keepahead.work.tasks import end

MEDIA_TYPE = "application/x-ndjson"
WAITING_MOST = 32
"""So many lines may be made ahead of a client that is slow to take them; then no more is asked of Keepa for it."""

Put = Callable[[Any], Awaitable[None]]
"""Takes anything that msgspec can encode, for one line."""

Work = Callable[[Put], Awaitable[Mapping[str, Any]]]
"""Puts lines, and returns the last one; what all of it cost is added to that."""


def wants_lines(request: Request) -> bool:
    """Tell whether the client asks for lines."""
    return MEDIA_TYPE in request.headers.get("accept", "")


def lines_response(lines: Iterable[Any]) -> Response:
    """Return lines that are all there."""
    return Response(b"".join(map(_line, lines)), media_type=MEDIA_TYPE)


async def stream(request: Request, clock: Clock, work: Work) -> Response:
    """Begin work that puts lines, and return the answer when its first line is there.

    Raises what the work raises before that.
    """
    made = _Made(visit_of(request).tally, clock, work)
    first = await made.first()
    return _Streamed(made, first)


class _Made:
    """Lines under way from the work that makes them to the answer that sends them; None ends them."""

    def __init__(self, tally: Tally, clock: Clock, work: Work) -> None:
        self._tally = tally
        self._clock = clock
        self._lines: asyncio.Queue[bytes | None] = asyncio.Queue(WAITING_MOST)
        self._has_begun = False
        self._task = asyncio.create_task(self._make(work))

    async def first(self) -> bytes | None:
        """Return the first line. Raises what went wrong before it."""
        try:
            line = await self._lines.get()
        except asyncio.CancelledError:
            await self.end()
            raise
        if line is None:
            await self._task
        return line

    async def next(self) -> bytes | None:
        """Return the next line, None at the end. Raises what cannot be told in a line."""
        line = await self._lines.get()
        if line is None:
            await self._task
        return line

    async def end(self) -> None:
        """Stop the work, if it is not done. What was sent to Keepa goes on, and is kept."""
        await end(self._task)
        if not self._task.cancelled():
            self._task.exception()  # seen

    async def _put(self, value: Any) -> None:
        self._has_begun = True
        await self._lines.put(_line(value))

    async def _put_last(self, value: Mapping[str, Any]) -> None:
        """Put the last line with what all of it cost: when the headers went out, nobody knew."""
        cost = {"tokens_consumed": self._tally.consumed, "tokens_saved": self._tally.saved}
        await self._lines.put(_line({**value, **cost}))

    async def _make(self, work: Work) -> None:
        try:
            await self._put_last(await work(self._put))
        except (Problem, KeepaheadError) as error:
            if not self._has_begun:
                raise
            told = error if isinstance(error, Problem) else problem_of(error, self._clock.now())
            await self._put_last({"problem": msgspec.Raw(told.body())})
        finally:
            task = asyncio.current_task()
            if task is None or not task.cancelling():  # else nobody reads any more
                await self._lines.put(None)


class _Streamed(Response):
    media_type = MEDIA_TYPE

    def __init__(self, made: _Made, first: bytes | None) -> None:
        super().__init__(media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._made = made
        self._first = first

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI gives them
        try:
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            line = self._first
            while line is not None:
                await send({"type": "http.response.body", "body": line, "more_body": True})
                line = await self._made.next()
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await self._made.end()


def _line(value: Any) -> bytes:
    return msgspec.json.encode(value) + b"\n"
