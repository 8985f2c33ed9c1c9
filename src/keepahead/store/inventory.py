"""What the archive holds, and its care: counted, thinned out, handed on. For people, not for calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select

from keepahead.store import archive, leases, tables
from keepahead.store.archive import KEEP_NEWEST, UNREAD
from keepahead.store.database import Database
from keepahead.store.packing import DamagedError, unpack
from keepahead.store.statement import pen
from keepahead.store.wanted import name_of

AT_A_TIME = 500
"""So many rows are read, dropped or taken in, in one transaction."""

_ROWS = tables.answers.c
_WHOLE = ""  # the contents of an answer that is kept as a whole


@dataclass(frozen=True, slots=True)
class Part:
    """What is archived of one endpoint: rows, bytes as they are kept, what they cost, and from when to when."""

    endpoint: str
    items: int
    size: int
    tokens: int
    oldest: datetime
    newest: datetime


@dataclass(frozen=True, slots=True)
class Stock:
    """What is archived of one upstream. `total_size` counts all upstreams of the database, `damaged` what was dropped.

    `unread` answers were paid for and could not be read: they serve nobody.
    """

    upstream: str
    parts: tuple[Part, ...]
    unread: int
    damaged: int
    total_size: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where one archived item lies: what it holds, and when it was fetched."""

    seq: int
    domain: int
    item: str
    contents: str
    fetched_at: datetime


class Inventory:
    """The archived answers of one upstream."""

    def __init__(self, database: Database, upstream: str) -> None:
        self.upstream = name_of(upstream)
        self._database = database

    def stock(self) -> Stock:
        """Count what there is."""
        named = func.count(), func.sum(_ROWS.size), func.sum(_ROWS.tokens)
        when = func.min(_ROWS.fetched_at), func.max(_ROWS.fetched_at)
        parts = select(_ROWS.endpoint, *named, *when).where(self._own).group_by(_ROWS.endpoint)
        unread = select(func.count()).where(self._own, _ROWS.contents == UNREAD)
        damaged = select(tables.counts.c["count"]).where(tables.counts.c.name == archive.DAMAGED)
        with self._database.read() as connection:
            return Stock(
                self.upstream,
                tuple(
                    Part(endpoint, int(items), int(size), int(tokens), oldest, newest)
                    for endpoint, items, size, tokens, oldest, newest in connection.execute(
                        parts.order_by(_ROWS.endpoint)
                    )
                ),
                connection.execute(unread).scalar_one(),
                connection.execute(damaged).scalar_one_or_none() or 0,
                archive.total_size(connection),
            )

    def total_size(self) -> int:
        """Return the bytes of all upstreams of the database; of `stock` that alone."""
        with self._database.read() as connection:
            return archive.total_size(connection)

    def places(
        self,
        endpoint: str,
        *,
        domain: int | None = None,
        item: str | None = None,
        after: Place | None = None,
        most: int = AT_A_TIME,
    ) -> Sequence[Place]:
        """Return where single items of an endpoint lie, the newest first, at most so many.

        `after` is the last one that was returned before: what follows it is told.
        """
        conditions = [*self._single(endpoint, domain)]
        if item is not None:
            conditions.append(_ROWS.item == item)
        if after is not None:
            is_as_old = and_(_ROWS.fetched_at == after.fetched_at, _ROWS.seq < after.seq)
            conditions.append(or_(_ROWS.fetched_at < after.fetched_at, is_as_old))
        query = select(_ROWS.seq, _ROWS.domain, _ROWS.item, _ROWS.contents, _ROWS.fetched_at).where(*conditions)
        newest_first = query.order_by(_ROWS.fetched_at.desc(), _ROWS.seq.desc()).limit(most)
        with self._database.read() as connection:
            return [Place(*row) for row in connection.execute(newest_first)]

    def count(self, endpoint: str, *, domain: int | None = None) -> int:
        """Return how many single items of an endpoint there are; one that is held twice counts twice."""
        with self._database.read() as connection:
            counted = select(func.count()).select_from(tables.answers).where(*self._single(endpoint, domain))
            return connection.execute(counted).scalar_one()

    def bodies(self, places: Sequence[Place]) -> Mapping[int, bytes]:
        """Return the bodies that lie there, by `seq`; what is gone by now, or damaged, is left out.

        Looking is no use: nothing is touched, served or counted as saved.
        """
        found: dict[int, bytes] = {}
        for first in range(0, len(places), AT_A_TIME):
            seqs = [place.seq for place in places[first : first + AT_A_TIME]]
            with self._database.read() as connection:
                rows = connection.execute(select(_ROWS.seq, _ROWS.body).where(_ROWS.seq.in_(seqs))).all()
            for seq, packed in rows:
                with suppress(DamagedError):
                    found[seq] = unpack(packed)
        return found

    def prune(self, now: datetime, *, before: datetime | None = None, endpoint: str | None = None) -> Iterator[int]:
        """Drop what was fetched before that moment, or of that endpoint, or all; tell after each step how many more."""
        conditions = [self._own]
        if before is not None:
            conditions.append(_ROWS.fetched_at < before)
        if endpoint is not None:
            conditions.append(_ROWS.endpoint == endpoint)
        gone = AT_A_TIME
        while gone == AT_A_TIME:
            with self._database.write() as connection:
                leases.sweep(connection, now)
                some = select(_ROWS.seq).where(*conditions).order_by(_ROWS.seq).limit(AT_A_TIME)
                seqs = connection.execute(some).scalars().all()
                archive.drop(connection, seqs)
            self._database.mark_archive()
            gone = len(seqs)
            yield gone

    def rows(self) -> Iterator[Mapping[str, Any]]:
        """Yield all rows, read as they are taken; `body` is compressed."""
        last = 0
        while True:
            query = select(tables.answers).where(self._own, _ROWS.seq > last).order_by(_ROWS.seq).limit(AT_A_TIME)
            with self._database.read() as connection:
                some = connection.execute(query).mappings().all()
            for row in some:
                yield {name: value for name, value in row.items() if name not in {"seq", "upstream", "size"}}
            if len(some) < AT_A_TIME:
                return
            last = some[-1]["seq"]

    def merge(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[int]:
        """Take rows in, but for what is there already and newer; tell after each step how many of them were sound."""
        some: list[Mapping[str, Any]] = []
        for row in rows:
            some.append(row)
            if len(some) == AT_A_TIME:
                yield self._merge(some)
                some = []
        if some:
            yield self._merge(some)

    @property
    def _own(self) -> ColumnElement[bool]:
        return _ROWS.upstream == self.upstream

    def _single(self, endpoint: str, domain: int | None) -> Iterator[ColumnElement[bool]]:
        """Yield what holds for items that stand alone: neither unread nor answers that are kept as a whole."""
        yield self._own
        yield _ROWS.endpoint == endpoint
        if domain is not None:
            yield _ROWS.domain == domain
        yield _ROWS.contents.not_in((UNREAD, _WHOLE))

    def _merge(self, rows: Sequence[Mapping[str, Any]]) -> int:
        sound = sorted((row for row in rows if _is_sound(row["body"])), key=lambda row: (row["item"], row["contents"]))
        with self._database.write() as connection, pen(connection) as hand:
            KEEP_NEWEST.write(hand, [{**row, "upstream": self.upstream, "size": len(row["body"])} for row in sound])
        self._database.mark_archive()
        return len(sound)


def _is_sound(body: bytes) -> bool:
    try:
        unpack(body)
    except DamagedError:
        return False
    return True
