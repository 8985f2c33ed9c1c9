"""How the balance went: what the entries say of it, thinned out by the database, so that a week is read like an hour.

Each stretch of time is looked up on its own by an index; nobody goes through the entries between, however many.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    ScalarSelect,
    Select,
    func,
    literal,
    or_,
    select,
    type_coerce,
    union_all,
)

from keepahead.budget.past import Reading
from keepahead.store import rows, tables
from keepahead.store.database import Database

CLOSE = timedelta(minutes=2)
"""Meters are never looked up further apart. A balance rises by two lumps in that time: no dip is missed by more."""

COUNTED_MOST = 100
"""Refusals of one stretch are counted up to here: a program that is refused and asks on at once makes millions."""

METERED = ("settled", "observed", "carried")
"""The kinds of entries that have a meter."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ENTRIES = tables.entries.c
_READ = (_ENTRIES.at, *(_ENTRIES[name] for name in rows.METER_COLUMNS))


@dataclass(frozen=True, slots=True)
class Held:
    """What was held once a call had its tokens set aside: the newest such moment of its stretch."""

    at: datetime
    tokens: int


@dataclass(frozen=True, slots=True)
class Refused:
    """So many calls were refused, counted up to COUNTED_MOST, the newest of the stretch at that moment."""

    at: datetime
    calls: int


@dataclass(frozen=True, slots=True)
class Past:
    """What is known of a span of time, oldest first. The first reading may be the newest of before."""

    readings: Sequence[Reading]
    held: Sequence[Held]
    refused: Sequence[Refused]


