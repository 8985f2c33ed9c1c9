"""The account as the tables hold it between two rounds: how it is loaded, and how a change of it is written."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Table,
    Update,
    and_,
    bindparam,
    case,
    delete,
    exists,
    insert,
    null,
    select,
    update,
)

from keepahead.budget.account import Account
from keepahead.budget.rule import Freeze, Limit
from keepahead.budget.ticket import Ticket
from keepahead.store import rows, tables
from keepahead.store.dialects import insert_for
from keepahead.store.statement import Pen, Statement, run_together

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """An account with its queue, its freezes and its limits. `version` counts its changes, `rung` the bell's rings."""

    account: Account
    version: int = 0
    rung: int = 0
    freezes: tuple[Freeze, ...] = ()
    limits: Mapping[str, Limit] = field(default_factory=dict[str, Limit])


def load(connection: Connection, fingerprint: str) -> Kept | None:
    """Return what is kept of an account, None if nobody has used it yet."""
    return _kept(connection, fingerprint, *run_together(connection, [_ACCOUNT, _TICKETS], {"of": fingerprint}))


def load_locked(connection: Connection, fingerprint: str, known: Kept | None = None) -> Kept:
    """Return what is kept, begun where it has to be, so that nobody else changes it before this transaction ends.

    What is `known` is returned as it is if it is still so.
    """
    # The lock is a statement of its own: what others committed while we waited, PostgreSQL shows only to the next.
    of = {"of": fingerprint}
    if known is not None and connection.dialect.name == "sqlite":  # there a look at the version first costs no trip
        found = _LOCK.run(connection, of)
        if found and found[0][0] == known.version:
            return known
    locked, *loaded = run_together(connection, [_LOCK, _ACCOUNT, _TICKETS], of)
    if not locked:
        _BEGIN.run(connection, {"fingerprint": fingerprint})
        return load_locked(connection, fingerprint)
    if known is not None and known.version == locked[0][0]:
        return known
    kept = _kept(connection, fingerprint, *loaded)
    assert kept is not None  # noqa: S101 - it is locked
    return kept


def _kept(connection: Connection, fingerprint: str, found: Sequence[Row], tickets: Sequence[Row]) -> Kept | None:
    if not found:
        return None
    has_freezes, has_limits, version, rung, gap, yielded_at, *rest = found[0]
    meter_ends = len(rows.METER_COLUMNS)
    held = (row[-len(rows.RESERVATION_COLUMNS) :] for row in found)
    account = Account(
        fingerprint,
        rows.read_meter(rest[:meter_ends]),
        tuple(rows.read_reservation(values) for values in held if values[0] is not None),
        tuple(Ticket(*values) for values in tickets),
        gap,
        yielded_at,
    )
    return Kept(
        account,
        version,
        rung,
        tuple(map(rows.read_freeze, _FREEZES.run(connection, {"of": fingerprint}) if has_freezes else ())),
        {limit.caller: limit for limit in read_limits(connection, fingerprint)} if has_limits else {},
    )


def read_limits(connection: Connection, fingerprint: str) -> Iterable[Limit]:
    """Return the limits of an account's callers."""
    return (rows.read_limit(values) for values in _LIMITS.run(connection, {"of": fingerprint}))


def rung(connection: Connection, fingerprint: str) -> int:
    """Return how often the account's bell has rung."""
    found = _RUNG.run(connection, {"of": fingerprint})
    return found[0][0] if found else 0


def write(pen: Pen, before: Kept, after: Kept) -> None:
    """Write the difference between two states. Fails where the account is no longer at the version of `before`."""
    account = after.account
    row = {
        "of": account.fingerprint,
        "was": before.version,
        "next": after.version,
        "rung": after.rung,
        "gap": account.gap,
        "yielded_at": account.yielded_at,
    }
    if account.meter is before.account.meter:
        _KEEP.write(pen, [row])
    else:
        _KEEP_WITH_METER.write(pen, [{**row, **rows.meter_row(account.meter)}])
    if account.reservations is not before.account.reservations:
        _write_reservations(pen, before.account, account)
    if account.tickets is not before.account.tickets:
        _write_tickets(pen, account.fingerprint, before.account.tickets, account.tickets)
    if after.freezes is not before.freezes:
        lifted = {freeze.freeze_id for freeze in before.freezes} - {freeze.freeze_id for freeze in after.freezes}
        _DELETE_FREEZE.write(pen, [{"number": number} for number in lifted])


