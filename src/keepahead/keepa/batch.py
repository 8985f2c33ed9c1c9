"""Calls for a single product that come at about the same time ride in one call; each gets what is its own.

Whoever sets a limit to the tokens rides alone: the limit is meant for this product, not for those of others.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, NamedTuple

from keepahead.errors import KeepaheadError, KeepaRejected, RefusedError
from keepahead.keepa.archived import apart
from keepahead.keepa.calls import Call, ProductCall
from keepahead.keepa.shares import items_of
from keepahead.keepa.terms import Terms
from keepahead.keepa.wire import Answer

BATCH_SECONDS = 0.005
"""So long the first waits for others to come."""


class Outcome(NamedTuple):
    """What came, what went wrong with the rest, and how many tokens were charged for what did not come."""

    answers: Sequence[Answer]
    failure: KeepaheadError | None = None
    lost: int = 0


Key = tuple[ProductCall, Terms]

_ABOUT_THE_CALL = frozenset((400, 404, 405))
_ANY = ("B000000000",)


class Batch:
    """Those who ride together, by what they ask for."""

    def __init__(self) -> None:
        self.calls: list[ProductCall] = []
        self._asked: tuple[str, ...] = ()
        self._charged: set[str] = set()

    def takes(self, call: ProductCall) -> bool:
        """Tell whether the call fits in: what somebody in it wants already takes no place."""
        return not self.calls or len({*self._items, *call.items}) <= self.calls[0].item_limit

    @property
    def is_for_one(self) -> bool:
        """Tell whether nobody rides with it who wants something else."""
        return len(self._items) == 1

    def leave(self) -> ProductCall:
        """Return the one call for all of them."""
        self._asked = self._items
        return self.calls[0].narrowed(self._asked)

    def charge(self, call: ProductCall, own: Outcome, whole: Outcome) -> Outcome:
        """Return a rider's outcome with its share of the cost: the first of those who want the same item bears it."""
        item = call.items[0]
        if item in self._charged:
            return own._replace(answers=[_free(answer) for answer in own.answers], lost=0)
        self._charged.add(item)
        if own.failure is None:
            return own
        had = {name for answer in whole.answers for name in items_of(answer.call)}
        missing = [name for name in self._asked if name not in had]
        base, more = divmod(whole.lost, len(missing))
        return own._replace(lost=base + (missing.index(item) < more))

    @property
    def _items(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(item for call in self.calls for item in call.items))


class Arrivals(list[Answer]):
    """What has come of a batch so far, an answer for each item; `bell` rings when more comes."""

    def __init__(self) -> None:
        super().__init__()
        self.bell = asyncio.Event()

    def append(self, answer: Answer) -> None:
        """Take an answer."""
        self.extend((answer,))

    def extend(self, answers: Iterable[Answer]) -> None:
        """Take answers."""
        super().extend(each for answer in answers for each in apart(answer))
        self.bell.set()
        self.bell = asyncio.Event()


class AsyncBatches:
    """The batches that still take riders, for one event loop.

    `waits_alone`: the first waits for others even if nothing is under way.
    """

    def __init__(
        self,
        pay: Callable[[Sequence[Call], Terms, Arrivals | None], Awaitable[Outcome]],
        sleep: Callable[[float], Coroutine[Any, Any, None]],
        *,
        waits_alone: bool,
    ) -> None:
        self._waits_alone = waits_alone
        self._under_way = 0
        self._pay = pay
        self._sleep = sleep
        self._open: dict[Key, tuple[Batch, Arrivals, asyncio.Task[Outcome]]] = {}

    async def ride(self, call: ProductCall, terms: Terms) -> Outcome:
        """Pay for the call together with others like it."""
        key = _key(call, terms)
        batch, arrived, task = self._open.get(key) or (Batch(), Arrivals(), None)
        if task is None or not batch.takes(call):
            batch, arrived = Batch(), Arrivals()
            task = asyncio.create_task(self._drive(batch, arrived, key))
            task.add_done_callback(_hear)
            self._open[key] = batch, arrived, task
        batch.calls.append(call)
        try:
            while not task.done():
                await _either(task, arrived.bell)
                if own := _of(call, arrived):  # the tokens for the others may be long in coming
                    batch.calls.remove(call)
                    return batch.charge(call, Outcome(own), Outcome(arrived))
            outcome = await asyncio.shield(task)
        except asyncio.CancelledError:
            batch.calls.remove(call)
            if not batch.calls and not task.done():  # nobody waits for it any more, and nobody shall get on
                self._shut(batch, key)
                task.cancel()
                await asyncio.wait([task])
            raise
        own = own_of(call, outcome, is_for_one=batch.is_for_one)
        return batch.charge(call, own, outcome) if own else await self._pay([call], terms, None)

    async def _drive(self, batch: Batch, arrived: Arrivals, key: Key) -> Outcome:
        try:
            if self._waits_alone or self._under_way:
                await self._sleep(BATCH_SECONDS)
        finally:
            self._shut(batch, key)
        self._under_way += 1
        try:
            outcome = await self._pay([batch.leave()], _terms_of(batch, key), arrived)
        finally:
            self._under_way -= 1
        return outcome._replace(answers=arrived)

    def _shut(self, batch: Batch, key: Key) -> None:
        if self._open.get(key, (None,))[0] is batch:
            del self._open[key]


