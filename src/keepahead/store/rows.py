"""Values of the budget <-> rows of the tables."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import RowMapping

from keepahead.budget.account import Reservation
from keepahead.budget.entry import (
    Absorbed,
    Carried,
    Entry,
    Label,
    Lost,
    Observed,
    Refusal,
    Released,
    Reserved,
    Served,
    Settled,
)
from keepahead.budget.meter import Meter
from keepahead.budget.rule import Freeze, Limit
from keepahead.budget.ticket import Ticket
from keepahead.errors import LedgerFormatError

_KINDS: Mapping[str, type[Entry]] = {
    "reserved": Reserved,
    "settled": Settled,
    "released": Released,
    "lost": Lost,
    "absorbed": Absorbed,
    "refusal": Refusal,
    "observed": Observed,
    "carried": Carried,
    "served_from_archive": Served,
}
_METERED = frozenset((Settled, Observed, Carried))
_UNLABELLED = frozenset((Observed, Carried))
_NAMES = {kind: name for name, kind in _KINDS.items()}
_OWN_COLUMNS = {kind: tuple(f.name for f in fields(kind) if f.name not in {"label", "meter"}) for kind in _NAMES}
_ADDED = frozenset(("counted_before", "charged", "external_tokens"))
_LABEL_COLUMNS = tuple(f.name for f in fields(Label))

METER_COLUMNS = tuple(f.name for f in fields(Meter))
RESERVATION_COLUMNS = (*_LABEL_COLUMNS, *(f.name for f in fields(Reservation) if f.name != "label"))
TICKET_COLUMNS = tuple(f.name for f in fields(Ticket))
LIMIT_COLUMNS = tuple(f.name for f in fields(Limit))
FREEZE_COLUMNS = tuple(f.name for f in fields(Freeze))
"""The columns in which these are kept, in the order of their fields."""

COLUMNS_OF_KIND: Mapping[type[Entry], Sequence[str]] = {
    kind: (
        "kind",
        *_OWN_COLUMNS[kind],
        *(METER_COLUMNS if kind in _METERED else ()),
        *(() if kind in _UNLABELLED else _LABEL_COLUMNS),
    )
    for kind in _NAMES
}
"""The columns of an entry that each kind uses; the others are NULL."""

KINDS = tuple(_KINDS)
"""The names of the kinds of entries, as the ledger keeps them."""


def kind_of(entry: Entry) -> str:
    """Return the name of the kind of an entry."""
    return _NAMES[type(entry)]


def meter_row(meter: Meter | None) -> dict[str, Any]:
    """Return the meter's columns."""
    return {name: getattr(meter, name, None) for name in METER_COLUMNS}


def read_meter(values: Sequence[Any]) -> Meter | None:
    """Return the meter of METER_COLUMNS, None where there is none."""
    return None if values[0] is None else Meter(*values)


def reservation_row(held: Reservation) -> dict[str, Any]:
    """Return the columns of a reservation."""
    return {
        **_label_row(held.label),
        "tokens": held.tokens,
        "opened_at": held.opened_at,
        "lapses_at": held.lapses_at,
        "proven_after": held.proven_after,
    }


def read_reservation(values: Sequence[Any]) -> Reservation:
    """Return the reservation of RESERVATION_COLUMNS."""
    call_id, endpoint, lane, caller, *own = values
    return Reservation(Label(call_id, endpoint, lane, caller), *own)


def ticket_row(ticket: Ticket) -> dict[str, Any]:
    """Return the columns of a ticket."""
    return {name: getattr(ticket, name) for name in TICKET_COLUMNS}


def freeze_row(freeze: Freeze) -> dict[str, Any]:
    """Return the columns of a freeze but its number, which the database gives."""
    row = {name: getattr(freeze, name) for name in FREEZE_COLUMNS if name != "freeze_id"}
    return {**row, "endpoints": " ".join(freeze.endpoints)}


def read_freeze(values: Sequence[Any]) -> Freeze:
    """Return the freeze of FREEZE_COLUMNS."""
    row: dict[str, Any] = dict(zip(FREEZE_COLUMNS, values, strict=True))
    row["endpoints"] = tuple(row["endpoints"].split())
    return Freeze(**row)


def read_limit(values: Sequence[Any]) -> Limit:
    """Return the limit of LIMIT_COLUMNS."""
    return Limit(**dict(zip(LIMIT_COLUMNS, values, strict=True)))


def entry_row(entry: Entry) -> dict[str, Any]:
    """Return the columns that the kind of this entry uses."""
    row = {"kind": kind_of(entry), **{name: getattr(entry, name) for name in _OWN_COLUMNS[type(entry)]}}
    if isinstance(entry, Settled | Observed | Carried):
        row.update(meter_row(entry.meter))
    if not isinstance(entry, Observed | Carried):
        row.update(_label_row(entry.label))
    return row


def read_entry(row: RowMapping) -> Entry:
    """Return the entry of a row. Raises LedgerFormatError for a kind that does not exist."""
    if row["kind"] not in _KINDS:
        raise LedgerFormatError(f"entry {row['seq']} of the ledger is of a kind that there is not: {row['kind']}")
    kind = _KINDS[row["kind"]]
    facts: dict[str, Any] = {name: row[name] for name in _OWN_COLUMNS[kind]}
    for name in _ADDED & facts.keys():  # entries of before 0002 have none
        facts[name] = facts[name] or 0
    if kind in _METERED:
        facts["meter"] = Meter(**{name: row[name] for name in METER_COLUMNS})
    if kind not in _UNLABELLED:
        facts["label"] = _read_label(row)
    return kind(**facts)


def _label_row(label: Label) -> dict[str, Any]:
    return {name: getattr(label, name) for name in _LABEL_COLUMNS}


def _read_label(row: RowMapping) -> Label:
    return Label(**{name: row[name] for name in _LABEL_COLUMNS})
