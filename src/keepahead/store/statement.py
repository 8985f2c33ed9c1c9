"""Core statements made ready: compiled once for each dialect, then handed to the driver as they are.

For the ledger's few statements only, which run with every call: SQLAlchemy's own way from a statement to the driver
takes about ten times as long as SQLite takes to carry it out.
"""

import re
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Connection, Delete, Dialect, Insert, Select, Table, Update
from sqlalchemy.types import TypeEngine

from keepahead.store import postgres

_PARAMETER = re.compile(r"%\((\w+)\)s")

Process = Callable[[Any], Any] | None
Core = Select[Any, *tuple[Any, ...]] | Insert | Update | Delete


@dataclass(frozen=True, slots=True, eq=False)
class _Ready:
    """The text for one driver; what becomes of each parameter on its way in, and of each column on its way out.

    `positional` lists the parameters in the order of their marks, where a driver knows no names.
    """

    sql: str
    parameters: Mapping[str, Process]
    positional: Sequence[tuple[str, Process]] | None
    columns: Sequence[Process]
    table: str
    """The one that it writes to."""

    def bind(self, values: Mapping[str, Any]) -> Any:
        if self.positional is not None:
            return [process(values[name]) if process else values[name] for name, process in self.positional]
        return {name: process(values[name]) if process else values[name] for name, process in self.parameters.items()}

    def read(self, row: Sequence[Any]) -> tuple[Any, ...]:
        return tuple([process(value) if process else value for value, process in zip(row, self.columns, strict=True)])


class Pen:
    """Writes on one cursor, as making one costs as much as some statements do: at once, or all at the end of `pen`.

    PostgreSQL's driver takes as long for a small statement as the server does. So what goes to different tables goes
    there as one statement; its parts see nothing of each other, and order does not matter between tables.
    """

    def __init__(self, cursor: Any, dialect: Dialect) -> None:
        self.dialect = dialect
        self._cursor = cursor
        self._waits = dialect.name != "sqlite"
        self._waiting: list[tuple[_Ready, Sequence[Any]]] = []

    def write(self, ready: "_Ready", rows: Sequence[Any]) -> None:
        """Write rows of bound values."""
        if not rows:
            return
        if self._waits:
            self._waiting.append((ready, rows))
        elif len(rows) == 1:
            self._cursor.execute(ready.sql, rows[0])
        else:
            self._cursor.executemany(ready.sql, rows)

    def send(self) -> None:
        """Send what waits; in a pipeline if it does not fit into one statement, so that it is one trip all the same."""
        single = [(ready, rows[0]) for ready, rows in self._waiting if len(rows) == 1]
        single.sort(key=lambda part: part[0].table == "")  # only the last part of a statement may be a SELECT
        if len(single) == len(self._waiting) == len({ready.table for ready, _ in single}):
            if single:
                self._cursor.execute(_together(tuple(ready for ready, _ in single)), _numbered(single))
            return
        with postgres.pipeline(self._cursor.connection):
            for ready, rows in self._waiting:
                self._cursor.executemany(ready.sql, rows)


@contextmanager
def pen(connection: Connection) -> Generator[Pen]:
    """Give the pen of a transaction; what it wrote is sent by the end of it."""
    with closing(connection.connection.cursor()) as cursor:
        hand = Pen(cursor, connection.dialect)
        yield hand
        hand.send()


@cache
def _together(parts: "tuple[_Ready, ...]") -> str:
    """Return one statement that does what all of `parts` do."""
    numbered = [_PARAMETER.sub(rf"%(\1__{number})s", part.sql) for number, part in enumerate(parts)]
    *others, last = numbered
    named = (f"part{number} AS ({sql})" for number, sql in enumerate(others))
    return f"WITH {', '.join(named)} {last}" if others else last


def _numbered(parts: "Sequence[tuple[_Ready, Mapping[str, Any]]]") -> Mapping[str, Any]:
    return {f"{name}__{number}": value for number, (_, row) in enumerate(parts) for name, value in row.items()}


class Statement:
    """One statement, to be run often. Its parameters are named as in Core; each must be given.

    Of an INSERT or UPDATE without values of its own, `sets` names the columns. What the databases spell differently is
    given as a function of the dialect.
    """

    def __init__(self, core: Core | Callable[[Dialect], Core], sets: Sequence[str] | None = None) -> None:
        self._core = core
        self._sets = sets
        self._ready: dict[str, _Ready] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> list[tuple[Any, ...]]:
        """Run it in the transaction of `connection`; return the rows of a SELECT. Errors are the driver's own."""
        ready = self._for(connection.dialect)
        with closing(connection.connection.cursor()) as cursor:
            cursor.execute(ready.sql, ready.bind(values))
            return [ready.read(row) for row in cursor.fetchall()] if ready.columns else []

    def begin(self, cursor: Any, dialect: Dialect, values: Mapping[str, Any]) -> Callable[[], list[tuple[Any, ...]]]:
        """Run it on a cursor of its own; return what reads its rows. In a pipeline nobody waits before that."""
        ready = self._for(dialect)
        cursor.execute(ready.sql, ready.bind(values))
        return lambda: [ready.read(row) for row in cursor.fetchall()]

    def write(self, pen: Pen, rows: Sequence[Mapping[str, Any]]) -> None:
        """Run it once for each row of values; it returns nothing."""
        if rows:
            ready = self._for(pen.dialect)
            pen.write(ready, [ready.bind(values) for values in rows])

    def _for(self, dialect: Dialect) -> _Ready:
        ready = self._ready.get(dialect.name)
        if ready is None:
            ready = self._ready[dialect.name] = self._make_ready(dialect)
        return ready

    def _make_ready(self, dialect: Dialect) -> _Ready:
        core = self._core(dialect) if callable(self._core) else self._core
        compiled = core.compile(dialect=dialect, column_keys=self._sets)
        selected = core.selected_columns if isinstance(core, Select) else ()
        parameters = {name: _type(bind, dialect).bind_processor(dialect) for name, bind in compiled.binds.items()}
        marks = compiled.positiontup
        return _Ready(
            compiled.string,
            parameters,
            None if marks is None else [(name, parameters[name]) for name in marks],
            [_type(column, dialect).result_processor(dialect, None) for column in selected],
            "" if isinstance(core, Select) else cast("Table", core.table).name,
        )


def run_together(
    connection: Connection, statements: Sequence[Statement], values: Mapping[str, Any]
) -> Sequence[list[tuple[Any, ...]]]:
    """Run several SELECTs one after the other, all with the same values; in a pipeline that is one trip."""
    with ExitStack() as opened:
        cursors = [opened.enter_context(closing(connection.connection.cursor())) for _ in statements]
        begun = [
            statement.begin(cursor, connection.dialect, values)
            for statement, cursor in zip(statements, cursors, strict=True)
        ]
        postgres.sync(connection)
        return [rows() for rows in begun]


def _type(value: ColumnElement[Any], dialect: Dialect) -> TypeEngine[Any]:
    return value.type.dialect_impl(dialect)
