"""What entries add up to, hour by hour: kept with every entry, so that nobody has to read the past."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import BindParameter, Dialect, Insert, bindparam, func, select

from keepahead.budget.entry import Absorbed, Carried, Entry, Lost, Observed, Refusal, Served, Settled
from keepahead.budget.rule import hour_of
from keepahead.store import tables
from keepahead.store.dialects import insert_for
from keepahead.store.statement import Statement


class HourKey(NamedTuple):
    """Whose sums; somebody else's have no names."""

    caller: str
    hour: datetime
    endpoint: str
    lane: str


Sums = dict[HourKey, dict[str, int]]
"""For each hour of each caller, endpoint and lane: tables.HOUR_SUMS."""


def add(sums: Sums, entry: Entry) -> None:
    """Add one entry to the sums of its hour."""
    counts = _counts(entry)
    if not counts:
        return
    key = _key(entry)
    into = sums.setdefault(key, dict.fromkeys(tables.HOUR_SUMS, 0))
    for name, count in counts.items():
        into[name] += count


def rows(sums: Sums, fingerprint: str) -> Iterable[Mapping[str, object]]:
    """Return the rows of the table `hours`."""
    for key, counts in sums.items():
        yield {"fingerprint": fingerprint, **key._asdict(), **counts}


def _key(entry: Entry) -> HourKey:
    hour = hour_of(entry.at)
    if isinstance(entry, Observed | Carried):
        return HourKey("", hour, "", "")
    return HourKey(entry.label.caller, hour, entry.label.endpoint, entry.label.lane)


def _counts(entry: Entry) -> Mapping[str, int]:
    match entry:
        case Settled(counted_before=0):
            return {"calls": 1, "charged": entry.tokens}
        case Settled():
            return {"charged": entry.tokens, "unknown": -entry.counted_before}
        case Lost():
            return {"calls": 1, "unknown": entry.tokens}
        case Absorbed():
            return {"absorbed": entry.tokens, "found": entry.charged}
        case Refusal():
            return {"refused": 1}
        case Observed(external_tokens=0):
            return {}
        case Observed():
            return {"external": entry.external_tokens}
        case Served():
            return {"saved": entry.tokens}
        case _:
            return {}


def _upsert(dialect: Dialect) -> Insert:
    """Add to what is there."""
    statement = insert_for(dialect)(tables.hours)
    own = tables.hours.c
    return statement.on_conflict_do_update(
        index_elements=list(tables.hours.primary_key),
        set_={name: own[name] + statement.excluded[name] for name in tables.HOUR_SUMS},
    )


ADD = Statement(_upsert, tuple(column.name for column in tables.hours.columns))
"""Adds a row of sums to those of its hour."""

_OF: BindParameter[str] = bindparam("of")
_HOURS = tables.hours.c

SPENT = Statement(
    select(_HOURS.hour, func.sum(_HOURS.charged + _HOURS.unknown))
    .where(
        _HOURS.fingerprint == _OF,
        _HOURS.caller == bindparam("by"),
        _HOURS.hour >= bindparam("day", type_=tables.Moment),
    )
    .group_by(_HOURS.hour)
)
"""What a caller has spent since the day began, by hour: charged, or to be taken as charged."""
