"""One call and the archive: what is there need not be paid for, what others fetch is waited for, what comes is kept.

The archive lies in the ledger's database. What cannot be looked up is not paid for either; but nothing that goes wrong
here keeps an answer that is paid for from whoever paid.
"""

import logging
import uuid
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from keepahead.budget.decide import CALL_LIMIT
from keepahead.budget.entry import Label, Served
from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.keepa.archived import answer_of, joined, parcels
from keepahead.keepa.call_id import new_call_id
from keepahead.keepa.calls import Call
from keepahead.keepa.contents import replaces, wanted
from keepahead.keepa.costs import quote
from keepahead.keepa.shares import each_of, part_of, shape_of
from keepahead.keepa.steps import Found, Pause, Step, Steps
from keepahead.keepa.terms import Terms
from keepahead.keepa.wire import Answer
from keepahead.store.archive import Archive
from keepahead.store.ledger import Ledger
from keepahead.store.wanted import Claim, Item, Wanted

PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 1.0
"""Whoever waits for what another process fetches looks so often: ever more seldom, from the first to the second."""

PATIENCE = timedelta(seconds=30)
"""So long an answer on its way is awaited even by those who will not wait for tokens: their own would take as long."""

RENEW_AFTER = timedelta(minutes=1)
"""Whoever sends later than so long after leasing, because others of his program came first, leases once more."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

RECALLED_AT_ONCE = 100
"""More items than this are looked up in a thread, in memory or not: meanwhile the event loop has other things to do."""

Look = Callable[[Wanted, datetime, datetime], Mapping[str, Item]]
"""Returns what will do, was fetched since then, and is there now."""

log = logging.getLogger("keepahead")


@dataclass(frozen=True, slots=True)
class Shelf:
    """The archive, and what it takes to use it on somebody's terms."""

    archive: Archive
    ledger: Ledger
    clock: Clock
    terms: Terms


class Flight:
    """What one flow does with the archive. Without a shelf, or on terms that accept no age, it looks for nothing."""

    def __init__(self, call: Call, shelf: Shelf | None, *, divide: bool) -> None:
        of = wanted(call)
        self._shelf = shelf if of is not None else None
        self._divides = divide
        self._holder = uuid.uuid4().hex
        self._holds = self._shares = False
        self._since = self._renew_at = LONG_AGO
        if shelf is not None and of is not None:
            age = shelf.terms.age_for(call)
            self._shares = age > timedelta() and (divide or len(of.items) == 1)
            self._since = shelf.clock.now() - age

    def claim(self, call: Call, deadline: datetime | None) -> Generator[Step, Any, tuple[Call | None, Call | None]]:
        """Yield what is there, and return the part to be paid for here, and the part that others fetch until then.

        As long as all of it is being fetched by others it waits for them, but not for ever.
        """
        shelf = self._shelf
        if not self._shares or shelf is None:
            return call, None
        seconds = PAUSE_SECONDS
        give_up_at = None if deadline is None else max(deadline, shelf.clock.now() + PATIENCE)
        rest, claim = call, self._claim(call)
        while True:
            left = yield from self._deliver(rest, claim)
            if left is None or claim.mine:
                return part_of(rest, claim.mine), part_of(rest, claim.others)
            rest = left
            if part_of(rest, claim.others) is not rest:  # somebody has given up what was waited for
                claim = self._claim(rest)
                continue
            if give_up_at is not None and shelf.clock.now() >= give_up_at:
                self._shares = False  # it pays for itself
                return rest, None
            yield Pause(seconds)
            seconds = min(2 * seconds, LONGEST_PAUSE_SECONDS)
            claim = self._peek(rest)

    def confirm(self, call: Call) -> bool:
        """Tell whether the call is still to be paid for here, after the leases were given up or grew old."""
        if not self._shares or self._shelf is None or (self._holds and self._shelf.clock.now() < self._renew_at):
            return True
        claim = self._claim(call)
        if claim.found or claim.others:
            self.release()
            return False
        return True

    def is_answered(self, call: Call) -> bool:
        """Tell whether some of it has come into the archive."""
        return self._shares and bool(self._peek(call).found)

    def release(self) -> None:
        """Let others fetch what this one does not: it ends, or waits for tokens. What cannot be released lapses."""
        if self._holds and self._shelf is not None:
            self._holds = False
            with suppress(LedgerError):
                self._shelf.archive.release(self._holder)

    def keep(self, answer: Answer) -> None:
        """Keep what was paid for, and end the leases."""
        if self._shelf is None:
            return
        try:
            for number, parcel in enumerate(parcels(answer)):
                of = parcel.wanted
                self._shelf.archive.keep(
                    of,
                    parcel.items,
                    replaces=lambda new, old, of=of: replaces(of.endpoint, new, old),
                    holder=self._holder if self._holds and number == 0 else None,
                )
                self._holds = False
        except LedgerError as error:
            log.warning("the answer to %s is not archived; asked again it costs again: %s", answer.call_id, error)

    def _claim(self, call: Call) -> Claim:
        shelf, of = self._of(call)
        now = shelf.clock.now()
        claim = shelf.archive.claim(of, self._since, now, self._holder, now + CALL_LIMIT)
        self._holds = self._holds or bool(claim.mine or claim.found)
        self._renew_at = now + RENEW_AFTER
        return claim

    def _peek(self, call: Call) -> Claim:
        shelf, of = self._of(call)
        return shelf.archive.peek(of, self._since, shelf.clock.now(), self._holder)

    def _of(self, call: Call) -> tuple[Shelf, Wanted]:
        of = wanted(call)
        assert self._shelf is not None  # noqa: S101 - who shares has one
        assert of is not None  # noqa: S101 - as above
        return self._shelf, of

    def _deliver(self, call: Call, claim: Claim) -> Generator[Step, Any, Call | None]:
        """Yield what was found; return what was not."""
        if not claim.found or self._shelf is None:
            return call
        left = part_of(call, [item for item in self._of(call)[1].items if item not in claim.found])
        saved = _serve(call, left, claim.found, self._shelf)
        yield Found(_answers(call, claim.found, saved, divide=self._divides))
        return left


