"""Reads the record: who spent what, when and why. Writes nothing."""

from collections.abc import Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Connection,
    Select,
    and_,
    case,
    func,
    literal,
    select,
    type_coerce,
    union_all,
)

from keepahead.budget.entry import Entry
from keepahead.budget.rule import day_of, hour_of
from keepahead.store import rows, tables
from keepahead.store.database import Database

ROW_TYPES: Mapping[str, type[datetime | int | str]] = {
    column.name: datetime if isinstance(column.type, tables.Moment) else column.type.python_type
    for column in tables.entries.columns
    if column.name != "fingerprint"
}
"""What each column of Record.rows holds, where it is not None."""

_HOUR_US = 3_600_000_000
_AT_A_TIME = 2_000
_NAMED = ("endpoint", "caller", "lane")
_SUMS = tables.HOUR_SUMS


class GroupBy(StrEnum):
    """What sums can be made over."""

    ENDPOINT = "endpoint"
    CALLER = "caller"
    LANE = "lane"
    HOUR = "hour"


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which entries are wanted; None means any. `since` is inclusive, `until` is not; `call_id` may be a beginning."""

    since: datetime | None = None
    until: datetime | None = None
    endpoint: str | None = None
    caller: str | None = None
    lane: str | None = None
    kind: str | None = None
    call_id: str | None = None


_ALL = Filter()


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and its number in the ledger."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Sum:
    """What a group spent. `charged` is what Keepa said, or what its meters showed of a lost call.

    `unknown` was lost, counts at its maximum, and is in no meter yet. `external` is what somebody else spent on the
    same key; the group without a name is his. `saved` is what the archive answered in place of Keepa.
    """

    group: str
    calls: int
    charged: int
    unknown: int
    refused: int
    external: int
    saved: int


class Record:
    """The entries of one account, read-only."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def lines(self, wanted: Filter, *, limit: int = 100, before_seq: int | None = None) -> Sequence[Line]:
        """Return the newest matching entries, newest first; `before_seq` continues an earlier page."""
        query = select(tables.entries).where(*self._by_number(wanted))
        if before_seq is not None:
            query = query.where(tables.entries.c.seq < before_seq)
        query = query.order_by(tables.entries.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return [Line(row["seq"], rows.read_entry(row)) for row in connection.execute(query).mappings()]

    def after(self, seq: int, wanted: Filter = _ALL, *, limit: int = 500) -> Sequence[Line]:
        """Return the oldest matching entries with a higher number, in their order.

        Whoever asks on from the last one misses none: an account's entries get their numbers one transaction after the
        other. Where some were put away a Carried stands in their place.
        """
        query = select(tables.entries).where(*self._by_number(wanted), tables.entries.c.seq > seq)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(tables.entries.c.seq).limit(limit)).mappings()
            return [Line(row["seq"], rows.read_entry(row)) for row in found]

    def of_call(self, call_id: str) -> Sequence[Line]:
        """Return the entries of one call, oldest first."""
        columns = tables.entries.c
        query = select(tables.entries).where(by_number_of(self._fingerprint), columns.call_id == call_id)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(columns.seq)).mappings()
            return [Line(row["seq"], rows.read_entry(row)) for row in found]

    def last_seq(self) -> int:
        """Return the number of the newest entry; 0 where there is none."""
        columns = tables.entries.c
        newest = select(columns.seq).where(by_number_of(self._fingerprint)).order_by(columns.seq.desc())
        with self._database.read() as connection:
            return connection.execute(newest.limit(1)).scalar_one_or_none() or 0

    def shapes(self, call_ids: Collection[str]) -> Mapping[str, str]:
        """Return what each of these calls asked for, in words; calls that were never granted are missing."""
        columns = tables.entries.c
        query = select(columns.call_id, columns.shape).where(
            by_number_of(self._fingerprint), columns.call_id.in_(call_ids), columns.kind == "reserved"
        )
        with self._database.read() as connection:
            return {call_id: shape for call_id, shape in connection.execute(query)}  # noqa: C416 - typed

    def sums(self, by: GroupBy, wanted: Filter) -> Sequence[Sum]:
        """Return what each group spent, the dearest first; hours in order of time.

        Entries that were put away count by their full hours; a filter by kind or call finds none of them. Where only
        full hours are wanted no entry is read.
        """
        with self._database.read() as connection:
            found = connection.execute(self._sums(by, wanted, connection)).all()
        totals: dict[object, list[int]] = {}
        for group, *counts in found:
            into = totals.setdefault(group, [0] * len(_SUMS))
            into[:] = [have + int(more or 0) for have, more in zip(into, counts, strict=True)]
        sums = [_sum_of(group, counts) for group, counts in totals.items() if any(counts)]
        if by is GroupBy.HOUR:
            return sorted(sums, key=lambda each: each.group)
        return sorted(sums, key=lambda each: -(each.charged + each.unknown + each.external))

    def today(self, now: datetime) -> Sum:
        """Return what was spent since the day began (UTC), by us and by somebody else."""
        columns = tables.hours.c
        query = select(*(func.sum(columns[name]) for name in _SUMS)).where(
            columns.fingerprint == self._fingerprint, columns.hour >= day_of(now)
        )
        with self._database.read() as connection:
            return _sum_of("today", [int(count or 0) for count in connection.execute(query).one()])

    def spenders(self, since: datetime) -> Mapping[tuple[str, str, str], int]:
        """Return the tokens of each endpoint, caller and lane since the beginning of that hour, saved ones included.

        Whoever asked in vain is there with none.
        """
        columns = tables.hours.c
        tokens = func.sum(columns.charged + columns.unknown + columns.saved)
        who = columns.endpoint, columns.caller, columns.lane
        query = select(*who, tokens).where(
            columns.fingerprint == self._fingerprint, columns.hour >= hour_of(since), columns.caller != ""
        )
        with self._database.read() as connection:
            return {
                (endpoint, caller, lane): int(spent)
                for endpoint, caller, lane, spent in connection.execute(query.group_by(*who))
            }

    def rows(self, wanted: Filter) -> Generator[Mapping[str, Any]]:
        """Yield all columns of all matching entries, oldest first, read as they are taken."""
        query = select(tables.entries).where(*self._by_number(wanted)).order_by(tables.entries.c.seq)
        with (
            self._database.read(at_length=True) as connection,
            connection.execution_options(yield_per=_AT_A_TIME).execute(query) as found,
        ):
            for row in found.mappings():
                yield {name: value for name, value in row.items() if name != "fingerprint"}

    def _by_number(self, wanted: Filter) -> Sequence[ColumnElement[bool]]:
        """Return what holds for entries that are wanted in the order of their numbers."""
        conditions = matching(self._fingerprint, wanted)
        if wanted.since is None and wanted.until is None and wanted.call_id is None:
            return [by_number_of(self._fingerprint), *conditions[1:]]
        return conditions

    def _sums(self, by: GroupBy, wanted: Filter, connection: Connection) -> Select[Any] | CompoundSelect[Any]:
        if wanted.kind is not None or wanted.call_id is not None:
            return self._sums_of_entries(by, wanted, None)
        if all(moment is None or moment == hour_of(moment) for moment in (wanted.since, wanted.until)):
            return self._sums_of_hours(by, wanted, None)
        before = self._folded_before(connection)
        entries = self._sums_of_entries(by, wanted, before)
        return entries if before is None else union_all(entries, self._sums_of_hours(by, wanted, before))

    def _folded_before(self, connection: Connection) -> datetime | None:
        account = tables.accounts.c
        return connection.execute(
            select(account.folded_before).where(account.fingerprint == self._fingerprint)
        ).scalar_one_or_none()

    def _sums_of_entries(self, by: GroupBy, wanted: Filter, folded_before: datetime | None) -> Select[Any]:
        """Return the sums of entries, but for hours that count as a whole: some of their entries may still be there."""
        columns = tables.entries.c
        group = _hour_of(columns.at) if by is GroupBy.HOUR else func.coalesce(columns[by.value], "")
        counts = (func.sum(count).label(name) for name, count in _COUNTS.items())
        kinds = columns.kind.in_(("settled", "lost", "absorbed", "refusal", "observed", "served_from_archive"))
        query = select(group.label("of"), *counts).where(*matching(self._fingerprint, wanted), kinds)
        return (query if folded_before is None else query.where(columns.at >= folded_before)).group_by(group)

    def _sums_of_hours(self, by: GroupBy, wanted: Filter, before: datetime | None) -> Select[Any]:
        """Return the sums of full hours: of all, or of those before a moment, whose entries were put away."""
        columns = tables.hours.c
        group = columns[by.value]
        conditions = [columns.fingerprint == self._fingerprint]
        if before is not None:
            conditions.append(columns.hour < before)
        conditions += [columns[name] == value for name in _NAMED if (value := getattr(wanted, name)) is not None]
        if wanted.since is not None:
            conditions.append(columns.hour >= hour_of(wanted.since))
        if wanted.until is not None:
            conditions.append(columns.hour < wanted.until)
        counts = (func.sum(columns[name]).label(name) for name in _SUMS)
        return select(group.label("of"), *counts).where(*conditions).group_by(group)


