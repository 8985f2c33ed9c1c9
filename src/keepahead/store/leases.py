"""Who fetches what just now: rows that keep others from paying for the same. Each step is part of a transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, Dialect, Insert, bindparam, delete, or_, select

from keepahead.budget.decide import CALL_LIMIT
from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.store import tables
from keepahead.store.dialects import insert_for
from keepahead.store.many import Many
from keepahead.store.statement import Statement, pen
from keepahead.store.wanted import Wanted

_COLUMNS = tables.leases.c

LONGEST = CALL_LIMIT + CLOCKS_AGREE
"""No lease is longer: one that seems to be was taken before our clock was put back, and holds nobody up."""


def of_others(
    connection: Connection, upstream: str, wanted: Wanted, holder: str, now: datetime
) -> Mapping[str, datetime]:
    """Return which of the wanted items somebody else fetches, and until when at most."""
    of = {"upstream": upstream, "endpoint": wanted.endpoint, "domain": wanted.domain, "now": now}
    return {
        item: expires_at
        for item, contents, by, expires_at in _HELD.run(connection, wanted.items, of)
        if by != holder and expires_at - now <= LONGEST and wanted.serves(contents)
    }


def take(
    connection: Connection,
    upstream: str,
    wanted: Wanted,
    items: Sequence[str],
    *,
    holder: str,
    until: datetime,
    now: datetime,
) -> None:
    """Lease items that nobody else holds; what somebody else is quicker to lease stays with him."""
    rows = [
        {
            "upstream": upstream,
            "endpoint": wanted.endpoint,
            "domain": wanted.domain,
            "item": item,
            "contents": wanted.contents,
            "holder": holder,
            "expires_at": until,
            "now": now,
            "longest": now + LONGEST,
        }
        for item in sorted(items)
    ]
    with pen(connection) as hand:
        _TAKE.write(hand, rows)


def release(connection: Connection, holder: str) -> None:
    """Give up all leases of a holder."""
    _RELEASE.run(connection, {"of": holder})


def sweep(connection: Connection, now: datetime) -> None:
    """Take out the leases of those who have died."""
    _SWEEP.run(connection, {"now": now})


def _take(dialect: Dialect) -> Insert:
    statement = insert_for(dialect)(tables.leases)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=list(tables.leases.primary_key),
        set_={"holder": new.holder, "expires_at": new.expires_at},
        where=or_(
            _COLUMNS.expires_at <= bindparam("now", type_=tables.Moment),
            _COLUMNS.expires_at > bindparam("longest", type_=tables.Moment),
            _COLUMNS.holder == new.holder,
        ),
    )


_HELD = Many(
    lambda ids: select(_COLUMNS.item, _COLUMNS.contents, _COLUMNS.holder, _COLUMNS.expires_at).where(
        _COLUMNS.upstream == bindparam("upstream"),
        _COLUMNS.endpoint == bindparam("endpoint"),
        _COLUMNS.domain == bindparam("domain"),
        _COLUMNS.item.in_(ids),
        _COLUMNS.expires_at > bindparam("now", type_=tables.Moment),
    )
)
_TAKE = Statement(_take, tuple(column.name for column in tables.leases.columns))
_RELEASE = Statement(delete(tables.leases).where(_COLUMNS.holder == bindparam("of")))
_SWEEP = Statement(delete(tables.leases).where(_COLUMNS.expires_at <= bindparam("now", type_=tables.Moment)))
