"""The decisions about tokens. Pure: an account and facts in; a verdict and entries out. Nobody here writes or waits.

Every decision lists its refusals first. The caller appends the entries, which is what changes the account.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepahead.budget.account import CALL_LIMIT, Account, apply
from keepahead.budget.ask import MOST_TOKENS, Ask
from keepahead.budget.entry import Absorbed, Entry, Lost, Observed, Refusal, Released, Reserved, Settled
from keepahead.budget.meter import Meter
from keepahead.budget.rule import Freeze, Rules, Window
from keepahead.budget.standing import WORK_LIFE, Standing, placed
from keepahead.budget.ticket import KEPT, Ticket
from keepahead.budget.verdict import Granted, Later, Reason, Refused, Verdict

SEND_WITHIN = timedelta(minutes=2)
"""A call that has not left so long after its grant (the machine slept) must be granted anew."""

UNKNOWN_HOLD = timedelta(seconds=120)
"""After a lost answer Keepa may still be at work and charge later; open-questions 0.6 says to wait at least so long."""

PROBE_LIFE = timedelta(seconds=15)
"""While somebody's free /token call is younger than this, nobody else sends one."""

PROBE_WAIT_SECONDS = 0.25
"""How long to wait for the meter that somebody else is asking for."""

OTHERS_WAIT = timedelta(seconds=10)
"""How long to wait when only the end of other calls can free the tokens: nobody can say when that is. Whoever gives
tokens back rings the bell, so this is for the case that nobody hears it."""

APPOINTMENT_GRACE = timedelta(seconds=15)
"""A place is kept for so long after the moment that was told: people and their clocks are late."""

PLACES_PER_CALLER = 16
"""No more places than this are kept for one caller at the same time."""

NO_RULES = Rules()
"""Nothing is forbidden, nobody has a limit."""


@dataclass(frozen=True, slots=True)
class Decision:
    """A verdict, and the entries that make it true."""

    verdict: Verdict
    entries: tuple[Entry, ...] = ()


def reserve(account: Account, ask: Ask, now: datetime, rules: Rules = NO_RULES) -> Decision:
    """Grant what may be sent now, name the time to ask again, or refuse.

    Free calls are always granted. Any other must be allowed by the rules, needs a positive balance, and `free - tokens
    >= floor` after everything that is held, at its maximum. A call that can be divided gets the largest part that fits,
    but not less than one lump's worth. Nobody delays those who stand ahead (ticket.py): what they wait for is left
    alone, and what is left over, of a lump as well, may be had by whoever asks.
    """
    held = account.find(ask.label.call_id)
    if held is not None:  # asked before, and the verdict got lost on its way
        items = held.tokens // ask.tokens_per_item if ask.tokens_per_item else ask.items
        return Decision(Granted(held.tokens, items, account.free_at(now), ask.lane.floor))
    if ask.is_probe and not (_needs_probe(account, now) or (account.meter and account.meter.is_old(now))):
        return Decision(Later(0.0, None))
    if ask.is_probe and _somebody_probes(account, now):
        return Decision(Later(PROBE_WAIT_SECONDS, None))
    if ask.tokens_max == 0:
        return _grant_free(account, ask, now)
    account, lapsed = _lapsed(account, now)
    if account.meter is None:
        decision = Decision(_wait_for_meter(account, ask, now))
    else:
        decision = _case(account, account.meter, ask, now, rules).decide()
    return Decision(decision.verdict, lapsed + decision.entries)


def foresee(
    account: Account, ask: Ask, now: datetime, rules: Rules = NO_RULES, *, strictly: bool = False
) -> Decision | None:
    """Refuse work that cannot all be paid for by its deadline; None where nothing speaks against beginning it.

    For work of many calls, before the first is paid: `ask` is all of it at once, and may well exceed the bucket.
    `strictly` counts what is held as charged and lets everybody who waits go first, and may want a meter before that.
    """
    if account.meter is None or ask.tokens_max == 0:
        return None
    case = _case(account, account.meter, ask, now, rules)
    window = case.window
    if window is not None and ask.tokens_max > window.left and ask.deadline and ask.deadline < window.ends_at:
        return case.refuse(Reason.CALLER_LIMIT, window=window)
    if strictly and not (case.is_overdue or case.will_be_paid):
        if case.is_stale:
            return Decision(_wait_for_meter(account, ask, now))
        return case.refuse_for_good(Reason.NO_REFILL) if case.paid_at is None else case.too_late()
    if case.whole_is_in_time or case.is_stale:  # a stale account is not a reason to refuse: `reserve` asks for a meter
        return None
    return case.refuse_for_good(Reason.NO_REFILL) if case.earliest is None else case.too_late()


