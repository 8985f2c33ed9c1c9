"""The wish to spend, as it comes before the account."""

from dataclasses import dataclass
from datetime import datetime

from keepahead.budget.entry import Label
from keepahead.budget.lane import Lane
from keepahead.budget.ticket import TICKET_LIFE, Ticket

MOST_TOKENS = 1_000_000_000
"""No number of tokens means more than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What somebody wants to spend.

    `tokens_max` is the most that all `items` together may cost; more than one item means that the call can be divided,
    each part costing its share. `deadline` is the last moment at which the caller still wants all of it (None:
    whenever). `opened_at` is when the caller first asked, which is its place in the queue. `shape` says
    in words what is asked, without the key. `is_probe` marks the free call for a meter that one caller makes for all.
    `holder` names the client that asks; it renews the tickets of all its calls together.
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
