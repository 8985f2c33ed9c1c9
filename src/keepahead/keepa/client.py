"""Keepa and AsyncKeepa: two short drivers of the one flow, over an httpx2 transport each.

The async driver runs every step that touches the ledger in a worker thread. The key is added to a request in the last
moment before the transport, so that no log or error of the layers above ever sees it.
"""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

import httpx2

from keepahead.budget.status import Status
from keepahead.errors import KeepaheadError
from keepahead.keepa import flow
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.batch import AsyncBatches, Batches, Outcome
from keepahead.keepa.calls import Call
from keepahead.keepa.key_transport import KeyTransport
from keepahead.keepa.line import Line, Place, sleep_or_wake
from keepahead.keepa.methods import Methods
from keepahead.keepa.objects import Product
from keepahead.keepa.parts import Parts, places
from keepahead.keepa.plans import Domain, Plan, ProductOptions
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
)
from keepahead.keepa.terms import Terms
from keepahead.keepa.wire import Answer, Inbound

R = TypeVar("R")

CONNECT_SECONDS = 30.0
READ_SECONDS = 120.0
"""Keepa's own client waits so long (protocol sheet, section 1); calls with offers can take 20 s, with stock minutes."""

CALL_SECONDS = 300.0
"""No call takes longer than this altogether; well below decide.CALL_LIMIT."""

_THREADS = 16
"""Steps of so many calls can reach the ledger together, and go through it in one transaction."""

_TIMEOUT = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
_NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
_NO_ANSWER = (httpx2.HTTPError, httpx2.StreamError, TimeoutError, OSError)


class AsyncKeepa(Spender, AsyncMethods):
    """Keepa within its budget, for asyncio. Use it as an async context manager."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = httpx2.AsyncClient(transport=KeyTransport(parts.transport, parts.key), timeout=_TIMEOUT)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="keepahead")
        self._places = asyncio.Semaphore(places(parts))
        self._line = Line(parts.clock.sleep_async)
        self._pausing: set[asyncio.Event] = set()
        self._batches = AsyncBatches(self._pay, parts.clock.sleep_async)
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections and the ledger. Calls under way end: what is not sent yet is not sent any more."""
        self._closed = True
        self._line.nudge()
        self._end_listening()
        with suppress(RuntimeError):  # its event loop is gone, and its connections with it
            await self._http.aclose()
        self._threads.shutdown()
        self._parts.close()

    async def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        self._demand_home()
        parts = self._parts
        await self._drive(flow.first_meter(parts.ledger, parts.clock, parts.terms), [])
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._status)

    async def archived(
        self, *, domain: Domain = 1, most: int = 1_000, **options: Unpack[ProductOptions]
    ) -> list[Product]:
        """Return archived products that would do for these options, the newest first; costs nothing, saves nothing."""
        self._demand_home()
        look = partial(self._archived, domain, options, most)
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    def _demand_home(self) -> None:
        self._demand_open()
        loop = asyncio.get_running_loop()
        self._loop = self._loop or loop
        if self._loop is not loop:
            raise RuntimeError("this Keepa client belongs to another event loop; nothing was sent. Make one for each")

    async def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        self._demand_home()
        terms = self._terms(plan, options)
        answers: list[Answer] = []
        left: list[Call] = []
        failure: KeepaheadError | None = None
        if look := self._look(plan, terms, left):
            await self._drive(look, answers)
        if left:
            rider = self._rides(plan, left, terms)
            paid, failure = await (
                self._batches.ride(rider, terms) if rider else self._pay(left, terms, divide=plan.divide)
            )
            answers.extend(paid)
        if look := self._look_for_stale(plan, answers, terms, failure):
            await self._drive(look, answers)
        return self._result(plan, terms, self._outcome(plan, answers, failure))

    async def _pay(
        self, calls: Sequence[Call], terms: Terms, arrived: list[Answer] | None = None, *, divide: bool = True
    ) -> Outcome:
        """Pay for calls; return what came and what went wrong. What comes of a single one is in `arrived` at once."""
        try:
            spends = self._spends(calls, terms, divide=divide)
            if ahead := self._foresight(calls, terms):
                await self._drive(ahead, [])
        except KeepaheadError as error:
            return (), error
        answers: list[list[Answer]] = [[] for _ in spends] if arrived is None else [arrived]
        failures: list[KeepaheadError] = []
        waiting = iter(enumerate(spends))

        async def work() -> None:
            for number, steps in waiting:
                try:
                    await self._drive(steps, answers[number])
                except KeepaheadError as error:
                    failures.append(error)
                if failures:
                    return

        if len(spends) == 1:
            await work()
        else:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(len(spends), self._parts.max_concurrency)):
                    group.create_task(work())
        return [each for some in answers for each in some], failures[0] if failures else None

    async def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        inside = sent = False
        place: Place | None = None
        try:
            step = await self._advance(_next, steps, None)
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
                            value = await self._exchange(step)
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
                    step = await self._advance(_next, steps, value)
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
            return _throw(steps, error)
        return await self._advance(_throw, steps, error)

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

    async def _exchange(self, send: Send) -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        asked_at = self._parts.clock.now()
        try:
            async with asyncio.timeout(CALL_SECONDS):
                response = await self._http.send(self._request(self._http, send))
        except _NOTHING_SENT as error:
            raise NothingSent(self._told(error)) from None
        except _NO_ANSWER as error:
            raise NoAnswer(self._told(error)) from None
        return self._inbound(response, asked_at)

    def _ring(self) -> None:
        loop = self._loop
        if loop is not None:
            with suppress(RuntimeError):  # it is closed
                loop.call_soon_threadsafe(self._line.nudge)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await self._parts.clock.sleep_async(seconds)


