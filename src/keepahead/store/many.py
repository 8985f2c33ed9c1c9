"""Statements for many ids at once: made ready for a few sizes, and filled up to the next of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import BindParameter, Connection, Delete, Select, Update, bindparam

from keepahead.store.statement import Statement

_SIZES = (1, 8, 64, 512)
Core = Select[Any, *tuple[Any, ...]] | Update | Delete


class Many:
    """A statement whose condition holds a list of ids; `make` writes it for so many parameters."""

    def __init__(self, make: Callable[[Sequence[BindParameter[Any]]], Core]) -> None:
        self._ready = {size: Statement(make([bindparam(f"id{n}") for n in range(size)])) for size in _SIZES}

    def run(self, connection: Connection, ids: Sequence[Any], values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it for all ids, in as few statements as that takes; return the rows of a SELECT, in any order."""
        found: list[tuple[Any, ...]] = []
        for size, some in _filled_up(ids):
            listed = {f"id{n}": each for n, each in enumerate(some)}
            found.extend(self._ready[size].run(connection, {**values, **listed}))
        return found


def _filled_up(ids: Sequence[Any]) -> Iterator[tuple[int, Sequence[Any]]]:
    """Return the ids in parts of our sizes; of the last, the last id is repeated, which finds nothing twice."""
    largest = _SIZES[-1]
    for at in range(0, len(ids), largest):
        some = list(ids[at : at + largest])
        size = next(size for size in _SIZES if size >= len(some))
        yield size, [*some, *some[-1:] * (size - len(some))]
