"""One reserve and one settle: in memory, on SQLite, and the least that SQLite itself needs for two such commits."""

import sqlite3
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

from keepahead.budget import decide
from keepahead.budget.account import Account, apply
from keepahead.budget.ask import Ask
from keepahead.budget.entry import Label
from keepahead.budget.lane import LIVE
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Granted
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger

_START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
_RESERVED, _CHARGED = 10, 7
_BUSY_SECONDS = 10


class Memory:
    """The decisions alone."""

    def __init__(self) -> None:
        self._numbers = count()
        self._account = Account("bench")
        self._account = apply(self._account, decide.observe(self._account, _meter(_START), _START)[0])

    def pairs(self, times: int) -> None:
        """Do so many."""
        account = self._account
        for number in _take(self._numbers, times):
            ask, meter, now = _facts(number)
            for entry in decide.reserve(account, ask, now).entries:
                account = apply(account, entry)
            for entry in decide.settle(account, ask.label.call_id, _CHARGED, meter, now):
                account = apply(account, entry)
        self._account = account


class OnSqlite:
    """The ledger as it is shipped, on a file of its own."""

    def __init__(self, folder: Path) -> None:
        self.database = open_database(f"sqlite:///{folder / 'ledger.db'}")
        self._numbers = count()
        self._ledger = Ledger(self.database, "bench")
        self._ledger.observe(_meter(_START), _START)

    def pairs(self, times: int) -> None:
        """Do so many."""
        for number in _take(self._numbers, times):
            ask, meter, now = _facts(number)
            assert isinstance(self._ledger.reserve(ask, now), Granted)
            self._ledger.settle(ask.label.call_id, _CHARGED, meter, now)


class Bare:
    """Two commits of one UPDATE and one INSERT each, by plain sqlite3 under the pragmas of the ledger."""

    def __init__(self, folder: Path) -> None:
        self._connection = sqlite3.connect(
            folder / "bare.db", isolation_level=None, timeout=_BUSY_SECONDS, check_same_thread=False
        )
        for statement in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=NORMAL",
            "PRAGMA foreign_keys=ON",
            "CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, free INTEGER)",
            "CREATE TABLE IF NOT EXISTS entries (seq INTEGER PRIMARY KEY, call_id TEXT, tokens INTEGER)",
            "INSERT OR IGNORE INTO accounts VALUES ('bench', 1000)",
        ):
            self._connection.execute(statement)

    def pairs(self, times: int) -> None:
        """Do so many."""
        for number in range(times):
            self._commit(number, _RESERVED)
            self._commit(number, -_RESERVED)

    def _commit(self, number: int, tokens: int) -> None:
        run = self._connection.execute
        run("BEGIN IMMEDIATE")
        run("UPDATE accounts SET free = free - ? WHERE name = 'bench' AND free >= ?", (tokens, tokens))
        run("INSERT INTO entries (call_id, tokens) VALUES (?, ?)", (f"{number:032x}", tokens))
        run("COMMIT")

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def _take(numbers: "count[int]", times: int) -> list[int]:
    return [next(numbers) for _ in range(times)]


def _facts(number: int) -> tuple[Ask, Meter, datetime]:
    """Return the next call: an ask, the meter that answers it, the moment."""
    now = _START + timedelta(milliseconds=number)
    call_id = f"{number * 0x9E3779B97F4A7C15 % (1 << 128):032x}"  # spread like random ones
    label = Label(call_id, "product", "live", "bench")
    shape = "product domain=1, 10 asins"
    return Ask(label=label, lane=LIVE, shape=shape, tokens_max=_RESERVED, opened_at=now), _meter(now), now


def _meter(now: datetime) -> Meter:
    return Meter(now, now, now, tokens_left=1000, refill_rate_per_minute=20, refill_in_ms=30_000)
