"""Who spends: a lane has a floor below which it may not take the balance, and a place in the queue."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Lane:
    """One class of spenders.

    `rank` orders the queue (0 is served first). `floor` is in tokens and may be negative: a deficit, chosen and
    bounded. `floor_percent` caps the floor at that share of the capacity, so that a small plan is not all floor. A
    lane of a higher rank yields to rank 0 for so long as `patience` (ticket.py says what happens then).
    """

    name: str
    rank: int
    floor: int
    floor_percent: int = 100
    patience: timedelta = timedelta(minutes=15)

    def floor_of(self, capacity: int) -> int:
        """Return the floor in tokens for a bucket of that capacity."""
        return min(self.floor, capacity * self.floor_percent // 100)


LIVE = Lane("live", rank=0, floor=10)
"""A person waits."""

JOBS = Lane("jobs", rank=1, floor=100, floor_percent=25)
"""Work in the background."""
