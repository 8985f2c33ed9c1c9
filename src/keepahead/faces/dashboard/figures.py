"""Figures in a table, the first column a name, with a bar where one says how much: what a chart says, in words."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from nicegui import ui

Row = dict[str, str | float]

_CELLS = """
<q-tr :props="props" :class="props.row.open ? 'kh-row' : ''" :tabindex="props.row.open ? 0 : undefined"
  @click="() => props.row.open && $parent.$emit('open', props.row.open)"
  @keydown.enter="() => props.row.open && $parent.$emit('open', props.row.open)">
  <q-td v-for="col in props.cols" :key="col.name" :props="props">
    <span :class="col.name === 'name' ? props.row.tone : ''">{{ col.value }}</span>
    <div v-if="col.name === 'name' && props.row.under" class="kh-soft">{{ props.row.under }}</div>
    <div v-if="col.name === 'name' && props.row.share !== undefined" class="kh-track" aria-hidden="true"><div
      class="kh-bar-fill" :class="props.row.tone" :style="{ width: props.row.share + '%' }"></div></div>
  </q-td>
</q-tr>
"""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. Those that are `minor` give way on a phone."""

    name: str
    title: str
    minor: bool = False


class Figures:
    """The table. Rows are told apart by `key`; `share` (percent) draws a bar, `open` is what opens with a row."""

    def __init__(self, label: str, columns: Sequence[Column], opened: Callable[[str], Any] | None = None) -> None:
        self._table = ui.table(columns=_columns(columns), rows=[], row_key="key", pagination=0)
        self._table.props("flat dense hide-bottom").classes("kh-figures")
        self._table.props["aria-label"] = label
        self._table.add_slot("body", _CELLS)
        if opened is not None:
            self._table.on("open", lambda event: opened(event.args))

    def show(self, rows: Sequence[Row], columns: Sequence[Column] | None = None) -> None:
        """Show these rows, if they are others than those that are there."""
        if columns is not None and (told := _columns(columns)) != self._table.columns:
            self._table.columns = told
        if list(rows) != self._table.rows:
            self._table.rows = list(rows)


def _columns(columns: Sequence[Column]) -> list[dict[str, Any]]:
    return [
        {
            "name": column.name,
            "label": column.title,
            "field": column.name,
            "align": "right" if number else "left",
            "classes": "kh-wide" if column.minor else "",
            "headerClasses": "kh-wide" if column.minor else "",
        }
        for number, column in enumerate(columns)
    ]
