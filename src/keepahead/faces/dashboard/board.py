"""The account as it stands, for all open pages: read once for all of them, and only while one is open."""

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from keepahead.budget.account import Account
from keepahead.budget.rule import day_of
from keepahead.budget.status import Status, status_of
from keepahead.budget.waiting import Waiting, waiting_of
from keepahead.errors import LedgerError
from keepahead.faces.gateway.books import Books, State, spendable
from keepahead.faces.gateway.gateway import Gateway
from keepahead.store.alarms import Alarm, Alarms
from keepahead.store.course import Course
from keepahead.store.record import Line, Sum
from keepahead.work.tasks import end

BEAT_SECONDS = 0.25
"""So often is looked: a page shows a fact well within a second."""

FLUSH = timedelta(seconds=0.5)
"""What the archive answered is on record so late while somebody looks."""

ALARMS_EVERY = timedelta(seconds=1)
"""So often is looked which alerts fire."""

LINES_MOST = 500
"""So many new entries are read at a time."""

_NEVER = datetime.min.replace(tzinfo=UTC)

log = logging.getLogger("keepahead.gateway")


@dataclass(frozen=True, slots=True)
class Room:
    """What one lane may spend now, and the floor that it leaves."""

    floor: int
    spendable: int


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What the pages show. `failure` says in words why the ledger cannot be read; the rest is then as it was last.

    `lines` are the entries since the view before, oldest first; `last_seq` is the number of the newest. `refilled` are
    the tokens that came today if all that is unknown was charged, `firing` the alerts that fire just now.
    """

    at: datetime
    account: Account
    status: Status
    state: State
    lanes: Mapping[str, Room]
    waiting: Sequence[Waiting]
    today: Sum
    refilled: int
    firing: Sequence[Alarm]
    last_seq: int
    lines: Sequence[Line] = ()
    failure: str | None = None


Show = Callable[[View], None]


class Board:
    """One for each gateway, on its event loop."""

    def __init__(self, gateway: Gateway, books: Books, alarms: Alarms) -> None:
        self._gateway = gateway
        self._books = books
        self._shows: list[Show] = []
        self._task: asyncio.Task[None] | None = None
        self._view: View | None = None
        self._course = Course(books.ledger.database, books.ledger.fingerprint)
        self._alarms = alarms
        self._dawn: tuple[datetime, int] | None = None
        self._flushed_at = self._alarms_at = _NEVER

    @property
    def newest(self) -> View | None:
        """The view that was told last."""
        return self._view

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
        await end(self._task)

    async def _follow(self) -> None:
        while self._shows:
            before = self._view
            try:
                new = await asyncio.to_thread(self._read, before)
            except LedgerError as error:
                if before is not None and before.failure is None:
                    self._tell(replace(before, lines=(), failure=str(error)))
            except Exception:  # a fault of ours must not leave all pages standing still for good
                log.exception("the account could not be read for the pages")
            else:
                if before is None or _facts(new) != _facts(replace(before, lines=())):
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
        self._flush(now)
        lines = () if before is None else record.after(before.last_seq, limit=LINES_MOST)
        last = lines[-1].seq if lines else record.last_seq() if before is None else before.last_seq
        account = books.ledger.account()
        live = gateway.lanes["live"]
        status = status_of(account, live, now)
        today = before.today if before and not lines and day_of(before.at) == day_of(now) else record.today(now)
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
            today=today,
            refilled=max(0, status.balance - self._at_dawn(now) + today.charged + today.unknown + today.external),
            firing=self._firing(before, now),
            last_seq=last,
            lines=lines,
        )

    def _firing(self, before: View | None, now: datetime) -> Sequence[Alarm]:
        """Return the alerts that fire, the newest first."""
        if before is not None and timedelta() <= now - self._alarms_at < ALARMS_EVERY:
            return before.firing
        self._alarms_at = now
        found = [alarm for alarm in self._alarms.states() if alarm.is_firing]
        return sorted(found, key=lambda alarm: alarm.began_at, reverse=True)

    def _flush(self, now: datetime) -> None:
        """Have written what the archive answered, which else waits for the next call: somebody looks at it."""
        if not timedelta() <= now - self._flushed_at < FLUSH:
            self._flushed_at = now
            self._books.ledger.flush()

    def _at_dawn(self, now: datetime) -> int:
        """Return the balance with which the day began, or the first that was seen of it; 0 as long as none was."""
        day = day_of(now)
        if self._dawn is None or self._dawn[0] != day:
            balance = self._course.balance_at(day)
            if balance is None:
                return 0
            self._dawn = day, balance
        return self._dawn[1]


def _facts(view: View) -> View:
    """Return a view without what merely goes with the time: for what is due now each look finds another moment."""
    full_at = view.status.full_at
    return replace(
        view,
        at=_NEVER,
        status=replace(view.status, full_at=None if full_at is None else _to_come(full_at, view.at)),
        waiting=[
            replace(each, expected_at=None if each.expected_at is None else _to_come(each.expected_at, view.at))
            for each in view.waiting
        ],
    )


def _to_come(moment: datetime, now: datetime) -> datetime:
    return moment if moment > now else _NEVER
