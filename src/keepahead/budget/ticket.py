"""The order in which waiting calls are served, and what may pass without delaying them.

Lane first, then age; but the oldest ticket of the lanes that yield stands before every live ticket that came after its
patience was over, counted from its beginning or from the last grant in such a lane, whichever is later.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

TICKET_LIFE = timedelta(seconds=30)
"""A waiter renews its ticket well within this time; one that does not has died."""

KEPT = "appointment"
"""The holder of places that are kept for somebody who comes back; no client has that name, so nobody renews them."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue of a call that waits; void after `expires_at` unless its `holder` renews it.

    `holder` names the client that waits, or is KEPT. `tokens` above `floor` are what it waits for. `patience` is its
    lane's.
    """

    call_id: str
    holder: str
    rank: int
    floor: int
    tokens: int
    patience: timedelta
    opened_at: datetime
    expires_at: datetime

    @property
    def place(self) -> tuple[int, datetime, str]:
        """What the queue is ordered by, as long as nobody's patience is over: lane, then age."""
        return (self.rank, self.opened_at, self.call_id)

    @property
    def is_kept(self) -> bool:
        """Tell whether it is kept for somebody who was refused and told when to come back."""
        return self.holder == KEPT

    @property
    def yields(self) -> bool:
        """Tell whether calls of a better lane come first."""
        return self.rank > 0


def in_order(tickets: Iterable[Ticket], yielded_at: datetime | None) -> Sequence[Ticket]:
    """Return the tickets in the order in which they are served.

    `yielded_at` is when a lane that yields was last granted anything. Only its oldest ticket can come forward, so that
    after each of its calls the live ones have their turn again.
    """
    oldest = min((ticket for ticket in tickets if ticket.yields), key=lambda ticket: ticket.place, default=None)

    def place(ticket: Ticket) -> tuple[int, datetime, str]:
        return (0, overdue_at(ticket, yielded_at), ticket.call_id) if ticket is oldest else ticket.place

    return sorted(tickets, key=place)


def overdue_at(ticket: Ticket, yielded_at: datetime | None) -> datetime:
    """Return from when on no newer ticket of a better lane is served before this one, the oldest of its lane."""
    return max(ticket.opened_at, yielded_at or ticket.opened_at) + ticket.patience


def needed_alone(ticket: Ticket) -> int:
    """Return what must be left after its tokens are taken: its floor, but Keepa runs nothing on an empty bucket."""
    return max(ticket.floor, 1 - ticket.tokens)
