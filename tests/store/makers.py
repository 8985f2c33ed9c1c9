"""Short ways to say what the ledger's tests are about."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from keepahead.budget.ask import Ask
from keepahead.budget.entry import Label
from keepahead.budget.lane import LIVE, Lane
from keepahead.budget.meter import Meter
from keepahead.store.database import Database

T0 = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)

_TABLES_OF = {"0004": ("gateway_keys",), "0005": ("alarms", "outbox", "silences")}
"""What these steps of the migrations added."""


def at(seconds: float) -> datetime:
    """A moment so long after the test's beginning."""
    return T0 + timedelta(seconds=seconds)


def meter(seconds: float, left: int, rate: int = 20, refill_in_ms: int = 30_000) -> Meter:
    """A meter asked for, measured and received at the same moment."""
    return Meter(at(seconds), at(seconds), at(seconds), left, rate, refill_in_ms)


def ask(call_id: str, tokens: int, items: int = 1, lane: Lane = LIVE, caller: str = "tests", **more) -> Ask:
    """A wish to spend."""
    label = Label(call_id, more.pop("endpoint", "product"), lane.name, caller)
    return Ask(
        label=label,
        lane=lane,
        shape="a test",
        tokens_max=tokens,
        items=items,
        opened_at=more.pop("opened_at", T0),
        **more,
    )


def put_back(database: Database, version: str) -> None:
    """Make of the ledger what it was at that version."""
    with database.write() as connection:
        for table in (table for step, tables in _TABLES_OF.items() if step > version for table in tables):
            connection.execute(text(f"DROP TABLE {table}"))
        if version < "0006":
            connection.execute(text("DROP INDEX entries_by_kind"))
        connection.execute(text("UPDATE keepahead_version SET version_num = :version"), {"version": version})