class Keepa(Spender, Methods):
    """Keepa within its budget, blocking. Use it as a context manager; threads may share it."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = httpx2.Client(transport=KeyTransport(parts.transport, parts.key), timeout=_TIMEOUT)
        # Not threading.Semaphore: that is Python, and a Ctrl-C inside it leaves it locked for ever.
        self._waiting: set[threading.Event] = set()
        self._batches = Batches(self._pay, self._sleep)
        self._places: SimpleQueue[None] = SimpleQueue()
        for _ in range(places(parts)):
            self._places.put(None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections and the ledger."""
        self._closed = True
        self._ring()
        self._end_listening()
        self._http.close()
        self._parts.close()

    def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        self._demand_open()
        parts = self._parts
        self._drive(flow.first_meter(parts.ledger, parts.clock, parts.terms), [])
        return self._status()

    def archived(self, *, domain: Domain = 1, most: int = 1_000, **options: Unpack[ProductOptions]) -> list[Product]:
        """Return archived products that would do for these options, the newest first; costs nothing, saves nothing."""
        self._demand_open()
        return self._archived(domain, options, most)

    def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        self._demand_open()
        terms = self._terms(plan, options)
        answers: list[Answer] = []
        left: list[Call] = []
        failure: KeepaheadError | None = None
        if look := self._look(plan, terms, left):
            self._drive(look, answers)
        if left:
            rider = self._rides(plan, left, terms)
            paid, failure = self._batches.ride(rider, terms) if rider else self._pay(left, terms, divide=plan.divide)
            answers.extend(paid)
        if look := self._look_for_stale(plan, answers, terms, failure):
            self._drive(look, answers)
        return self._result(plan, terms, self._outcome(plan, answers, failure))

    def _pay(self, calls: Sequence[Call], terms: Terms, *, divide: bool = True) -> Outcome:
        """Pay for calls; return what came and what went wrong."""
        answers: list[Answer] = []
        try:
            spends = self._spends(calls, terms, divide=divide)
            if ahead := self._foresight(calls, terms):
                self._drive(ahead, [])
            for steps in spends:
                self._drive(steps, answers)
        except KeepaheadError as error:
            return answers, error
        return answers, None

    def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        inside = False
        try:
            step = _next(steps, None)
            while step is not None:
                self._see(step)
                value: object = None
                try:
                    match step:
                        case Enter():
                            self._places.get()
                            inside = True
                        case Leave():
                            self._places.put(None)
                            inside = False
                        case Pace():
                            self._sleep(self._rhythm.take(self._parts.clock.now()))
                        case Wait():
                            self._listen()
                            self._wait(step.seconds)
                        case Send():
                            value = self._exchange(step)
                        case Got():
                            answers.append(step.answer)
                        case Found():
                            answers.extend(step.answers)
                        case Pause():
                            self._wait(step.seconds)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means, then it goes on its way
                    step = _throw(steps, error)
                else:
                    step = _next(steps, value)
        finally:
            if inside:
                self._places.put(None)
            steps.close()  # as above
            self._ring()

    def _exchange(self, send: Send) -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        asked_at = self._parts.clock.now()
        try:
            response = self._http.send(self._request(self._http, send))
        except _NOTHING_SENT as error:
            raise NothingSent(self._told(error)) from None
        except _NO_ANSWER as error:
            raise NoAnswer(self._told(error)) from None
        return self._inbound(response, asked_at)

    def _wait(self, seconds: float) -> None:
        wake = threading.Event()
        self._waiting.add(wake)
        try:
            if not self._closed:
                self._parts.clock.sleep(max(0.0, seconds), wake)
        finally:
            self._waiting.discard(wake)

    def _ring(self) -> None:
        for wake in tuple(self._waiting):
            wake.set()

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            self._parts.clock.sleep(seconds)


def _next(steps: Steps, value: object) -> Step | None:
    """Run the flow to its next step; None at its end (StopIteration cannot leave a thread)."""
    try:
        return steps.send(value)
    except StopIteration:
        return None


def _throw(steps: Steps, error: BaseException) -> Step | None:
    """Tell the flow what went wrong; it goes on, or raises what the caller shall see."""
    try:
        return steps.throw(error)
    except StopIteration:
        return None


def _end(steps: Steps, step: Step, cancelled: BaseException) -> None:
    """End a flow that stands at `step` before that step was begun."""
    error = NothingSent("cancelled") if isinstance(step, Send) else cancelled
    with suppress(KeepaheadError, asyncio.CancelledError):
        _throw(steps, error)
