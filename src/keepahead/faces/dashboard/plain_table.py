"""A small table of texts: the figures beside a chart, facts by their names. It scrolls in its own box."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Iterable, Sequence

from nicegui import ui


def plain_table(label: str, columns: Sequence[str], rows: Iterable[Sequence[str | None]]) -> None:
    """Draw rows of texts: the first column names the row, the others are numbers."""
    with ui.element("div").classes("kh-box").props("tabindex=0 role=region") as box:
        box.props["aria-label"] = label
        with ui.element("table").classes("kh-table"):
            with ui.element("thead"), ui.element("tr"):
                for place, column in enumerate(columns):
                    _cell("th", column, is_name=place == 0, scope="col")
            with ui.element("tbody"):
                for row in rows:
                    with ui.element("tr"):
                        for place, text in enumerate(row):
                            _cell("th" if place == 0 else "td", text or "-", is_name=place == 0, scope="row")


def facts_table(label: str, facts: Iterable[tuple[str, str | None]]) -> None:
    """Draw names and what there is to say of each."""
    with ui.element("dl").classes("kh-told") as listed:
        listed.props["aria-label"] = label
        for name, text in facts:
            with ui.element("dt"):
                ui.label(name)
            with ui.element("dd"):
                ui.label(text or "-")


def _cell(tag: str, text: str, *, is_name: bool, scope: str) -> None:
    with ui.element(tag).classes("" if is_name else "kh-right") as cell:
        if tag == "th":
            cell.props["scope"] = scope
        ui.label(text)
