"""What a client is made of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keepahead.clock import Clock
from keepahead.keepa.steps import Step
from keepahead.keepa.terms import Terms
from keepahead.store.archive import Archive
from keepahead.store.ledger import Ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a client is made of. `transport` is one of httpx2's; `watch` sees every step, for progress bars.

    `waits_alone`: a call for one product waits a moment for others to ride with it even if none is under way.
    """

    key: str
    upstream_url: str
    ledger: Ledger
    clock: Clock
    terms: Terms
    transport: Any
    archive: Archive | None = None
    max_concurrency: int = 8
    calls_per_minute: int | None = None
    waits_alone: bool = True
    watch: Callable[[Step], None] | None = None
    close: Callable[[], None] = lambda: None

    def __repr__(self) -> str:
        return f"Parts(upstream_url={self.upstream_url!r}, account={self.ledger.fingerprint})"


def places(parts: Parts) -> int:
    """Return how many calls may be under way: few enough that none waits for its moment too long."""
    return min(parts.max_concurrency, parts.calls_per_minute or parts.max_concurrency)
