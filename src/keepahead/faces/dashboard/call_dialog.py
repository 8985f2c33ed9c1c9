"""The life of a call, opened over the page: what became of it, what it cost, and each step with its reason."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable, Mapping, Sequence

from nicegui import ui

from keepahead.faces.dashboard.ledger_rows import LOOKS, chapters_of, facts_of, kind_words
from keepahead.faces.ledger_documents import life_json
from keepahead.store.record import Line


class CallDialog:
    """One dialog for the page; `closed` is called when it is closed."""

    def __init__(self, closed: Callable[[], object]) -> None:
        self._dialog = ui.dialog().props('aria-labelledby="life-title"')
        self._dialog.on("hide", closed)

    def show_call(self, lines: Sequence[Line], asked: Mapping[str, str]) -> None:
        """Open the life of a call."""
        life = life_json(lines, asked)
        self._open(life["shape"], life["state"], facts_of(lines, asked), lines)

    def show_entry(self, line: Line, title: str) -> None:
        """Open an entry that belongs to no call."""
        self._open(title, "", {}, [line])

    def show_missing(self, call_id: str) -> None:
        """Say that there is no such call."""
        with self._cleared():
            _head(f"No call {call_id}", "", self._dialog.close)
            ui.label("The ledger has no such call. Entries that are too old are put away.").classes("kh-soft")
        self._dialog.open()

    def _open(self, title: str, state: str, facts: Mapping[str, str], lines: Sequence[Line]) -> None:
        with self._cleared():
            _head(title, state, self._dialog.close)
            if facts:
                with ui.element("dl").classes("kh-life-facts"):
                    for name, value in facts.items():
                        with ui.element("div"):
                            with ui.element("dt").classes("kh-soft"):
                                ui.label(name)
                            with ui.element("dd").classes("kh-id" if name == "Call" else ""):
                                ui.label(value)
            with ui.element("ol").classes("kh-life"):
                for chapter in chapters_of(lines):
                    with ui.element("li"):
                        _kind(chapter.kind)
                        ui.label(chapter.words).classes("kh-life-words")
                        ui.label(" · ".join(filter(None, (f"{chapter.at} UTC", chapter.after)))).classes(
                            "kh-soft kh-numbers"
                        )
        self._dialog.open()

    def _cleared(self) -> ui.card:
        self._dialog.clear()
        with self._dialog:
            return ui.card().classes("kh-card kh-dialog")


def _head(title: str, state: str, close: Callable[[], object]) -> None:
    with ui.element("div").classes("kh-dialog-head"):
        ui.label(title).classes("kh-title").props('role=heading aria-level=2 id="life-title"')
        ui.button(icon="close", on_click=close).props('flat round dense aria-label="Close" color=none')
    if state:
        _kind(state)


def _kind(kind: str) -> None:
    icon, tone = LOOKS[kind]
    with ui.element("div").classes(f"kh-kind {tone}"):
        ui.icon(icon).props("aria-hidden=true")
        ui.label(kind_words(kind)).classes("kh-strong")
