"""One part of a page: a card with a title, what can be done there, and a body that is drawn anew when it changes."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable
from typing import Generic, TypeVar

from nicegui import ui

from keepahead.faces.dashboard.change import refusal
from keepahead.faces.dashboard.scene import Scene

T = TypeVar("T")


class Section(Generic[T]):
    """A part that shows a `T`; `draw` draws it, and is called again only for another one."""

    def __init__(self, title: str, draw: Callable[[T], None], words: str = "") -> None:
        self._draw = draw
        self._shown: T | None = None
        self.card, self.acts = card(title, words)
        with self.card:
            self._body = ui.element("div")

    def show(self, value: T) -> None:
        """Show it, unless it is there already."""
        if value == self._shown or self._body.is_deleted:
            return
        self._shown = value
        self._body.clear()
        with self._body:
            self._draw(value)


def card(title: str, words: str = "") -> tuple[ui.element, ui.element]:
    """Draw a card with a title; return it, and the place for its buttons."""
    with ui.element("section").classes("kh-card") as drawn:
        drawn.props["aria-label"] = title
        with ui.element("div").classes("kh-top"):
            with ui.element("div"):
                ui.label(title).classes("kh-title").props("role=heading aria-level=2")
                if words:
                    ui.label(words).classes("kh-soft")
            acts = ui.element("div").classes("kh-does")
    return drawn, acts


def act(scene: Scene, text: str, does: Callable[[], object], *, label: str = "", grave: bool = False) -> ui.button:
    """Draw a button for what changes the rules: for whoever may not, it is there, cannot be pressed and says why."""
    button = ui.button(text, on_click=does, color=None)
    button.props("flat dense no-caps").classes("kh-do kh-bad" if grave else "kh-do")
    if label:
        button.props["aria-label"] = label
    if (why := refusal(scene)) is not None:
        button.disable()
        button.props["title"] = why
    return button


def empty(text: str) -> None:
    """Say that there is nothing here, and what to do."""
    ui.label(text).classes("kh-soft kh-none")
