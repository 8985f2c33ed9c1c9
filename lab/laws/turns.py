"""Who waits has his turn: nobody delays those who stand before him, and who is first is served."""

import math
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from keepahead.budget.ask import Ask
from keepahead.budget.lane import LIVE
from keepahead.budget.ticket import KEPT
from keepahead.keepa.exchange import READ_SECONDS
from keepahead.simulator.bucket import Bucket
from lab.laws.kept import STALL_SECONDS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

SERVED_WITHIN_SECONDS = 60.0
"""Who is first looks every 10 s, and may have to wait for a place of his client: for 6 exchanges of 7 s at most."""

_TICKETS = "SELECT call_id, holder, rank, floor, tokens, patience, opened_at, expires_at FROM tickets"
_ACCOUNT = "SELECT yielded_at, refill_rate_per_minute, flow_reduction_per_minute FROM accounts"
_HELD = "SELECT coalesce(sum(tokens), 0) FROM reservations"
_GRANTS = (
    "SELECT seq, call_id, lane, at, tokens, balance, free FROM entries "
    "WHERE seq > ? AND kind = 'reserved' AND tokens > 0 ORDER BY seq"
)


class Ticket(NamedTuple):
    """A row of the queue; times in microseconds since 1970."""

    call_id: str
    holder: str
    rank: int
    floor: int
    tokens: int
    patience: int
    opened_at: int
    expires_at: int


class Grant(NamedTuple):
    """A row of the ledger."""

    seq: int
    call_id: str
    lane: str
    at: int
    tokens: int
    balance: int
    free: int


@dataclass(frozen=True, slots=True)
class Queue:
    """Who waits, and what decides their order and their time."""

    tickets: Sequence[Ticket] = ()
    yielded_at: int | None = None
    rate: int = 0
    reduction: int = 0

    def place(self, ticket: Ticket) -> tuple[int, int, str]:
        """Return where a ticket stands: lane, then age; but the oldest that yields comes forward after its patience."""
        oldest = min((each for each in self.tickets if each.rank), key=_age, default=None)
        if oldest is None or ticket.call_id != oldest.call_id:
            return (ticket.rank, ticket.opened_at, ticket.call_id)
        return (0, max(ticket.opened_at, self.yielded_at or 0) + ticket.patience, ticket.call_id)

    def in_order(self) -> Sequence[Ticket]:
        """Return those who wait, the first first."""
        return sorted(self.tickets, key=self.place)


