"""The hottest archived items in memory, as the archive gave or took them a moment ago. It asks no database."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.store.wanted import Item, Wanted

MEMORY_LIFE = timedelta(seconds=60)
"""After so long the archive is asked again: others may have newer, and what is often used must not look unused."""

_Key = tuple[str, int, str]
_Held = dict[str, tuple[Item, datetime]]


class Memory:
    """What was the newest that served, by endpoint, domain, item and wanted contents. Safe to use from any thread.

    `limit` is in bytes of bodies, 0 remembers nothing; the least recently used go. `mark` changes whenever rows are
    dropped or taken in elsewhere: then everything is forgotten.
    """

    def __init__(self, limit: int, mark: Callable[[], object]) -> None:
        self._limit = limit
        self._mark = mark
        self._marked = mark()
        self._held: OrderedDict[_Key, _Held] = OrderedDict()
        self._bytes = 0
        self._changes = 0
        self._mutex = threading.Lock()

    @property
    def is_on(self) -> bool:
        """Tell whether anything is remembered at all."""
        return self._limit > 0

    @property
    def state(self) -> tuple[object, int]:
        """What holds as long as nothing was kept or dropped: to be taken before the rows are read."""
        return self._mark(), self._changes

    def recall(self, wanted: Wanted, since: datetime, now: datetime) -> dict[str, Item]:
        """Return what will do and was fetched at `since` or later, as far as it is remembered."""
        found: dict[str, Item] = {}
        if not self.is_on:
            return found
        with self._mutex:
            self._forget_what_is_void()
            for name in wanted.items:
                key = wanted.endpoint, wanted.domain, name
                item, at = self._held.get(key, _NOTHING).get(wanted.contents, _NEVER)
                if (
                    item is not None
                    and timedelta() <= now - at < MEMORY_LIFE
                    and since <= item.fetched_at <= now + CLOCKS_AGREE
                    and wanted.serves(item.contents)
                ):
                    found[name] = item
                    self._held.move_to_end(key)
        return found

    def remember(self, wanted: Wanted, found: Mapping[str, Item], now: datetime, state: tuple[object, int]) -> None:
        """Remember what was looked up, unless it may have changed since `state` was taken."""
        with self._mutex:
            if state == self.state:
                self._forget_what_is_void()
                for item in found.values():
                    self._hold(wanted, wanted.contents, item, now)

    def replace(self, wanted: Wanted, items: Sequence[Item]) -> None:
        """Remember what was kept just now, in place of what is older."""
        with self._mutex:
            self._changes += 1
            for item in items:
                held = self._held.get((wanted.endpoint, wanted.domain, item.item), _NOTHING)
                if all(old.fetched_at <= item.fetched_at for old, _ in held.values()):
                    self._drop((wanted.endpoint, wanted.domain, item.item))
                    self._hold(wanted, item.contents, item, item.fetched_at)

    def forget(self, wanted: Wanted) -> None:
        """Forget these items."""
        with self._mutex:
            self._changes += 1
            for name in wanted.items:
                self._drop((wanted.endpoint, wanted.domain, name))

    def _hold(self, wanted: Wanted, contents: str, item: Item, at: datetime) -> None:
        if len(item.body) > self._limit:
            return
        key = wanted.endpoint, wanted.domain, item.item
        held = self._held.setdefault(key, {})
        self._held.move_to_end(key)
        self._bytes += len(item.body) - (len(held[contents][0].body) if contents in held else 0)
        held[contents] = item, at
        while self._bytes > self._limit:
            self._drop(next(iter(self._held)))

    def _drop(self, key: _Key) -> None:
        self._bytes -= sum(len(item.body) for item, _ in self._held.pop(key, _NOTHING).values())

    def _forget_what_is_void(self) -> None:
        mark = self._mark()
        if mark is not self._marked:
            self._marked = mark
            self._held.clear()
            self._bytes = 0


_NOTHING: Mapping[str, tuple[Item, datetime]] = {}
_NEVER: tuple[None, datetime] = (None, datetime.min.replace(tzinfo=UTC))
