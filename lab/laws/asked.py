"""What somebody asked for. It rides in the context of whatever is done for it, so that the network knows for whom.

Products that ride together in one call go in the context of the first of them, who asked before the others.
"""

import contextvars
from dataclasses import dataclass, field

from lab.network import Exchange
from lab.process import Process


@dataclass(eq=False)
class Asked:
    """One wish: since when, how long its caller waits, and how old an answer may be (None: nobody can say here)."""

    name: str
    at: float
    wait_seconds: float | None
    age_seconds: float | None = None
    process: Process | None = None
    lane: str = "live"
    calls: int = 1
    """Into so many calls of Keepa's own size it falls."""

    items: frozenset[str] = frozenset()
    """The products that it is about, if it may ride with others; their exchanges go in its context."""

    shares_for_seconds: float | None = None
    """So long it waits for what others fetch, where that is not as long as it waits for all."""

    exchanges: list[Exchange] = field(default_factory=list)

    def may_give_up_at(self, patience_seconds: float) -> float:
        """Return the moment from which on it need not wait for what others fetch."""
        waits = self.wait_seconds if self.shares_for_seconds is None else self.shares_for_seconds
        return float("inf") if waits is None else self.at + max(waits, patience_seconds)


ASKED: "contextvars.ContextVar[Asked | None]" = contextvars.ContextVar("asked", default=None)
