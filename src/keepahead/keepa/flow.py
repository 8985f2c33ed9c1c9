"""The only road to Keepa: quote, reserve, send, read the meter, settle. Written once, as a generator of steps.

A driver carries out each step and hands back what came of it. It never sends anything but a `Send`, and it tells the
flow of a failed one with NothingSent or NoAnswer; whatever else it throws in ends the flow with a consistent ledger.
"""

import logging
import math
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
from keepahead.budget.lane import Lane
from keepahead.budget.verdict import Granted, Later, Refused
from keepahead.clock import Clock
from keepahead.errors import (
    BadAnswerError,
    InsufficientTokensError,
    InvalidCallError,
    KeepaError,
    KeepaUnreachable,
    LedgerError,
    OutcomeUnknown,
    UnboundedCostError,
)
from keepahead.keepa import wire
from keepahead.keepa.call_id import new_call_id
from keepahead.keepa.calls import Call, TokenCall
from keepahead.keepa.costs import counted, quote, unbounded_parameter
from keepahead.keepa.line import Place
from keepahead.keepa.refusal import refusal, too_dear
from keepahead.keepa.shares import first_of, rest_of, shape_of, shares_of
from keepahead.keepa.wire import Answer, Inbound, Outbound, Reading
from keepahead.store.ledger import Ledger

REQUEUES = 5
"""How often a call that Keepa answered with 429 goes back to the queue."""

ENDLESS_SECONDS = 1e9
"""Whoever would wait longer than this waits as long as it takes."""

MOST_TOKENS = 1_000_000_000
"""No cap of a caller means more than this."""

log = logging.getLogger("keepahead")
log.addHandler(logging.NullHandler())  # a library is silent until somebody asks for its log


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms somebody spends. All in tokens and seconds; None means no limit.

    `max_wait_seconds` 0 refuses at once. A call whose cost has no bound needs `allow_unbounded` and `max_tokens`,
    which is then what is held for it; Keepa may still charge more. `safe_margin` (times the cost) and `low` are the
    marks below which the log warns.
    """

    lane: Lane
    caller: str
    max_wait_seconds: float | None = None
    max_tokens: int | None = None
    allow_unbounded: bool = False
    safe_margin: int = 2
    low: int = 50

    def __post_init__(self) -> None:
        if not _is_seconds(self.max_wait_seconds):
            raise _invalid("max_wait_seconds", "a number of seconds, or None for no limit", self.max_wait_seconds)
        if not _is_tokens(self.max_tokens):
            raise _invalid("max_tokens", f"a whole number up to {MOST_TOKENS:,}, or None for no limit", self.max_tokens)


@dataclass(frozen=True, slots=True)
class Enter:
    """Take a place among the calls under way."""


@dataclass(frozen=True, slots=True)
class Leave:
    """Give the place back."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Wait for the rhythm's next moment."""


@dataclass(frozen=True, slots=True)
class Wait:
    """Do nothing for so long, or until something changes; not beyond `deadline_seconds`. Hand back whether to ask now.

    `place` is where the call stands among all that wait; `room` tokens may be had by those behind it. `tokens` are
    expected in `ready_in_seconds`, and `shape` is what they are for: that is for people who watch.
    """

    seconds: float
    ready_in_seconds: float
    tokens: int
    shape: str
    place: Place
    deadline_seconds: float | None = None
    room: int = 0


@dataclass(frozen=True, slots=True)
class Send:
    """Send this once; hand back an Inbound, or throw NothingSent or NoAnswer."""

    call_id: str
    outbound: Outbound
    tokens: int


@dataclass(frozen=True, slots=True)
class Got:
    """An answer that is paid for; `answer.call` is the part it answers."""

    answer: Answer


Step = Enter | Leave | Pace | Wait | Send | Got
Steps = Generator[Step, Any, None]


class NothingSent(Exception):  # noqa: N818 - a fact, told by a driver to the flow
    """The connection never came about, so Keepa charged nothing."""


class NoAnswer(Exception):  # noqa: N818 - a fact, told by a driver to the flow
    """Something was sent and no whole answer came."""


