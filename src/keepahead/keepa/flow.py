"""The only road to Keepa: quote, reserve, send, read the meter, settle. Written once, as a generator of steps.

A driver carries out each step and hands back what came of it. It never sends anything but a `Send`, and it tells the
flow of a failed one with NothingSent or NoAnswer; whatever else it throws in ends the flow with a consistent ledger.
"""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from keepahead.budget.ask import Ask
from keepahead.budget.cost import Cost
from keepahead.budget.decide import PROBE_WAIT_SECONDS, SEND_WITHIN
from keepahead.budget.entry import Label
from keepahead.budget.verdict import Granted, Later, Refused
from keepahead.clock import Clock
from keepahead.errors import (
    BadAnswerError,
    InsufficientTokensError,
    KeepaError,
    KeepaUnreachable,
    LedgerError,
    OutcomeUnknown,
    UnboundedCostError,
)
from keepahead.keepa import wire
from keepahead.keepa.call_id import appointment_of, new_call_id
from keepahead.keepa.calls import Call, TokenCall
from keepahead.keepa.costs import counted, quote, unbounded_parameter
from keepahead.keepa.flight import Flight, Shelf
from keepahead.keepa.refusal import refusal, too_dear
from keepahead.keepa.shares import both_of, first_of, items_of, rest_of, shape_of, shares_of, short
from keepahead.keepa.steps import Enter, Got, Leave, NoAnswer, NothingSent, Pace, Send, Step, Steps, Wait
from keepahead.keepa.terms import ENDLESS_SECONDS, Terms
from keepahead.keepa.wire import Answer, Inbound, Reading
from keepahead.store.archive import Archive
from keepahead.store.ledger import Ledger

REQUEUES = 5
"""How often a call that Keepa answered with 429 goes back to the queue."""

log = logging.getLogger("keepahead")
log.addHandler(logging.NullHandler())  # a library is silent until somebody asks for its log


def spend(
    call: Call,
    ledger: Ledger,
    clock: Clock,
    terms: Terms,
    *,
    began_at: datetime,
    divide: bool = True,
    archive: Archive | None = None,
) -> Steps:
    """Carry out one call, in parts where the budget wants it so, yielding each answer as it comes.

    `began_at` is when the work began of which this is a part: its deadline counts from there. Its place in the queue
    counts from its own beginning, so that a long list does not stand before everybody for as long as it lasts.
    `divide` False keeps the call in one piece. What the archive has, or somebody else is fetching, is not paid for.
    Raises RefusedError before anything of it is sent, KeepaError for what goes wrong between us and Keepa, LedgerError
    when nothing can be recorded.
    """
    most = hold_for(call, quote(call), terms)
    is_bounded = quote(call).tokens_max is not None
    road = _road(ledger, clock, terms, began_at, divide=divide)
    flight = Flight(call, Shelf(archive, ledger, clock, terms) if archive else None, divide=divide)
    rest: Call | None = call
    requeues = spent = 0
    try:
        while rest is not None:
            part, others = yield from flight.claim(rest, road.deadline)
            rest = others
            if part is None:
                continue
            hold = hold_for(part, quote(part), terms) if is_bounded else most - spent
            reserved = yield from road.reserve(part, hold, flight)
            if reserved is None:  # the archive has got it meanwhile
                rest = both_of(part, others)
                continue
            sent, tokens, call_id = reserved
            try:
                yield Got((yield from road.exchange(sent, tokens, call_id, flight)))
            except _EmptyBucketError as told:
                empty = told
            else:
                spent += tokens
                rest = both_of(rest_of(part, sent), others)
                continue
            flight.release()
            requeues += 1
            yield from road.back_off(part, hold, empty, requeues)
            rest = both_of(part, others)
    finally:
        flight.release()


def foresee(shape: str, hold: int, ledger: Ledger, clock: Clock, terms: Terms, *, calls: Sequence[Call] = ()) -> Steps:
    """Refuse work of several calls before the first one is paid for, if it cannot all be had in time.

    Where the calls are not known yet it stands behind everybody who waits. A place is kept under `terms.asked`.
    """
    yield from first_meter(ledger, clock, terms)
    road = _road(ledger, clock, terms, clock.now())
    first = calls[0] if calls else TokenCall()
    ask = replace(road.ask(first, hold), shape=short(shape), items=1)
    while True:
        match ledger.foresee(ask, clock.now(), strictly=not calls):
            case None:
                return
            case Refused() as refused:
                raise refusal(calls or None, refused, terms.caller, "this" if calls else shape.partition(":")[0])
            case Later(needs_meter=True):
                yield Enter()
                yield from road.ask_for_meter()
            case Later() as later:
                yield road.pause(ask, later.wait_seconds, later.wait_seconds)