def _write_reservations(pen: Pen, before: Account, after: Account) -> None:
    of = after.fingerprint
    old = {held.label.call_id: held for held in before.reservations}
    new = {held.label.call_id: held for held in after.reservations}
    _DELETE_RESERVATION.write(pen, [{"of": of, "call": call} for call in old if call not in new])
    opened = (held for call, held in new.items() if call not in old)
    _INSERT_RESERVATION.write(pen, [{"fingerprint": of, **rows.reservation_row(held)} for held in opened])
    lost = (held for call, held in new.items() if call in old and held is not old[call])
    _LOSE_RESERVATION.write(pen, [{"of": of, "call": held.label.call_id, "proven": held.proven_after} for held in lost])


def _write_tickets(pen: Pen, of: str, before: Sequence[Ticket], after: Sequence[Ticket]) -> None:
    old, new = {ticket.call_id: ticket for ticket in before}, {ticket.call_id: ticket for ticket in after}
    gone = [call for call, ticket in old.items() if new.get(call) != ticket]
    _DELETE_TICKET.write(pen, [{"of": of, "call": call} for call in gone])
    come = [ticket for call, ticket in new.items() if old.get(call) != ticket]
    _INSERT_TICKET.write(pen, [{"fingerprint": of, **rows.ticket_row(ticket)} for ticket in come])


_OF: BindParameter[str] = bindparam("of")
_CALL: BindParameter[str] = bindparam("call")
_ACCOUNTS = tables.accounts.c


def _of(table: Table) -> ColumnElement[bool]:
    return table.c.fingerprint == _OF


def _of_call(table: Table) -> ColumnElement[bool]:
    return and_(table.c.fingerprint == _OF, table.c.call_id == _CALL)


def _keep(columns: Sequence[str]) -> Update:
    # NULL is not allowed there: whoever decided on an older state fails as a whole.
    guard = case((_ACCOUNTS.version == bindparam("was"), bindparam("next", type_=BigInteger)), else_=null())
    values = {name: bindparam(name, type_=_ACCOUNTS[name].type) for name in columns}
    return update(tables.accounts).where(_of(tables.accounts)).values(version=guard, **values)


_BEGIN = Statement(lambda dialect: insert_for(dialect)(tables.accounts).on_conflict_do_nothing(), ("fingerprint",))
_LOCK = Statement(select(_ACCOUNTS.version).where(_of(tables.accounts)).with_for_update())
_RUNG = Statement(select(_ACCOUNTS.rung).where(_of(tables.accounts)))
_ACCOUNT = Statement(
    select(
        exists().where(_of(tables.freezes)),
        exists().where(_of(tables.limits)),
        *(_ACCOUNTS[name] for name in ("version", "rung", "gap", "yielded_at", *rows.METER_COLUMNS)),
        *(tables.reservations.c[name] for name in rows.RESERVATION_COLUMNS),
    )
    .outerjoin_from(
        tables.accounts, tables.reservations, tables.accounts.c.fingerprint == tables.reservations.c.fingerprint
    )
    .where(_of(tables.accounts))
)
"""A row for each reservation, or one without any: whether there is more to read; the account; the reservation."""
_TICKETS = Statement(select(*(tables.tickets.c[name] for name in rows.TICKET_COLUMNS)).where(_of(tables.tickets)))
_FREEZES = Statement(
    select(*(tables.freezes.c[name] for name in rows.FREEZE_COLUMNS))
    .where(_of(tables.freezes))
    .order_by(tables.freezes.c.freeze_id)
)
_LIMITS = Statement(
    select(*(tables.limits.c[name] for name in rows.LIMIT_COLUMNS))
    .where(_of(tables.limits))
    .order_by(tables.limits.c.caller)
)
_KEPT = ("rung", "gap", "yielded_at")
_KEEP = Statement(_keep(_KEPT))
_KEEP_WITH_METER = Statement(_keep((*_KEPT, *rows.METER_COLUMNS)))
_INSERT_RESERVATION = Statement(insert(tables.reservations), ("fingerprint", *rows.RESERVATION_COLUMNS))
_LOSE_RESERVATION = Statement(
    update(tables.reservations)
    .where(_of_call(tables.reservations))
    .values(proven_after=bindparam("proven", type_=tables.Moment))
)
_DELETE_RESERVATION = Statement(delete(tables.reservations).where(_of_call(tables.reservations)))
_INSERT_TICKET = Statement(insert(tables.tickets), ("fingerprint", *rows.TICKET_COLUMNS))
_DELETE_TICKET = Statement(delete(tables.tickets).where(_of_call(tables.tickets)))
_DELETE_FREEZE = Statement(delete(tables.freezes).where(tables.freezes.c.freeze_id == bindparam("number")))
