"""The wish to spend, as it comes before the account."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepahead.budget.entry import Label
from keepahead.budget.lane import Lane
from keepahead.budget.ticket import KEPT, TICKET_LIFE, Ticket

MOST_TOKENS = 1_000_000_000
"""No number of tokens means more than this."""

_CALLER_PART = len("a:12345678:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to spend.

    `tokens_max` is the most that all `items` together may cost; more than one item means that the call can be divided,
    each part costing its share. `deadline` is the last moment at which the caller still wants all of it (None:
    whenever). `opened_at` is when the caller first asked, which is its place in the queue. `shape` says
    in words what is asked, without the key. `is_probe` marks the free call for a meter that one caller makes for all.
    `holder` names the client that asks; it renews the tickets of all its calls together.

    If it is refused for want of time and will surely be there within `keeps_place_for`, a place is kept for whoever
    asks again under the same `appointment`: "a:", 8 signs for the caller, ":", and what is asked; at most 40 signs.
    With `is_part` that place is the one of a bigger work, and what is granted is taken off it.
    """

    label: Label
    lane: Lane
    shape: str
    tokens_max: int
    opened_at: datetime
    items: int = 1
    deadline: datetime | None = None
    is_probe: bool = False
    holder: str = ""
    keeps_place_for: timedelta = timedelta()
    appointment: str = ""
    is_part: bool = False

    def __post_init__(self) -> None:
        if self.tokens_max < 0 or self.items < 1 or self.tokens_max % self.items:
            raise ValueError("tokens_max is the sum of equal shares of at least one item")

    @property
    def tokens_per_item(self) -> int:
        """The most that one item may cost."""
        return self.tokens_max // self.items

    @property
    def place(self) -> tuple[int, datetime, str]:
        """Where it stands among the calls of one client: lane, then age."""
        return (self.lane.rank, self.opened_at, self.label.call_id)

    def owns(self, ticket: Ticket) -> bool:
        """Tell whether the ticket is this caller's for the same: it waits already, or comes back to a kept place."""
        return ticket.call_id in {self.label.call_id, self.appointment}

    def is_same_caller(self, ticket: Ticket) -> bool:
        """Tell whether a kept place is one of the same caller."""
        return ticket.call_id.startswith(self.appointment[:_CALLER_PART])

    def kept(self, expires_at: datetime, capacity: int) -> Ticket:
        """Return the place that is kept for it."""
        ticket = self.ticket(expires_at, capacity)
        return replace(ticket, call_id=self.appointment, holder=KEPT, expires_at=expires_at)

    def ticket(self, now: datetime, capacity: int) -> Ticket:
        """Return the place in the queue before a bucket of that capacity, renewed at `now`."""
        lane = self.lane
        return Ticket(
            call_id=self.label.call_id,
            holder=self.holder,
            rank=lane.rank,
            floor=lane.floor_of(capacity),
            tokens=self.tokens_max,
            patience=lane.patience,
            opened_at=self.opened_at,
            expires_at=now + TICKET_LIFE,
        )