@dataclass
class Turns:
    """Two laws that together bound every wait, for tokens come once a minute.

    Law "nobody is passed over": a grant to one who stands further behind (live before jobs, then by age; the oldest
    of the jobs before all live ones that came after its patience was over) leaves to everybody before him his tokens at
    the same refill as without it. Kept places apart, and whoever asks for more than the bucket will hold then. Steps of
    one process that wait together are written together: what one of them changes counts for the next.

    Law "who is first is served": where plan and clocks stay as they are, the first of the queue does not go on waiting
    for more than 60 s (and what exchanges and the database may take in that weather) while all of his tokens are there
    beside all that is held. Not where the plan is another than the newest meter says: then nobody knows of them.
    """

    connection: sqlite3.Connection
    seconds: Callable[[], float]
    kinds: frozenset[str]
    bucket: Bucket
    asks: dict[str, Ask] = field(default_factory=dict)
    """What was asked, by the id of its call."""

    checks: int = 0

    def __post_init__(self) -> None:
        self._seq = 0
        self._before = Queue()
        self._first: str | None = None
        self._since = 0.0
        exchanges = 3 * READ_SECONDS if self.kinds & {"network", "keepa"} else 0.0
        stalls = 3 * STALL_SECONDS if "store" in self.kinds else 0.0
        self._patience = SERVED_WITHIN_SECONDS + exchanges + stalls

    def after_commit(self) -> str | None:
        """Tell who was passed over by what has just been granted."""
        grants = [Grant(*row) for row in self.connection.execute(_GRANTS, (self._seq,))]
        before, self._before = self._before, self._read()
        after = {ticket.call_id for ticket in self._before.tickets}
        is_same_plan = (before.rate, before.reduction) == (self._before.rate, self._before.reduction)
        wrong = None
        for grant in grants:
            self._seq = grant.seq
            ask = self.asks.pop(grant.call_id, None)
            if ask is not None and is_same_plan:
                wrong = wrong or self._passed_over(grant, ask, before, after)
            if grant.lane != LIVE.name:
                before = replace(before, yielded_at=grant.at)
        self._watch_first()
        return wrong

    def check(self) -> str | None:
        """Tell whether the first has waited too long for what is there."""
        self._watch_first()
        waited = self.seconds() - self._since
        if self._first is None or waited <= self._patience or self.kinds & {"plans", "clocks"}:
            return None
        return f"call {self._first} is the first in the queue, its tokens have been there for {waited:.0f} s"

    def _read(self) -> Queue:
        tickets = [Ticket(*row) for row in self.connection.execute(_TICKETS)]
        if not tickets:
            return Queue()
        yielded_at, rate, reduction = self.connection.execute(_ACCOUNT).fetchone() or (None, 0, 0)
        return Queue(tickets, yielded_at, rate or 0, reduction or 0)

    def _passed_over(self, grant: Grant, ask: Ask, before: Queue, after: Iterable[str]) -> str | None:
        """Compare when everybody before him has his tokens, with this grant and without it."""
        lump = before.rate - before.reduction
        own = {grant.call_id, ask.appointment}
        others = [ticket for ticket in before.tickets if ticket.call_id not in own and ticket.call_id in after]
        if lump <= 0 or not others or any(ticket.call_id in own and ticket.holder == KEPT for ticket in before.tickets):
            return None
        mine = next((ticket for ticket in before.tickets if ticket.call_id == grant.call_id), None) or _ticket_of(ask)
        queue = Queue([*others, mine], before.yielded_at)
        place, promised, held, capacity = queue.place(mine), 0, grant.balance - grant.free, before.rate * 60
        for ticket in queue.in_order():
            if queue.place(ticket) >= place:
                break
            promised += ticket.tokens
            if ticket.holder == KEPT or ticket.floor + ticket.tokens + held > capacity:
                continue
            self.checks += 1
            missing = max(ticket.floor + promised, promised - ticket.tokens + 1) - grant.free
            if _lumps(missing + grant.tokens, lump) > _lumps(missing, lump):
                return (
                    f"call {grant.call_id} got {grant.tokens} of {grant.free} tokens, and call {ticket.call_id} before "
                    f"it, which wants {ticket.tokens} above {ticket.floor}, has to wait longer for them"
                )
        return None

    def _watch_first(self) -> None:
        """Note since when the first of the queue has had his tokens."""
        first = next(iter(self._before.in_order()), None) if self._before.tickets else None
        if first is not None and (first.holder == KEPT or not self._is_there(first)):
            first = None
        call_id = first.call_id if first else None
        if call_id != self._first or first is None:
            self._first, self._since = call_id, self.seconds()

    def _is_there(self, ticket: Ticket) -> bool:
        known = self._before.rate, self._before.reduction
        if known != (self.bucket.rate, math.ceil(self.bucket.flow_reduction)):
            return False
        held = self.connection.execute(_HELD).fetchone()[0]
        return self.bucket.balance - held - ticket.tokens >= ticket.floor and self.bucket.balance >= 1


def _age(ticket: Ticket) -> tuple[int, int, str]:
    return (ticket.rank, ticket.opened_at, ticket.call_id)


def _ticket_of(ask: Ask) -> Ticket:
    lane = ask.lane
    opened_us = (ask.opened_at - _EPOCH) // _MICROSECOND
    patience_us = lane.patience // _MICROSECOND
    return Ticket(ask.label.call_id, ask.holder, lane.rank, 0, ask.tokens_max, patience_us, opened_us, 0)


def _lumps(missing: int, lump: int) -> int:
    return -(-max(0, missing) // lump)
