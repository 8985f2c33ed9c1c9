"""Gathers what the rules look at: new entries of the record, and now and then what is dearer to ask."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from keepahead.budget.account import Account
from keepahead.budget.lane import Lane
from keepahead.budget.rule import hour_of
from keepahead.budget.status import status_of
from keepahead.store.inventory import Inventory
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record
from keepahead.store.rulebook import Caller, Rulebook
from keepahead.work.alerts.alert import Picture
from keepahead.work.alerts.facts import Allowance, Allowances, Errors, Facts, Fill, Inspection, floor_ahead
from keepahead.work.alerts.history import REMEMBERED, History

PAGE = 1_000
PAGES = 5
"""So many entries are read at a time, and so many times before others come first: 10,000 a minute are 167 a second."""

LOOK_BACK = 20_000
"""A gateway that starts reads so many entries of the past at most."""

CALLERS_EVERY, CALLERS_ANYWAY = timedelta(seconds=5), timedelta(minutes=1)
FILL_EVERY = timedelta(minutes=5)
"""What callers have spent is a sum over the hours of a day, where anything changed; the archive's size one over all."""


T = TypeVar("T")


class Observer:
    """Reads the books of one account. Everything blocks, and raises LedgerError. Not for several threads at once.

    `archive_limit` is in bytes; 0 where nothing is archived.
    """

    def __init__(self, ledger: Ledger, inventory: Inventory, *, live: Lane, jobs: Lane, archive_limit: int) -> None:
        self._ledger = ledger
        self._record = Record(ledger.database, ledger.fingerprint)
        self._rulebook = Rulebook(ledger.database, ledger.fingerprint)
        self._inventory = inventory
        self._live, self._jobs = live, jobs
        self._archive_limit = archive_limit
        self._history: History | None = None
        self._position = 0
        self._changes = -1
        self._callers = _Remembered[Sequence[Caller]](CALLERS_EVERY, CALLERS_ANYWAY)
        self._size = _Remembered[int](FILL_EVERY, FILL_EVERY)
        self._inspection: Inspection | None = None

    def look(self, now: datetime) -> Facts | None:
        """Read what is new and return how things stand; None as long as there is more to read."""
        account = self._ledger.account()
        changes = self._ledger.changes()
        history = self._history = self._history or self._begun(now)
        if changes != self._changes and not self._read(history):
            return None
        self._changes = changes  # what is written meanwhile is read by the next look
        history.forget(now)
        callers_at, callers = self._callers.ask(now, (changes, hour_of(now)), lambda: self._rulebook.callers(now))
        pace = history.pace(now)
        floor, jobs_floor = self._floor_of(self._live), self._floor_of(self._jobs)
        meter, failed = account.meter, [why for why in history.calls() if why]
        return Facts(
            at=now,
            since=history.since,
            balance=account.balance_at(now) if meter else None,
            capacity=meter.capacity if meter else 0,
            net_rate_per_minute=meter.net_rate_per_minute if meter else 0,
            floor=floor,
            pace=pace,
            floor_at=floor_ahead(account, pace, floor=floor, jobs_floor=jobs_floor, now=now),
            external=history.external,
            overage=history.overage,
            rate_change=history.rate_change,
            errors=Errors(len(history.calls()), len(failed), failed[-1] if failed else ""),
            allowances=Allowances(callers_at, _allowances(callers, history.refused_at, now)),
            inspection=self._inspection,
            fill=self._fill(now),
        )

    def report(self, inspection: Inspection) -> None:
        """Take notice of what the newest inspection of the ledger found; from any thread."""
        self._inspection = inspection

    def picture(self, facts: Facts, now: datetime) -> Picture:
        """Return the account as it stands, with the last hour, for people."""
        account = self._account
        status = status_of(account, self._live, now)
        is_known = account.meter is not None
        return Picture(
            balance=status.balance if is_known else None,
            free=status.free if is_known else None,
            floor=status.floor,
            capacity=status.capacity,
            refill_rate_per_minute=status.refill_rate_per_minute,
            next_refill_at=status.next_refill_at,
            full_at=status.full_at,
            pace_per_minute=round(facts.pace.per_minute, 1),
            floor_at=facts.floor_at,
            waiting=status.waiting,
            trend=self._history.trend(account, now) if self._history else (),
            spenders=self._history.spenders() if self._history else (),
        )

    @property
    def _account(self) -> Account:
        """The account as this process last saw it, which is what everybody here goes by."""
        return self._ledger.seen() or Account(self._ledger.fingerprint)

    def _floor_of(self, lane: Lane) -> int:
        meter = self._account.meter
        return lane.floor_of(meter.capacity) if meter else lane.floor

    def _begun(self, now: datetime) -> History:
        self._position = max(0, self._record.last_seq() - LOOK_BACK)
        first = self._record.after(self._position, limit=1) if self._position else ()
        begins = first[0].entry.at if first else now if self._position else now - REMEMBERED
        return History(min(now, max(begins, now - REMEMBERED)))

    def _read(self, history: History) -> bool:
        """Take in what is new; tell whether that was all."""
        for _ in range(PAGES):
            lines = self._record.after(self._position, limit=PAGE)
            for line in lines:
                history.take(line.entry)
                self._position = line.seq
            if len(lines) < PAGE:
                return True
        return False

    def _fill(self, now: datetime) -> Fill | None:
        if not self._archive_limit:
            return None
        return Fill(*self._size.ask(now, None, self._inventory.total_size), self._archive_limit)


class _Remembered(Generic[T]):
    """An answer that is good for some time, and for longer if it can hardly be another."""

    def __init__(self, good_for: timedelta, while_the_same: timedelta) -> None:
        self._good_for = good_for
        self._while_the_same = while_the_same
        self._found: tuple[datetime, object, T] | None = None

    def ask(self, now: datetime, rests_on: object, ask: Callable[[], T]) -> tuple[datetime, T]:
        """Return when it was asked for, and the answer; an old one is asked for anew.

        One from what is not yet is from before a clock was put back, and old.
        """
        if self._found is not None:
            at, rested_on, found = self._found
            good_for = self._while_the_same if rested_on == rests_on else self._good_for
            if timedelta() <= now - at < good_for:
                return at, found
        found = ask()
        self._found = now, rests_on, found
        return now, found


def _allowances(callers: Sequence[Caller], refused_at: Mapping[str, datetime], now: datetime) -> Sequence[Allowance]:
    """Return what those who have a limit have spent of it; what is set aside for their calls counts as spent."""
    found: list[Allowance] = []
    for caller in callers:
        if caller.limit is not None:
            refused = refused_at.get(caller.name)
            was_refused = refused is not None and refused >= hour_of(now)
            of_hour = "hour", caller.spent_hour, caller.limit.tokens_per_hour
            of_day = "day", caller.spent_day, caller.limit.tokens_per_day
            windows = [
                Allowance(caller.name, name, spent + caller.held, tokens, was_refused)
                for name, spent, tokens in (of_hour, of_day)
                if tokens is not None
            ]
            found.append(max(windows, key=lambda window: window.percent))
    return found