def kept_for_parts(account: Account, ask: Ask, now: datetime) -> Ticket | None:
    """Return the place from which the parts of work are granted that was let in, if all of its tokens are there."""
    if account.meter is None or not ask.appointment or not ask.tokens_max:
        return None
    case = _case(account, account.meter, ask, now, NO_RULES)
    return case.ask.kept(now + WORK_LIFE, case.meter.capacity) if ask.tokens_max <= case.room else None


def settle(account: Account, call_id: str, consumed: int, meter: Meter, now: datetime) -> tuple[Entry, ...]:
    """Record what Keepa charged for a call, more than reserved included, and the meter that came with it.

    A call that is settled already, or was never reserved, gives its meter only: a repeated settle is harmless.
    """
    held = account.find(call_id)
    if held is None:
        return observe(account, meter, now)
    account, lapsed = _lapsed(account, now, but=call_id)
    counted = held.tokens if held.is_unknown else 0
    settled = Settled(
        at=now, label=held.label, tokens=consumed, reserved=held.tokens, meter=meter, counted_before=counted
    )
    changed = _changed(account, meter, now)
    return (*lapsed, settled, *_aftermath(apply(account, settled), meter, now, changed))


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
    account, lapsed = _lapsed(account, now)
    if not account.believes(meter, now):
        return (*lapsed, *_aftermath(account, meter, now))
    observed = _changed(account, meter, now) or Observed(at=now, meter=meter)
    return (*lapsed, observed, *_aftermath(apply(account, observed), meter, now))


def _case(account: Account, meter: Meter, ask: Ask, now: datetime, rules: Rules) -> "_Case":
    floor, balance = ask.lane.floor_of(meter.capacity), meter.balance_at(now)
    if any(ticket.holder == KEPT or ask.owns(ticket) for ticket in account.tickets):  # who came back stays where it was
        ask = placed(ask, account.tickets, now)
    return _Case(account, meter, ask, now, floor, balance, balance - account.reserved - account.unknown, rules)


