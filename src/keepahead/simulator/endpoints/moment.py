"""What an endpoint sees when its request is executed: the time, the account, what Keepa remembers, what is for sale."""

from collections.abc import Callable
from dataclasses import dataclass

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.request import Outcome
from keepahead.simulator.state import Account, Room

_EPOCH_MINUTES = 21_564_000  # Keepa minutes count from 2011-01-01


def keepa_minutes(unix_ms: int) -> int:
    """Turn Unix milliseconds into Keepa minutes."""
    return unix_ms // 60_000 - _EPOCH_MINUTES


@dataclass(frozen=True, slots=True)
class Moment:
    """The moment at which one request is executed, alone in the room."""

    now_ms: int
    room: Room
    account: Account
    catalogue: Catalogue

    @property
    def now(self) -> int:
        """The moment in Keepa minutes."""
        return keepa_minutes(self.now_ms)

    def seen(self, kind: str, item: str) -> int | None:
        """Return when (Keepa minutes) something was last collected for a request, None if never."""
        found = self.room.seen(kind, item)
        return None if found is None else keepa_minutes(found)

    def mark(self, kind: str, item: str) -> None:
        """Remember that something is collected now."""
        self.room.mark(kind, item, self.now_ms)

    def stored_at(self, index: int, domain: int) -> int:
        """Return when a listing was last refreshed, by Keepa itself or by a request."""
        by_keepa = self.catalogue.stored_at(index, domain, self.now)
        return max(by_keepa, self.seen("update", f"{domain}/{index}") or 0)

    def stored(self, index: int, domain: int) -> Listing:
        """Return a listing as the database has it, without refreshing it."""
        return self.catalogue.listing(index, domain, self.stored_at(index, domain))


Execute = Callable[[Moment], Outcome]
