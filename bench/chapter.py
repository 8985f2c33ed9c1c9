"""One chapter of the bench: a table to print, and the same as plain values to keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from rich.table import Table

from bench.ratio import Ratio


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: the median of one operation, and what it is measured against."""

    what: str
    seconds: float
    beside: str = ""


@dataclass(frozen=True, slots=True)
class Chapter:
    """What is printed and what is kept under one title."""

    title: str
    table: Table
    kept: Sequence[Mapping[str, object]]
    ratios: Sequence[Ratio] = ()


def chapter_of_rows(title: str, rows: Sequence[Row], ratios: Sequence[Ratio]) -> Chapter:
    """Return a chapter of one operation a line."""
    table = empty_table(title)
    table.add_column("", ratio=5)
    table.add_column("median", justify="right", ratio=1)
    table.add_column("a second", justify="right", ratio=1)
    table.add_column("", ratio=4)
    for row in rows:
        table.add_row(row.what, *(_figures(row.seconds) if row.seconds else ("", "")), row.beside)
    kept = [{"what": row.what, "seconds": row.seconds, "beside": row.beside} for row in rows]
    return Chapter(title, table, kept, ratios)


def empty_table(title: str) -> Table:
    """Return a table in the style of all chapters."""
    return Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, expand=True)


def shown_time(seconds: float) -> str:
    """Return a time with its unit."""
    return f"{seconds * 1e6:,.0f} us" if seconds < 1e-3 else f"{seconds * 1e3:,.1f} ms"


def _figures(seconds: float) -> tuple[str, str]:
    return shown_time(seconds), f"{1 / seconds:,.0f}"