@dataclass(frozen=True, slots=True)
class _Case(Standing):
    """One ask before one account whose meter is known; lapsed reservations have been dealt with."""

    rules: Rules

    def decide(self) -> Decision:
        freeze = self.freeze
        if freeze is not None:
            return self.refuse(Reason.FROZEN, freeze=freeze)
        part = self.smallest_part
        if part == 0:
            return self.refuse_for_good(Reason.NEVER_FITS)
        window = self.window
        if window is not None:
            allowed = window.left // self.ask.tokens_per_item
            if allowed == 0:
                return self.wait_for_window(window)
            part = min(part, allowed)
        room = self.room
        fitting = min(self.ask.items, max(0, min(room, window.left if window else room)) // self.ask.tokens_per_item)
        if self.balance >= 1 and fitting >= part and self.whole_is_in_time:
            return _grant(self.ask, fitting, self.now, balance=self.balance, free=self.free, floor=self.floor)
        if self.is_stale:
            return Decision(_wait_for_meter(self.account, self.ask, self.now))
        if self.earliest is None:
            return self.refuse_for_good(Reason.NO_REFILL)
        if not self.whole_is_in_time or self.is_overdue:
            return self.too_late()
        seconds, first = self.wait_seconds(part), self.first_of_client
        return Decision(Later(seconds, self.ticket, room=self.room_behind, first=first))

    @property
    def freeze(self) -> Freeze | None:
        """The first freeze in force that forbids this."""
        label = self.ask.label
        return next(
            (
                freeze
                for freeze in self.rules.freezes
                if not freeze.is_over(self.balance, self.now)
                and freeze.forbids(
                    endpoint=label.endpoint, lane=label.lane, caller=label.caller, tokens_max=self.ask.tokens_max
                )
            ),
            None,
        )

    @property
    def window(self) -> Window | None:
        """The limit of the caller that leaves the least; on a tie the one that lasts longest."""
        caller = self.ask.label.caller
        open_calls = (held for held in self.account.reservations if not held.is_unknown)
        held = sum(held.tokens for held in open_calls if held.label.caller == caller)
        windows = self.rules.windows(held, self.now)
        return min(windows, key=lambda window: (window.left, -window.ends_at.timestamp()), default=None)

    def wait_for_window(self, window: Window) -> Decision:
        """Wait until the caller's limit begins anew, in nobody's way; refuse what is never allowed or not in time."""
        ask = self.ask
        in_time = ask.deadline is None or window.ends_at <= ask.deadline
        if ask.tokens_per_item > window.tokens or not in_time:
            return self.refuse(Reason.CALLER_LIMIT, window=window)
        return Decision(Later((window.ends_at - self.now).total_seconds(), None))

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

    @property
    def will_be_paid(self) -> bool:
        """Tell whether all of it comes by the deadline behind everything held and everybody who waits."""
        paid_at = self.paid_at
        return paid_at is not None and (self.ask.deadline is None or paid_at <= self.ask.deadline)

    def wait_seconds(self, part: int) -> float:
        """Seconds until the part is there behind everything held and everybody ahead, or something else is due."""
        alone, held = self.floor + part * self.ask.tokens_per_item, self.balance - self.free
        needed, promised = alone, 0
        ahead = self.ahead
        passes = self.slack_of(ahead) >= part * self.ask.tokens_per_item  # refill does not change what may pass
        for ticket in () if passes else ahead:
            promised += ticket.tokens
            needed = max(needed, ticket.floor + promised, alone + promised)
        ready_at = self.meter.moment_of_refill(max(1, needed + held) - self.balance, self.now)
        if ready_at is None or ready_at <= self.now or alone + held > max(self.meter.capacity, self.balance):
            ready_at = self.now + OTHERS_WAIT
        lapses = [held.lapses_at for held in self.account.reservations if held.tokens and not held.is_unknown]
        moments = [ready_at, *_proof_moments(self.account), *lapses]  # who is gone rings no bell
        if self.ask.deadline is not None and not self.is_overdue:
            moments.append(self.ask.deadline)
        if self.overtaken_at is not None:
            moments.append(self.overtaken_at)
        return (min(moments) - self.now).total_seconds()

    def too_late(self) -> Decision:
        """Refuse what is not there in time, and say when it surely will be; keep a place for then if that is wanted."""
        if self.floor + self.ask.tokens_max > self.meter.capacity:
            reason = Reason.NEVER_AT_ONCE if self.is_overdue else Reason.NOT_IN_TIME
            return self.refuse(reason, ready_at=self.paid_at)
        ready_at = self.ready_at
        kept = next((ticket for ticket in self.account.tickets if ticket.is_kept and self.ask.owns(ticket)), None)
        if kept and kept.expires_at > self.now >= kept.expires_at - APPOINTMENT_GRACE:
            wait = OTHERS_WAIT if ready_at is None else ready_at - self.now
            # What is held may be in the balance already: another call's meter was asked for after it was charged. And a
            # meter that was long on its way shows the next lump later than it was told.
            if wait <= APPOINTMENT_GRACE or self.missing <= self.balance - self.free:
                until = max(kept.expires_at, self.now + APPOINTMENT_GRACE)
                return Decision(Later(min(wait, OTHERS_WAIT).total_seconds(), replace(kept, expires_at=until)))
        return self.refuse(Reason.NOT_IN_TIME, ready_at=ready_at, ticket=self.appointment(kept, ready_at))

    def appointment(self, kept: Ticket | None, ready_at: datetime | None) -> Ticket | None:
        """Return the place that is kept until `ready_at` and a little longer; nobody who has one gets a shorter one."""
        ask = self.ask
        if ready_at is None or ask.is_part or not ask.appointment or ready_at - self.now > ask.keeps_place_for:
            return None
        if sum(ticket.is_kept and ask.is_same_caller(ticket) for ticket in self.others) >= PLACES_PER_CALLER:
            return None
        until = ready_at + APPOINTMENT_GRACE
        return ask.kept(max(until, kept.expires_at) if kept else until, self.meter.capacity)

    def refuse_for_good(self, reason: Reason) -> Decision:
        """Refuse what the plan does not allow, once it is sure that this is still the plan."""
        if self.meter.is_old(self.now):
            return Decision(_wait_for_meter(self.account, self.ask, self.now))
        return self.refuse(reason)

    def refuse(
        self,
        reason: Reason,
        *,
        ready_at: datetime | None = None,
        ticket: Ticket | None = None,
        freeze: Freeze | None = None,
        window: Window | None = None,
    ) -> Decision:
        ask = self.ask
        if freeze is not None:
            ready_at = freeze.until
        elif window is not None and ask.tokens_per_item <= window.tokens:
            ready_at = window.ends_at
        seconds = None if ready_at is None else (ready_at - self.now).total_seconds()
        is_never = reason is Reason.NEVER_AT_ONCE
        verdict = Refused(
            reason=reason,
            balance=self.balance,
            free=self.free,
            tokens_max=ask.tokens_max,
            floor=self.floor,
            largest=self.largest,
            wait_seconds=None if is_never else seconds,
            freeze=freeze,
            window=window,
            takes_seconds=seconds if is_never else None,
            ticket=ticket,
        )
        entry = Refusal(
            at=self.now,
            label=ask.label,
            tokens=ask.tokens_max,
            reason=f"{reason}: {freeze.words}" if freeze else reason,
            shape=ask.shape,
            balance=self.balance,
            free=self.free,
            floor=self.floor,
        )
        return Decision(verdict, (entry,))


def _grant_free(account: Account, ask: Ask, now: datetime) -> Decision:
    floor = ask.lane.floor_of(account.meter.capacity) if account.meter else ask.lane.floor
    return _grant(ask, ask.items, now, balance=account.balance_at(now), free=account.free_at(now), floor=floor)


def _grant(ask: Ask, items: int, now: datetime, *, balance: int, free: int, floor: int) -> Decision:
    tokens = items * ask.tokens_per_item
    entry = Reserved(
        at=now,
        label=ask.label,
        tokens=tokens,
        shape=ask.shape,
        balance=balance,
        free=free,
        floor=floor,
        lapses_at=now + CALL_LIMIT,
    )
    return Decision(Granted(tokens, items, free - tokens, floor), (entry,))


def _lapsed(account: Account, now: datetime, *, but: str = "") -> tuple[Account, tuple[Entry, ...]]:
    """Return the account after its lapses, and their entries; the call `but` has just shown that it lives."""
    lapsed = tuple(entry for entry in _lapse(account, now) if entry.label.call_id != but)
    for entry in lapsed:
        account = apply(account, entry)
    return account, lapsed


def _lapse(account: Account, now: datetime) -> Iterable[Lost]:
    """Open reservations whose process is gone: their outcome is unknown, and Keepa is done with them."""
    for held in account.reservations:
        if not held.is_unknown and now >= held.lapses_at:
            yield Lost(at=now, label=held.label, tokens=held.tokens, reason="its process ended", proven_after=now)


def _wait_for_meter(account: Account, ask: Ask, now: datetime) -> Later:
    """Send one caller for the meter; the others wait for what it brings."""
    ticket = ask.ticket(now, account.meter.capacity if account.meter else MOST_TOKENS)
    if _somebody_probes(account, now):
        return Later(PROBE_WAIT_SECONDS, ticket)
    return Later(0.0, ticket, needs_meter=True)


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
        held.label.endpoint == "token" and not held.is_unknown and abs(now - held.opened_at) < PROBE_LIFE
        for held in account.reservations
    )


def _changed(account: Account, meter: Meter, now: datetime) -> Observed | None:
    """Record a changed plan, or trackings that take more or less than before, with what it used to be."""
    before = account.meter
    if before is None or not account.believes(meter, now):
        return None
    rate, reduction = before.refill_rate_per_minute, before.flow_reduction_per_minute
    if (rate, reduction) == (meter.refill_rate_per_minute, meter.flow_reduction_per_minute):
        return None
    return Observed(at=now, meter=meter, rate_before=rate, reduction_before=reduction)


def _aftermath(account: Account, meter: Meter, now: datetime, changed: Observed | None = None) -> tuple[Entry, ...]:
    """Say what else a meter tells: unknown calls that it contains, a changed plan, somebody else's spending."""
    entries: list[Entry] = []
    for held in account.reservations:
        if held.proven_after and meter.asked_at >= held.proven_after:
            absorbed = Absorbed(at=now, label=held.label, tokens=held.tokens, charged=min(held.tokens, account.gap))
            account = apply(account, absorbed)
            entries.append(absorbed)
    if changed is not None:
        entries.append(changed)
    if account.external and account.meter is not None:
        entries.append(Observed(at=now, meter=account.meter, external_tokens=account.external))
    return tuple(entries)
