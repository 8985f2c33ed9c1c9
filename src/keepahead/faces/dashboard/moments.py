"""Moments and lengths of time as the pages say them: in UTC, and how far from now."""

from collections.abc import Callable
from datetime import UTC, datetime

from nicegui import ui

from keepahead.faces.words import span


def moment(at: datetime | None, now: datetime, *, never: str = "never") -> str:
    """Return 2026-11-22 20:00 UTC (in 3 min), or (5 min ago)."""
    return never if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC ({away(at, now)})"


def away(at: datetime, now: datetime) -> str:
    """Return in 3 min, 5 min ago, or just now."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < 1:
        return "just now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(-seconds)} ago"


class Ticks:
    """Texts that change as time goes by, in place: whoever is at a button beside one stays there."""

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
