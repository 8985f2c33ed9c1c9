"""Clients of the ledger as it is shipped: one Database and one Ledger for each process, shared by its threads."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from datetime import UTC, datetime

import keepahead
from keepahead.budget.decide import Ask
from keepahead.budget.entry import Label
from keepahead.budget.lane import LIVE
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Granted
from keepahead.keepa.call_id import new_call_id
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger

FINGERPRINT = "bench"
_RESERVED, _CHARGED = 10, 7
_SHAPE = "product domain=1, 10 asins"


def facts(call_id: str, now: datetime) -> tuple[Ask, Meter]:
    """Return an ask, and the meter that answers it: so full that no ask ever waits."""
    ask = Ask(
        label=Label(call_id, "product", "live", "bench"),
        lane=LIVE,
        shape=_SHAPE,
        tokens_max=_RESERVED,
        opened_at=now,
    )
    return ask, Meter(now, now, now, tokens_left=1_000_000, refill_rate_per_minute=20_000, refill_in_ms=30_000)


class Ours:
    """Reserve, then settle; every ask is granted at once."""

    version = keepahead.__version__

    def __init__(self, url: str) -> None:
        self.database = open_database(url)
        self.ledger = Ledger(self.database, FINGERPRINT)
        now = datetime.now(UTC)
        self.ledger.observe(facts("", now)[1], now)

    @contextmanager
    def clients(self, count: int) -> Generator[list[Callable[[], None]]]:
        """Give each client its pair."""
        yield [self.pair] * count

    def pair(self) -> None:
        """Reserve and settle one call."""
        now = datetime.now(UTC)
        ask, meter = facts(new_call_id(now), now)
        verdict = self.ledger.reserve(ask, now)
        assert isinstance(verdict, Granted), verdict
        self.ledger.settle(ask.label.call_id, _CHARGED, meter, now)

    def pairs(self, times: int) -> None:
        """Do so many, one after the other."""
        for _ in range(times):
            self.pair()

    def close(self) -> None:
        """Close all connections."""
        self.database.close()
