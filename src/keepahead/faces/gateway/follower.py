"""Reads the ledger's entries on as they are written, whichever process wrote them, and has them counted."""

import asyncio
import logging
import threading
from collections.abc import Mapping
from datetime import datetime, timedelta

from keepahead.budget.entry import Reserved
from keepahead.errors import LedgerError
from keepahead.faces.gateway.alert_counts import AlertCounts
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.counts import Counts
from keepahead.faces.gateway.gateway import Gateway
from keepahead.store.record import Line
from keepahead.work.tasks import end

BEAT_SECONDS = 2.0
"""So often the entries are looked at: counters are behind by this at most, however much is written."""

PAGE = 1_000
REVIEW_EVERY = timedelta(minutes=10)
"""So often the dearest callers are found anew."""

_KNOWN_FOR = timedelta(days=1)  # who spent within this is counted from zero on

log = logging.getLogger("keepahead.gateway")


class Follower:
    """One for each gateway. It never waits for anybody who scrapes, and nobody who spends waits for it."""

    def __init__(self, gateway: Gateway, books: Books, counts: Counts, alerts: AlertCounts) -> None:
        self.counting = threading.Lock()
        self._gateway = gateway
        self._books = books
        self._counts = counts
        self._alerts = alerts
        self._task: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._position: int | None = None
        self._waits: Mapping[str, datetime] = {}
        self._changes = -1
        self._is_away = False
        self._reviewed_at = gateway.clock.now()

    async def start(self) -> None:
        """Begin after the newest entry."""
        await self.beat()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Count what was written meanwhile, and end it. No thread is still at it then: the ledger may be closed."""
        await end(self._task)
        if self._beating is not None:
            await self._beating
        if not self._is_away:
            await self.beat()

    async def beat(self) -> None:
        """Count what is new. A ledger that cannot be read is asked again with the next beat."""
        try:
            await asyncio.to_thread(self._read)
        except LedgerError as error:
            if not self._is_away:
                log.error("the entries cannot be counted: %s", error)  # noqa: TRY400 - the reason says it all
            self._is_away = True
        else:
            self._is_away = False

    async def _run(self) -> None:
        while True:
            await self._gateway.clock.sleep_async(BEAT_SECONDS)
            self._beating = asyncio.create_task(self.beat())
            await asyncio.shield(self._beating)

    def _read(self) -> None:
        position = self._position
        if position is None:
            position = self._begin()
        changes = self._books.ledger.changes()  # asked before: what is written meanwhile is read with the next beat
        if changes != self._changes:
            self._read_on(position)
            self._changes = changes
        alarms, letters = self._alerts.look()
        with self.counting:
            self._alerts.take(alarms, letters)
        now = self._gateway.clock.now()
        if now - self._reviewed_at >= REVIEW_EVERY:
            self._reviewed_at = now
            with self.counting:
                self._counts.review()

    def _read_on(self, position: int) -> None:
        waits = self._waiting_since()
        seen = {**self._waits, **waits}
        while True:
            page = self._books.record.after(position, limit=PAGE)
            with self.counting:
                for line in page:
                    self._count(line, seen)
            position = self._position = page[-1].seq if page else position
            if len(page) < PAGE:
                break
        self._waits = waits

    def _begin(self) -> int:
        """Find out where to begin, and who has spent before."""
        record, now = self._books.record, self._gateway.clock.now()
        position = record.last_seq()
        spent = record.spenders(now - _KNOWN_FOR)
        with self.counting:
            self._counts.seed(spent)
        self._position = position
        return position

    def _count(self, line: Line, waits: Mapping[str, datetime]) -> None:
        entry = line.entry
        waits_since = waits.get(entry.label.call_id) if isinstance(entry, Reserved) else None
        self._counts.take(entry, waits_since)

    def _waiting_since(self) -> Mapping[str, datetime]:
        """Return since when each call waits. An entry does not say it; the ticket that its call had before does."""
        account = self._gateway.pulse.account
        return {} if account is None else {each.call_id: each.opened_at for each in account.tickets if not each.is_kept}
