"""A table whose rows become cards on a phone: few rows, with buttons in them. What is not ours is shown as text."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from nicegui import ui

Cell = str | Callable[[], object]
"""What stands in a cell: a text, or what draws it."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `right` is for numbers; a column without a title holds buttons."""

    title: str
    right: bool = False


def table(label: str, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Draw it. `label` says what it is to those who do not see it."""
    with ui.element("div").classes("kh-roll"), _tag("table", "table").classes("kh-table kh-stack") as whole:
        whole.props["aria-label"] = label
        with _tag("thead", "rowgroup"), _tag("tr", "row"):
            for column in columns:
                with _tag("th", "columnheader").classes("kh-right" if column.right else ""):
                    ui.label(column.title or "Do").classes("" if column.title else "kh-unseen")
        with _tag("tbody", "rowgroup"):
            for row in rows:
                with _tag("tr", "row"):
                    for column, cell in zip(columns, row, strict=True):
                        _cell(column, cell)


def _cell(column: Column, cell: Cell) -> None:
    kind = "kh-right" if column.right else "" if column.title else "kh-dos"
    with _tag("td", "cell").classes(kind) as drawn:
        drawn.props["data-label"] = column.title
        if isinstance(cell, str):
            ui.label(cell)
        else:
            cell()


def _tag(name: str, role: str) -> ui.element:
    """Return an element with the role that it loses where the style makes a card of it."""
    return ui.element(name).props(f"role={role}")
