"""The table of entries: sorted by its heads, opened by a click or with Enter; its rows come from the server."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable, Sequence
from typing import Any

from nicegui import ui

from keepahead.faces.dashboard.ledger_rows import Row
from keepahead.store.search import Order

_SORTED = ("time", "tokens")

_HEAD = """
<q-tr :props="props" role="row">
  <q-th v-for="col in props.cols" :key="col.name" :props="props" :aria-sort="col.sorted" role="columnheader">
    <button v-if="col.sorted" type="button" class="kh-sort" @click="() => $parent.$emit('sort', col.name)">
      {{ col.label }}
      <q-icon v-if="col.sorted !== 'none'" :name="col.sorted === 'descending' ? 'arrow_downward' : 'arrow_upward'" />
    </button>
    <template v-else>{{ col.label }}</template>
  </q-th>
</q-tr>
"""
_ROW = """
<q-tr :props="props" role="row" tabindex="0" class="kh-row" aria-haspopup="dialog"
  @click="() => $parent.$emit('open', props.row.seq)"
  @keydown.enter="() => $parent.$emit('open', props.row.seq)"
  @keydown.down.prevent="(e) => e.currentTarget.nextElementSibling?.focus()"
  @keydown.up.prevent="(e) => e.currentTarget.previousElementSibling?.focus()">
  <q-td v-for="col in props.cols" :key="col.name" :props="props" role="cell">
    <template v-if="col.name === 'time'">
      <span class="kh-wide">{{ col.value.slice(0, 5) }}</span>{{ col.value.slice(5) }}
    </template>
    <span v-else-if="col.name === 'kind'" class="kh-kind">
      <q-icon :name="props.row.icon" :class="props.row.tone" aria-hidden="true" />{{ col.value }}
    </span>
    <template v-else-if="col.name === 'asked'">
      <div class="kh-asked">{{ col.value }}</div>
      <div class="kh-soft kh-narrow">{{ props.row.caller }}</div>
      <div v-if="props.row.why" class="kh-soft kh-asked">{{ props.row.why }}</div>
    </template>
    <span v-else-if="col.name === 'call'" class="kh-id" :title="col.value">{{ props.row.id }}</span>
    <template v-else>{{ col.value }}</template>
  </q-td>
</q-tr>
"""


class LedgerTable:
    """The table; `sort` is called with the name of a column, `open_entry` with the number of an entry."""

    def __init__(self, order: Order, sort: Callable[[str], Any], open_entry: Callable[[int], Any]) -> None:
        self._table = ui.table(columns=_columns(order), rows=[], row_key="seq", pagination=0)
        self._table.props("flat hide-bottom table-class=kh-entries").classes("kh-ledger")
        self._table.props["aria-label"] = "Entries of the ledger"
        self._table.add_slot("header", _HEAD)
        self._table.add_slot("body", _ROW)
        self._table.on("sort", lambda event: sort(event.args))
        self._table.on("open", lambda event: open_entry(event.args))

    def show(self, rows: Sequence[Row], order: Order) -> None:
        """Show these rows, in that order."""
        self._table.columns = _columns(order)
        self._table.rows = list(rows)

    def focus_head(self) -> None:
        """Put the keyboard back on the head by which the table is sorted: new rows come with a new head."""
        head = f'getHtmlElement({self._table.id}).querySelector("th:not([aria-sort=none]) .kh-sort")'
        with self._table.client:
            ui.run_javascript(f"setTimeout(() => {head}?.focus(), 100)")

    def wait(self, *, waiting: bool) -> None:
        """Show that other rows are on their way."""
        self._table.props["loading"] = waiting


def _columns(order: Order) -> list[dict[str, Any]]:
    columns = (
        ("time", "Time (UTC)", "left", ""),
        ("kind", "Entry", "left", ""),
        ("tokens", "Tokens", "right", ""),
        ("left", "Balance", "right", "kh-wide"),
        ("asked", "What and why", "left", "kh-what"),
        ("caller", "Caller", "left", "kh-wide"),
        ("lane", "Lane", "left", "kh-wide"),
        ("call", "Call", "left", "kh-wide"),
    )
    return [
        {
            "name": name,
            "label": label,
            "field": name,
            "align": align,
            "classes": classes,
            "headerClasses": classes,
            **({"sorted": _sorted(name, order)} if name in _SORTED else {}),
        }
        for name, label, align, classes in columns
    ]


def _sorted(name: str, order: Order) -> str:
    if order.is_by_time is not (name == "time"):
        return "none"
    return "descending" if order.is_down else "ascending"
