"""What both clients do alike: everything but waiting and sending."""

import logging
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar, cast

from keepahead.budget.cost import Cost
from keepahead.budget.lane import Lane
from keepahead.budget.status import Status, status_of
from keepahead.clock import Clock
from keepahead.errors import BadAnswerError, KeepaError, KeepaheadError, LedgerError, PartialResultError, RefusedError
from keepahead.keepa import flight, flow, objects, plans
from keepahead.keepa.archived import answer_of, unread
from keepahead.keepa.batch import Outcome
from keepahead.keepa.calls import Call, ProductCall
from keepahead.keepa.contents import wanted
from keepahead.keepa.costs import quote
from keepahead.keepa.exchange import Exchange
from keepahead.keepa.flight import Shelf
from keepahead.keepa.objects import Product
from keepahead.keepa.parts import Parts
from keepahead.keepa.plans import Plan
from keepahead.keepa.refusal import too_dear
from keepahead.keepa.rhythm import Rhythm
from keepahead.keepa.shares import items_of, part_of, shape_of
from keepahead.keepa.steps import Step, Steps
from keepahead.keepa.terms import Terms
from keepahead.keepa.wire import Answer
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record

R = TypeVar("R")

_SOME_ASIN = "B000000000"

log = logging.getLogger("keepahead")


