"""The products of a discovery as a table that is sorted and paged here, not in the browser, and as files."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Any

import msgspec
from nicegui import ui
from nicegui.events import GenericEventArguments

from keepahead.faces.dashboard.discovery_run import DiscoveryRun
from keepahead.faces.dashboard.found_rows import COLUMNS, FIELDS, FoundRow, in_order
from keepahead.faces.documents import found_json, plan_json
from keepahead.faces.sheet import NEEDS, bytes_of, named_rows
from keepahead.faces.words import currency

ROWS_A_PAGE = 25

_TYPES = {
    ".csv": "text/csv",
    ".json": "application/json",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
_ASIN = """<q-td :props="props"><a :href="props.row.to">{{ props.value }}</a></q-td>"""
_TITLE = """<q-td :props="props">
  <a :href="props.row.to" class="kh-clip" :title="props.value">{{ props.value }}</a>
</q-td>"""
_VERDICT = """<q-td :props="props"><strong :class="props.row.mood">{{ props.value }}</strong></q-td>"""


class FoundTable:
    """The card with what was found so far."""

    def __init__(self) -> None:
        self._run: DiscoveryRun | None = None
        self._shown = -1
        self._page: dict[str, Any] = {"page": 1, "rowsPerPage": ROWS_A_PAGE, "sortBy": None, "descending": False}
        with ui.element("section").classes("kh-card").props('aria-label="What was found"') as self._card:
            with ui.element("div").classes("kh-line"):
                ui.label("Found").classes("kh-title kh-grow").props("role=heading aria-level=2")
                self._buttons = {ending: self._export_button(ending) for ending in _TYPES}
            self._table = ui.table(rows=[], columns=_columns(""), row_key="asin", pagination={**self._page})
            self._table.props('flat binary-state-sort :rows-per-page-options="[25, 50, 100]"').classes(
                "kh-list kh-found"
            )
            self._table.on("request", self._turn, ["pagination"])
            self._table.add_slot("body-cell-asin", _ASIN)
            self._table.add_slot("body-cell-title", _TITLE)
            self._table.add_slot("body-cell-verdict", _VERDICT)
            ui.label("* with a buying price that is assumed; open the product to say yours.").classes(
                "kh-soft kh-small"
            )
        self._card.set_visibility(False)

    def show(self, run: DiscoveryRun) -> None:
        """Show what a discovery has found by now."""
        if run is not self._run:
            self._run, self._shown = run, -1
            self._page.update(page=1, sortBy=None, descending=False)
            self._table.columns = _columns(currency(run.plan.criteria.site))
        if len(run.rows) != self._shown:
            self._shown = len(run.rows)
            self._fill()
        self._card.set_visibility(bool(run.rows))

    def _fill(self) -> None:
        rows = self._ordered()
        first = (self._page["page"] - 1) * self._page["rowsPerPage"]
        self._table.rows = [row.texts for row in rows[first : first + self._page["rowsPerPage"]]]
        self._table.pagination = {**self._page, "rowsNumber": len(rows)}

    def _ordered(self) -> Sequence[FoundRow]:
        rows = self._run.rows if self._run else ()
        return in_order(rows, self._page["sortBy"], descending=bool(self._page["descending"]))

    def _turn(self, event: GenericEventArguments) -> None:
        asked = event.args["pagination"]
        self._page.update(
            page=max(1, int(asked["page"])),
            rowsPerPage=min(100, max(1, int(asked["rowsPerPage"]))),
            sortBy=asked["sortBy"],
            descending=bool(asked["descending"]),
        )
        self._fill()

    def _export_button(self, ending: str) -> ui.button:
        name = ending.removeprefix(".").upper()
        button = ui.button(name, icon="download", on_click=lambda: self._export(ending), color=None)
        button.props(f'outline dense aria-label="Download as {name}"').classes("kh-act kh-export")
        needs = NEEDS.get(ending)
        if needs is not None and find_spec(needs) is None:
            button.disable()
            button.props["title"] = f"This needs {needs}, which is not installed: pip install 'keepahead[data]'"
        return button

    async def _export(self, ending: str) -> None:
        if self._run is None:
            return
        run, rows = self._run, [row.values for row in self._ordered()]
        written = await asyncio.to_thread(written_as, ending, run, rows)
        ui.download.content(written, f"discovery-{run.plan.now:%Y%m%d-%H%M%S}{ending}", _TYPES[ending])


def written_as(ending: str, run: DiscoveryRun, rows: Sequence[Sequence[Any]]) -> bytes:
    """Return what was found as a file; .json is one document, with the plan and what became of the candidates."""
    if ending != ".json":
        return bytes_of(ending, FIELDS, rows)
    found = None if run.found is None else found_json(run.found)
    document = {"plan": plan_json(run.plan), "found": found, "products": named_rows(FIELDS, rows)}
    return msgspec.json.format(msgspec.json.encode(document), indent=1) + b"\n"


def _columns(money: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "label": f"{label}, {money}" if name == "price" and money else label,
            "field": name,
            "align": align,
            "sortable": True,
        }
        for name, label, align in COLUMNS
    ]
