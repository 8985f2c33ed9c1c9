"""What has to be said before anything else: alerts that fire just now, and that the ledger cannot be read."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Sequence

from nicegui import ui

from keepahead.faces.dashboard.board import View
from keepahead.store.alarms import Alarm

MOST = 5
"""So many alerts are shown in full; the page of alerts has the others."""


def lines_of(alarms: Sequence[Alarm]) -> Sequence[tuple[str, bool]]:
    """Return a plain line for each alert that fires, the critical first, and whether it is critical."""
    worst_first = sorted(alarms, key=lambda alarm: alarm.severity != "critical")
    found = [
        (f"{alarm.severity.capitalize()}: {alarm.headline}", alarm.severity == "critical") for alarm in worst_first
    ]
    more = len(found) - MOST
    return [*found[:MOST], (f"{more} more: see Alerts", False)] if more > 0 else found


class Headlines:
    """Lines at the top of a page, each announced to those who do not see it; nothing is there while all is well."""

    def __init__(self) -> None:
        self._box = ui.element("div").classes("kh-headlines").props("role=alert")
        self._shown: Sequence[tuple[str, bool]] = ()

    def show(self, view: View) -> None:
        """Show what has to be said."""
        lines = [*lines_of(view.firing)]
        if view.failure is not None:
            lines.insert(
                0, (f"What you see is of {view.at:%H:%M:%S} UTC, for the ledger cannot be read: {view.failure}", True)
            )
        if lines == self._shown:
            return
        self._shown = lines
        self._box.clear()
        with self._box:
            for text, is_bad in lines:
                ui.label(text).classes("kh-note").classes("kh-bad" if is_bad else "kh-warn")
