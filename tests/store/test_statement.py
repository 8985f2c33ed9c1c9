"""Statements made ready: what one pen writes is there in its order, in one transaction."""

import pytest
from sqlalchemy import bindparam, delete, insert, select

from keepahead.store import tables
from keepahead.store.database import Database
from keepahead.store.statement import Statement, pen

LIMITS = tables.limits.c
NEW_LIMIT = Statement(insert(tables.limits), ("fingerprint", "caller", "tokens_per_hour"))
NEW_ACCOUNT = Statement(insert(tables.accounts), ("fingerprint",))
NO_LIMIT = Statement(delete(tables.limits).where(LIMITS.caller == bindparam("whose")))


def limit(caller: str, tokens: int) -> dict[str, object]:
    """A row of the limits."""
    return {"fingerprint": "account", "caller": caller, "tokens_per_hour": tokens}


def limits(database: Database) -> dict[str, int]:
    """All limits that are kept."""
    with database.read() as connection:
        return {row.caller: row.tokens_per_hour for row in connection.execute(select(tables.limits))}


def test_writes_to_one_table_keep_their_order(database):
    """A row that is replaced is there afterwards, and all rows of several are."""
    with database.write() as connection, pen(connection) as hand:
        NEW_ACCOUNT.write(hand, [{"fingerprint": "account"}])
        NEW_LIMIT.write(hand, [limit("a", 1), limit("b", 2)])
        NO_LIMIT.write(hand, [{"whose": "a"}])
        NEW_LIMIT.write(hand, [limit("a", 3)])
    assert limits(database) == {"a": 3, "b": 2}


def test_writes_to_several_tables(database):
    """Statements that go together all take effect, each with its own values."""
    with database.write() as connection, pen(connection) as hand:
        NEW_ACCOUNT.write(hand, [{"fingerprint": "account"}])
        NEW_LIMIT.write(hand, [limit("a", 1)])
        database.ring(hand, "account")
    assert limits(database) == {"a": 1}


def write_and_fail(database: Database) -> None:
    """Write to two tables, then meet an error."""
    with database.write() as connection, pen(connection) as hand:
        NEW_ACCOUNT.write(hand, [{"fingerprint": "account"}])
        NEW_LIMIT.write(hand, [limit("a", 1)])
        raise ZeroDivisionError


def test_nothing_is_sent_by_a_pen_that_fails(database):
    """What was written before an error is not there."""
    with pytest.raises(ZeroDivisionError):
        write_and_fail(database)
    assert limits(database) == {}
