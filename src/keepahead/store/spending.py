"""Reads where the tokens went over time, and how well they were foreseen. Writes nothing."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, case, func, literal, select, type_coerce

from keepahead.budget.entry import Settled
from keepahead.store import rows, tables
from keepahead.store.database import Database
from keepahead.store.record import GroupBy, Line
from keepahead.store.stretch import LOOK_MOST, last_of_stretch

_MICROSECOND = timedelta(microseconds=1)
_ENTRY = tables.entries.c
_HOUR = tables.hours.c


@dataclass(frozen=True, slots=True)
class Part:
    """What one group was charged in one part of the time. `external` is what somebody else spent, who has no name."""

    begins_at: datetime
    group: str
    charged: int
    external: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What was set aside for the calls of a group that Keepa answered, and what it charged.

    `exceeded` calls took more than their reservation, `overage` tokens in all.
    """

    group: str
    calls: int
    reserved: int
    charged: int
    exceeded: int
    overage: int


class Spending:
    """What one account has spent."""

    def __init__(self, database: Database, fingerprint: str, *, look_most: int = LOOK_MOST) -> None:
        self._database = database
        self._fingerprint = fingerprint
        self._look_most = look_most

    def parts(self, by: GroupBy, since: datetime, length: timedelta) -> Sequence[Part]:
        """Return what each group was charged in each part of the time since a full hour, in the order of time.

        Parts are of full hours, and counted from midnight UTC. Entries that were put away count.
        """
        micros, whole = type_coerce(_HOUR.hour, BigInteger), literal(length // _MICROSECOND)
        part = type_coerce(micros - micros % whole, tables.Moment).label("part")
        query = (
            select(
                part,
                _HOUR[by.value].label("of"),
                func.sum(_HOUR.charged + _HOUR.found),
                func.sum(_HOUR.external),
            )
            .where(_HOUR.fingerprint == self._fingerprint, _HOUR.hour >= since)
            .group_by(part, _HOUR[by.value])
            .order_by(part)
        )
        with self._database.read() as connection:
            found = connection.execute(query).all()
        return [Part(at, of, int(charged), int(external)) for at, of, charged, external in found if charged or external]

    def seen_since(self, since: datetime) -> datetime:
        """Return from when on a look at the calls since then takes in all of them: later where they are too many."""
        own = [_ENTRY.fingerprint == self._fingerprint, _ENTRY.at >= since]
        with self._database.read() as connection:
            cut = last_of_stretch(connection, own, down=True, most=self._look_most)
        return since if cut is None else cut[1]

    def dearest(self, since: datetime, limit: int, *, last_seq: int) -> Sequence[Line]:
        """Return the calls that Keepa charged most for since then, up to the entry `last_seq`; the dearest first."""
        query = select(tables.entries).where(*self._settled(since, last_seq))
        with self._database.read() as connection:
            found = connection.execute(query.order_by(_ENTRY.tokens.desc(), _ENTRY.seq.desc()).limit(limit)).mappings()
            return [Line(row["seq"], rows.read_entry(row)) for row in found]

    def estimates(self, by: GroupBy, since: datetime, *, last_seq: int) -> Mapping[str, Estimate]:
        """Return how well the costs of each group were foreseen since then, up to the entry `last_seq`."""
        over = _ENTRY.tokens - _ENTRY.reserved
        counts = (
            func.count(),
            func.sum(_ENTRY.reserved),
            func.sum(_ENTRY.tokens),
            func.sum(case((over > 0, 1), else_=0)),
            func.sum(case((over > 0, over), else_=0)),
        )
        query = select(_ENTRY[by.value], *counts).where(*self._settled(since, last_seq)).group_by(_ENTRY[by.value])
        with self._database.read() as connection:
            found: Iterable[Any] = connection.execute(query).all()
        return {group: Estimate(group, *(int(count or 0) for count in sums)) for group, *sums in found}

    def _settled(self, since: datetime, last_seq: int) -> Sequence[ColumnElement[bool]]:
        own = _ENTRY.fingerprint == self._fingerprint
        return own, _ENTRY.at >= since, _ENTRY.seq <= last_seq, _ENTRY.kind == "settled"


def add(estimates: Mapping[str, Estimate], by: GroupBy, lines: Iterable[Line]) -> Mapping[str, Estimate]:
    """Return estimates with those of calls that were settled meanwhile."""
    added = dict(estimates)
    for line in lines:
        entry = line.entry
        if isinstance(entry, Settled):
            group: str = getattr(entry.label, by.value)
            had = added.get(group, Estimate(group, 0, 0, 0, 0, 0))
            added[group] = Estimate(
                group,
                had.calls + 1,
                had.reserved + entry.reserved,
                had.charged + entry.tokens,
                had.exceeded + (entry.overage > 0),
                had.overage + entry.overage,
            )
    return added
