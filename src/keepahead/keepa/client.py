"""Keepa and AsyncKeepa: what a method asks for is looked up in the archive, paid for, and put together.

Both carry out the one flow: the blocking client here, the other in async_driver.py.
"""

import asyncio
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache, partial
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from keepahead.budget.lane import Lane
from keepahead.budget.rule import CALLER_NAME, is_caller_name
from keepahead.budget.status import Status
from keepahead.errors import InvalidCallError, KeepaheadError
from keepahead.keepa import flow
from keepahead.keepa.async_driver import AsyncDriver
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.batch import AsyncBatches, Batches, Outcome
from keepahead.keepa.calls import Call
from keepahead.keepa.exchange import FAILURES
from keepahead.keepa.methods import Methods
from keepahead.keepa.objects import Product
from keepahead.keepa.on_behalf import NotRememberedError, OnBehalf
from keepahead.keepa.parts import Parts, places
from keepahead.keepa.plans import Domain, Plan, ProductOptions, SpendOptions
from keepahead.keepa.spender import Spender, dearest, own_terms, paid_in_vain, paying_terms
from keepahead.keepa.steps import (
    Enter,
    Found,
    Got,
    Leave,
    NothingSent,
    Pace,
    Pause,
    Send,
    Steps,
    Wait,
    advance,
    tell,
)
from keepahead.keepa.tally import Tally
from keepahead.keepa.terms import Terms
from keepahead.keepa.wire import Answer, Inbound

R = TypeVar("R")