class Batches:
    """The batches that still take riders, for threads: the first of each waits for the others, and pays."""

    def __init__(self, pay: Callable[[Sequence[Call], Terms], Outcome], sleep: Callable[[float], None]) -> None:
        self._pay = pay
        self._sleep = sleep
        self._mutex = threading.Lock()
        self._open: dict[Key, _Shared] = {}

    def ride(self, call: ProductCall, terms: Terms) -> Outcome:
        """Pay for the call together with others like it."""
        key = _key(call, terms)
        with self._mutex:
            shared = self._open.get(key)
            leads = shared is None or not shared.takes(call)
            if shared is None or leads:
                shared = _Shared()
            shared.calls.append(call)
        if leads:
            self._lead(shared, key)
        else:
            shared.ended.wait()
        own = own_of(call, shared.outcome, is_for_one=shared.is_for_one) if shared.outcome else None
        return own or self._pay([call], terms)

    def _lead(self, shared: "_Shared", key: Key) -> None:
        try:
            try:
                with self._mutex:  # not sooner: after a Ctrl-C nobody may wait for one who has gone
                    self._open[key] = shared
                self._sleep(BATCH_SECONDS)
            finally:
                with self._mutex:
                    if self._open.get(key) is shared:
                        del self._open[key]
            outcome = self._pay([shared.leave()], _terms_of(shared, key))
            shared.outcome = outcome._replace(answers=[each for answer in outcome.answers for each in apart(answer)])
        finally:
            shared.ended.set()  # should it have been interrupted, the others ride alone


class _Shared(Batch):
    """A batch of threads; `outcome` is there when it has ended well."""

    def __init__(self) -> None:
        super().__init__()
        self.ended = threading.Event()
        self.outcome: Outcome | None = None


def own_of(call: ProductCall, outcome: Outcome, *, is_for_one: bool) -> Outcome | None:
    """Return one rider's part of what came of a batch; None says that it should ride alone.

    A refusal, or an error that cost nothing, may be due to the others, and would be worded for all of them.
    """
    own, failure = _of(call, outcome.answers), outcome.failure
    if own or failure is None:
        return Outcome(own)
    may_be_due_to_others = isinstance(failure, RefusedError) or (
        isinstance(failure, KeepaRejected) and failure.status in _ABOUT_THE_CALL and not failure.tokens_charged
    )
    return None if may_be_due_to_others and not is_for_one else Outcome((), failure, outcome.lost)


def _of(call: ProductCall, answers: Sequence[Answer]) -> Sequence[Answer]:
    return [answer for answer in answers if call.items[0] in items_of(answer.call)]


def _free(answer: Answer) -> Answer:
    """Return an answer that somebody else has been charged for."""
    return replace(answer, reading=replace(answer.reading, consumed=0), tokens_saved=0)


async def _either(task: "asyncio.Task[Outcome]", bell: asyncio.Event) -> None:
    """Wait until the task has ended or the bell rings."""
    rings = asyncio.ensure_future(bell.wait())
    try:
        await asyncio.wait((task, rings), return_when=asyncio.FIRST_COMPLETED)
    finally:
        rings.cancel()


def _key(call: ProductCall, terms: Terms) -> Key:
    return call.narrowed(_ANY), terms


def _terms_of(batch: Batch, key: Key) -> Terms:
    """Return on what terms a batch is paid for: places are kept for each rider, not for those who happen to meet."""
    return key[1] if batch.is_for_one else replace(key[1], keeps_place_for=timedelta())


def _hear(task: "asyncio.Task[Outcome]") -> None:
    """Take note of an error that nobody waits for any more."""
    with suppress(asyncio.CancelledError):
        task.exception()
