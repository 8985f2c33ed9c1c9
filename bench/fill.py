"""Fills a ledger with the entries of calls that have ended, as fast as the database takes them.

The calls are staged, ids and moments only; one statement makes a reserved and a settled entry of each. Indexes are made
anew at the end, as after a restore: filling them row by row would take most of the time.
"""

from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    case,
    cast,
    create_engine,
    insert,
    literal,
    literal_column,
    select,
    text,
    union_all,
)

from bench.ours import facts, new_call_id
from keepahead.budget.entry import Entry, Reserved, Settled
from keepahead.store import rows, tables

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_APART = timedelta(seconds=1)  # from call to call: 2,500,000 calls in a month

_staged = Table(
    "staged_calls",
    MetaData(),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("call_id", String(40), nullable=False),
    Column("at", BigInteger, nullable=False),
    prefixes=["TEMPORARY"],
)


def fill(url: str, fingerprint: str, entries: int, until: datetime, *, apart: timedelta = _APART) -> None:
    """Append so many entries of one account, a call every `apart`, the last of them just before `until`."""
    engine = create_engine(url)
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            _hurry(connection)
        _append(connection, fingerprint, entries // 2, until, apart)
        connection.commit()
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        _settle_down(connection)
    engine.dispose()


def _hurry(connection: Connection) -> None:
    """Let SQLite fill a file that would be thrown away if this process died."""
    for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-200000"):
        connection.exec_driver_sql(f"PRAGMA {pragma}")
    connection.commit()


def _settle_down(connection: Connection) -> None:
    """Have the database do now what it would do while we measure."""
    is_sqlite = connection.dialect.name == "sqlite"
    for statement in ("PRAGMA journal_mode=WAL",) if is_sqlite else ("VACUUM (ANALYZE) entries", "CHECKPOINT"):
        connection.exec_driver_sql(statement)


def _append(connection: Connection, fingerprint: str, calls: int, until: datetime, apart: timedelta) -> None:
    for index in tables.entries.indexes:
        index.drop(connection)
    _staged.create(connection)
    _stage(connection, calls, until, apart)
    columns = [column.name for column in tables.entries.columns if column.name != "seq"]
    kinds = union_all(*(select(literal_column(str(kind)).label("kind")) for kind in (0, 1))).subquery("kinds")
    nothing = dict.fromkeys(columns)
    samples = [{**nothing, **rows.entry_row(each), "fingerprint": fingerprint} for each in _entries_of_a_call(until)]
    made = (
        case((kinds.c.kind == 0, _made(name, samples[0], until)), else_=_made(name, samples[1], until))
        for name in columns
    )
    connection.execute(
        insert(tables.entries).from_select(columns, select(*made).select_from(_staged.join(kinds, text("1=1"))))
    )
    _staged.drop(connection)
    for index in tables.entries.indexes:
        index.create(connection)


def _stage(connection: Connection, calls: int, until: datetime, apart: timedelta) -> None:
    first = until - apart * calls
    moments = (first + apart * number for number in range(calls))
    staged = ((number, new_call_id(at), (at - _EPOCH) // _MICROSECOND) for number, at in enumerate(moments))
    with closing(connection.connection.cursor()) as cursor:
        if connection.dialect.name == "sqlite":
            cursor.executemany("INSERT INTO staged_calls VALUES (?, ?, ?)", staged)
            return
        with cursor.copy("COPY staged_calls FROM STDIN") as copy:
            for row in staged:
                copy.write_row(row)


def _entries_of_a_call(at: datetime) -> tuple[Entry, Entry]:
    ask, meter = facts("", at)
    held = ask.tokens_max
    balance = meter.tokens_left
    lapses_at = at + timedelta(minutes=8)
    return (
        Reserved(
            at=at,
            label=ask.label,
            tokens=held,
            shape=ask.shape,
            balance=balance,
            free=balance,
            floor=10,
            lapses_at=lapses_at,
        ),
        Settled(at=at, label=ask.label, tokens=held - 3, reserved=held, meter=meter),
    )


def _made(name: str, sample: dict[str, Any], at: datetime) -> ColumnElement[Any]:
    """Return what a column becomes for a staged call: a moment keeps its distance, all else is as in the sample."""
    if name == "call_id":
        return _staged.c.call_id
    value = sample[name]
    if isinstance(value, datetime):
        return _staged.c.at + (value - at) // _MICROSECOND
    type_ = tables.entries.c[name].type
    return cast(literal(value, type_), type_)
