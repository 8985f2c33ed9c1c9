"""What happens on the account, for all who listen: the ledger is read once for all, and only while somebody does."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import msgspec

from keepahead.budget.account import Account
from keepahead.budget.entry import Carried
from keepahead.budget.status import status_of
from keepahead.budget.waiting import waiting_of
from keepahead.errors import LedgerError
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.problems import problem
from keepahead.faces.ledger_documents import entry_json, shapes_of
from keepahead.store.record import Line
from keepahead.store.rows import kind_of
from keepahead.work.tasks import end

POLL_SECONDS = 0.25
PAGE = 500
"""So many entries are read at a time."""

QUEUE = 1_000
"""So many events may wait for one listener; whoever lets more come is cut off, and can resume."""

LISTENERS_MOST = 64
HEARTBEAT_SECONDS = 15.0
"""After so long without an event a comment says that the line is alive: proxies cut off what is silent."""

_NAMES: Mapping[str, str] = {"served_from_archive": "served", "carried": "gap"}
_BALANCE = ("balance", "free", "reserved", "unknown", "capacity", "refill_rate_per_minute", "floor")

log = logging.getLogger("keepahead.gateway")


@dataclass(frozen=True, slots=True)
class Event:
    """One event: its name, its JSON, and the number of the entry that it is about. One without name is a comment."""

    name: str
    data: str
    seq: int | None = None


_HEARTBEAT = Event("", "still here")
_TOO_SLOW = Event("", "too slow: resume with Last-Event-ID")
_GOING_DOWN = Event("", "the gateway is going down: resume with Last-Event-ID")
_LEDGER_AWAY = Event("", "the ledger cannot be reached: resume with Last-Event-ID")


class Listener:
    """Events that wait for one subscriber."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event | None] = asyncio.Queue(QUEUE)
        self._end: Event | None = None
        self.is_over = False

    def put(self, event: Event) -> None:
        """Add an event; one too many ends it all."""
        try:
            self._queue.put_nowait(event)
        except asyncio.QueueFull:
            self.end(_TOO_SLOW)

    def end(self, last: Event) -> None:
        """Tell this after what waits still, then nothing any more."""
        if not self.is_over:
            self.is_over, self._end = True, last
            if self._queue.empty():
                self._queue.put_nowait(None)  # it may be waited for

    async def events(self) -> AsyncIterator[Event]:
        """Yield events until the end."""
        while not (self.is_over and self._queue.empty()):
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    event = await self._queue.get()
            except TimeoutError:
                event = _HEARTBEAT
            if event is not None:
                yield event
        if self._end is not None:
            yield self._end


class Feed:
    """One for each gateway. On PostgreSQL, or on one file, it sees what the others write as well."""

    def __init__(self, gateway: Gateway, books: Books) -> None:
        self._gateway = gateway
        self._books = books
        self.listeners = 0
        self._listeners: set[Listener] = set()  # those that have caught up
        self._task: asyncio.Task[None] | None = None
        self._position = 0
        self._told: dict[str, Any] = {}
        self._latest: dict[str, Event] = {}

    @asynccontextmanager
    async def listening(self, after: int | None) -> AsyncGenerator[AsyncIterator[Event]]:
        """Give the events from now on, or from those after an entry's number.

        Raises Problem when too many listen, and LedgerError.
        """
        if self.listeners >= LISTENERS_MOST:
            raise problem("too-busy", f"{LISTENERS_MOST} listen already", retry_seconds=POLL_SECONDS)
        listener = Listener()
        self.listeners += 1
        try:
            newest = await asyncio.to_thread(self._books.record.last_seq)  # now is before the answer begins
            yield self._events(listener, after, newest)
        finally:
            self.listeners -= 1
            self._listeners.discard(listener)

    async def close(self) -> None:
        """End all listening."""
        for each in self._listeners:
            each.end(_GOING_DOWN)
        await end(self._task)

    async def _events(self, listener: Listener, after: int | None, newest: int) -> AsyncIterator[Event]:
        last = newest if after is None else after
        if last > newest:
            last = newest
            yield Event("gap", _json({"reason": f"the ledger has no entry {after}"}), newest)
        try:
            while not self._gateway.is_draining.is_set():
                page = await asyncio.to_thread(self._page, last)
                for event in page:
                    yield event
                last = page[-1].seq or last if page else max(last, self._position)
                if len(page) < PAGE and self._join(listener, last):
                    break
            else:
                yield _GOING_DOWN
                return
        except LedgerError:
            yield _LEDGER_AWAY
            return
        for event in list(self._latest.values()):
            yield event
        async for event in listener.events():
            if event.seq is None or event.seq > last:
                yield event

    def _join(self, listener: Listener, last: int) -> bool:
        """Have a listener that has seen all up to `last` follow with the others; False if they are ahead of it."""
        is_running = self._task is not None and not self._task.done()
        if is_running and last < self._position:
            return False
        self._listeners.add(listener)
        if not is_running:
            self._position = last
            self._told, self._latest = {}, {}
            self._task = asyncio.create_task(self._follow())
        return True

    async def _follow(self) -> None:
        """Read on and tell everybody, as long as somebody listens."""
        while self._listeners:
            if self._gateway.is_draining.is_set():
                for each in self._listeners:
                    each.end(_GOING_DOWN)
                return
            page: Sequence[Event] = ()
            try:
                page, account = await asyncio.to_thread(self._read, self._position)
            except LedgerError as error:
                log.error("events cannot be read: %s", error)  # noqa: TRY400 - the reason says it all
            else:
                self._position = page[-1].seq or self._position if page else self._position
                for event in (*page, *self._changes(account)):
                    self._tell(event)
            if len(page) < PAGE:
                await self._gateway.clock.sleep_async(POLL_SECONDS)

    def _tell(self, event: Event) -> None:
        for each in list(self._listeners):
            each.put(event)
            if each.is_over:
                self._listeners.discard(each)

    def _read(self, last: int) -> tuple[Sequence[Event], Account]:
        return self._page(last), self._books.ledger.account()

    def _page(self, last: int) -> Sequence[Event]:
        record = self._books.record
        lines = record.after(last, limit=PAGE)
        asked = shapes_of(lines, record)
        return [_event_of(line, asked) for line in lines]

    def _changes(self, account: Account) -> Sequence[Event]:
        """Return what is otherwise than before: the balance, by refill as well, and who waits."""
        now, live = self._gateway.clock.now(), self._gateway.lanes["live"]
        status = status_of(account, live, now)
        state = self._books.marks.state_of(status.balance if account.meter else None, status.floor)
        balance = {"state": state, **{name: getattr(status, name) for name in _BALANCE}}
        waiting = waiting_of(account, now)
        found: list[Event] = []
        if self._is_new("balance", balance):
            found.append(Event("balance", _json({**balance, "next_refill_at": status.next_refill_at})))
        if self._is_new("waiting", [(each.call_id, each.tokens) for each in waiting]):
            found.append(Event("waiting", _json({"waiting_calls": waiting})))
        self._latest.update((event.name, event) for event in found)
        return found

    def _is_new(self, name: str, value: Any) -> bool:
        is_new = name not in self._told or self._told[name] != value
        self._told[name] = value
        return is_new


def _event_of(line: Line, asked: Mapping[str, str]) -> Event:
    told, kind = entry_json(line, asked), kind_of(line.entry)
    if isinstance(line.entry, Carried):
        told = {"reason": f"entries up to {line.seq} were put away", **told}
    return Event(_NAMES.get(kind, kind), _json(told), line.seq)


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
