"""How Keepa fared with the last calls, as far as they ended here. Asks nobody, and spends nothing."""

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from keepahead.clock import Clock
from keepahead.errors import BadAnswerError, KeepaRejected, KeepaUnreachable, OutcomeUnknown, PartialResultError

REMEMBERED = timedelta(minutes=1)
"""A failure counts for so long: a gateway that nobody asks any more would never find out that Keepa is back."""


class Upstream:
    """The last failure. The last success is the ledger's newest meter, whichever process brought it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.failed_at: datetime | None = None
        self.failure: str | None = None

    def watch(self, work: asyncio.Task[Any]) -> None:
        """Take notice of how that ends."""
        work.add_done_callback(self._note)

    def is_away(self, answered_at: datetime | None, now: datetime) -> bool:
        """Tell whether the last call failed just now; nobody knows is no."""
        if self.failed_at is None or now - self.failed_at >= REMEMBERED:
            return False
        return answered_at is None or answered_at <= self.failed_at

    def _note(self, work: asyncio.Task[Any]) -> None:
        error = None if work.cancelled() else work.exception()
        if isinstance(error, PartialResultError):
            error = error.cause
        if isinstance(error, KeepaUnreachable | OutcomeUnknown | BadAnswerError) or _is_fault(error):
            self.failed_at, self.failure = self._clock.now(), str(error)


def _is_fault(error: BaseException | None) -> bool:
    return isinstance(error, KeepaRejected) and error.status >= HTTPStatus.INTERNAL_SERVER_ERROR
