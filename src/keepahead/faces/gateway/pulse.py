"""The account as it was a moment ago: for headers, the guard and health, which must not ask the ledger each time."""

import asyncio
import logging
from datetime import datetime, timedelta

from keepahead.budget.account import Account
from keepahead.budget.lane import Lane
from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.store.ledger import Ledger
from keepahead.work.tasks import end

BEAT_SECONDS = 0.5
"""So often the ledger is read: what other processes spend is seen so late."""

log = logging.getLogger("keepahead.gateway")


class Pulse:
    """Reads the ledger again and again, in a thread. What this process itself spends is seen at once."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self._ledger = ledger
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self.read_at: datetime | None = None
        self.took = timedelta()
        self.failure: str | None = None

    @property
    def account(self) -> Account | None:
        """The account as it was last seen; None as long as nobody has."""
        return self._ledger.seen()

    def tokens_left(self, now: datetime) -> int | None:
        """Return the balance by projection; None if nobody knows."""
        account = self.account
        return account.balance_at(now) if account is not None and account.meter is not None else None

    def is_below_floor(self, lane: Lane, now: datetime) -> bool:
        """Tell whether nothing can be spent in that lane just now; not as long as nobody knows the balance."""
        account = self.account
        if account is None or account.meter is None:
            return False
        return account.free_at(now) <= lane.floor_of(account.meter.capacity)

    async def read(self) -> None:
        """Read the ledger once. What goes wrong is told by `failure`."""
        began = self._clock.now()
        try:
            await asyncio.to_thread(self._ledger.account)
        except LedgerError as error:
            if self.failure is None:
                log.error("the ledger cannot be read: %s", error)  # noqa: TRY400 - the reason says it all
            self.failure = str(error)
            return
        self.failure = None
        self.read_at = self._clock.now()
        self.took = self.read_at - began

    def start(self) -> None:
        """Begin to beat."""
        self._task = asyncio.create_task(self._beat())

    async def stop(self) -> None:
        """End it."""
        await end(self._task)

    async def _beat(self) -> None:
        while True:
            await self.read()
            await self._clock.sleep_async(BEAT_SECONDS)
