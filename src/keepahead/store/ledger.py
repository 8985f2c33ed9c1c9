"""In one transaction: load the account, ask decide, append the entries, keep the sums. Nothing else writes the account.

Every method is one durable step and safe to call from any thread; steps that wait together go through together. Several
processes on one database share one budget.
"""

import threading
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from keepahead.budget.account import Account
from keepahead.budget.ask import Ask
from keepahead.budget.entry import Served
from keepahead.budget.meter import Meter
from keepahead.budget.rule import day_of
from keepahead.budget.verdict import Later, Refused, Verdict
from keepahead.errors import LedgerUnavailableError
from keepahead.store import hours, kept
from keepahead.store.database import Database, StaleError
from keepahead.store.desk import Desk, Slip
from keepahead.store.entries import append
from keepahead.store.kept import Kept
from keepahead.store.round import Round
from keepahead.store.statement import pen

POLL_SECONDS = 1.0
"""On SQLite nobody can wake another process: those who wait look so often."""

ALONE_ROUNDS = 16
"""After so many rounds in which nobody else touched the account a ledger decides without looking first."""

RENEW = timedelta(seconds=10)
"""Tickets are renewed so often; well before ticket.TICKET_LIFE is over."""

SERVED_LATE = timedelta(seconds=10)
SERVED_AT_A_TIME = 500
"""What the archive answered moves nothing: it is written with the next step, or when it is so old or so much."""


