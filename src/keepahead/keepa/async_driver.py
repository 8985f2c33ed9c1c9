"""Carries out the steps of flows for asyncio. Every step that touches the ledger runs in a worker thread."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

from keepahead.errors import KeepaheadError
from keepahead.keepa.exchange import CALL_SECONDS, FAILURES
from keepahead.keepa.line import Line, Place, sleep_or_wake
from keepahead.keepa.parts import Parts, places
from keepahead.keepa.spender import Spender
from keepahead.keepa.steps import (
    Enter,
    Found,
    Got,
    Leave,
    NothingSent,
    Pace,
    Pause,
    Send,
    Step,
    Steps,
    Wait,
    advance,
    tell,
)
from keepahead.keepa.wire import Answer, Inbound

_THREADS = 16
"""Steps of so many calls can reach the ledger together, and go through it in one transaction."""


class AsyncDriver(Spender):
    """Places, threads and connections for the flows of one event loop."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = self._exchange.http_async()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="keepahead")
        self._places = asyncio.Semaphore(places(parts))
        self._line = Line(parts.clock.sleep_async)
        self._pausing: set[asyncio.Event] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def _demand_home(self) -> None:
        self._demand_open()
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise RuntimeError("this Keepa client belongs to another event loop; nothing was sent. Make one for each")

    async def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        inside = sent = False
        place: Place | None = None
        try:
            step = await self._advance(advance, steps, None)
            while step is not None:
                self._see(step)
                value: object = None
                try:
                    match step:
                        case Enter():
                            await self._places.acquire()
                            inside = True
                        case Leave():
                            self._places.release()
                            inside = False
                            if sent:  # what it settled for may have left tokens for others
                                self._line.nudge()
                            sent = False
                        case Pace():
                            self._line.leave(place)
                            await self._sleep(self._rhythm.take(self._parts.clock.now()))
                        case Wait():
                            if place != step.place:
                                self._line.leave(place)
                            place = step.place
                            self._listen()
                            value = await self._line.wait(
                                place, step.seconds, step.deadline_seconds, tokens=step.tokens, room=step.room
                            )
                        case Send():
                            value = await self._send(step)
                            sent = True
                        case Got():
                            answers.append(step.answer)
                            self._wake()
                        case Found():
                            answers.extend(step.answers)
                        case Pause():
                            await self._pause(step.seconds)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means, then it goes on its way
                    step = await self._tell(steps, error)
                else:
                    self._demand_open()
                    step = await self._advance(advance, steps, value)
        finally:
            self._line.leave(place)
            if inside:
                self._places.release()
            steps.close()  # its ledger is put right now, not when it is collected
            self._wake()

    async def _pause(self, seconds: float) -> None:
        """Wait for what somebody else is fetching, maybe another task of this client."""
        event = asyncio.Event()
        self._pausing.add(event)
        try:
            await sleep_or_wake(self._parts.clock.sleep_async, event, seconds)
        finally:
            self._pausing.discard(event)

    def _wake(self) -> None:
        """Have those look again who wait for what others fetch."""
        for event in self._pausing:
            event.set()

    async def _tell(self, steps: Steps, error: BaseException) -> Step | None:
        """Tell the flow what went wrong, in a thread as well, unless the client or the loop is at its end."""
        if self._closed or isinstance(error, GeneratorExit):
            return tell(steps, error)
        return await self._advance(tell, steps, error)

    async def _advance(self, run: Callable[[Steps, Any], Step | None], steps: Steps, value: object) -> Step | None:
        """Run the flow to its next step, in a thread; cancellation waits for the ledger, then ends the flow rightly."""
        work = asyncio.get_running_loop().run_in_executor(self._threads, run, steps, value)
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError as cancelled:
            while not work.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([work])
            if work.exception() is None and (step := work.result()) is not None:
                _end(steps, step, cancelled)
            raise

    async def _send(self, send: Send) -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        asked_at = self._parts.clock.now()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._http.send(self._exchange.request(self._http, send))
        except FAILURES as error:
            raise self._exchange.failed(error) from None
        return self._exchange.inbound(response, asked_at)

    def _ring(self) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._line.nudge)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._parts.clock.sleep_async(seconds)


def _end(steps: Steps, step: Step, cancelled: BaseException) -> None:
    """End a flow that stands at `step` before that step was begun."""
    error = NothingSent("cancelled") if isinstance(step, Send) else cancelled
    with suppress(KeepaheadError, asyncio.CancelledError):
        tell(steps, error)
