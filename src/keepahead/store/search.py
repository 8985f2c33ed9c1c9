"""Finds entries page by page, in any order, as fast in a long record as in a short one. Writes nothing.

By time and kind an index gives them. Whatever else is asked for is looked for in one stretch of the record at a time,
and the page says how far that went.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal, or_, select

from keepahead.store import rows, tables
from keepahead.store.database import Database
from keepahead.store.record import Filter, Line, by_number_of, matching
from keepahead.store.stretch import LOOK_MOST, MOMENT, Place, beyond, last_of_stretch

WORDS_MOST = 8
NEWER_MOST = 1_000
"""So many words are looked for, and so many new entries are counted."""

_ENTRY = tables.entries.c
_TOKENS: ColumnElement[Any] = func.coalesce(_ENTRY.tokens, _ENTRY.external_tokens, 0)
_SEARCHED = ("call_id", "caller", "endpoint", "lane", "kind", "shape", "reason")
_ASKED = ("reserved", "refusal", "served_from_archive")
"""The kinds that say what was asked; the other entries of a call do not repeat it."""


class Order(StrEnum):
    """In which order entries come."""

    NEWEST = "newest"
    OLDEST = "oldest"
    MOST = "most"
    LEAST = "least"

    @property
    def is_by_time(self) -> bool:
        """Tell whether entries come in the order of time; else in that of their tokens."""
        return self in {Order.NEWEST, Order.OLDEST}

    @property
    def is_down(self) -> bool:
        """Tell whether the newest, or the one with most tokens, is the first."""
        return self in {Order.NEWEST, Order.MOST}


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page of entries. The next page begins after the place `next`, the one before ends before `previous`.

    `looked_to` is how far was looked where that was not all; the next page then looks on, but not in the order of
    tokens, which is one of what was looked at.
    """

    lines: Sequence[Line]
    next: Place | None
    previous: Place | None
    looked_to: datetime | None


class Search:
    """The entries of one account, to be found."""

    def __init__(self, database: Database, fingerprint: str, *, look_most: int = LOOK_MOST) -> None:
        self._database = database
        self._fingerprint = fingerprint
        self._look_most = look_most

    def page(
        self,
        wanted: Filter,
        text: str = "",
        order: Order = Order.NEWEST,
        *,
        size: int = 50,
        place: Place | None = None,
        backwards: bool = False,
    ) -> Page:
        """Return the page after `place`, or the one before it (`backwards`); without one the first.

        Each word of `text` must be in the entry, or in what its call asked for. The whole id of a call gives its
        entries, wherever they are.
        """
        words = text.split()[:WORDS_MOST]
        down = order.is_down is not backwards
        key = MOMENT if order.is_by_time else _TOKENS
        in_time = list(matching(self._fingerprint, Filter(since=wanted.since, until=wanted.until)))
        onward = [] if place is None else [beyond(key, place, down=down)]
        is_narrow = bool(words) or _is_narrow(wanted)
        with self._database.read() as connection:
            if len(words) == 1:
                own = [by_number_of(self._fingerprint), _ENTRY.call_id == words[0]]
                call = _read(connection, [*own, *matching(self._fingerprint, wanted)[1:]], key, down=down, limit=size)
                if call:
                    return Page(lines=[line for line, _ in call], next=None, previous=None, looked_to=None)
            if order.is_by_time:
                stretch = [*in_time, *onward]
                cut = self._cut(connection, stretch, down=down) if is_narrow else None
            else:
                stretch = in_time
                cut = self._cut(connection, stretch, down=True)
            if cut is not None:
                stretch = [*stretch, beyond(MOMENT, cut[0], down=order.is_by_time and not down, itself=True)]
            conditions = [*stretch, *onward, *matching(self._fingerprint, wanted)]
            conditions += [_has(word, stretch) for word in words]
            found = _read(connection, conditions, key, down=down, limit=size + 1)
        lines = [line for line, _ in found[:size]]
        has_more = len(found) > size
        looked_to = None
        if cut is not None and not (has_more and order.is_by_time):
            looked_to = cut[1]
        far = found[size - 1][1] if has_more else cut[0] if cut is not None and order.is_by_time else None
        near = None if place is None else found[0][1] if found else place
        if backwards:
            lines.reverse()
            far, near = near, far
        return Page(lines=lines, next=far, previous=near, looked_to=looked_to)

    def newer(self, wanted: Filter, text: str, seq: int) -> int:
        """Return how many matching entries there are with a higher number, NEWER_MOST at most."""
        newer = [by_number_of(self._fingerprint), _ENTRY.seq > seq]
        conditions = [*newer, *matching(self._fingerprint, wanted)[1:]]
        conditions += [_has(word, newer) for word in text.split()[:WORDS_MOST]]
        with self._database.read() as connection:
            query = select(_ENTRY.seq).where(*conditions).order_by(_ENTRY.seq).limit(NEWER_MOST)
            return len(connection.execute(query).all())

    def _cut(
        self, connection: Connection, conditions: Sequence[ColumnElement[bool]], *, down: bool
    ) -> tuple[Place, datetime] | None:
        return last_of_stretch(connection, conditions, down=down, most=self._look_most)


def _is_narrow(wanted: Filter) -> bool:
    named = (wanted.endpoint, wanted.caller, wanted.lane, wanted.call_id)  # kinds have an index
    return any(value is not None for value in named)


def _has(word: str, stretch: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """Return what holds for entries with a word; `stretch` says where their calls begin as well."""
    text = func.coalesce(_ENTRY[_SEARCHED[0]], "")
    for name in _SEARCHED[1:]:
        text = text + literal(" ") + func.coalesce(_ENTRY[name], "")
    asked = select(_ENTRY.call_id).where(
        *stretch, _ENTRY.kind.in_(_ASKED), _ENTRY.shape.icontains(word, autoescape=True)
    )
    return or_(text.icontains(word, autoescape=True), _ENTRY.call_id.in_(asked.correlate(None)))


def _read(
    connection: Connection,
    conditions: Sequence[ColumnElement[bool]],
    key: ColumnElement[Any],
    *,
    down: bool,
    limit: int,
) -> Sequence[tuple[Line, Place]]:
    order = [each.desc() if down else each for each in (key, _ENTRY.seq)]
    query = select(tables.entries, key.label("place")).where(*conditions).order_by(*order).limit(limit)
    found = connection.execute(query).mappings()
    return [(Line(row["seq"], rows.read_entry(row)), (int(row["place"]), row["seq"])) for row in found]
