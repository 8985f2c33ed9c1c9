"""The cards beside the gauge: the refill, what may be spent and what is held, who waits, what today has been like."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Generator
from contextlib import contextmanager

from nicegui import ui

from keepahead.budget.waiting import Waiting
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.countdown import Countdown
from keepahead.faces.words import tokens

ROWS_MOST = 20
"""So many of those who wait are shown."""

LANES = {"live": "Live: a person waits", "jobs": "Jobs: work in the background"}


@contextmanager
def card(title: str) -> Generator[None]:
    """Give a card with a title."""
    with ui.element("section").classes("kh-card").props(f'aria-label="{title}"'):
        ui.label(title).classes("kh-title").props("role=heading aria-level=2")
        yield


class RefillCard:
    """How much comes, when the next lump does, and when the bucket is full."""

    def __init__(self, view: View) -> None:
        now, status = view.at, view.status
        with card("Refill"):
            with ui.element("div").classes("kh-figure"):
                self._next = Countdown(status.next_refill_at or now, now, due="now")
            self._lump = ui.label().classes("kh-soft")
            with ui.element("div").classes("kh-lines"):
                self._full = ui.label()
                self._full_at = Countdown(status.full_at or now, now, due="now")

    def show(self, view: View) -> None:
        """Show it."""
        status = view.status
        lump = max(0, status.refill_rate_per_minute - status.flow_reduction_per_minute)
        self._next.set_visibility(status.next_refill_at is not None)
        if status.next_refill_at is None:
            self._lump.text = "Nothing refills: trackings take all that the plan gives"
        else:
            self._next.count_to(status.next_refill_at, view.at)
            taken = f", trackings take {status.flow_reduction_per_minute:,}" if status.flow_reduction_per_minute else ""
            self._lump.text = f"{tokens(lump)} more, and so every minute{taken}"
        is_full = status.balance >= status.capacity
        self._full.text = "The bucket is full: what comes now is lost" if is_full else "Full"
        self._full_at.set_visibility(not is_full and status.full_at is not None)
        if not is_full and status.full_at is None:
            self._full.text = "It never gets full"
        elif status.full_at is not None:
            self._full_at.count_to(status.full_at, view.at)


class SpendableCard:
    """What each lane may spend now, and what is held for calls under way."""

    def __init__(self, view: View) -> None:
        with card("Free to spend"), ui.element("table").classes("kh-table"), ui.element("tbody"):
            self._lanes = {name: self._row(LANES.get(name, name)) for name in view.lanes}
            self._reserved = self._row("Reserved", "for calls under way")
            self._unknown = self._row("Unknown", "calls whose answer was lost: taken as charged")

    @staticmethod
    def _row(name: str, beside: str = "") -> tuple[ui.label, ui.label]:
        with ui.element("tr"):
            with ui.element("th").props("scope=row"):
                ui.label(name)
                note = ui.label(beside).classes("kh-small")
            with ui.element("td").classes("kh-right"):
                return ui.label().classes("kh-strong"), note

    def show(self, view: View) -> None:
        """Show it."""
        for name, room in view.lanes.items():
            figure, note = self._lanes[name]
            figure.text, note.text = f"{room.spendable:,}", f"leaves its floor of {room.floor:,}"
        self._reserved[0].text = f"{view.status.reserved:,}"
        self._unknown[0].text = f"{view.status.unknown:,}"


class TodayCard:
    """What was spent today beside what was refilled, and what the archive saved."""

    def __init__(self) -> None:
        with card("Today"):
            self._bars = [
                self._bar(name, colour) for name, colour in (("Spent", "var(--act)"), ("Refilled", "var(--good)"))
            ]
            self._external = ui.label().classes("kh-soft")
            self._saved = ui.label()
            ui.label("A day begins at midnight UTC.").classes("kh-small")

    @staticmethod
    def _bar(name: str, colour: str) -> tuple[ui.label, ui.element]:
        with ui.element("div").classes("kh-bar-row"):
            ui.label(name)
            figure = ui.label().classes("kh-strong kh-right")
            with ui.element("div").classes("kh-bar-track").props("aria-hidden=true"):
                return figure, ui.element("div").style(f"background: {colour}")

    def show(self, view: View) -> None:
        """Show it."""
        today = view.today
        spent = today.charged + today.unknown + today.external
        most = max(spent, view.refilled, 1)
        for (figure, bar), count in zip(self._bars, (spent, view.refilled), strict=True):
            figure.text = f"{count:,}"
            bar.style(f"width: {100 * count / most:.1f}%")
        parts = [f"{today.external:,} of them by somebody else on this key"] if today.external else []
        parts += [f"{today.unknown:,} of them not known for sure"] if today.unknown else []
        self._external.text = "; ".join(parts)
        self._external.set_visibility(bool(parts))
        self._saved.text = f"The archive saved {tokens(today.saved)}."


class WaitingCard:
    """Who waits for tokens, and when each will have them."""

    def __init__(self) -> None:
        self._shown: object = None
        with card("Waiting calls"):
            self._none = ui.label("Nobody waits.").classes("kh-soft")
            label = 'tabindex=0 role=region aria-label="Calls that wait"'
            self._box = ui.element("div").classes("kh-scroll").props(label)
            with self._box, ui.element("table").classes("kh-table kh-wide"):
                with ui.element("thead"), ui.element("tr"):
                    for name in ("Call", "Lane", "Tokens", "Waits since", "Will run"):
                        with ui.element("th").props("scope=col").classes("kh-right" if name == "Tokens" else ""):
                            ui.label(name)
                self._body = ui.element("tbody")
            self._more = ui.label().classes("kh-soft")

    def show(self, view: View) -> None:
        """Show it; rows are made anew only when others wait, or when the times at which they will run have changed."""
        shown = view.waiting[:ROWS_MOST]
        due = [at if (at := each.expected_at) and at > view.at else None for each in shown]
        facts = len(view.waiting), [(each.call_id, at) for each, at in zip(shown, due, strict=True)]
        if facts == self._shown:
            return
        self._shown = facts
        self._none.set_visibility(not view.waiting)
        self._box.set_visibility(bool(view.waiting))
        more = len(view.waiting) - ROWS_MOST
        self._more.set_visibility(more > 0)
        self._more.text = f"and {more:,} more"
        self._body.clear()
        with self._body:
            for each in shown:
                self._row(each, view)

    @staticmethod
    def _row(waiting: Waiting, view: View) -> None:
        with ui.element("tr"):
            for text, alignment in ((waiting.call_id, ""), (waiting.lane, ""), (f"{waiting.tokens:,}", "kh-right")):
                with ui.element("td").classes(alignment):
                    ui.label(text)
            with ui.element("td"):
                Countdown(waiting.since, view.at)
            with ui.element("td"):
                if waiting.expected_at is None:
                    ui.label("never by refill alone").classes("kh-bad")
                else:
                    Countdown(waiting.expected_at, view.at, due="now")
