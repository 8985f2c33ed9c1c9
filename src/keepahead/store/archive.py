"""Answers kept for reuse, item by item: the cheapest call is the one not made.

Nothing here knows what Keepa's answers mean: whoever looks says which contents will do. Archives of different upstreams
never mix: what the simulator said must not be taken for what Keepa says.
"""

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Insert,
    Integer,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    type_coerce,
    update,
)

from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.errors import LedgerError
from keepahead.store import leases, tables
from keepahead.store.database import Database
from keepahead.store.dialects import insert_for
from keepahead.store.many import Many
from keepahead.store.memory import Memory
from keepahead.store.packing import DamagedError, pack, unpack
from keepahead.store.statement import Statement, pen
from keepahead.store.wanted import Claim, Item, Wanted, name_of

TOUCH = timedelta(hours=1)
"""When a row was used is written down not oftener than this."""

TOUCHES_AT_A_TIME = 500
EVICT_AT_A_TIME = 1_000
"""So many rows are touched, or make room for others, in one transaction."""

ROWS_OF_AN_ITEM = 4
"""Whoever looks for the newest items looks at so many rows for each that he wants."""

CHECKED_OFTEN = 64
"""The size of all is added up whenever this part of the limit has been kept."""

DAMAGED = "damaged"
"""Under this name it is counted how many rows could not be unpacked."""

UNREAD = "unread"
"""The contents of an answer that was paid for and cannot be divided into items: kept, and never served."""

_MEGABYTE = 1_000_000

log = logging.getLogger("keepahead")


