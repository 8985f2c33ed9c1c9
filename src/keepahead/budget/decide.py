"""The decisions about tokens. Pure: an account and facts in; a verdict and entries out. Nobody here writes or waits.

Every decision lists its refusals first. The caller appends the entries, which is what changes the account.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.budget.account import Account, Ticket, apply
from keepahead.budget.entry import Absorbed, Entry, Label, Lost, Observed, Refusal, Released, Reserved, Settled
from keepahead.budget.lane import Lane
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Granted, Later, Reason, Refused, Verdict

SEND_WITHIN = timedelta(minutes=2)
"""A call that has not left so long after its grant (the machine slept) must be granted anew."""

CALL_LIMIT = timedelta(minutes=8)
"""A reservation older than this has lost its process: longer than a call may take to leave and to be answered."""

UNKNOWN_HOLD = timedelta(seconds=120)
"""After a lost answer Keepa may still be at work and charge later; open-questions 0.6 says to wait at least so long."""

TICKET_LIFE = timedelta(seconds=30)
"""A waiter renews its ticket well within this time; one that does not has died."""

PROBE_LIFE = timedelta(seconds=15)
"""While somebody's free /token call is younger than this, nobody else sends one."""

PROBE_WAIT_SECONDS = 0.25
"""How long to wait for the meter that somebody else is asking for."""

