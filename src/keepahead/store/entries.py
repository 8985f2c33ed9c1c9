"""Appends entries to the record. They are never changed afterwards; fold.py may put old ones away."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from sqlalchemy import insert

from keepahead.budget.entry import Entry
from keepahead.store import rows, tables
from keepahead.store.statement import Pen, Statement


def append(pen: Pen, fingerprint: str, entries: Sequence[Entry]) -> None:
    """Write the entries in their order."""
    for kind, same in groupby(entries, type):
        _INSERT[kind].write(pen, list(_rows(same, fingerprint)))


def _rows(entries: Iterator[Entry], fingerprint: str) -> Iterator[Mapping[str, Any]]:
    for entry in entries:
        yield {**rows.entry_row(entry), "fingerprint": fingerprint}


_INSERT = {
    kind: Statement(insert(tables.entries).inline(), ("fingerprint", *columns))
    for kind, columns in rows.COLUMNS_OF_KIND.items()
}
"""A statement for each kind, with the columns that it uses: they are a third to a half of all."""
