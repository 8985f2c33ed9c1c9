"""Where one ask stands among those who wait: what may pass, and when its own tokens are there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepahead.budget.account import CALL_LIMIT, Account
from keepahead.budget.ask import MOST_TOKENS, Ask
from keepahead.budget.meter import Meter
from keepahead.budget.ticket import KEPT, TICKET_LIFE, Ticket, in_order, needed_alone, overdue_at
from keepahead.budget.verdict import Granted, Verdict

WORK_LIFE = timedelta(seconds=60)
"""What is kept for work under way is kept for so long after it was let in, or after its last part was granted."""

_JUST_AFTER = timedelta(microseconds=1)


def placed(ask: Ask, tickets: Sequence[Ticket], now: datetime) -> Ask:
    """Return the ask with the age that its place in the queue has, the older one if it has two.

    Who has none stands behind all kept places, however long ago it began: they were given away before it came.
    """
    standing = [ticket for ticket in tickets if now < ticket.expires_at]
    own = [ticket for ticket in standing if ask.owns(ticket)]
    kept = {ticket.opened_at for ticket in standing if ticket.is_kept and not ask.owns(ticket)}
    place = min(
        (ticket.opened_at for ticket in own), default=max({ask.opened_at, *(each + _JUST_AFTER for each in kept)})
    )
    if ask.appointment and not any(ticket.is_kept for ticket in own):
        while place in kept:  # of two who began in the same moment, who has a name already is the first
            place += _JUST_AFTER
    return ask if place == ask.opened_at else replace(ask, opened_at=place)


def queue_after(tickets: Sequence[Ticket], ask: Ask, verdict: Verdict, now: datetime) -> Sequence[Ticket]:
    """Return who waits after that verdict: the asker's places renewed or given up, those of the dead swept out.

    From the place of a bigger work only what is granted to its part is taken off.
    """
    left = [ticket for ticket in tickets if now < ticket.expires_at and not ask.owns(ticket)]
    new = None if isinstance(verdict, Granted) else verdict.ticket
    if new is not None:
        left.append(new)
    if ask.is_part:
        left.extend(_taken_off(tickets, ask, verdict, now))
    return left


def _taken_off(tickets: Sequence[Ticket], ask: Ask, verdict: Verdict, now: datetime) -> Iterable[Ticket]:
    for ticket in tickets:
        if ticket.is_kept and ask.owns(ticket) and now < ticket.expires_at:
            if not isinstance(verdict, Granted):
                yield ticket
            elif ticket.tokens > verdict.tokens:
                yield replace(ticket, tokens=ticket.tokens - verdict.tokens, expires_at=now + WORK_LIFE)


@dataclass(frozen=True, slots=True)
class Standing:
    """One ask before an account whose meter is known; `balance` and `free` are the tokens of `now`."""

    account: Account
    meter: Meter
    ask: Ask
    now: datetime
    floor: int
    balance: int
    free: int

    @property
    def ticket(self) -> Ticket:
        """Its place in the queue."""
        return self.ask.ticket(self.now, self.meter.capacity)

    @property
    def others(self) -> Sequence[Ticket]:
        """The tickets of all other calls that still wait."""
        now, own = self.now, {self.ask.label.call_id, self.ask.appointment}
        return [ticket for ticket in self.account.tickets if now < ticket.expires_at and ticket.call_id not in own]

    @property
    def ahead(self) -> Sequence[Ticket]:
        """Those who are served before this call."""
        others = self.others
        if not others:
            return ()
        mine = self.ticket
        queue = in_order([*others, mine], self.account.yielded_at)
        return queue[: queue.index(mine)]

    @property
    def room(self) -> int:
        """Tokens that may be granted now without delaying anybody who is ahead."""
        return min(self.free - self.floor, self.slack_of(self.ahead))

    @property
    def room_behind(self) -> int:
        """Tokens that may be granted to whoever comes last without delaying anybody, this call included."""
        return max(0, self.slack_of(self.queue))

    @property
    def queue(self) -> Sequence[Ticket]:
        """All who wait, this call included, the first first."""
        return in_order([*self.others, self.ticket], self.account.yielded_at)

    @property
    def first_of_client(self) -> str:
        """The call that stands before all others of the same client: that one is to watch for all of them."""
        return next(ticket.call_id for ticket in self.queue if ticket.holder == self.ask.holder)

    @property
    def overtaken_at(self) -> datetime | None:
        """When a call of the same client comes forward, before this one, because its patience is over."""
        oldest = min((each for each in self.others if each.yields), key=lambda each: each.place, default=None)
        if oldest is None or oldest.holder != self.ask.holder:
            return None
        at = overdue_at(oldest, self.account.yielded_at)
        return at if at > self.now else None

    def slack_of(self, queue: Sequence[Ticket]) -> int:
        """Tokens that can be spent now and every call of the queue still has all of its own at the same moment.

        Refill comes in lumps, and a lump may hold more than is waited for.
        """
        slack, promised, alone = MOST_TOKENS, 0, -MOST_TOKENS
        for ticket in queue:
            promised += ticket.tokens
            alone = max(alone, ticket.floor, 1 - ticket.tokens)  # as needed_alone says
            is_kept = ticket.holder == KEPT
            slack = min(slack, self.sure_slack(alone + promised) if is_kept else self.slack(ticket, promised))
        return slack

    def slack(self, ticket: Ticket, promised: int) -> int:
        """Do the same for one ticket; `promised` is what it and those before it wait for."""
        needed = max(ticket.floor + promised, promised - ticket.tokens + 1)  # Keepa runs nothing on an empty bucket
        missing, lump = needed - self.free, self.meter.net_rate_per_minute
        if missing <= 0:
            return -missing
        alone, held, capacity = ticket.floor + ticket.tokens, self.balance - self.free, self.meter.capacity
        if lump == 0 or alone <= capacity < alone + held:
            # Refill alone never brings them, somebody must give back first: leave what will be needed then.
            return max(0, self.balance - needed)
        if alone > capacity:
            return -missing % lump
        return min(-missing % lump, capacity - alone - held)  # beyond that, what passes would make a full bucket spill

    def sure_slack(self, needed: int) -> int:
        """Do the same for a kept place, whose moment must stay true even if all that is held is charged."""
        missing, lump = needed - self.free, self.meter.net_rate_per_minute
        if missing <= 0:
            return -missing
        held = self.balance - self.free
        if lump == 0 or needed + held > self.meter.capacity:
            return 0
        return min(-missing % lump, self.meter.capacity - needed - held)

    @property
    def missing(self) -> int:
        """Tokens missing for all of it behind everything held and everybody ahead; 0 or less where all are there."""
        queue = (*self.ahead, self.ticket)
        return max(needed_alone(ticket) for ticket in queue) + sum(ticket.tokens for ticket in queue) - self.free

    @property
    def paid_at(self) -> datetime | None:
        """When all of it will have come behind everything held and everybody ahead, if the bucket never spills."""
        return self.meter.moment_of_refill(self.missing, self.now)

    @property
    def ready_at(self) -> datetime | None:
        """When the whole of it surely is there at once; None if nobody can say.

        That is if nobody else spends, whatever is held is charged at its maximum, and all who are ahead take all of
        theirs at their time. What would not fit into the bucket beside what is held must wait for the end of that: a
        full bucket spills.
        """
        capacity = self.meter.capacity
        busy = self.balance - self.free
        held = (each.proven_after or each.lapses_at for each in self.account.reservations if each.tokens)
        since, level, ended = self.now, self.free, max((self.now, *held))
        taken, alone = 0, -MOST_TOKENS
        for ticket in (*self.ahead, self.ticket):
            needed = max(alone, needed_alone(ticket)) + taken + ticket.tokens
            if needed > max(level, capacity - busy) and busy + taken:
                there = self.meter.moment_of_refill(alone + taken - level, since)
                if there is None:
                    return None
                if taken:
                    ended = max(ended, there + TICKET_LIFE + CALL_LIMIT)
                left = max(level - taken, alone)
                grown = left + self.meter.refill_between(there, ended)
                since, level = ended, max(left, min(grown, capacity - busy - taken))
                busy, taken, alone = 0, 0, -MOST_TOKENS
            if ticket.is_kept:
                ended = max(ended, ticket.expires_at + CALL_LIMIT)
            alone = max(alone, needed_alone(ticket))
            taken += ticket.tokens
        fits = self.floor + self.ask.tokens_max <= capacity
        return self.meter.moment_of_refill(alone + taken - level, since) if fits else None
