"""In one transaction: load the account, ask decide, append the entries, keep the sums. Nothing else writes the account.

Every method is one durable step and safe to call from any thread; several processes on one database share one budget.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from keepahead.budget import decide
from keepahead.budget.account import Account, Ticket, apply
from keepahead.budget.decide import Ask
from keepahead.budget.entry import Entry
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Later, Refused, Verdict
from keepahead.store import rows, tables
from keepahead.store.database import Database, dialect_insert


class Ledger:
    """The account of one Keepa key, named by its `fingerprint`. Raises LedgerUnavailableError when it cannot write."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self.database = database
        self.fingerprint = fingerprint

    def account(self) -> Account:
        """Return the account as the ledger has it now."""
        with self.database.read() as connection:
            return _load(connection, self.fingerprint) or Account(self.fingerprint)

    def reserve(self, ask: Ask, now: datetime) -> Verdict:
        """Decide on `ask` and make the verdict true: tokens set aside, a place in the queue, or a refusal on record."""
        with self.database.write() as connection:
            account = self._lock(connection)
            decision = decide.reserve(account, ask, now)
            self._append(connection, account, decision.entries)
            ticket = decision.verdict.ticket if isinstance(decision.verdict, Later) else None
            self._queue(connection, account, ask.label.call_id, ticket, now)
        return decision.verdict

    def foresee(self, ask: Ask, now: datetime) -> Refused | None:
        """Refuse work of many calls that cannot all be paid for in time, and put that on record."""
        with self.database.write() as connection:
            account = self._lock(connection)
            decision = decide.foresee(account, ask, now)
            if decision is None:
                return None
            self._append(connection, account, decision.entries)
        return decision.verdict if isinstance(decision.verdict, Refused) else None

    def settle(self, call_id: str, consumed: int, meter: Meter, now: datetime) -> None:
        """Record what Keepa charged, and its meter."""
        with self.database.write() as connection:
            account = self._lock(connection)
            self._append(connection, account, decide.settle(account, call_id, consumed, meter, now))

    def release(self, call_id: str, reason: str, now: datetime) -> None:
        """Give back the tokens of a call of which nothing was sent."""
        with self.database.write() as connection:
            account = self._lock(connection)
            self._append(connection, account, decide.release(account, call_id, reason, now))

    def lose(self, call_id: str, reason: str, now: datetime, *, answered: bool) -> None:
        """Record that the cost of a call is unknown; it counts as charged until newer meters prove otherwise."""
        with self.database.write() as connection:
            account = self._lock(connection)
            self._append(connection, account, decide.lose(account, call_id, reason, now, answered=answered))

    def observe(self, meter: Meter, now: datetime) -> None:
        """Record a meter that came without a reservation."""
        with self.database.write() as connection:
            account = self._lock(connection)
            self._append(connection, account, decide.observe(account, meter, now))

    def leave_queue(self, call_id: str) -> None:
        """Give up the place of a call that no longer waits."""
        with self.database.write() as connection:
            connection.execute(_DELETE_TICKET, {"of": call_id})

    def _lock(self, connection: Connection) -> Account:
        """Load the account so that nobody else changes it before this transaction ends."""
        account = _load(connection, self.fingerprint, lock=True)
        if account is None:
            first = {"fingerprint": self.fingerprint}
            connection.execute(dialect_insert(connection)(tables.accounts).on_conflict_do_nothing(), first)
            account = _load(connection, self.fingerprint, lock=True)
        assert account is not None  # noqa: S101 - it was just put there
        return account

    def _append(self, connection: Connection, before: Account, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        after = before
        for entry in entries:
            after = apply(after, entry)
            connection.execute(_INSERT_ENTRY, {"fingerprint": self.fingerprint, **rows.entry_row(entry)})
        self._keep(connection, before, after)

    def _keep(self, connection: Connection, before: Account, after: Account) -> None:
        """Write the difference between two states of the account."""
        old = {held.label.call_id: held for held in before.reservations}
        new = {held.label.call_id: held for held in after.reservations}
        for call_id in old.keys() - new.keys():
            connection.execute(_DELETE_RESERVATION, {"of": call_id})
        for call_id in new.keys() - old.keys():
            row = {"fingerprint": self.fingerprint, **rows.reservation_row(new[call_id])}
            connection.execute(_INSERT_RESERVATION, row)
        for call_id in new.keys() & old.keys():
            if new[call_id] != old[call_id]:
                connection.execute(_LOSE_RESERVATION, {"of": call_id, "proven": new[call_id].proven_after})
        if after.meter is not None and after.meter != before.meter:
            connection.execute(_READ_METER, {"of": self.fingerprint, **rows.meter_row(after.meter)})

    def _queue(
        self, connection: Connection, before: Account, call_id: str, ticket: Ticket | None, now: datetime
    ) -> None:
        """Renew or give up the place of a call; sweep out places whose holders have died."""
        for old in before.tickets:
            if old.expires_at <= now or old.call_id == call_id:
                connection.execute(_DELETE_TICKET, {"of": old.call_id})
        if ticket is not None:
            connection.execute(_INSERT_TICKET, {"fingerprint": self.fingerprint, **rows.ticket_row(ticket)})


_ACCOUNT = select(tables.accounts).where(tables.accounts.c.fingerprint == bindparam("of"))
_RESERVATIONS = select(tables.reservations).where(tables.reservations.c.fingerprint == bindparam("of"))
_TICKETS = select(tables.tickets).where(tables.tickets.c.fingerprint == bindparam("of"))
_INSERT_ENTRY = insert(tables.entries)
_INSERT_RESERVATION = insert(tables.reservations)
_INSERT_TICKET = insert(tables.tickets)
_LOSE_RESERVATION = (
    update(tables.reservations)
    .where(tables.reservations.c.call_id == bindparam("of"))
    .values(proven_after=bindparam("proven"))
)
_DELETE_RESERVATION = delete(tables.reservations).where(tables.reservations.c.call_id == bindparam("of"))
_DELETE_TICKET = delete(tables.tickets).where(tables.tickets.c.call_id == bindparam("of"))
_READ_METER = update(tables.accounts).where(tables.accounts.c.fingerprint == bindparam("of"))


def _load(connection: Connection, fingerprint: str, *, lock: bool = False) -> Account | None:
    """Return the account, None if nobody has used it yet. `lock` holds its row where the database has row locks."""
    of = {"of": fingerprint}
    row = connection.execute(_ACCOUNT.with_for_update() if lock else _ACCOUNT, of).mappings().first()
    if row is None:
        return None
    return Account(
        fingerprint,
        rows.read_meter(row),
        tuple(rows.read_reservation(held) for held in connection.execute(_RESERVATIONS, of).mappings()),
        tuple(rows.read_ticket(ticket) for ticket in connection.execute(_TICKETS, of).mappings()),
    )