def end_work(work: str, ledger: Ledger, terms: Terms) -> Steps:
    """Give up what is still kept for the calls of work that has ended."""
    if terms.keeps_place_for:
        ledger.leave_queue(appointment_of(terms.caller, terms.lane.name, work))
    yield from ()


def asked_of(calls: Sequence[Call]) -> str:
    """Return in full what is asked, the same for the same; nothing where the only call says it, however divided."""
    if len(calls) == 1 and len(items_of(calls[0])) <= 1:
        return ""
    return "\n".join(_asked(call) for call in calls)


def _asked(call: Call) -> str:
    out = wire.outbound(call)
    body = "" if out.body is None else out.body.decode()
    return "\n".join((out.method, out.path, *(f"{name}={value}" for name, value in sorted(out.query.items())), body))


def first_meter(ledger: Ledger, clock: Clock, terms: Terms) -> Steps:
    """Ask the free /token if nothing is known of the bucket yet, or wait for somebody who does."""
    road = _road(ledger, clock, terms, clock.now())
    ask = road.ask(TokenCall(), 0)  # one place for as long as it takes: who gives up a place wakes the next in line
    while ledger.account().meter is None:
        yield Enter()
        yield from road.ask_for_meter()
        if ledger.account().meter is None:
            yield road.pause(ask, PROBE_WAIT_SECONDS, PROBE_WAIT_SECONDS)


def hold_for(call: Call, cost: Cost, terms: Terms) -> int:
    """Return how many tokens must be held for the call. Raises UnboundedCostError or MaxTokensError."""
    if cost.tokens_max is None:
        if terms.allow_unbounded and terms.max_tokens:
            return terms.max_tokens
        parameter = unbounded_parameter(call)
        advice = f"Add {parameter} to bound it" if parameter == "code-limit" else f"Leave out {parameter}"
        raise UnboundedCostError(
            f"nobody can say what this costs ({shape_of(call)}), so it was not sent. {advice}, or allow it with "
            "allow_unbounded and max_tokens",
            parameter=parameter,
            call=call,
        )
    if terms.max_tokens is not None and cost.tokens_max > terms.max_tokens:
        raise too_dear(call, cost.tokens_max, terms.max_tokens)
    return cost.tokens_max


def _road(ledger: Ledger, clock: Clock, terms: Terms, began_at: datetime, *, divide: bool = True) -> "_Road":
    wait = terms.max_wait_seconds
    deadline = None if wait is None or wait > ENDLESS_SECONDS else began_at + timedelta(seconds=max(0, wait))
    return _Road(ledger, clock, terms, clock.now(), deadline, divide)


