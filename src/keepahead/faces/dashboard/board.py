"""The account as it stands, for all open pages: read once for all of them, and only while one is open."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keepahead.budget.account import Account
from keepahead.budget.rule import day_of
from keepahead.budget.status import Status, status_of
from keepahead.budget.waiting import Waiting, waiting_of
from keepahead.errors import LedgerError
from keepahead.faces.gateway.books import Books, State, spendable
from keepahead.faces.gateway.gateway import Gateway
from keepahead.store.record import Line, Sum

BEAT_SECONDS = 0.25
"""So often is looked: a page shows a fact well within a second."""

LINES_MOST = 500
"""So many new entries are read at a time."""

log = logging.getLogger("keepahead.gateway")


@dataclass(frozen=True, slots=True)
class Room:
    """What one lane may spend now, and the floor that it leaves."""

    floor: int
    spendable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the pages show. `failure` says in words why the ledger cannot be read; the rest is then as it was last.

    `lines` are the entries since the view before, oldest first; `last_seq` is the number of the newest.
    """

    at: datetime
    account: Account
    status: Status
    state: State
    lanes: Mapping[str, Room]
    waiting: Sequence[Waiting]
    today: Sum
    last_seq: int
    lines: Sequence[Line] = ()
    failure: str | None = None


Show = Callable[[View], None]


class Board:
    """One for each gateway, on its event loop."""

    def __init__(self, gateway: Gateway, books: Books) -> None:
        self._gateway = gateway
        self._books = books
        self._shows: list[Show] = []
        self._task: asyncio.Task[None] | None = None
        self._view: View | None = None

    async def view(self) -> View:
        """Return the newest view; it is read if nobody watches. Raises LedgerError."""
        if self._view is None or self._task is None or self._task.done():
            self._view = await asyncio.to_thread(self._read, None)
        return self._view

    def watch(self, show: Show) -> Callable[[], None]:
        """Have `show` called with each view that differs from the one before; return what ends that."""
        self._shows.append(show)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow())

        def leave() -> None:
            if show in self._shows:
                self._shows.remove(show)

        return leave

    async def close(self) -> None:
        """End it."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def _follow(self) -> None:
        while self._shows:
            before = self._view
            try:
                new = await asyncio.to_thread(self._read, before)
            except LedgerError as error:
                if before is not None and before.failure is None:
                    self._tell(replace(before, lines=(), failure=str(error)))
            else:
                if before is None or new != replace(before, at=new.at, lines=()):
                    self._tell(new)
            await self._gateway.clock.sleep_async(BEAT_SECONDS)

    def _tell(self, view: View) -> None:
        self._view = view
        for show in tuple(self._shows):
            try:
                show(view)
            except Exception:  # one page that fails takes nothing from the others
                log.exception("a page could not show the account")

    def _read(self, before: View | None) -> View:
        gateway, books, now = self._gateway, self._books, self._gateway.clock.now()
        record = books.record
        lines = () if before is None else record.after(before.last_seq, limit=LINES_MOST)
        last = lines[-1].seq if lines else record.last_seq() if before is None else before.last_seq
        account = books.ledger.account()
        live = gateway.lanes["live"]
        status = status_of(account, live, now)
        return View(
            at=now,
            account=account,
            status=status,
            state=books.marks.state_of(status.balance if account.meter else None, status.floor),
            lanes={
                name: Room(
                    lane.floor_of(status.capacity) if account.meter else lane.floor,
                    spendable(account, lane, status.balance, status.free),
                )
                for name, lane in gateway.lanes.items()
            },
            waiting=waiting_of(account, now),
            today=before.today if before and not lines and day_of(before.at) == day_of(now) else record.today(now),
            last_seq=last,
            lines=lines,
        )
