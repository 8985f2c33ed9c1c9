"""Reads the record: who spent what, when and why. Writes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, ColumnElement, case, func, literal, select, type_coerce

from keepahead.budget.account import Account, replay
from keepahead.budget.entry import Entry
from keepahead.store import rows, tables
from keepahead.store.database import Database

_HOUR_US = 3_600_000_000


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


@dataclass(frozen=True, slots=True)
class Line:
    """One entry and its number in the ledger."""

    seq: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Sum:
    """What a group spent. `charged` is what Keepa said; `unknown` was lost and counts at its maximum."""

    group: str
    calls: int
    charged: int
    unknown: int
    refused: int


class Record:
    """The entries of one account, read-only."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def lines(self, wanted: Filter, *, limit: int = 100, before_seq: int | None = None) -> Sequence[Line]:
        """Return the newest matching entries, newest first; `before_seq` continues an earlier page."""
        query = select(tables.entries).where(*self._matching(wanted))
        if before_seq is not None:
            query = query.where(tables.entries.c.seq < before_seq)
        query = query.order_by(tables.entries.c.seq.desc()).limit(limit)
        with self._database.read() as connection:
            return [Line(row["seq"], rows.read_entry(row)) for row in connection.execute(query).mappings()]

    def shapes(self, call_ids: Collection[str]) -> Mapping[str, str]:
        """Return what each of these calls asked for, in words; calls that were never granted are missing."""
        columns = tables.entries.c
        query = select(columns.call_id, columns.shape).where(
            columns.fingerprint == self._fingerprint, columns.call_id.in_(call_ids), columns.kind == "reserved"
        )
        with self._database.read() as connection:
            return {call_id: shape for call_id, shape in connection.execute(query)}  # noqa: C416 - typed

    def sums(self, by: GroupBy, wanted: Filter) -> Sequence[Sum]:
        """Return what each group spent, the dearest first; hours in order of time."""
        columns = tables.entries.c
        group = _hour_of(columns.at) if by is GroupBy.HOUR else columns[by.value]
        charged = func.sum(case((columns.kind == "settled", columns.tokens), else_=0))
        unknown = func.sum(case((columns.kind == "lost", columns.tokens), else_=0))
        calls = func.sum(case((columns.kind == "refusal", 0), else_=1))
        refused = func.sum(case((columns.kind == "refusal", 1), else_=0))
        query = (
            select(group, calls, charged, unknown, refused)
            .where(*self._matching(wanted), columns.kind.in_(("settled", "lost", "refusal")))
            .group_by(group)
            .order_by(group if by is GroupBy.HOUR else (charged + unknown).desc())
        )
        with self._database.read() as connection:
            return [Sum(_name(of), *map(int, counts)) for of, *counts in connection.execute(query)]

    def rebuilt(self) -> Account:
        """Return the account that all entries add up to."""
        query = select(tables.entries).where(*self._matching(Filter())).order_by(tables.entries.c.seq)
        with self._database.read() as connection:
            return replay(self._fingerprint, (rows.read_entry(row) for row in connection.execute(query).mappings()))

    def _matching(self, wanted: Filter) -> Sequence[ColumnElement[bool]]:
        columns = tables.entries.c
        conditions: list[ColumnElement[bool]] = [columns.fingerprint == self._fingerprint]
        if wanted.since is not None:
            conditions.append(columns.at >= wanted.since)
        if wanted.until is not None:
            conditions.append(columns.at < wanted.until)
        if wanted.call_id is not None:
            conditions.append(columns.call_id.startswith(wanted.call_id, autoescape=True))
        for name in ("endpoint", "caller", "lane", "kind"):
            value = getattr(wanted, name)
            if value is not None:
                conditions.append(columns[name] == value)
        return conditions


def _hour_of(at: ColumnElement[datetime]) -> ColumnElement[datetime]:
    """Round down to the full hour; whole microseconds make it the same on both databases."""
    micros = type_coerce(at, BigInteger)
    return type_coerce(micros - micros % literal(_HOUR_US), tables.Moment)


def _name(group: object) -> str:
    return group.isoformat() if isinstance(group, datetime) else str(group)
