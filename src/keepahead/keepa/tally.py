"""What one request cost and saved, added up while it is answered."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from keepahead.keepa.archived import charged
from keepahead.keepa.wire import Answer


@dataclass(slots=True)
class Tally:
    """What was paid for somebody, in tokens, by all that was done with it so far; one that was cancelled is left out.

    `consumed` is what Keepa charged, for what came and for what did not; `saved` is what the archive saved, as it is in
    the ledger. `answers` are those it was made of: one for each call from Keepa, one for each item from the archive.
    `oldest` is when the oldest of them was fetched; `is_stale` tells that one is older than was accepted.
    """

    consumed: int = 0
    saved: int = 0
    answers: int = 0
    oldest: datetime | None = None
    is_stale: bool = False

    def take(self, answers: Iterable[Answer], lost: int = 0) -> None:
        """Add answers, and tokens that were charged for what did not come."""
        self.consumed += lost
        for answer in answers:
            self.consumed += charged(answer)
            self.saved += answer.tokens_saved
            self.answers += 1
            self.oldest = answer.fetched_at if self.oldest is None else min(self.oldest, answer.fetched_at)
            self.is_stale = self.is_stale or answer.is_stale