def spend(call: Call, ledger: Ledger, clock: Clock, terms: Terms, *, began_at: datetime, divide: bool = True) -> Steps:
    """Carry out one call, in parts where the budget wants it so, yielding each answer as it comes.

    `began_at` is when the work began of which this is a part: its deadline counts from there. Its place in the queue
    counts from its own beginning, so that a long list does not stand before everybody for as long as it lasts.
    `divide` False keeps the call in one piece. Raises RefusedError before anything of it is sent, KeepaError for what
    goes wrong between us and Keepa, LedgerError when nothing can be recorded.
    """
    hold = hold_for(call, quote(call), terms)
    road = _road(ledger, clock, terms, began_at, divide=divide)
    rest: Call | None = call
    requeues = 0
    while rest is not None:
        part, tokens, call_id = yield from road.reserve(rest, hold)
        empty = None
        try:
            yield Got((yield from road.exchange(part, tokens, call_id)))
        except _EmptyBucketError as told:
            empty = told
        if empty is not None:
            requeues += 1
            yield from road.back_off(rest, hold, empty, requeues)
            continue
        rest = rest_of(rest, part)
        hold -= tokens


def foresee(calls: Sequence[Call], hold: int, ledger: Ledger, clock: Clock, terms: Terms) -> Steps:
    """Refuse work of several calls before the first one is paid for, if it cannot all be had in time."""
    yield from first_meter(ledger, clock, terms)
    ask = replace(
        _road(ledger, clock, terms, clock.now()).ask(calls[0], hold),
        shape=f"{len(calls)} calls: {shape_of(calls[0])} …",
    )
    refused = ledger.foresee(ask, clock.now())
    if refused is not None:
        raise refusal(calls, refused, terms.caller)


def first_meter(ledger: Ledger, clock: Clock, terms: Terms) -> Steps:
    """Ask the free /token if nothing is known of the bucket yet, or wait for somebody who does."""
    road = _road(ledger, clock, terms, clock.now())
    while ledger.account().meter is None:
        yield Enter()
        yield from road.ask_for_meter()
        if ledger.account().meter is None:
            yield road.pause(road.ask(TokenCall(), 0), PROBE_WAIT_SECONDS, PROBE_WAIT_SECONDS)


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


def _is_seconds(value: object) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, float) and not math.isnan(value))


def _is_tokens(value: object) -> bool:
    return value is None or (isinstance(value, int) and abs(value) <= MOST_TOKENS)


def _invalid(name: str, wanted: str, value: object) -> InvalidCallError:
    return InvalidCallError(f"invalid_{name}", f"{name} must be {wanted}, not {value!r:.40}.", parameter=name)


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

    def reserve(self, call: Call, hold: int) -> Generator[Step, Any, tuple[Call, int, str]]:
        """Wait for the tokens and set them aside; return the part that may be sent, its tokens and its id."""
        ask = self.ask(call, hold)
        call_id = ask.label.call_id
        try:
            while True:
                yield Enter()
                match self.ledger.reserve(ask, self.clock.now()):
                    case Granted() as granted:
                        granted_at = self.clock.now()
                        yield Pace()
                        if self.clock.now() - granted_at < SEND_WITHIN:
                            self._warn(granted, ask)
                            return first_of(call, granted.items, ask.items), granted.tokens, call_id
                        self.ledger.release(call_id, "not sent in time", self.clock.now())
                        yield Leave()
                    case Refused() as refused:
                        raise refusal(call, refused, self.terms.caller)  # noqa: TRY301 - the clean-up below is for it too
                    case Later(needs_meter=True):
                        yield from self.ask_for_meter()
                    case Later() as later:
                        yield Leave()
                        yield from self.wait(ask, later)
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
        room, left = later.room, later.wait_seconds
        while left > 0:
            asks_now = yield self.pause(ask, min(left, self.ledger.look_again_seconds), left, room)
            self.ledger.renew(self.clock.now())
            if asks_now or self.ledger.has_rung(later.heard):
                return
            room, left = 0, (ready_at - self.clock.now()).total_seconds()

    def exchange(self, call: Call, tokens: int, call_id: str) -> Generator[Step, Any, Answer]:
        """Send what is reserved, settle it, and return the answer. Raises KeepaError."""
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
        yield Leave()
        if inbound.status == HTTPStatus.TOO_MANY_REQUESTS:
            raise _EmptyBucketError(call, inbound, reading, call_id)
        return wire.answer_or_error(call, inbound, reading, call_id, tokens)

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
            items=shares_of(call, hold) if self.divide else 1,
            opened_at=self.opened_at,
            deadline=self.deadline,
            holder=self.ledger.holder,
        )

    def pause(self, ask: Ask, seconds: float, ready_in_seconds: float, room: int = 0) -> Wait:
        """Return the step that waits for what was asked."""
        now = self.clock.now()
        left = None if self.deadline is None else max(0.0, (self.deadline - now).total_seconds())
        return Wait(seconds, ready_in_seconds, ask.tokens_max, ask.shape, ask.place, left, room)

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
