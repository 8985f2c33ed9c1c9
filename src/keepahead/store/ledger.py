"""In one transaction: load the account, ask decide, append the entries, keep the sums. Nothing else writes the account.

Every method is one durable step and safe to call from any thread; several processes on one database share one budget.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import BindParameter, Connection, bindparam, delete, exists, insert, select, update

from keepahead.budget import decide
from keepahead.budget.account import Account, Ticket, apply
from keepahead.budget.decide import Ask
from keepahead.budget.entry import Entry
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Later, Refused, Verdict
from keepahead.store import rows, tables
from keepahead.store.database import Database, dialect_insert
from keepahead.store.statement import Statement


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
            _DELETE_TICKET.run(connection, {"of": self.fingerprint, "call": call_id})

    def _lock(self, connection: Connection) -> Account:
        """Load the account so that nobody else changes it before this transaction ends."""
        account = self._load_locked(connection)
        if account is None:
            first = {"fingerprint": self.fingerprint}
            connection.execute(dialect_insert(connection)(tables.accounts).on_conflict_do_nothing(), first)
            account = self._load_locked(connection)
        assert account is not None  # noqa: S101 - it was just put there
        return account

    def _load_locked(self, connection: Connection) -> Account | None:
        # A statement of its own: PostgreSQL shows what others committed while we waited for a row only to the next one.
        if self.database.locks_rows:
            _LOCK.run(connection, {"of": self.fingerprint})
        return _load(connection, self.fingerprint)

    def _append(self, connection: Connection, before: Account, entries: Sequence[Entry]) -> None:
        if not entries:
            return
        after = before
        for entry in entries:
            after = apply(after, entry)
            _INSERT_ENTRY.run(connection, {**rows.entry_row(entry), "fingerprint": self.fingerprint})
        self._keep(connection, before, after)

    def _keep(self, connection: Connection, before: Account, after: Account) -> None:
        """Write the difference between two states of the account."""
        old = {held.label.call_id: held for held in before.reservations}
        new = {held.label.call_id: held for held in after.reservations}
        for call_id in old.keys() - new.keys():
            _DELETE_RESERVATION.run(connection, {"of": self.fingerprint, "call": call_id})
        for call_id in new.keys() - old.keys():
            row = {"fingerprint": self.fingerprint, **rows.reservation_row(new[call_id])}
            _INSERT_RESERVATION.run(connection, row)
        for call_id in new.keys() & old.keys():
            if new[call_id] != old[call_id]:
                _LOSE_RESERVATION.run(
                    connection, {"of": self.fingerprint, "call": call_id, "proven": new[call_id].proven_after}
                )
        if after.meter is not None and after.meter != before.meter:
            _READ_METER.run(connection, {"of": self.fingerprint, **rows.meter_row(after.meter)})

    def _queue(
        self, connection: Connection, before: Account, call_id: str, ticket: Ticket | None, now: datetime
    ) -> None:
        """Renew or give up the place of a call; sweep out places whose holders have died."""
        for old in before.tickets:
            if old.expires_at <= now or old.call_id == call_id:
                _DELETE_TICKET.run(connection, {"of": self.fingerprint, "call": old.call_id})
        if ticket is not None:
            _INSERT_TICKET.run(connection, {"fingerprint": self.fingerprint, **rows.ticket_row(ticket)})


_OF: BindParameter[str] = bindparam("of")
_METER_ENDS = 1 + len(rows.METER_COLUMNS)

_LOCK = Statement(select(tables.accounts.c.fingerprint).where(tables.accounts.c.fingerprint == _OF).with_for_update())
_ACCOUNT = Statement(
    select(
        exists().where(tables.tickets.c.fingerprint == _OF),
        *(tables.accounts.c[name] for name in rows.METER_COLUMNS),
        *(tables.reservations.c[name] for name in rows.RESERVATION_COLUMNS),
    )
    .outerjoin_from(
        tables.accounts, tables.reservations, tables.accounts.c.fingerprint == tables.reservations.c.fingerprint
    )
    .where(tables.accounts.c.fingerprint == _OF)
)
"""A row for each reservation, or one without any: whether somebody waits; the meter; the reservation."""
_TICKETS = Statement(
    select(*(tables.tickets.c[name] for name in rows.TICKET_COLUMNS)).where(tables.tickets.c.fingerprint == _OF)
)
_INSERT_ENTRY = Statement(insert(tables.entries).inline(), rows.ENTRY_COLUMNS)
_INSERT_RESERVATION = Statement(insert(tables.reservations), ("fingerprint", *rows.RESERVATION_COLUMNS))
_INSERT_TICKET = Statement(insert(tables.tickets), ("fingerprint", *rows.TICKET_COLUMNS))
_LOSE_RESERVATION = Statement(
    update(tables.reservations)
    .where(tables.reservations.c.fingerprint == _OF, tables.reservations.c.call_id == bindparam("call"))
    .values(proven_after=bindparam("proven"))
)
_DELETE_RESERVATION = Statement(
    delete(tables.reservations).where(
        tables.reservations.c.fingerprint == _OF, tables.reservations.c.call_id == bindparam("call")
    )
)
_DELETE_TICKET = Statement(
    delete(tables.tickets).where(tables.tickets.c.fingerprint == _OF, tables.tickets.c.call_id == bindparam("call"))
)
_READ_METER = Statement(update(tables.accounts).where(tables.accounts.c.fingerprint == _OF), rows.METER_COLUMNS)


def _load(connection: Connection, fingerprint: str) -> Account | None:
    """Return the account, None if nobody has used it yet."""
    of = {"of": fingerprint}
    found = _ACCOUNT.run(connection, of)
    if not found:
        return None
    is_awaited, *meter = found[0][:_METER_ENDS]
    held = (row[_METER_ENDS:] for row in found)
    tickets = _TICKETS.run(connection, of) if is_awaited else ()
    return Account(
        fingerprint,
        rows.read_meter(meter),
        tuple(rows.read_reservation(values) for values in held if values[0] is not None),
        tuple(Ticket(*values) for values in tickets),
    )