class Archive:
    """The archived answers of one upstream. Safe to use from any thread. Raises LedgerError when it cannot be reached.

    `megabytes` (of compressed bodies, over all upstreams of the database) are the limit; 0 turns the archive off.
    `memory_megabytes` (of bodies as they are) of the hottest are remembered here, and looked up without the database.
    """

    def __init__(self, database: Database, upstream: str, megabytes: int, memory_megabytes: int = 0) -> None:
        self.upstream = name_of(upstream)
        self.limit = megabytes * _MEGABYTE
        self._database = database
        self._mutex = threading.Lock()
        self._memory = Memory(memory_megabytes * _MEGABYTE, lambda: database.archive_mark)
        self._touched: dict[int, datetime] = {}
        self._kept_bytes: int | None = None  # since the size of all was added up; None: it never was

    @property
    def is_on(self) -> bool:
        """Tell whether anything is kept at all."""
        return self.limit > 0

    @property
    def remembers(self) -> bool:
        """Tell whether anything is remembered in memory."""
        return self._memory.is_on

    def look(self, wanted: Wanted, since: datetime, now: datetime) -> Mapping[str, Item]:
        """Return what will do and was fetched at `since` or later: of each item the newest.

        What was fetched when our clock was wrong, at what is not yet, is of no known age: it serves nobody.
        """
        found = self._memory.recall(wanted, since, now)
        if found:
            wanted = replace(wanted, items=tuple(item for item in wanted.items if item not in found))
        if wanted.items:
            state = self._memory.state
            with self._database.read() as connection:
                rows = self._find(connection, wanted, since, now)
            looked_up = self._unpacked(rows, now)
            self._memory.remember(wanted, looked_up, now, state)
            found.update(looked_up)
        return found

    def recall(self, wanted: Wanted, since: datetime, now: datetime) -> Mapping[str, Item]:
        """Return what `look` would, as far as it is in memory. Takes microseconds and raises nothing."""
        return self._memory.recall(wanted, since, now)

    def claim(self, wanted: Wanted, since: datetime, now: datetime, holder: str, until: datetime) -> Claim:
        """Look once more, and lease what is not there, so that nobody else pays for it meanwhile.

        A lease ends with `keep` or `release`, or at `until`, should its holder have died.
        """
        with self._database.write() as connection:
            taken = leases.of_others(connection, self.upstream, wanted, holder, now)
            free = [item for item in wanted.items if item not in taken]
            leases.take(connection, self.upstream, wanted, free, holder=holder, until=until, now=now)
            taken = leases.of_others(connection, self.upstream, wanted, holder, now)
            mine = [item for item in free if item not in taken]
            rows = self._find(connection, wanted, since, now)  # what came since it was leased is there now
        found = self._unpacked(rows, now)
        return Claim(found, tuple(item for item in mine if item not in found), _without(taken, found))

    def peek(self, wanted: Wanted, since: datetime, now: datetime, holder: str) -> Claim:
        """Return what is there, and what others still fetch; leases nothing."""
        with self._database.read() as connection:
            taken = leases.of_others(connection, self.upstream, wanted, holder, now)
            rows = self._find(connection, wanted, since, now)
        found = self._unpacked(rows, now)
        return Claim(found, (), _without(taken, found))

    def newest(self, wanted: Wanted, since: datetime, now: datetime, most: int) -> Mapping[str, datetime]:
        """Return when items that will do were fetched, whichever they are: the newest, at most so many."""
        of = {"upstream": self.upstream, "endpoint": wanted.endpoint, "domain": wanted.domain, "since": since}
        of["rows"] = most * ROWS_OF_AN_ITEM
        found: dict[str, datetime] = {}
        with self._database.read() as connection:
            for item, contents, fetched_at in _NEWEST.run(connection, of):
                if len(found) < most and fetched_at - now <= CLOCKS_AGREE and wanted.serves(contents):
                    found.setdefault(item, fetched_at)
        return found

    def release(self, holder: str) -> None:
        """Give up all leases of a holder."""
        with self._database.write() as connection:
            leases.release(connection, holder)

    def keep(
        self,
        wanted: Wanted,
        items: Sequence[Item],
        *,
        replaces: Callable[[str, str], bool] = lambda _new, _old: False,
        holder: str | None = None,
    ) -> None:
        """Keep items, and end the holder's leases. What one `replaces` (new contents, old) is dropped."""
        packed = [(each, pack(each.body)) for each in sorted(items, key=lambda each: (each.item, each.contents))]
        rows = [self._row(wanted, each, body) for each, body in packed]
        with self._database.write() as connection:
            self._write_touched(connection)
            with pen(connection) as hand:
                _KEEP_FETCHED.write(hand, rows)
            self._drop_replaced(connection, wanted, items, replaces)
            if holder is not None:
                leases.release(connection, holder)
        self._memory.replace(wanted, items)
        self._make_room(sum(len(body) for _, body in packed))

    def put_away(self, wanted: Wanted, unread: Item) -> None:
        """Keep an answer as one that serves nobody, in place of the items that were kept of it."""
        row = self._row(wanted, unread, pack(unread.body))
        of = {"upstream": self.upstream, "endpoint": wanted.endpoint, "domain": wanted.domain, "since": _LONG_AGO}
        with self._database.write() as connection:
            old = _LOOK.run(connection, wanted.items, of)
            drop(connection, [seq for seq, *_, call_id in old if call_id == unread.call_id])
            with pen(connection) as hand:
                KEEP_NEWEST.write(hand, [row])
        self._memory.forget(wanted)

    def flush(self) -> None:
        """Write down what was used."""
        if self._touched:
            with self._database.write() as connection:
                self._write_touched(connection)

    def _find(
        self, connection: Connection, wanted: Wanted, since: datetime, now: datetime
    ) -> Sequence[tuple[Any, ...]]:
        """Return the newest row that will do of each item, with its body."""
        of = {"upstream": self.upstream, "endpoint": wanted.endpoint, "domain": wanted.domain, "since": since}
        serves: dict[str, bool] = {}
        newest: dict[str, tuple[Any, ...]] = {}
        for row in _READ.run(connection, wanted.items, of):
            _, item, contents, fetched_at, *_ = row
            if fetched_at - now > CLOCKS_AGREE:
                continue
            if contents not in serves:
                serves[contents] = wanted.serves(contents)
            if serves[contents] and (item not in newest or fetched_at > newest[item][3]):
                newest[item] = row
        return list(newest.values())

    def _unpacked(self, rows: Sequence[tuple[Any, ...]], now: datetime) -> Mapping[str, Item]:
        found: dict[str, Item] = {}
        damaged: list[int] = []
        for seq, item, contents, fetched_at, used_at, tokens, call_id, packed in rows:
            try:
                found[item] = Item(item, contents, fetched_at, tokens, call_id, unpack(packed))
            except DamagedError:
                damaged.append(seq)
                continue
            if now - used_at >= TOUCH:
                self._touch(seq, now)
        if damaged:
            self._drop_damaged(damaged)
        if len(self._touched) >= TOUCHES_AT_A_TIME:
            self.flush()
        return found

    def _touch(self, seq: int, now: datetime) -> None:
        with self._mutex:
            self._touched[seq] = now

    def _write_touched(self, connection: Connection) -> None:
        with self._mutex:
            touched, self._touched = self._touched, {}
        with pen(connection) as hand:
            _TOUCH.write(hand, [{"of": seq, "at": touched[seq]} for seq in sorted(touched)])

    def _drop_damaged(self, seqs: Sequence[int]) -> None:
        log.warning("%d archived answers were damaged; they are dropped and fetched anew", len(seqs))
        with self._database.write() as connection:
            drop(connection, seqs)
            with pen(connection) as hand:
                _COUNT.write(hand, [{"name": DAMAGED, "count": len(seqs)}])

    def _drop_replaced(
        self, connection: Connection, wanted: Wanted, items: Sequence[Item], replaces: Callable[[str, str], bool]
    ) -> None:
        """Drop what is older and holds no more than what was kept just now."""
        new = {each.item: each for each in items if each.contents != UNREAD}
        if not new:
            return
        of = {"upstream": self.upstream, "endpoint": wanted.endpoint, "domain": wanted.domain, "since": _LONG_AGO}
        old = _LOOK.run(connection, list(new), of)
        gone = [
            seq
            for seq, item, contents, fetched_at, *_ in old
            if contents != new[item].contents
            and fetched_at <= new[item].fetched_at
            and replaces(new[item].contents, contents)
        ]
        drop(connection, gone)

    def _make_room(self, kept_bytes: int) -> None:
        """Let the least recently used go, should the limit have been reached; so many at a time."""
        with self._mutex:
            before = self._kept_bytes
            self._kept_bytes = (before or 0) + kept_bytes
            is_due = before is None or self._kept_bytes > self.limit // CHECKED_OFTEN
            if is_due:
                self._kept_bytes = 0
        if not is_due:
            return
        with suppress(LedgerError):  # what was kept is kept
            if evict(self._database, self.limit - self.limit // CHECKED_OFTEN):
                with self._mutex:
                    self._kept_bytes = None  # there may be more to do

    def _row(self, wanted: Wanted, item: Item, body: bytes) -> Mapping[str, Any]:
        return {
            "upstream": self.upstream,
            "endpoint": wanted.endpoint,
            "domain": wanted.domain,
            "item": item.item,
            "contents": item.contents,
            "fetched_at": item.fetched_at,
            "used_at": item.fetched_at,
            "size": len(body),
            "tokens": item.tokens,
            "call_id": item.call_id,
            "body": body,
        }


def _without(taken: Mapping[str, datetime], found: Mapping[str, Item]) -> Mapping[str, datetime]:
    """Return what others fetch, but for what is there already: its lease has only not been given up yet."""
    return {item: until for item, until in taken.items() if item not in found}


def total_size(connection: Connection) -> int:
    """Return the bytes of all bodies as they are kept."""
    return int(connection.execute(select(func.coalesce(func.sum(_ROWS.size), 0))).scalar_one())


def drop(connection: Connection, seqs: Sequence[int]) -> None:
    """Drop rows."""
    _DROP.run(connection, sorted(seqs), {})


def evict(database: Database, limit: int) -> int:
    """Drop the least recently used as long as all together are larger than `limit` bytes, but not too many at once.

    Return how many.
    """
    with database.read() as connection:
        over = total_size(connection) - limit
    if over <= 0:
        return 0
    with database.write() as connection:
        oldest = select(_ROWS.seq, _ROWS.size).order_by(_ROWS.used_at).limit(EVICT_AT_A_TIME)
        gone: list[int] = []
        for seq, size in connection.execute(oldest):
            if over <= 0:
                break
            gone.append(seq)
            over -= size
        drop(connection, gone)
    database.mark_archive()
    return len(gone)


_ROWS = tables.answers.c
_LONG_AGO = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_KEY = ("upstream", "endpoint", "domain", "item", "contents")


def _keep_newest(dialect: Dialect, *, is_fetched_now: bool = False) -> Insert:
    statement = insert_for(dialect)(tables.answers)
    new = statement.excluded
    is_newer = new.fetched_at >= _ROWS.fetched_at
    if is_fetched_now:
        ahead = type_coerce(_ROWS.fetched_at, BigInteger) - type_coerce(new.fetched_at, BigInteger)
        is_newer = or_(is_newer, ahead > literal_column(str(CLOCKS_AGREE // timedelta(microseconds=1))))
    return statement.on_conflict_do_update(
        index_elements=list(_KEY),
        set_={
            column.name: new[column.name]
            for column in tables.answers.columns
            if column.name not in {"seq", "used_at", *_KEY}
        }
        | {"used_at": case((new.used_at > _ROWS.used_at, new.used_at), else_=_ROWS.used_at)},
        where=is_newer,
    )


def _count(dialect: Dialect) -> Insert:
    statement = insert_for(dialect)(tables.counts)
    return statement.on_conflict_do_update(
        index_elements=["name"], set_={"count": tables.counts.c["count"] + statement.excluded["count"]}
    )


_COLUMNS = tuple(column.name for column in tables.answers.columns if column.name != "seq")
KEEP_NEWEST = Statement(_keep_newest, _COLUMNS)
"""Keeps a row in place of the one with the same key, unless that is newer."""
_KEEP_FETCHED = Statement(partial(_keep_newest, is_fetched_now=True), _COLUMNS)
"""The same for what was fetched just now: what is much newer came when our clock was wrong."""

_COUNT = Statement(_count, ("name", "count"))


def _find_rows(*columns: Column[Any]) -> Many:
    return Many(
        lambda ids: select(*columns).where(
            _ROWS.upstream == bindparam("upstream"),
            _ROWS.endpoint == bindparam("endpoint"),
            _ROWS.domain == bindparam("domain"),
            _ROWS.item.in_(ids),
            _ROWS.fetched_at >= bindparam("since", type_=tables.Moment),
        )
    )


_FACTS = (_ROWS.seq, _ROWS.item, _ROWS.contents, _ROWS.fetched_at)
_LOOK = _find_rows(*_FACTS, _ROWS.call_id)
_READ = _find_rows(*_FACTS, _ROWS.used_at, _ROWS.tokens, _ROWS.call_id, _ROWS.body)
_NEWEST = Statement(
    select(_ROWS.item, _ROWS.contents, _ROWS.fetched_at)
    .where(
        _ROWS.upstream == bindparam("upstream"),
        _ROWS.endpoint == bindparam("endpoint"),
        _ROWS.domain == bindparam("domain"),
        _ROWS.fetched_at >= bindparam("since", type_=tables.Moment),
    )
    .order_by(_ROWS.fetched_at.desc())
    .limit(bindparam("rows", type_=Integer))
    .offset(literal_column("0"))  # SQLAlchemy would add a parameter for it
)
_DROP = Many(lambda ids: delete(tables.answers).where(_ROWS.seq.in_(ids)))
_TOUCH = Statement(
    update(tables.answers).where(_ROWS.seq == bindparam("of")).values(used_at=bindparam("at", type_=tables.Moment))
)