def by_number_of(fingerprint: str) -> ColumnElement[bool]:
    """Return what holds for the entries of an account, said so that no index tells which they are.

    SQLite would else find all of them by their time, and put a million in the order of their numbers to give the last.
    """
    return tables.entries.c.fingerprint.concat("") == fingerprint


def matching(fingerprint: str, wanted: Filter) -> Sequence[ColumnElement[bool]]:
    """Return what holds for the entries of an account that are wanted; first of all, whose they are."""
    columns = tables.entries.c
    conditions: list[ColumnElement[bool]] = [columns.fingerprint == fingerprint]
    if wanted.since is not None:
        conditions.append(columns.at >= wanted.since)
    if wanted.until is not None:
        conditions.append(columns.at < wanted.until)
    if wanted.call_id is not None:
        conditions.append(columns.call_id.startswith(wanted.call_id, autoescape=True))
    for name in (*_NAMED, "kind"):
        value = getattr(wanted, name)
        if value is not None:
            conditions.append(columns[name] == value)
    return conditions


def _hour_of(at: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Round down to the full hour; whole microseconds make it the same on both databases."""
    micros = type_coerce(at, BigInteger)
    return type_coerce(micros - micros % literal(_HOUR_US), tables.Moment)


def _when(kind: str, count: ColumnElement[Any] | int) -> ColumnElement[Any]:
    return case((tables.entries.c.kind == kind, count), else_=0)


def _or_0(column: ColumnElement[Any]) -> ColumnElement[Any]:
    return func.coalesce(column, 0)


_ENTRY = tables.entries.c
_COUNTS: Mapping[str, ColumnElement[Any]] = {
    "calls": _when("lost", 1) + case((and_(_ENTRY.kind == "settled", _or_0(_ENTRY.counted_before) == 0), 1), else_=0),
    "charged": _when("settled", _ENTRY.tokens),
    "unknown": _when("lost", _ENTRY.tokens) - _when("settled", _or_0(_ENTRY.counted_before)),
    "absorbed": _when("absorbed", _ENTRY.tokens),
    "found": _when("absorbed", _or_0(_ENTRY.charged)),
    "refused": _when("refusal", 1),
    "external": _when("observed", _or_0(_ENTRY.external_tokens)),
    "saved": _when("served_from_archive", _ENTRY.tokens),
}
"""What an entry adds to the sums of its hour; hours.py says the same of one entry in hand."""


def _sum_of(group: object, counts: Sequence[int]) -> Sum:
    of = dict(zip(_SUMS, counts, strict=True))
    unknown = max(0, of["unknown"] - of["absorbed"])
    charged = of["charged"] + of["found"]
    return Sum(_name(group), of["calls"], charged, unknown, of["refused"], of["external"], of["saved"])


def _name(group: object) -> str:
    return group.isoformat() if isinstance(group, datetime) else str(group)