class Spender:
    """A client without its driver."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._exchange = Exchange(parts)
        self._rhythm = Rhythm(parts.calls_per_minute)
        self._closed = False
        self._bell = threading.Lock()
        self._stop_listening: Callable[[], None] | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} at {self._parts.upstream_url}, account {self._parts.ledger.fingerprint}>"

    @property
    def ledger(self) -> Ledger:
        """The ledger of the account, for those who read it."""
        return self._parts.ledger

    @property
    def clock(self) -> Clock:
        """The clock that this client goes by."""
        return self._parts.clock

    @property
    def upstream_url(self) -> str:
        """Where calls are sent."""
        return self._parts.upstream_url

    def quote(self, call: Call) -> Cost:
        """Return the bounds of what the call may cost, in tokens. Sends nothing."""
        return quote(call)

    def _look(self, plan: Plan[Any], terms: Terms, left: list[Call]) -> Steps | None:
        """Return the flow that takes from the archive what there is, and puts into `left` what is to be paid for.

        None where there is nothing to look for: all is left.
        """
        shelf = self._shelf(terms)
        if shelf is None or not any(terms.age_for(call) for call in plan.calls):
            left.extend(plan.calls)
            return None
        return flight.look(plan.calls, shelf, left, divide=plan.divide)

    def _recall(self, plan: Plan[Any], terms: Terms) -> tuple[Sequence[Answer], bool] | None:
        """Return what the archive remembers, if that is all that is asked, and whether the ledger is to be flushed."""
        shelf = self._shelf(terms)
        if shelf is None or not shelf.archive.remembers:
            return None
        return flight.recall(plan.calls, shelf, divide=plan.divide)

    def _look_for_stale(
        self, plan: Plan[Any], answers: Sequence[Answer], terms: Terms, failure: KeepaheadError | None
    ) -> Steps | None:
        """Return the flow that takes from the archive whatever there is, if that is wanted for want of tokens."""
        shelf = self._shelf(terms)
        if shelf is None or terms.on_refusal != "stale" or not isinstance(failure, RefusedError):
            return None
        return _if_there(flight.look(_missing(plan.calls, answers), shelf, [], divide=plan.divide, at_any_age=True))

    def _archived(self, terms: Terms, domain: plans.Domain, options: Mapping[str, Any], most: int) -> list[Product]:
        """Return the archived products that would do for `options`, the newest first. They count as saved nothing."""
        plan = plans.products(_SOME_ASIN, domain, plans.own(options))
        call = cast("ProductCall", plan.calls[0])
        of, archive, now = wanted(call), self._parts.archive, self._parts.clock.now()
        if of is None or archive is None:
            return []
        since = now - own_terms(terms, plan, options).age_for(call)
        found = archive.look(replace(of, items=tuple(archive.newest(of, since, now, most))), since, now)
        newest = sorted(found.values(), key=lambda item: item.fetched_at, reverse=True)
        return objects.products([answer_of(call.narrowed((item.item,)), item, is_stale=False) for item in newest])

    def age_on(self, terms: Terms, call: Call) -> timedelta:
        """Return how old an archived answer to the call may be on these terms; none where nothing is kept of it."""
        archive = self._parts.archive
        is_kept = archive is not None and archive.is_on and wanted(call) is not None
        return terms.age_for(call) if is_kept else timedelta()

    def _shelf(self, terms: Terms) -> Shelf | None:
        parts = self._parts
        return Shelf(parts.archive, parts.ledger, parts.clock, terms) if parts.archive else None

    def _rides(self, plan: Plan[Any], left: Sequence[Call], terms: Terms) -> ProductCall | None:
        """Return the call for a single product that may ride with others."""
        alone = terms.max_tokens is not None or len(left) != 1 or not plan.divide
        call = left[0]
        return None if alone or not isinstance(call, ProductCall) or len(call.asins) != 1 else call

    def _spends(self, calls: Sequence[Call], terms: Terms, *, divide: bool) -> Sequence[Steps]:
        """Return the flow of each call. Raises UnboundedCostError or MaxTokensError before any of them is begun."""
        holds = [flow.hold_for(call, quote(call), terms) for call in calls]
        if terms.max_tokens is not None and sum(holds) > terms.max_tokens:
            raise too_dear(calls, sum(holds), terms.max_tokens)
        parts = self._parts
        now = parts.clock.now()
        if _is_foreseen(calls, terms):
            terms = replace(terms, work=terms.work or terms.asked)
        return [
            flow.spend(call, parts.ledger, parts.clock, terms, began_at=now, divide=divide, archive=parts.archive)
            for call in calls
        ]

    def _foresight(self, calls: Sequence[Call], terms: Terms) -> Steps | None:
        """Return the flow that looks ahead; None where one call can look after itself, or nobody is in a hurry."""
        if not _is_foreseen(calls, terms):
            return None
        hold = sum(flow.hold_for(call, quote(call), terms) for call in calls)
        shape = shape_of(calls[0]) if len(calls) == 1 else f"{len(calls)} calls: {shape_of(calls[0])} …"
        return flow.foresee(shape, hold, self._parts.ledger, self._parts.clock, terms, calls=calls)

    def _foreseen(self, terms: Terms, shape: str, tokens_max: int, options: Mapping[str, Any]) -> Steps:
        terms = replace(terms, **options, asked=shape)
        return flow.foresee(shape, tokens_max, self._parts.ledger, self._parts.clock, terms)

    def _ended(self, terms: Terms, shape: str) -> Steps:
        return flow.end_work(shape, self._parts.ledger, terms)

    def _list_ended(self, terms: Terms) -> Steps | None:
        """Return the flow that gives up what was kept for a list of calls; None for the part of bigger work."""
        return self._ended(terms, terms.asked) if terms.keeps_place_for and not terms.work else None

    def _result(self, plan: Plan[R], terms: Terms, outcome: Outcome) -> R:
        answers, failure, _ = outcome
        if failure is not None and terms.on_refusal == "raise" and all(answer.is_archived for answer in answers):
            raise failure  # what lies in the archive still lies there
        try:
            if failure is None:
                return plan.result(answers)
        except BadAnswerError as misread:  # the others are paid for too
            failure = misread
        unreadable = [answer for answer in answers if not plan.can_read(answer)]
        self._put_away(unreadable)
        answers = [answer for answer in answers if answer not in unreadable]
        if not answers:
            raise failure
        missing = [item for call in _missing(plan.calls, answers) for item in items_of(call)]
        asked = sum(len(items_of(call)) for call in plan.calls)
        raise PartialResultError(
            f"{asked - len(missing)} of {asked} were delivered and are kept in `results`; then: {failure}",
            results=plan.result(answers),
            missing=missing,
            cause=failure,
        ) from failure

    def _outcome(self, plan: Plan[Any], answers: Sequence[Answer], failure: KeepaheadError | None) -> Outcome:
        """Return what came of it all: a refusal is none where stale answers stand in for everything."""
        if isinstance(failure, RefusedError) and not _missing(plan.calls, answers):
            stale = [answer for answer in answers if answer.is_stale]
            log.warning("%d answers are older than was accepted, for want of tokens: %s", len(stale), failure)
            return Outcome(answers)
        return Outcome(answers, failure)

    def _put_away(self, answers: Sequence[Answer]) -> None:
        """Keep answers that cannot be read for whoever may want to look into them, but serve them to nobody."""
        archive = self._parts.archive
        for answer in answers:
            of = wanted(answer.call)
            if archive is not None and of is not None:
                with suppress(LedgerError):
                    archive.put_away(of, unread(answer))

    def _listen(self) -> None:
        """Begin to listen for tokens that others give back, once somebody waits."""
        with self._bell:
            if self._stop_listening is None:
                self._stop_listening = self._parts.ledger.listen(self._ring)

    def _ring(self) -> None:
        """Wake whoever waits; called from another thread."""
        raise NotImplementedError

    def _end_listening(self) -> None:
        if self._stop_listening is not None:
            self._stop_listening()

    def _demand_open(self) -> None:
        if self._closed:
            raise RuntimeError("this Keepa client is closed; nothing was sent. Make a new one")

    def _see(self, step: Step) -> None:
        if self._parts.watch is not None:
            self._parts.watch(step)

    def _status(self, lane: Lane) -> Status:
        parts, now = self._parts, self._parts.clock.now()
        parts.ledger.flush()
        today = Record(parts.ledger.database, parts.ledger.fingerprint).today(now)
        status = status_of(parts.ledger.account(), lane, now)
        return replace(
            status, spent_today=today.charged + today.unknown, external_today=today.external, saved_today=today.saved
        )


def own_terms(terms: Terms, plan: Plan[Any], options: Mapping[str, Any]) -> Terms:
    """Return the terms with what the options of a method say instead."""
    own = {name: options[name] for name in plans.SPENDING & options.keys()}
    if not plan.reuse and own.get("max_age", terms.max_age) is None:
        own["max_age"] = 0
    return replace(terms, **own) if own else terms


def paying_terms(terms: Terms, plan: Plan[Any]) -> Terms:
    """Return the terms with what only the ledger asks about: the whole that a call is a part of."""
    is_named = bool(terms.keeps_place_for) and not terms.work
    if not is_named and not plan.at_once:
        return terms
    asked = flow.asked_of(plan.calls) if is_named else terms.asked
    return replace(terms, asked=asked, at_once=terms.at_once or plan.at_once)


def paid_in_vain(failures: Iterable[KeepaheadError]) -> int:
    """Return how many tokens were charged for what did not come."""
    return sum(failure.tokens_charged for failure in failures if isinstance(failure, KeepaError))


def dearest(failures: Sequence[KeepaheadError]) -> KeepaheadError | None:
    """Return the failure that cost most: it speaks for all of them, and must not say that nothing was spent."""
    return max(failures, key=lambda failure: paid_in_vain([failure]), default=None)


def _is_foreseen(calls: Sequence[Call], terms: Terms) -> bool:
    return (len(calls) > 1 or terms.is_below_floor) and terms.max_wait_seconds is not None


def _if_there(steps: Steps) -> Steps:
    """Look, but with an archive that is away it is as if nothing lay there: what was paid for is delivered."""
    try:
        yield from steps
    except LedgerError as error:
        log.warning("the archive cannot be looked into for older answers: %s", error)


def _missing(calls: Sequence[Call], answers: Sequence[Answer]) -> list[Call]:
    """Return what was asked for and is in no answer."""
    had = {item for answer in answers for item in items_of(answer.call)}
    missing: list[Call] = []
    for call in calls:
        items = [item for item in items_of(call) if item not in had]
        if items_of(call):
            missing.extend(part for part in [part_of(call, items)] if part)
        elif all(answer.call != call for answer in answers):
            missing.append(call)
    return missing