def look(
    calls: Sequence[Call], shelf: Shelf, left: list[Call], *, divide: bool = True, at_any_age: bool = False
) -> Steps:
    """Yield what the archive has of some calls, in few statements; put into `left` what it has not.

    `at_any_age` takes whatever there is, and marks it as stale.
    """
    asked = [wanted(call, at_any_age=at_any_age) for call in calls]
    found = _look(calls, asked, shelf, shelf.archive.look, at_any_age=at_any_age)
    answers: list[Answer] = []
    for call, items in zip(calls, found, strict=True):
        of = wanted(call)
        missing = [name for name in of.items if name not in items] if of else []
        if not items or (missing and not divide):
            left.append(call)
            continue
        rest = part_of(call, missing)
        if rest is not None:
            left.append(rest)
        saved = _serve(call, rest, items, shelf)
        answers.extend(_answers(call, items, saved, divide=divide, is_stale=at_any_age))
    if answers:
        yield Found(tuple(answers))


def recall(calls: Sequence[Call], shelf: Shelf, *, divide: bool = True) -> tuple[Sequence[Answer], bool] | None:
    """Return what the archive has of some calls if all of it is in memory and little, without a look at any database.

    The other value tells whether the ledger is to be flushed.
    """
    asked = [wanted(call) for call in calls]
    if sum(len(of.items) for of in asked if of is not None) > RECALLED_AT_ONCE:
        return None
    found = _look(calls, asked, shelf, shelf.archive.recall)
    if not all(of is not None and len(items) == len(of.items) for of, items in zip(asked, found, strict=True)):
        return None
    answers: list[Answer] = []
    is_due = False
    for call, items in zip(calls, found, strict=True):
        served = _served(call, None, items, shelf)
        is_due = shelf.ledger.note(served) or is_due
        answers.extend(_answers(call, items, served.tokens, divide=divide))
    return answers, is_due


def _look(
    calls: Sequence[Call], asked: Sequence[Wanted | None], shelf: Shelf, find: Look, *, at_any_age: bool = False
) -> Sequence[Mapping[str, Item]]:
    """Return what is there of each call. Those that differ in their items only are looked for together."""
    now = shelf.clock.now()
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, of in enumerate(asked):
        if of is not None:
            alike.setdefault((of.endpoint, of.domain, of.contents), []).append(number)
    found: list[Mapping[str, Item]] = [{}] * len(calls)
    for numbers in alike.values():
        age = shelf.terms.age_for(calls[numbers[0]])
        parts = [of for number in numbers if (of := asked[number]) is not None]
        if age <= timedelta() and not at_any_age:
            continue
        together = parts[0]
        if len(parts) > 1:
            together = replace(together, items=tuple(dict.fromkeys(name for of in parts for name in of.items)))
        items = find(together, LONG_AGO if at_any_age else now - age, now)
        for number, of in zip(numbers, parts, strict=True):
            found[number] = {name: items[name] for name in of.items if name in items}
    return found


def _answers(
    call: Call, found: Mapping[str, Item], saved: int, *, divide: bool, is_stale: bool = False
) -> tuple[Answer, ...]:
    """Return what was found: an answer for each item, or one for all where the call stays in one piece."""
    if not divide:
        return (joined(call, list(found.values()), is_stale=is_stale, saved=saved),)
    shares = _shared_out(saved, found)
    return tuple(
        answer_of(part, found[name], is_stale=is_stale, saved=shares[name]) for name, part in each_of(call, found)
    )


def _shared_out(saved: int, found: Mapping[str, Item]) -> Mapping[str, int]:
    """Share out what was saved by what each item cost then; the shares add up to it."""
    paid = sum(item.tokens for item in found.values())
    shares: dict[str, int] = {}
    before = so_far = 0
    for name, item in found.items():
        so_far += item.tokens
        upto = saved * so_far // paid if paid else 0
        shares[name] = upto - before
        before = upto
    return shares


def _serve(call: Call, left: Call | None, found: Mapping[str, Item], shelf: Shelf) -> int:
    """Have on record what the archive saved, and return it."""
    served = _served(call, left, found, shelf)
    shelf.ledger.serve(served)
    return served.tokens


def _served(call: Call, left: Call | None, found: Mapping[str, Item], shelf: Shelf) -> Served:
    """Return what the archive saved: what was paid then, but not more than it would have cost now."""
    now, terms = shelf.clock.now(), shelf.terms
    likely, shape = _told_of(call)
    if left is not None:
        likely, shape = likely - quote(left).tokens_likely, shape_of(part_of(call, found) or call)
    payers = {item.call_id for item in found.values()}
    return Served(
        at=now,
        label=Label(new_call_id(now), call.endpoint, terms.lane.name, terms.caller),
        tokens=max(0, min(likely, sum(item.tokens for item in found.values()))),
        shape=shape,
        paid_by=payers.pop() if len(payers) == 1 else "",
    )


@lru_cache(maxsize=500)
def _told_of(call: Call) -> tuple[int, str]:
    """Return what a call costs likely, and its shape: the hottest calls come again and again."""
    return quote(call).tokens_likely, shape_of(call)
