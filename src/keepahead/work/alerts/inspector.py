"""Compares the account with its entries now and then, in pieces that hold nobody up."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime

from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.store.audit import Audit, Finding
from keepahead.work.alerts.facts import Inspection

FIRST_AFTER_SECONDS = 600.0
EVERY_SECONDS = 6 * 3600.0
"""A drift is a fault of the program or a hand in the tables: it does not come by itself, and to hear of it hours later
costs little. To read a million entries costs a minute of a core, so it is not done all the time, nor when a gateway
has just started and has other things to do."""

PAUSE_SECONDS = 0.1
"""Between two pieces, which take some hundredths of a second: others come first."""

log = logging.getLogger("keepahead")


class Inspector:
    """Inspects one ledger as long as its gateway runs, and hands each outcome to `report`."""

    def __init__(self, audit: Audit, report: Callable[[Inspection], None], clock: Clock) -> None:
        self._audit = audit
        self._report = report
        self._clock = clock

    async def run(self) -> None:
        """Inspect again and again; a ledger that is away is asked the next time."""
        await self._clock.sleep_async(FIRST_AFTER_SECONDS)
        while True:
            try:
                self._report(await self.inspect())
            except LedgerError as error:
                log.warning("the ledger could not be inspected: %s", error)
            await self._clock.sleep_async(EVERY_SECONDS)

    async def inspect(self) -> Inspection:
        """Compare all of it once. A drift is looked at again in one piece before anybody hears of it."""
        at = self._clock.now()
        finding = await self._in_pieces()
        if finding.drifts:
            at = self._clock.now()
            finding = await asyncio.to_thread(self._audit.verify)
        return _inspection(finding, at)

    async def _in_pieces(self) -> Finding:
        pieces = self._audit.verify_in_pieces()
        while True:
            finding = await asyncio.to_thread(next, pieces)
            if finding is not None:
                return finding
            await self._clock.sleep_async(PAUSE_SECONDS)


def _inspection(finding: Finding, at: datetime) -> Inspection:
    first = finding.drifts[0] if finding.drifts else None
    words = f"{first.what} is {first.kept}, and should be {first.rebuilt}" if first else ""
    return Inspection(at, len(finding.drifts), words)
