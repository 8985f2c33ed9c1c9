"""A stretch of the record: so many entries on from a place, that no look at the record takes longer than they do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Connection, and_, or_, select, type_coerce

from keepahead.store import tables

LOOK_MOST = 50_000
"""So many entries are looked at in one go."""

_ENTRY = tables.entries.c
MOMENT: ColumnElement[Any] = type_coerce(_ENTRY.at, BigInteger)
"""When an entry was made, in microseconds."""

Place = tuple[int, int]
"""Where an entry stands in an order: by what it is put in order, and its number."""


def beyond(key: ColumnElement[Any], place: Place, *, down: bool, itself: bool = False) -> ColumnElement[bool]:
    """Return what holds for all that comes after a place, on the way down or up; with it or without."""
    value, seq = place
    if down:
        own = _ENTRY.seq <= seq if itself else _ENTRY.seq < seq
        return and_(key <= value, or_(key < value, own))
    own = _ENTRY.seq >= seq if itself else _ENTRY.seq > seq
    return and_(key >= value, or_(key > value, own))


def last_of_stretch(
    connection: Connection, conditions: Sequence[ColumnElement[bool]], *, down: bool, most: int
) -> tuple[Place, datetime] | None:
    """Return where a stretch ends that begins with the newest (`down`) or the oldest entry; None where all fits in.

    The conditions must be of account and time, or an index alone would not tell.
    """
    order = [column.desc() if down else column for column in (_ENTRY.at, _ENTRY.seq)]
    query = select(MOMENT, _ENTRY.seq, _ENTRY.at).where(*conditions).order_by(*order)
    found = connection.execute(query.offset(most - 1).limit(2)).all()
    if len(found) < 2:  # the last of the stretch, and one behind it
        return None
    moment, seq, at = found[0]
    return (moment, seq), at
