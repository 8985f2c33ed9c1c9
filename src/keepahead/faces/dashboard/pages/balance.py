"""The page "Balance": how it went, and how it may go on."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
import json
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from nicegui import background_tasks, ui

from keepahead.errors import LedgerError
from keepahead.faces.dashboard.balance_chart import SPANS, Drawn, added, ahead, drawn, looked_at, options
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.frame import page, say_failed
from keepahead.faces.dashboard.headlines import Headlines
from keepahead.faces.dashboard.outlook import outlook_words, past_words
from keepahead.faces.dashboard.scene import Scene
from keepahead.store.course import Course, Past
from keepahead.store.record import Filter, GroupBy

PACE_OVER = timedelta(minutes=5)
PACE_EVERY = timedelta(seconds=10)
"""The present pace is that of the last five minutes, and is looked up so often: an incident takes no longer."""

_SCRIPT = (Path(__file__).parents[1] / "balance_chart.js").read_text()


@page("/balance")
async def show(scene: Scene) -> None:
    """Build the page."""
    ui.add_body_html(f"<script>{_SCRIPT}</script>")
    headlines = Headlines()
    view = await scene.house.board.view()
    chart = BalanceChart(scene, view)

    def show_view(new: View) -> None:
        headlines.show(new)
        chart.show(new)

    headlines.show(view)
    scene.follow(show_view)
    await chart.load()


class BalanceChart:
    """The chart, what chooses its span, and what it says in words."""

    def __init__(self, scene: Scene, view: View) -> None:
        self._scene = scene
        self._course = Course(scene.house.books.ledger.database, scene.house.books.ledger.fingerprint)
        self._span = SPANS["hour"]
        self._view = view
        self._pace, self._paced_at = 0.0, datetime.min.replace(tzinfo=view.at.tzinfo)
        with ui.element("section").classes("kh-card kh-chart-card").props('aria-label="Balance"'):
            with ui.element("div").classes("kh-head"):
                ui.label("Balance").classes("kh-title").props("role=heading aria-level=1")
                choice = {name: f"Last {name}" for name in SPANS}
                toggle = ui.toggle(choice, value="hour", on_change=self._choose).classes("kh-choice")
                toggle.props('unelevated no-caps aria-label="How far back"')
                toggle.props("color=none text-color=none toggle-color=none toggle-text-color=none")
            self._outlook = ui.label().classes("kh-outlook").props("role=status")
            self._chart = ui.echart(options(scene.palette, view.status.floor)).classes("kh-chart")
            self._chart.props('role=img aria-label="Chart of the balance; the words around it say the same"')
            self._chart.on(
                "chart:datazoom", self._look_closer, ["start", "end", "batch"], throttle=0.4, leading_events=False
            )
            self._past = ui.label().classes("kh-soft")
            ui.label(
                "Times are in UTC. Drag the bar below the chart, or turn the wheel over it, to look closer."
            ).classes("kh-small")

    async def load(self) -> None:
        """Read what was in the span that is chosen, and draw it anew."""
        until, span = self._scene.now, self._span
        since = until - span.back
        await self._read_pace(until)
        past: Past = await asyncio.to_thread(self._course.read, since, until, stretches=span.stretches)
        shown = drawn(past, since, until, stretches=span.stretches)
        self._past.text = past_words(shown, span.name)
        self._push(shown, is_whole=True)

    def show(self, view: View) -> None:
        """Add what is new."""
        self._view = view
        if view.at - self._paced_at > PACE_EVERY:
            background_tasks.create(self._renew_pace(view.at))
        balance = view.status.balance if view.account.meter is not None else None
        new = added(view.lines, view.at, balance)
        self._push(new, is_whole=False)

    def _push(self, shown: Drawn, *, is_whole: bool) -> None:
        view, now = self._view, self._scene.now
        nothing, at_pace = ahead(view.account, now, self._span.ahead, self._pace)
        series = {
            name: {"points": getattr(shown, name), "isWhole": is_whole} for name in ("balance", "held", "refused")
        }
        series["nothing"] = {"points": nothing, "isWhole": True}
        series["pace"] = {"points": at_pace if self._pace else [], "isWhole": True}
        since, until = (1000 * moment.timestamp() for moment in (now - self._span.back, now + self._span.ahead))
        told = json.dumps(series, separators=(",", ":"))
        self._scene.client.run_javascript(f"khChart({self._chart.id}, {told}, {since:.0f}, {until:.0f})")
        text, is_bad = outlook_words(view.account, view.status, now, pace=self._pace)
        self._outlook.text = text
        self._outlook.classes(replace="kh-outlook kh-bad" if is_bad else "kh-outlook")

    async def _choose(self, event: Any) -> None:
        self._span = SPANS[event.value]
        try:
            await self.load()
        except LedgerError as error:
            say_failed(f"The ledger cannot be read: {error}")

    async def _look_closer(self, event: Any) -> None:
        """Read what is looked at in finer stretches."""
        span = self._span
        found = looked_at(event.args, span, self._scene.now)
        if found is None:
            return
        try:
            past = await asyncio.to_thread(self._course.read, *found, stretches=span.stretches)
        except LedgerError:
            return  # it stays as coarse as it is
        if span is not self._span:
            return  # another was chosen meanwhile
        told = json.dumps(asdict(drawn(past, *found, stretches=span.stretches)), separators=(",", ":"))
        since, until = (1000 * moment.timestamp() for moment in found)
        self._scene.client.run_javascript(f"khDetail({self._chart.id}, {told}, {since:.0f}, {until:.0f})")

    async def _renew_pace(self, now: datetime) -> None:
        try:
            await self._read_pace(now)
        except LedgerError:
            return  # the board says so
        self._push(Drawn([], [], []), is_whole=False)

    async def _read_pace(self, now: datetime) -> None:
        self._paced_at = now
        wanted = Filter(since=now - PACE_OVER)
        sums = await asyncio.to_thread(self._scene.house.books.record.sums, GroupBy.LANE, wanted)
        spent = sum(each.charged + each.unknown + each.external for each in sums)
        self._pace = spent / (PACE_OVER / timedelta(minutes=1))