class Ledger:
    """The account of one Keepa key, named by its `fingerprint`. Raises LedgerUnavailableError when it cannot write.

    `holder` names this user of it: the tickets of all its calls live as long as it renews them. `clock` tells how late
    it is when a meter is written that came earlier; without one it is as late as it was then.
    """

    def __init__(self, database: Database, fingerprint: str, clock: Callable[[], datetime] | None = None) -> None:
        self.database = database
        self.fingerprint = fingerprint
        self.holder = uuid.uuid4().hex
        self._desk = Desk(self._serve)
        self._kept: Kept | None = None
        self._seen: Kept | None = None
        self._alone_for = 0
        self._renewed_at: datetime | None = None
        self._clock = clock
        self._served: list[Served] | None = None
        self._mutex = threading.Lock()

    @property
    def look_again_seconds(self) -> float:
        """How long a waiter may sleep before it looks whether the bell has rung: where there is none, not long."""
        return RENEW.total_seconds() if self.database.locks_rows else POLL_SECONDS

    def listen(self, ring: Callable[[], None]) -> Callable[[], None]:
        """Have `ring` called, from any thread, when others give tokens back; return what ends that."""
        return self.database.listen(self.fingerprint, ring)

    def account(self) -> Account:
        """Return the account as the ledger has it now."""
        with self.database.read() as connection:
            found = kept.load(connection, self.fingerprint)
        if found is None:
            return Account(self.fingerprint)
        self._see(found)
        return found.account

    def seen(self) -> Account | None:
        """Return the account as it was when this ledger last read or changed it, from memory; None if it never did."""
        return self._seen.account if self._seen else None

    def changes(self) -> int:
        """Return how often the account had been changed when it was last seen; new entries are a change."""
        return self._seen.version if self._seen else 0

    def reserve(self, ask: Ask, now: datetime) -> Verdict:
        """Decide on `ask` and make the verdict true: tokens set aside, a place in the queue, or a refusal on record."""
        try:
            return self._desk.do(lambda round_: round_.reserve(ask, now))
        except LedgerUnavailableError:
            self.abandon(ask.label.call_id, now)
            raise

    def abandon(self, call_id: str, now: datetime) -> None:
        """Give up, when the ledger can be reached again, what may have been granted without anybody hearing of it."""
        self._desk.owe(lambda round_: round_.release(call_id, "not sent: the ledger was away", now))
        self._desk.owe(lambda round_: round_.leave_queue(call_id))

    def foresee(self, ask: Ask, now: datetime, *, strictly: bool = False) -> Refused | Later | None:
        """Refuse work of many calls that cannot all be paid for in time, and put that on record; None lets it in.

        `strictly` lets everybody who waits go first. Later is for who comes at the moment he was told, or for a meter.
        """
        return self._desk.do(lambda round_: round_.foresee(ask, now, strictly=strictly))

    def settle(self, call_id: str, consumed: int, meter: Meter, now: datetime) -> None:
        """Record what Keepa charged, and its meter. If that cannot be written now, it is before the next step."""
        self._desk.do(lambda round_: round_.settle(call_id, consumed, meter, self._as_late(now)), is_fact=True)

    def release(self, call_id: str, reason: str, now: datetime) -> None:
        """Give back the tokens of a call of which nothing was sent."""
        self._desk.do(lambda round_: round_.release(call_id, reason, now), is_fact=True)

    def lose(self, call_id: str, reason: str, now: datetime, *, answered: bool) -> None:
        """Record that the cost of a call is unknown; it counts as charged until newer meters prove otherwise."""
        self._desk.do(lambda round_: round_.lose(call_id, reason, now, answered=answered), is_fact=True)

    def observe(self, meter: Meter, now: datetime) -> None:
        """Record a meter that came without a reservation."""
        self._desk.do(lambda round_: round_.observe(meter, self._as_late(now)))

    def serve(self, entry: Served) -> None:
        """Have on record that the archive answered: with the next step, a little later, or at `flush`."""
        if self.note(entry):
            self.flush()

    def note(self, entry: Served) -> bool:
        """Do the same without a look at the database; tell whether it is time for `flush`."""
        with self._mutex:
            is_first = self._served is None
            served = self._served = self._served or []
            served.append(entry)
            is_due = len(served) >= SERVED_AT_A_TIME or entry.at - served[0].at >= SERVED_LATE
        if is_first:
            self._desk.owe(lambda round_: self._write_served(round_, served))
        return is_due

    def flush(self) -> None:
        """Write what the archive answered, and facts that could not be written before, if there are any."""
        if self._served or self._desk.owes:
            self._desk.do(lambda _: None)

    def leave_queue(self, call_id: str) -> None:
        """Give up the place of a call that no longer waits."""
        self._desk.do(lambda round_: round_.leave_queue(call_id), is_fact=True)

    def renew(self, now: datetime) -> None:
        """Keep the places of all calls that wait here, if that is due."""
        if self._renewed_at is None or not timedelta() <= now - self._renewed_at < RENEW:
            self._renewed_at = now
            self._desk.do(lambda round_: round_.renew(self.holder, now))

    def has_rung(self, heard: int) -> bool:
        """Tell whether tokens or a place in the queue were given back since a verdict that had heard so many rings."""
        with self.database.read() as connection:
            return kept.rung(connection, self.fingerprint) != heard

    def _as_late(self, then: datetime) -> datetime:
        """Return the moment at which a meter of `then` is written: an outage may lie between, or a stopped process.

        Dated back, it would make newer meters of others look as if they came from the future, as they do when a clock
        was put back; the old one would be believed, and what the others have spent meanwhile forgotten.
        """
        return max(then, self._clock()) if self._clock else then

    def _write_served(self, round_: Round, served: list[Served]) -> None:
        with self._mutex:
            if self._served is served:
                self._served = None
        round_.serve(served)

    def _serve(self, slips: Sequence[Slip[Round]]) -> None:
        known, self._kept = self._kept, None
        if known is None or self._alone_for < ALONE_ROUNDS or not self._serve_ahead(slips, known):
            self._serve_locked(slips, known)

    def _serve_ahead(self, slips: Sequence[Slip[Round]], known: Kept) -> bool:
        """Decide on what was last seen here and write it in one go; False if somebody else has been at it since.

        Saves the wait for the lock and for the account, as long as nobody else uses the ledger at the same time.
        """
        round_ = Round(known, _read_nothing)
        try:
            _work_off(slips, round_)
            after = round_.after
            if after is not known:
                with self.database.write_at_once() as connection:
                    self._write(connection, known, after, round_)
        except StaleError:
            self._alone_for = 0
            return False
        self._kept = after
        self._see(after)
        return True

    def _serve_locked(self, slips: Sequence[Slip[Round]], known: Kept | None) -> None:
        shared = self.database.locks_rows
        with self.database.write_in_few_trips() if shared else self.database.write() as connection:
            before = kept.load_locked(connection, self.fingerprint, known)
            self._alone_for = self._alone_for + 1 if shared and before is known else 0

            def spent(caller: str, now: datetime) -> Mapping[datetime, int]:
                wanted = {"of": self.fingerprint, "by": caller, "day": day_of(now)}
                return {hour: int(tokens) for hour, tokens in hours.SPENT.run(connection, wanted)}

            round_ = Round(before, spent)
            _work_off(slips, round_)
            after = round_.after
            if after is not before:
                self._write(connection, before, after, round_)
        self._kept = after
        self._see(after)

    def _see(self, kept_: Kept) -> None:
        with self._mutex:
            if self._seen is None or self._seen.version <= kept_.version:
                self._seen = kept_

    def _write(self, connection: Connection, before: Kept, after: Kept, round_: Round) -> None:
        of = self.fingerprint
        with pen(connection) as hand:
            kept.write(hand, before, after)
            append(hand, of, round_.entries)
            hours.ADD.write(hand, list(hours.rows(round_.sums, of)))
            if round_.rings:
                self.database.ring(hand, of)


def _work_off(slips: Sequence[Slip[Round]], round_: Round) -> None:
    for slip in slips:
        slip.error = None
        try:
            slip.result = slip.work(round_)
        except StaleError:
            raise
        except Exception as error:  # noqa: BLE001 - it is its own caller's business, not the others'
            slip.error = error


def _read_nothing(caller: str, now: datetime) -> Mapping[datetime, int]:
    """Stand for sums that only the database knows."""
    _ = caller, now
    raise StaleError
