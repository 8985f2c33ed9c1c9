"""Carries out the steps of flows for asyncio. Every step that touches the ledger runs in a worker thread."""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from keepahead.errors import KeepaheadError, LedgerError
from keepahead.keepa.background import Background, until_done
from keepahead.keepa.exchange import CALL_SECONDS, FAILURES
from keepahead.keepa.line import Line, Place, Told, sleep_or_wake
from keepahead.keepa.parts import Parts, places
from keepahead.keepa.spender import Spender
from keepahead.keepa.steps import (
    Enter,
    Found,
    Got,
    Leave,
    NoAnswer,
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

log = logging.getLogger("keepahead")

_Run = Callable[[Steps, Any], Step | None]

_PASSING = (Leave, Got, Found)
_PASSING_WITHOUT_PACE = (*_PASSING, Pace)  # who waits in no line and for no rhythm goes on at once


class AsyncDriver(Spender):
    """Places, threads and connections for the flows of one event loop."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = self._exchange.http_async()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="keepahead")
        self._places = asyncio.Semaphore(places(parts))
        self._line = Line(parts.clock.sleep_async)
        self._background = Background()
        self._is_flushing = False
        self._has_ended = False  # there are no threads any more
        self._pausing: dict[asyncio.Event, None] = {}  # in the order in which they came
        self._loop: asyncio.AbstractEventLoop | None = None

    def _demand_home(self) -> None:
        self._demand_open()
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise RuntimeError("this Keepa client belongs to another event loop; nothing was sent. Make one for each")

    async def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        """Carry out a flow. Whoever is cancelled during an exchange is free at once; the exchange goes on."""
        way = _Way(steps, answers)
        try:
            await self._follow(way)
        finally:
            if not way.goes_on:
                self._end(way)

    async def _follow(self, way: "_Way") -> None:
        step = await self._advance(advance, way, None)
        while step is not None:
            self._see(step)
            try:
                value = await self._carry_out(step, way)
            except BaseException as error:  # the flow decides what it means, then it goes on its way
                if way.goes_on:
                    raise
                step = await self._tell(way, error)
            else:
                self._demand_open()
                step = await self._advance(advance, way, value)

    async def _carry_out(self, step: Step, way: "_Way") -> object:
        """Do what a step asks for; return what the flow is to be told."""
        match step:
            case Enter():
                await self._places.acquire()
                way.inside = True
            case Pace():
                self._line.leave(way.place)
                await self._sleep(self._rhythm.take(self._parts.clock.now()))
            case Wait():
                place = step.place if step.stands else None
                if way.place != place:
                    self._line.leave(way.place)
                way.place = place
                self._listen()
                if place is None:
                    return await self._pause(step.seconds)
                told = Told(step.room, step.first)
                return await self._line.wait(place, step.seconds, step.deadline_seconds, step.tokens, told)
            case Send():
                return await self._have_sent(step, way)
            case Pause():
                self._line.leave(way.place)  # it waits for no tokens: others may watch the ledger meanwhile
                way.place = None
                await self._pause(step.seconds)
            case Leave() | Got() | Found():  # _advance has passed these
                pass
        return None

    def _leave(self, way: "_Way") -> None:
        self._places.release()
        way.inside = False
        if way.has_sent:  # what it settled for may have left tokens for others
            self._line.nudge()
        way.has_sent = False

    def _end(self, way: "_Way") -> None:
        self._line.leave(way.place)
        if way.inside:
            self._places.release()
        way.steps.close()  # its ledger is put right now, not when it is collected
        self._wake()

    async def _have_sent(self, send: Send, way: "_Way") -> Inbound:
        """Send in a task of its own, which outlives the one that is cancelled while it waits."""
        exchange = asyncio.create_task(self._send(send, way))
        try:
            await asyncio.wait([exchange])
        except asyncio.CancelledError:
            way.goes_on = True
            self._line.leave(way.place)
            end = self._go_on(exchange, way)
            if exchange.done() or exchange.cancelling():  # the event loop is at its end: nothing outlives it
                await end
            else:
                self._background.take(exchange, end)
            raise
        except GeneratorExit:
            with suppress(RuntimeError):  # the loop is closed
                exchange.cancel()
            raise
        return exchange.result()

    async def _go_on(self, exchange: "asyncio.Task[Inbound]", way: "_Way") -> None:
        """Book and archive what comes of an exchange whose caller has gone; send nothing more of the same flow."""
        gone = asyncio.CancelledError()
        await until_done(exchange)
        try:
            try:
                inbound = exchange.result()
            except (NothingSent, NoAnswer, asyncio.CancelledError) as error:
                told = error if way.has_sent else NothingSent("cancelled")
                step = await self._advance(tell, way, told)
            else:
                step = await self._advance(advance, way, inbound)
            while step is not None:
                self._see(step)
                step = await self._advance(tell, way, gone)
        except (KeepaheadError, asyncio.CancelledError) as error:
            log.info("a call whose caller had gone has ended: %s", error)
        except Exception:
            log.exception("a call whose caller had gone could not be brought to its end")
        finally:
            self._end(way)

    def _flush(self) -> None:
        """Have the ledger write what the archive answered, in a thread; nobody waits for it."""
        if not self._is_flushing:
            self._is_flushing = True
            self._threads.submit(self._flush_now)

    def _flush_now(self) -> None:
        try:
            self._parts.ledger.flush()
        except LedgerError as error:
            log.warning("what the archive answered is not on record yet: %s", error)
        finally:
            self._is_flushing = False

    async def _pause(self, seconds: float) -> None:
        """Wait for what somebody else is fetching, maybe another task of this client."""
        event = asyncio.Event()
        self._pausing[event] = None
        try:
            await sleep_or_wake(self._parts.clock.sleep_async, event, seconds)
        finally:
            del self._pausing[event]

    def _wake(self) -> None:
        """Have those look again who wait for what others fetch."""
        for event in self._pausing:
            event.set()

    async def _tell(self, way: "_Way", error: BaseException) -> Step | None:
        """Tell the flow what went wrong, in a thread as well, unless the loop is at its end."""
        if isinstance(error, GeneratorExit):
            return tell(way.steps, error)
        return await self._advance(tell, way, error)

    async def _advance(self, run: _Run, way: "_Way", value: object) -> Step | None:
        """Run the flow to its next step that has to be waited for, in a thread; what it passes is done afterwards.

        Cancellation waits for the ledger, then ends the flow rightly.
        """
        if self._has_ended:
            passed = _pass(run, way.steps, value)
        else:
            passes = _PASSING if way.place or self._parts.calls_per_minute else _PASSING_WITHOUT_PACE
            work = asyncio.get_running_loop().run_in_executor(self._threads, _pass, run, way.steps, value, passes)
            try:
                passed = await asyncio.shield(work)
            except asyncio.CancelledError as cancelled:
                await until_done(work)
                if work.exception() is None and (step := work.result().step) is not None:
                    _end_before(step, way.steps, cancelled)
                raise
        for step in passed.steps:
            self._see(step)
            self._note(step, way)
        if passed.error is not None:
            raise passed.error
        return passed.step

    def _note(self, step: Step, way: "_Way") -> None:
        """Do what a step asks for that needs no waiting."""
        match step:
            case Leave():
                self._leave(way)
            case Got():
                way.answers.append(step.answer)
                self._wake()
            case Found():
                way.answers.extend(step.answers)
            case _:
                pass

    async def _send(self, send: Send, way: "_Way") -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        way.has_sent = True
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


@dataclass(slots=True, eq=False)
class _Way:
    """A flow and where it stands: in the line, inside with those under way, with something sent.

    `goes_on`: its caller has gone, and somebody else brings it to its end.
    """

    steps: Steps
    answers: list[Answer]
    place: Place | None = None
    inside: bool = False
    has_sent: bool = False
    goes_on: bool = False


@dataclass(frozen=True, slots=True)
class _Passed:
    """The steps that need no waiting, and the one at which a flow then stands, or what it ended with."""

    steps: list[Step]
    step: Step | None
    error: BaseException | None = None


def _pass(run: _Run, steps: Steps, value: object, passes: tuple[type, ...] = _PASSING) -> _Passed:
    """Run a flow past all steps that need no waiting: each would be a way to a thread and back."""
    step = run(steps, value)
    passed: list[Step] = []
    while step is not None and isinstance(step, passes):
        passed.append(step)
        try:
            step = advance(steps, None)
        except BaseException as error:  # noqa: BLE001 - raised once what was passed is done
            return _Passed(passed, None, error)
    return _Passed(passed, step)


def _end_before(step: Step, steps: Steps, cancelled: BaseException) -> None:
    """End a flow that stands at `step` before that step was begun."""
    error = NothingSent("cancelled") if isinstance(step, Send) else cancelled
    with suppress(KeepaheadError, asyncio.CancelledError):
        tell(steps, error)