class Course:
    """The past of one account, read-only."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def read(self, since: datetime, until: datetime, *, stretches: int) -> Past:
        """Return what was between two moments, in so many stretches of the same length; `until` is not in it.

        Of each stretch there is the lowest reading and the newest, and the newest of all else. Raises LedgerError.
        """
        width = max(_MICROSECOND, (until - since) / stretches)
        close = -(-width // CLOSE)  # looks at meters in each stretch
        with self._database.read() as connection:
            return Past(
                readings=[
                    *self._before(connection, since),
                    *self._readings(connection, _Slots(since, width, stretches), close),
                ],
                held=self._held(connection, _Slots(since, width, stretches)),
                refused=self._refused(connection, _Slots(since, width, stretches)),
            )

    def balance_at(self, moment: datetime) -> int | None:
        """Return the balance at a moment of the past, or the first that was read after it; None where none was."""
        with self._database.read() as connection:
            before = self._before(connection, moment)
            if before:
                return before[0].meter.balance_at(moment)
            first = select(_ENTRIES.tokens_left).where(
                _ENTRIES.fingerprint == self._fingerprint, _ENTRIES.kind.in_(METERED)
            )
            return connection.execute(first.order_by(_ENTRIES.seq).limit(1)).scalar_one_or_none()

    def _before(self, connection: Connection, since: datetime) -> Sequence[Reading]:
        """Return the newest reading from before, if there is one."""
        newest = (
            select(*_READ, _ENTRIES.seq)
            .where(_ENTRIES.fingerprint == self._fingerprint, _ENTRIES.kind == kind, _ENTRIES.at < since)
            .order_by(_ENTRIES.at.desc(), _ENTRIES.seq.desc())
            .limit(1)
            .subquery()
            for kind in METERED
        )
        found = connection.execute(union_all(*(select(each) for each in newest))).all()
        newest_of_all = max(found, key=lambda row: (row.at, row.seq), default=None)
        return [] if newest_of_all is None else [_reading(newest_of_all[:-1])]

    def _readings(self, connection: Connection, slots: "_Slots", close: int) -> Sequence[Reading]:
        """Return the lowest and the newest reading of each stretch, of those that are the newest of each slot.

        Those of calls are looked up in slots `close` times as narrow; others are rare, and are seen with the next call.
        """
        narrow = slots.divided(close)
        looks, narrow_looks = slots.cte("slots"), narrow.cte("narrow_slots")
        number, stretch = looks.c.number.label("stretch"), (narrow_looks.c.number // close).label("stretch")
        picked = union_all(
            select(stretch, self._newest("settled", narrow, narrow_looks).label("seq")),
            select(number, self._newest("observed", slots, looks).label("seq")),
            select(number, self._newest("carried", slots, looks).label("seq")),
        ).subquery()
        entries = tables.entries
        ranked = select(
            *_READ,
            _ENTRIES.seq,
            func.row_number().over(partition_by=picked.c.stretch, order_by=(_ENTRIES.at.desc(), _ENTRIES.seq.desc())),
            func.row_number().over(
                partition_by=picked.c.stretch, order_by=(_ENTRIES.tokens_left, _ENTRIES.at, _ENTRIES.seq)
            ),
        ).select_from(picked.join(entries, entries.c.seq == picked.c.seq))
        lines = ranked.subquery()
        *columns, newest, lowest = lines.c
        wanted = select(*columns[:-1]).where(or_(newest == 1, lowest == 1)).order_by(lines.c.at, lines.c.seq)
        return [_reading(row) for row in connection.execute(wanted)]

    def _held(self, connection: Connection, slots: "_Slots") -> Sequence[Held]:
        looks = slots.cte("slots")
        picked = select(self._newest("reserved", slots, looks).label("seq")).select_from(looks).subquery()
        query = (
            select(_ENTRIES.at, _ENTRIES.balance - _ENTRIES.free + _ENTRIES.tokens)
            .select_from(picked.join(tables.entries, _ENTRIES.seq == picked.c.seq))
            .order_by(_ENTRIES.at, _ENTRIES.seq)
        )
        return [Held(at, tokens) for at, tokens in connection.execute(query)]

    def _refused(self, connection: Connection, slots: "_Slots") -> Sequence[Refused]:
        looks = slots.cte("slots")
        some = select(_ENTRIES.at).where(*self._within("refusal", slots, looks)).correlate(looks)
        newest = some.order_by(_ENTRIES.at.desc()).limit(COUNTED_MOST).subquery()
        counted = select(func.count()).select_from(newest).correlate(looks).scalar_subquery()
        last = some.order_by(_ENTRIES.at.desc()).limit(1).scalar_subquery()
        query = select(last.label("at"), counted.label("calls"), looks.c.number).order_by(looks.c.number)
        return [Refused(at, calls) for at, calls, _ in connection.execute(query) if calls]

    def _newest(self, kind: str, slots: "_Slots", looks: CTE) -> ScalarSelect[int]:
        """Return the number of the newest entry of a kind in each slot."""
        newest = select(_ENTRIES.seq).where(*self._within(kind, slots, looks))
        return newest.order_by(_ENTRIES.at.desc(), _ENTRIES.seq.desc()).limit(1).correlate(looks).scalar_subquery()

    def _within(self, kind: str, slots: "_Slots", looks: CTE) -> Sequence[ColumnElement[bool]]:
        at, begins = type_coerce(_ENTRIES.at, BigInteger), slots.begins(looks)
        return (
            _ENTRIES.fingerprint == self._fingerprint,
            _ENTRIES.kind == kind,
            at >= begins,
            at < begins + slots.micros,
        )


class _Slots:
    """Spans of time of the same length, one after the other."""

    def __init__(self, since: datetime, width: timedelta, count: int) -> None:
        self.micros = max(1, width // _MICROSECOND)
        self._since, self._width, self._count = since, width, count

    def divided(self, by: int) -> "_Slots":
        """Return the slots into which these fall apart."""
        return _Slots(self._since, self._width / by, self._count * by)

    def cte(self, name: str) -> CTE:
        """Return the numbers of the slots."""
        numbers = select(literal(0, Integer).label("number")).cte(name, recursive=True)
        more: Select[Any] = select(numbers.c.number + 1).where(numbers.c.number < self._count - 1)
        return numbers.union_all(more)

    def begins(self, looks: CTE) -> ColumnElement[int]:
        """Return when each begins, in microseconds."""
        since = literal((self._since - _EPOCH) // _MICROSECOND, BigInteger)
        return since + type_coerce(looks.c.number, BigInteger) * literal(self.micros, BigInteger)


def _reading(row: Any) -> Reading:
    at, *meter = row
    found = rows.read_meter(meter)
    assert found is not None  # noqa: S101 - the kinds that have one
    return Reading(at, found)