class AsyncKeepa(AsyncDriver, AsyncMethods):
    """Keepa within its budget, for asyncio. Use it as an async context manager."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._batches = AsyncBatches(self._pay, parts.clock.sleep_async, waits_alone=parts.waits_alone)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self, drain_seconds: float = 0) -> None:
        """Close the connections and the ledger. Calls under way end: what is not sent yet is not sent any more.

        Those whose caller was cancelled have `drain_seconds` to bring their answers; then they end as well, as lost.
        """
        self._closed = True
        self._line.nudge()
        self._end_listening()
        try:
            await self._background.drain(drain_seconds)
        finally:
            with suppress(RuntimeError):  # its event loop is gone, and its connections with it
                await self._http.aclose()
            self._has_ended = True
            self._threads.shutdown()
            self._parts.close()

    def on_behalf_of(
        self,
        caller: str,
        lane: Lane,
        *,
        tally: Tally | None = None,
        is_below_floor: bool = False,
        **defaults: Unpack[SpendOptions],
    ) -> OnBehalf:
        """Return this client on the terms of somebody else: caller, lane, and what a method does not say itself.

        `is_below_floor`: it was seen that nothing can be spent just now. No method goes beyond `max_tokens`. What it
        costs is added up in `tally`. Takes microseconds, needs no closing. Raises InvalidCallError for what cannot be.
        """
        return OnBehalf(self, _terms_of(self._parts.terms, caller, lane, is_below_floor, **defaults), tally)

    async def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        return await self.status_on(self._parts.terms)

    async def archived(
        self, *, domain: Domain = 1, most: int = 1_000, **options: Unpack[ProductOptions]
    ) -> list[Product]:
        """Return archived products that would do for these options, the newest first; costs nothing, saves nothing."""
        return await self.archived_on(self._parts.terms, domain, most, options)

    async def foresee(self, shape: str, tokens_max: int, **options: Unpack[SpendOptions]) -> None:
        """Refuse work that cannot all be paid for in time, before its first call; see AsyncMethods."""
        await self.foresee_on(self._parts.terms, shape, tokens_max, options)

    async def foresee_on(self, terms: Terms, shape: str, tokens_max: int, options: Mapping[str, Any]) -> None:
        """Refuse work that cannot all be paid for in time."""
        self._demand_home()
        await self._drive(self._foreseen(terms, shape, tokens_max, options), [])

    async def end_work(self, shape: str) -> None:
        """Give up what is still kept for work that `foresee` let in and that has ended; else it is kept for 60 s."""
        await self.end_work_on(self._parts.terms, shape)

    async def end_work_on(self, terms: Terms, shape: str) -> None:
        """Give up what is still kept for work."""
        await self._drive(self._ended(terms, shape), [])

    async def status_on(self, terms: Terms) -> Status:
        """Return the account with the floor of the lane of these terms."""
        self._demand_home()
        await self._drive(flow.first_meter(self._parts.ledger, self._parts.clock, terms), [])
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._status, terms.lane)

    async def archived_on(self, terms: Terms, domain: Domain, most: int, options: Mapping[str, Any]) -> list[Product]:
        """Return archived products that would do."""
        self._demand_home()
        look = partial(self._archived, terms, domain, options, most)
        return await asyncio.get_running_loop().run_in_executor(self._threads, look)

    async def run_on(self, terms: Terms, plan: Plan[R], options: Mapping[str, Any], tally: Tally | None = None) -> R:
        """Carry out a plan; `options` go before `terms`. What it cost goes into `tally`."""
        self._demand_home()
        terms = own_terms(terms, plan, options)
        with suppress(NotRememberedError):
            return self._from_memory(terms, plan, tally)
        return await self._look_and_pay(terms, plan, tally)

    def recall_on(self, terms: Terms, plan: Plan[R], options: Mapping[str, Any], tally: Tally | None = None) -> R:
        """Answer a plan from memory alone, on the spot. Raises NotRememberedError where not all of it is there."""
        self._demand_home()
        return self._from_memory(own_terms(terms, plan, options), plan, tally)

    def _from_memory(self, terms: Terms, plan: Plan[R], tally: Tally | None) -> R:
        remembered = self._recall(plan, terms)
        if remembered is None:
            raise NotRememberedError
        answers, is_due = remembered
        self._see(Found(tuple(answers)))
        if is_due:
            self._flush()
        if tally is not None:
            tally.take(answers)
        return self._result(plan, terms, Outcome(answers))

    async def _look_and_pay(self, terms: Terms, plan: Plan[R], tally: Tally | None) -> R:
        terms = paying_terms(terms, plan)
        answers: list[Answer] = []
        left: list[Call] = []
        paid = Outcome(())
        try:
            if look := self._look(plan, terms, left):
                await self._drive(look, answers)
            if left:
                rider = self._rides(plan, left, terms)
                paid = await (self._batches.ride(rider, terms) if rider else self._pay(left, terms, divide=plan.divide))
                answers.extend(paid.answers)
            if look := self._look_for_stale(plan, answers, terms, paid.failure):
                await self._drive(look, answers)
        finally:
            if tally is not None:
                tally.take(answers, paid.lost)
        return self._result(plan, terms, self._outcome(plan, answers, paid.failure))

    async def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        return await self.run_on(self._parts.terms, plan, options)

    async def _pay(
        self, calls: Sequence[Call], terms: Terms, arrived: list[Answer] | None = None, *, divide: bool = True
    ) -> Outcome:
        """Pay for calls; return what came and what went wrong. What comes of a single one is in `arrived` at once."""
        try:
            spends = self._spends(calls, terms, divide=divide)
            ahead = self._foresight(calls, terms)
            if ahead:
                await self._drive(ahead, [])
        except KeepaheadError as error:
            return Outcome((), error, paid_in_vain([error]))
        answers: list[list[Answer]] = [[] for _ in spends] if arrived is None else [arrived]
        try:
            failures = await self._carry_out_all(spends, answers)
        finally:
            if ahead and (ended := self._list_ended(terms)):
                await self._drive(ended, [])
        return Outcome([each for some in answers for each in some], dearest(failures), paid_in_vain(failures))

    async def _carry_out_all(self, spends: Sequence[Steps], answers: Sequence[list[Answer]]) -> list[KeepaheadError]:
        """Carry out flows, so many at a time; none is begun after one has failed. Return what went wrong."""
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
        return failures


class Keepa(Spender, Methods):
    """Keepa within its budget, blocking. Use it as a context manager; threads may share it."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(parts)
        self._http = self._exchange.http()
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

    def foresee(self, shape: str, tokens_max: int, **options: Unpack[SpendOptions]) -> None:
        """Refuse work that cannot all be paid for in time, before its first call; see Methods."""
        self._demand_open()
        self._drive(self._foreseen(self._parts.terms, shape, tokens_max, options), [])

    def end_work(self, shape: str) -> None:
        """Give up what is still kept for work that `foresee` let in and that has ended; else it is kept for 60 s."""
        self._drive(self._ended(self._parts.terms, shape), [])

    def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        self._demand_open()
        parts = self._parts
        self._drive(flow.first_meter(parts.ledger, parts.clock, parts.terms), [])
        return self._status(parts.terms.lane)

    def archived(self, *, domain: Domain = 1, most: int = 1_000, **options: Unpack[ProductOptions]) -> list[Product]:
        """Return archived products that would do for these options, the newest first; costs nothing, saves nothing."""
        self._demand_open()
        return self._archived(self._parts.terms, domain, options, most)

    def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        self._demand_open()
        terms = paying_terms(own_terms(self._parts.terms, plan, options), plan)
        answers: list[Answer] = []
        left: list[Call] = []
        failure: KeepaheadError | None = None
        if look := self._look(plan, terms, left):
            self._drive(look, answers)
        if left:
            rider = self._rides(plan, left, terms)
            paid = self._batches.ride(rider, terms) if rider else self._pay(left, terms, divide=plan.divide)
            answers.extend(paid.answers)
            failure = paid.failure
        if look := self._look_for_stale(plan, answers, terms, failure):
            self._drive(look, answers)
        return self._result(plan, terms, self._outcome(plan, answers, failure))

    def _pay(self, calls: Sequence[Call], terms: Terms, *, divide: bool = True) -> Outcome:
        """Pay for calls; return what came and what went wrong."""
        answers: list[Answer] = []
        try:
            spends = self._spends(calls, terms, divide=divide)
            ahead = self._foresight(calls, terms)
            if ahead:
                self._drive(ahead, [])
            try:
                for steps in spends:
                    self._drive(steps, answers)
            finally:
                if ahead and (ended := self._list_ended(terms)):
                    self._drive(ended, [])
        except KeepaheadError as error:
            return Outcome(answers, error, paid_in_vain([error]))
        return Outcome(answers)

    def _drive(self, steps: Steps, answers: list[Answer]) -> None:
        inside = False
        try:
            step = advance(steps, None)
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
                            value = self._send(step)
                        case Got():
                            answers.append(step.answer)
                        case Found():
                            answers.extend(step.answers)
                        case Pause():
                            self._wait(step.seconds)
                except BaseException as error:  # noqa: BLE001 - the flow decides what it means, then it goes on its way
                    step = tell(steps, error)
                else:
                    step = advance(steps, value)
        finally:
            if inside:
                self._places.put(None)
            steps.close()  # as above
            self._ring()

    def _send(self, send: Send) -> Inbound:
        if self._closed:
            raise NothingSent("the client was closed")
        asked_at = self._parts.clock.now()
        try:
            response = self._http.send(self._exchange.request(self._http, send))
        except FAILURES as error:
            raise self._exchange.failed(error) from None
        return self._exchange.inbound(response, asked_at)

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


@lru_cache(maxsize=500)
def _terms_of(own: Terms, caller: str, lane: Lane, is_below_floor: bool, **defaults: Any) -> Terms:
    """Return the terms of one caller: few come, and again and again."""
    if not is_caller_name(caller):
        raise InvalidCallError("invalid_caller", f"{CALLER_NAME}, not {caller!r:.40}", parameter="caller")
    return replace(own, caller=caller, lane=lane, is_below_floor=is_below_floor, **defaults)