OTHERS_WAIT = timedelta(seconds=1)
"""How long to wait when only the end of other calls can free the tokens: nobody can say when that is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to spend.

    `tokens_max` is the most that all `items` together may cost; more than one item means that the call can be divided,
    each part costing its share. `deadline` is the last moment at which the caller still wants all of it (None:
    whenever). `opened_at` is when the caller first asked, which is its place in the queue. `shape` says
    in words what is asked, without the key. `is_probe` marks the free call for a meter that one caller makes for all.
    """

    label: Label
    lane: Lane
    shape: str
    tokens_max: int
    opened_at: datetime
    items: int = 1
    deadline: datetime | None = None
    is_probe: bool = False

    def __post_init__(self) -> None:
        if self.tokens_max < 0 or self.items < 1 or self.tokens_max % self.items:
            raise ValueError("tokens_max is the sum of equal shares of at least one item")

    @property
    def tokens_per_item(self) -> int:
        """The most that one item may cost."""
        return self.tokens_max // self.items

    def ticket(self, now: datetime) -> Ticket:
        """Return the place in the queue, renewed at `now`."""
        return Ticket(self.label.call_id, self.lane.rank, self.tokens_max, self.opened_at, now + TICKET_LIFE)


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the entries that make it true."""

    verdict: Verdict
    entries: tuple[Entry, ...] = ()


def reserve(account: Account, ask: Ask, now: datetime) -> Decision:
    """Grant what may be sent now, name the time to ask again, or refuse.

    Free calls are always granted. Any other needs a positive balance, and `free - tokens >= floor` after everything
    that is held, at its maximum. A call that can be divided gets the largest part that fits, but not less than one
    lump's worth. Nobody delays an older ticket of the same or a better lane: what those wait for is left alone.
    """
    held = account.find(ask.label.call_id)
    if held is not None:  # asked before, and the verdict got lost on its way
        items = held.tokens // ask.tokens_per_item if ask.tokens_per_item else ask.items
        return Decision(Granted(held.tokens, items, account.free_at(now), ask.lane.floor))
    if ask.is_probe and not _needs_probe(account, now):
        return Decision(Later(0.0, None))
    if ask.is_probe and _somebody_probes(account, now):
        return Decision(Later(PROBE_WAIT_SECONDS, None))
    if ask.tokens_max == 0:
        return _grant_free(account, ask, now)
    lapsed = tuple(_lapse(account, now))
    for entry in lapsed:
        account = apply(account, entry)
    if account.meter is None:
        decision = Decision(_wait_for_meter(account, ask, now))
    else:
        decision = _Case(account, account.meter, ask, now).decide()
    return Decision(decision.verdict, lapsed + decision.entries)


def foresee(account: Account, ask: Ask, now: datetime) -> Decision | None:
    """Refuse work that cannot all be paid for by its deadline; None where nothing speaks against beginning it.

    For work of many calls, before the first is paid: `ask` is all of it at once, and may well exceed the bucket.
    """
    if account.meter is None or ask.tokens_max == 0:
        return None
    case = _Case(account, account.meter, ask, now)
    if case.whole_is_in_time or case.is_stale:  # a stale account is not a reason to refuse: `reserve` asks for a meter
        return None
    return case.refuse(Reason.NO_REFILL if case.earliest is None else Reason.NOT_IN_TIME)


def settle(account: Account, call_id: str, consumed: int, meter: Meter, now: datetime) -> tuple[Entry, ...]:
    """Record what Keepa charged for a call, more than reserved included, and the meter that came with it.

    A call that is settled already, or was never reserved, gives its meter only: a repeated settle is harmless.
    """
    held = account.find(call_id)
    if held is None:
        return observe(account, meter, now)
    settled = Settled(at=now, label=held.label, tokens=consumed, reserved=held.tokens, meter=meter)
    return (settled, *_absorb(apply(account, settled), meter, now))


def release(account: Account, call_id: str, reason: str, now: datetime) -> tuple[Entry, ...]:
    """Give the tokens of a call back of which nothing was sent."""
    held = account.find(call_id)
    if held is None:
        return ()
    return (Released(at=now, label=held.label, tokens=held.tokens, reason=reason),)


def lose(account: Account, call_id: str, reason: str, now: datetime, *, answered: bool) -> tuple[Entry, ...]:
    """Record that a call was sent and nobody knows what it cost; it stays counted until a newer meter proves otherwise.

    `answered`: Keepa has finished (an answer without a meter came), so the next call's meter contains the charge. Else
    Keepa may still be at work for a while.
    """
    held = account.find(call_id)
    if held is None or held.is_unknown:
        return ()
    proven_after = now if answered else now + UNKNOWN_HOLD
    return (Lost(at=now, label=held.label, tokens=held.tokens, reason=reason, proven_after=proven_after),)


def observe(account: Account, meter: Meter, now: datetime) -> tuple[Entry, ...]:
    """Record a meter that came without a reservation; one that is not newer than what is known is not recorded."""
    observed = (Observed(at=now, meter=meter),) if account.believes(meter, now) else ()
    return (*observed, *_absorb(account, meter, now))


@dataclass(frozen=True, slots=True)
class _Case:
    """One ask before one account whose meter is known; lapsed reservations have been dealt with."""

    account: Account
    meter: Meter
    ask: Ask
    now: datetime

    def decide(self) -> Decision:
        part = self.smallest_part
        if part == 0:
            return self.refuse(Reason.NEVER_FITS)
        fitting = min(self.ask.items, max(0, self.room) // self.ask.tokens_per_item)
        if self.balance >= 1 and fitting >= part and self.whole_is_in_time:
            return _grant(self.account, self.ask, fitting, self.floor, self.now)
        if self.is_stale:
            return Decision(_wait_for_meter(self.account, self.ask, self.now))
        if self.earliest is None:
            return self.refuse(Reason.NO_REFILL)
        if not self.whole_is_in_time or self.is_overdue:
            return self.refuse(Reason.NOT_IN_TIME)
        alone = not self.account.reservations and not self.queued_ahead
        return Decision(Later(self.wait_seconds(part), self.ask.ticket(self.now), is_certain=alone))

    @property
    def floor(self) -> int:
        return self.ask.lane.floor_of(self.meter.capacity)

    @property
    def balance(self) -> int:
        return self.meter.balance_at(self.now)

    @property
    def free(self) -> int:
        return self.account.free_at(self.now)

    @property
    def room(self) -> int:
        """Tokens that may be granted now without delaying anybody who is ahead."""
        return self.free - self.floor - self.queued_ahead

    @property
    def largest(self) -> int:
        """The most that could ever be granted in one call."""
        return max(0, max(self.meter.capacity, self.meter.tokens_left) - self.floor)

    @property
    def smallest_part(self) -> int:
        """The fewest items worth a call: one lump's worth of them, or as many as can ever fit; 0 if none can."""
        worth_a_call = max(1, self.meter.net_rate_per_minute // self.ask.tokens_per_item)
        return min(self.ask.items, worth_a_call, self.largest // self.ask.tokens_per_item)

    @property
    def queued_ahead(self) -> int:
        """Tokens that older tickets of the same or a better lane wait for."""
        place = self.ask.ticket(self.now).place
        tickets = self.account.tickets
        return sum(ticket.tokens for ticket in tickets if ticket.place < place and self.now < ticket.expires_at)

    @property
    def is_overdue(self) -> bool:
        return self.ask.deadline is not None and self.ask.deadline <= self.now

    @property
    def is_stale(self) -> bool:
        """Tell whether a fresh meter would help: something unknown can be proven, or the clock was put back."""
        return _needs_probe(self.account, self.now)

    @property
    def earliest(self) -> datetime | None:
        """When the whole work could be paid for at best: nobody else spends, what is held turns out to be free."""
        needed = max(1, self.ask.tokens_max + self.floor)
        return self.meter.moment_of_refill(needed - self.balance, self.now)

    @property
    def whole_is_in_time(self) -> bool:
        if self.ask.deadline is None:
            return True
        if self.is_overdue:
            return self.ask.tokens_max <= self.room
        return self.earliest is not None and self.earliest <= self.ask.deadline

    def wait_seconds(self, part: int) -> float:
        """Seconds until the part is there behind everything held and everybody ahead, or something else is due."""
        needed = self.floor + part * self.ask.tokens_per_item + self.account.reserved + self.account.unknown
        ready_at = self.meter.moment_of(max(1, needed + self.queued_ahead))
        if ready_at is None or ready_at <= self.now:
            ready_at = self.now + OTHERS_WAIT
        moments = [ready_at, *_proof_moments(self.account)]
        if self.ask.deadline is not None and not self.is_overdue:
            moments.append(self.ask.deadline)
        return (min(moments) - self.now).total_seconds()

    def refuse(self, reason: Reason) -> Decision:
        ask = self.ask
        wait_seconds = None
        if reason is Reason.NOT_IN_TIME and self.earliest is not None:
            wait_seconds = max((self.earliest - self.now).total_seconds(), self.wait_seconds(self.smallest_part))
        verdict = Refused(reason, self.balance, self.free, ask.tokens_max, self.floor, self.largest, wait_seconds)
        entry = Refusal(
            at=self.now,
            label=ask.label,
            tokens=ask.tokens_max,
            reason=reason,
            shape=ask.shape,
            balance=self.balance,
            free=self.free,
            floor=self.floor,
        )
        return Decision(verdict, (entry,))


def _grant_free(account: Account, ask: Ask, now: datetime) -> Decision:
    floor = ask.lane.floor_of(account.meter.capacity) if account.meter else ask.lane.floor
    return _grant(account, ask, ask.items, floor, now)


def _grant(account: Account, ask: Ask, items: int, floor: int, now: datetime) -> Decision:
    tokens, free = items * ask.tokens_per_item, account.free_at(now)
    entry = Reserved(
        at=now,
        label=ask.label,
        tokens=tokens,
        shape=ask.shape,
        balance=account.balance_at(now),
        free=free,
        floor=floor,
        lapses_at=now + CALL_LIMIT,
    )
    return Decision(Granted(tokens, items, free - tokens, floor), (entry,))


def _lapse(account: Account, now: datetime) -> Iterable[Entry]:
    """Open reservations whose process is gone: their outcome is unknown, and Keepa is done with them."""
    for held in account.reservations:
        if not held.is_unknown and now >= held.lapses_at:
            yield Lost(at=now, label=held.label, tokens=held.tokens, reason="its process ended", proven_after=now)


def _wait_for_meter(account: Account, ask: Ask, now: datetime) -> Later:
    """Send one caller for the meter; the others wait for what it brings."""
    if _somebody_probes(account, now):
        return Later(PROBE_WAIT_SECONDS, ask.ticket(now))
    return Later(0.0, ask.ticket(now), needs_meter=True)


def _needs_probe(account: Account, now: datetime) -> bool:
    """Tell whether a meter is still wanted: somebody may have brought it since the caller was sent for it."""
    if account.meter is None or account.is_from_the_future(now):
        return True
    return any(moment <= now for moment in _proof_moments(account))


def _proof_moments(account: Account) -> list[datetime]:
    """When a fresh meter would prove what unknown calls cost; those that were free hold nothing back."""
    return [held.proven_after for held in account.reservations if held.proven_after and held.tokens]


def _somebody_probes(account: Account, now: datetime) -> bool:
    return any(
        held.label.endpoint == "token" and not held.is_unknown and now - held.opened_at < PROBE_LIFE
        for held in account.reservations
    )


def _absorb(account: Account, meter: Meter, now: datetime) -> Iterable[Entry]:
    """Unknown calls whose charge `meter` surely contains; so does the newest meter, which is no older."""
    for held in account.reservations:
        if held.proven_after and meter.asked_at >= held.proven_after:
            yield Absorbed(at=now, label=held.label, tokens=held.tokens)
