"""Texts on a page that change as time goes by."""

from collections.abc import Callable
from datetime import datetime

from nicegui import ui


class Ticks:
    """Says them anew in place: whoever is at a button beside one stays there."""

    def __init__(self) -> None:
        self._labels: list[tuple[ui.label, Callable[[datetime], str]]] = []

    def draw(self, say: Callable[[datetime], str], now: datetime, style: str = "") -> None:
        """Draw a text."""
        self._labels.append((ui.label(say(now)).classes(style), say))

    def tick(self, now: datetime) -> None:
        """Say anew what has changed."""
        for label, say in self._labels:
            label.set_text(say(now))

    def clear(self) -> None:
        """Forget them: what they stood in is drawn anew."""
        self._labels.clear()
