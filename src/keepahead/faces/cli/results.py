"""Results on stdout: one JSON document, or tables that fit the terminal and are left alone where there is none."""

import html
import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from keepahead.faces.cli.exits import OutputClosed
from keepahead.faces.cli.streams import clean

NOTHING = "-"
_GAP = 2
_NARROWEST = 16
_NO_LIMIT = 1_000_000  # columns of what is no terminal

Cell = str | int | Text | None


@dataclass(frozen=True, slots=True)
class Column:
    """`right` for numbers; a `flexible` one is shortened to what the terminal has left."""

    header: str
    right: bool = False
    flexible: bool = False


def put_json(document: Any) -> None:
    """Write the one JSON document; raw parts of it byte for byte. Raises OutputClosed."""
    put_bytes(msgspec.json.encode(document) + b"\n")


def put_table(columns: Sequence[Column], rows: Iterable[Sequence[Cell]]) -> None:
    """Write a table with a header. Raises OutputClosed."""
    console = _console()
    cells = [[_cell(value) for value in row] for row in rows]
    widths = [
        max(cell_len(column.header), *(cell_len(row[number].plain) for row in cells), 0)
        for number, column in enumerate(columns)
    ]
    fixed = sum(width + _GAP for width, column in zip(widths, columns, strict=True) if not column.flexible)
    flexible = max(_NARROWEST, (console.width - fixed) // max(1, sum(column.flexible for column in columns)) - _GAP)
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(
            column.header,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            max_width=flexible if column.flexible else None,
        )
    for row in cells:
        table.add_row(*row)
    _render(console, table)


def put_facts(facts: Iterable[tuple[str, Cell]]) -> None:
    """Write names and their values, one a line. Raises OutputClosed."""
    console = _console()
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column(overflow="fold")
    for name, value in facts:
        table.add_row(name, _cell(value))
    _render(console, table)


def put_text(text: str) -> None:
    """Write one line. Raises OutputClosed."""
    put_bytes(f"{clean(text)}\n".encode(sys.stdout.encoding or "utf-8", "replace"))


def title(text: object) -> str:
    """Return a title as people write it; Keepa's may hold HTML entities."""
    return clean(html.unescape(str(text or "")))


def _cell(value: Cell) -> Text:
    match value:
        case Text():
            return value
        case int():
            return Text(f"{value:,}")
        case _:
            return Text(clean(value or NOTHING))


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=_NO_LIMIT, color_system=None)


def _render(console: Console, table: Table) -> None:
    with console.capture() as captured:
        console.print(table)
    text = captured.get()
    if not console.is_terminal:
        text = "".join(f"{line.rstrip()}\n" for line in text.splitlines())
    put_bytes(text.encode(sys.stdout.encoding or "utf-8", "replace"))


def put_bytes(data: bytes) -> None:
    """Write bytes. Raises OutputClosed."""
    try:
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nothing to complain about at the end
        raise OutputClosed from None