@dataclass(frozen=True, slots=True)
class _Road:
    """The steps of one call. The program may end at any yield: the ledger is right at each of them."""

    ledger: Ledger
    clock: Clock
    terms: Terms
    opened_at: datetime
    deadline: datetime | None
    divide: bool

    def reserve(self, call: Call, hold: int, flight: Flight) -> Generator[Step, Any, tuple[Call, int, str] | None]:
        """Wait for the tokens and set them aside; return the part that may be sent, its tokens and its id.

        None says that somebody else has fetched some of it meanwhile, or is at it: who waits for tokens lets others.
        """
        ask = self.ask(call, hold)
        call_id = ask.label.call_id
        try:
            while True:
                yield Enter()
                match self.ledger.reserve(ask, self.clock.now()):
                    case Granted() as granted:
                        granted_at = self.clock.now()
                        yield Pace()
                        part = first_of(call, granted.items, ask.items)
                        in_time = self.clock.now() - granted_at < SEND_WITHIN
                        if in_time and flight.confirm(part):
                            self._warn(granted, ask)
                            return part, granted.tokens, call_id
                        reason = "somebody else fetches it" if in_time else "not sent in time"
                        self.ledger.release(call_id, reason, self.clock.now())
                        yield Leave()
                        if in_time:
                            return None
                    case Refused() as refused:
                        raise refusal(call, refused, self.terms.caller)  # noqa: TRY301 - the clean-up below is for it too
                    case Later(needs_meter=True):
                        yield from self.ask_for_meter()
                    case Later() as later:
                        yield Leave()
                        flight.release()
                        yield from self.wait(ask, later)
                        if flight.is_answered(call):
                            self.ledger.leave_queue(call_id)
                            return None
        except LedgerError:
            self.ledger.abandon(call_id, self.clock.now())  # it is away: asking it once more would only take longer
            raise
        except BaseException:
            # Nothing was sent under this id: give back what may just have been granted, and the place in the queue.
            with suppress(LedgerError):
                self.ledger.release(call_id, "not sent", self.clock.now())
                self.ledger.leave_queue(call_id)
            raise

    def wait(self, ask: Ask, later: Later) -> Steps:
        """Wait until the tokens are expected, or the ledger's bell rings; keep the place meanwhile."""
        ready_at = self.clock.now() + timedelta(seconds=later.wait_seconds)
        left = later.wait_seconds
        pause = replace(self.pause(ask, 0, 0), stands=later.ticket is not None)
        news = replace(pause, room=later.room, first=later.first)
        while left > 0:
            seconds = min(left, self.ledger.look_again_seconds)
            asks_now = yield replace(news, seconds=seconds, ready_in_seconds=left, deadline_seconds=self.seconds_left)
            self.ledger.renew(self.clock.now())
            if asks_now or self.ledger.has_rung(later.heard):
                return
            news, left = pause, (ready_at - self.clock.now()).total_seconds()

    def exchange(
        self, call: Call, tokens: int, call_id: str, flight: Flight | None = None
    ) -> Generator[Step, Any, Answer]:
        """Send what is reserved, settle it, have the answer archived, and return it. Raises KeepaError."""
        try:
            inbound: Inbound = yield Send(call_id, wire.outbound(call), tokens)
        except NothingSent as told:
            with _on_record(call_id, tokens):
                self.ledger.release(call_id, str(told), self.clock.now())
            raise KeepaUnreachable(
                f"Keepa cannot be reached ({told}); nothing was sent and nothing was spent. Check the network and "
                "KEEPAHEAD_UPSTREAM_URL"
            ) from None
        except NoAnswer as told:
            with _on_record(call_id, tokens):
                self.ledger.lose(call_id, str(told), self.clock.now(), answered=False)
            most = counted(tokens, "token")
            raise OutcomeUnknown(
                f"no answer came ({told}); Keepa may have charged up to {most}, which counts as spent until its "
                "meter says otherwise. It was not sent again",
                call_id=call_id,
                tokens_charged=tokens,
            ) from None
        except BaseException:
            with _on_record(call_id, tokens):
                self.ledger.lose(call_id, "interrupted", self.clock.now(), answered=False)
            raise
        reading = wire.read(inbound)
        self._settle(call_id, tokens, inbound, reading)
        try:
            answer = wire.answer_or_error(call, inbound, reading, call_id, tokens)
        except KeepaError:
            yield Leave()
            if inbound.status == HTTPStatus.TOO_MANY_REQUESTS:
                raise _EmptyBucketError(call, inbound, reading, call_id) from None
            raise
        if flight is not None:
            flight.keep(answer)
        yield Leave()
        return answer

    def back_off(self, call: Call, hold: int, empty: "_EmptyBucketError", requeues: int) -> Steps:
        """After a 429: wait for the next lump, or give up."""
        if requeues > REQUEUES:
            raise empty.rejected()
        now = self.clock.now()
        if self.deadline is not None and now + timedelta(seconds=empty.refill_seconds) > self.deadline:
            account = self.ledger.account()
            raise InsufficientTokensError(
                "Keepa says that its bucket is empty; nothing was charged. Somebody else spends with the same key",
                balance=account.balance_at(now),
                free=account.free_at(now),
                tokens_max=hold,
                floor=self.terms.lane.floor,
                wait_seconds=empty.refill_seconds,
                call=call,
            )
        yield self.pause(self.ask(call, hold), empty.refill_seconds, empty.refill_seconds)

    def ask(self, call: Call, hold: int) -> Ask:
        """Return the wish to spend up to `hold` tokens on the call, under a new id."""
        label = Label(new_call_id(self.clock.now()), call.endpoint, self.terms.lane.name, self.terms.caller)
        return Ask(
            label=label,
            lane=self.terms.lane,
            shape=shape_of(call),
            tokens_max=hold,
            items=shares_of(call, hold) if self.divide and not self.terms.at_once else 1,
            opened_at=self.opened_at,
            deadline=self.deadline,
            holder=self.ledger.holder,
            keeps_place_for=self.terms.keeps_place_for,
            appointment=self.appointment(call),
            is_part=bool(self.terms.work),
        )

    def appointment(self, call: Call) -> str:
        """Return the name of the place that is kept for it; none without keeps_place_for."""
        terms = self.terms
        if not terms.keeps_place_for:
            return ""
        return appointment_of(terms.caller, terms.lane.name, terms.work or terms.asked or _asked(call))

    @property
    def seconds_left(self) -> float | None:
        """Seconds until its deadline; None if it has none."""
        return None if self.deadline is None else max(0.0, (self.deadline - self.clock.now()).total_seconds())

    def pause(self, ask: Ask, seconds: float, ready_in_seconds: float) -> Wait:
        """Return the step that waits for what was asked."""
        return Wait(seconds, ready_in_seconds, ask.tokens_max, ask.shape, ask.place, self.seconds_left)

    def ask_for_meter(self) -> Steps:
        """Ask the free /token, unless somebody is at it: when nothing is known yet, or only a new meter can help."""
        ask = replace(self.ask(TokenCall(), 0), is_probe=True)
        if not isinstance(self.ledger.reserve(ask, self.clock.now()), Granted):
            yield Leave()
            return
        with suppress(_EmptyBucketError):  # it brought a meter all the same
            answer = yield from self.exchange(TokenCall(), 0, ask.label.call_id)
            if answer.reading.meter is None:
                raise BadAnswerError(
                    "what answers at KEEPAHEAD_UPSTREAM_URL does not say how many tokens are left, so nothing is sent",
                    status=answer.status,
                    body=answer.body,
                )

    def _settle(self, call_id: str, tokens: int, inbound: Inbound, reading: Reading) -> None:
        """Book what the answer says."""
        now = self.clock.now()
        with _on_record(call_id, tokens):
            if reading.meter is not None:
                consumed = tokens if reading.consumed is None else reading.consumed
                self.ledger.settle(call_id, consumed, reading.meter, now)
            else:
                reason = f"HTTP {inbound.status} without a meter"
                finished = inbound.status < HTTPStatus.INTERNAL_SERVER_ERROR
                self.ledger.lose(call_id, reason, now, answered=finished)

    def _warn(self, granted: Granted, ask: Ask) -> None:
        had = granted.free + granted.tokens
        if granted.tokens and had < granted.tokens * self.terms.safe_margin:
            log.warning("%s may take %d of the %d free tokens", ask.shape, granted.tokens, had)
        elif granted.tokens and granted.free < self.terms.low:
            log.info("%d tokens are free after %s", granted.free, ask.shape)


@contextmanager
def _on_record(call_id: str, tokens: int) -> Generator[None]:
    """Book how a call ended. If the ledger is away the caller still hears how: it is booked when the ledger is back."""
    try:
        yield
    except LedgerError as error:
        log.error(  # noqa: TRY400 - the reason says it all
            "call %s has ended but is not booked yet, its %d tokens stay held: %s", call_id, tokens, error
        )


class _EmptyBucketError(Exception):
    """Keepa said 429; nothing was charged."""

    def __init__(self, call: Call, inbound: Inbound, reading: Reading, call_id: str) -> None:
        super().__init__()
        self._facts = (call, inbound, reading, call_id)
        meter = reading.meter
        self.refill_seconds = (meter.refill_in_ms + 100) / 1000 if meter else 60.0

    def rejected(self) -> KeepaError:
        """Return the error for somebody who will not wait any longer."""
        try:
            wire.answer_or_error(*self._facts)
        except KeepaError as error:
            return error
        raise AssertionError  # a 429 is always an error
