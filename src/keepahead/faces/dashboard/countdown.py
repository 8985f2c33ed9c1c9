"""A moment in words, "in 42 s" or "5 min ago", which the browser counts by itself."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from datetime import datetime

from nicegui.element import Element


class Countdown(Element, component="countdown.js"):
    """The time to a moment, or since it. `due` is what it says once a moment to come has come."""

    def __init__(self, at: datetime, now: datetime, *, due: str = "") -> None:
        super().__init__()
        self._props["due"] = due
        self._props["at"], self._props["sent"] = _milliseconds(at), _milliseconds(now)

    def count_to(self, at: datetime, now: datetime) -> None:
        """Count to, or from, another moment."""
        if self._props["at"] != _milliseconds(at):
            self._props["at"], self._props["sent"] = _milliseconds(at), _milliseconds(now)
            self.update()


def _milliseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
