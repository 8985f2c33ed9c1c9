"""The page of spending as it is worked with: a range, a grouping, and figures that follow the ledger."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from typing import cast
from urllib.parse import urlencode

from nicegui import background_tasks, ui

from keepahead.budget.rule import HOUR
from keepahead.errors import LedgerError
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.figures import Column, Figures
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.spending_chart import (
    Range,
    pair_options,
    pairs_of,
    stack_of,
    stack_options,
    window_of,
)
from keepahead.faces.dashboard.spending_figures import SpendingFigures, read_figures
from keepahead.faces.dashboard.spending_rows import (
    DEAREST,
    ESTIMATES,
    WHO,
    dearest_rows,
    estimate_rows,
    headlines,
    seen_words,
    stack_columns,
    stack_rows,
    who_rows,
)
from keepahead.store.record import GroupBy
from keepahead.store.spending import Spending

_READ_SECONDS = 1.0
"""What is new is read so often at most."""

_RANGES = {Range.TODAY: "Today", Range.DAY: "24 hours", Range.WEEK: "7 days", Range.MONTH: "30 days"}
_GROUPS = {GroupBy.ENDPOINT: "Endpoint", GroupBy.CALLER: "Caller", GroupBy.LANE: "Lane"}
_HEADLINES = tuple(headlines(()))


class SpendingView:
    """One open page. `build` draws it."""

    def __init__(self, scene: Scene) -> None:
        books, query = scene.house.books, scene.client.request.query_params
        self._scene = scene
        self._record = books.record
        self._spending = Spending(books.ledger.database, books.ledger.fingerprint)
        self._range = Range(query["range"]) if query.get("range") in tuple(Range) else Range.DAY
        self._by = GroupBy(query["by"]) if query.get("by") in tuple(_GROUPS) else GroupBy.ENDPOINT
        self._figures: SpendingFigures | None = None
        self._known: tuple[str, ...] = ()
        self._has_news = False
        self._is_reading = False
        self._looks = 0

    async def build(self) -> None:
        """Draw it with what its address asks for. Raises LedgerError."""
        figures = await asyncio.to_thread(self._read)
        with ui.element("div").classes("kh-spending-head"):
            ui.label("Spending").classes("kh-title").props("role=heading aria-level=1")
            with ui.element("div").classes("kh-toggles"):
                self._toggle("Range", _RANGES, self._range, "range")
                self._toggle("Grouped by", _GROUPS, self._by, "by")
        self._note = ui.label().classes("kh-note kh-bad").props("role=alert")
        self._note.set_visibility(False)
        self._empty = ui.label("Nothing was spent in this time. Choose a longer one, or make a call: Discover does.")
        self._empty.classes("kh-note").props("role=status")
        with ui.element("div").classes("kh-page") as self._body:
            self._build_body(figures)
        self._show(figures)
        self._scene.follow(self._follow)

    def _build_body(self, figures: SpendingFigures) -> None:
        palette = self._scene.palette
        with ui.element("dl").classes("kh-headlines"):
            self._headlines = {name: _headline(name) for name in _HEADLINES}
        with _card("By hour") as self._hour_title:
            self._stack = _chart(stack_options(stack_of((), figures.window), palette), "kh-chart")
            with _figures_below():
                self._stack_figures = Figures("Tokens over time", [Column("name", "From (UTC)")])
        with ui.element("div").classes("kh-pair-of-cards"):
            with _card("By endpoint"):
                self._endpoints = Figures("Tokens by endpoint", WHO)
            with _card("By caller"):
                self._callers = Figures("Tokens by caller", WHO)
            with _card("Dearest calls"):
                self._dearest_seen = ui.label().classes("kh-soft")
                self._dearest = Figures("The dearest calls", DEAREST, self._open_call)
            with _card("Cost against estimate"):
                self._estimates_seen = ui.label().classes("kh-soft")
                self._pairs = _chart(pair_options((), palette), "kh-chart kh-chart-low")
                self._estimates = Figures("What was set aside, and what was charged", ESTIMATES)

    def _toggle(self, label: str, options: dict[Range, str] | dict[GroupBy, str], value: str, name: str) -> None:
        with ui.element("div").classes("kh-toggle-box").props("role=group") as box:
            box.props["aria-label"] = label
            ui.label(label).classes("kh-soft")
            toggle = ui.toggle(dict(options), value=value).props("unelevated no-caps")
            toggle.props("color=none text-color=none toggle-color=none toggle-text-color=none")
            toggle.classes("kh-toggle").on_value_change(lambda event: self._choose(name, event.value))

    async def _choose(self, name: str, value: str) -> None:
        self._range = Range(value) if name == "range" else self._range
        self._by = GroupBy(value) if name == "by" else self._by
        self._known = ()
        query = urlencode({"range": self._range, "by": self._by})
        ui.navigate.history.replace(f"/spending?{query}")
        await self._look()

    def _open_call(self, call_id: str) -> None:
        ui.navigate.to(f"/ledger?{urlencode({'call': call_id})}")

    def _read(self) -> SpendingFigures:
        window = window_of(self._range, self._scene.now)
        return read_figures(self._record, self._spending, window, self._by, self._figures)

    async def _look(self) -> None:
        self._looks += 1
        look = self._looks
        try:
            figures = await asyncio.to_thread(self._read)
        except LedgerError as error:
            self._fail(str(error))
        else:
            if look == self._looks:  # else another range was chosen meanwhile
                self._show(figures)

    def _fail(self, words: str) -> None:
        self._note.set_text(f"The ledger cannot be read: {words}")
        self._note.set_visibility(True)

    def _show(self, figures: SpendingFigures) -> None:
        palette = self._scene.palette
        self._figures = figures
        self._note.set_visibility(False)
        self._empty.set_visibility(not figures.endpoints)
        self._body.set_visibility(bool(figures.endpoints))
        for name, (count, _, _) in headlines(figures.endpoints).items():
            _set_text(self._headlines[name], f"{count:,}")
        stack = stack_of(figures.parts, figures.window, self._known)
        self._known = tuple(stack.series)
        hours = figures.window.length // HOUR
        _set_text(self._hour_title, "By day" if hours > 6 else "By six hours" if hours > 1 else "By hour")
        _draw(self._stack, stack_options(stack, palette))
        self._stack_figures.show(stack_rows(stack), stack_columns(stack))
        self._endpoints.show(who_rows(figures.endpoints))
        self._callers.show(who_rows(figures.callers))
        self._dearest.show(dearest_rows(figures.dearest, figures.asked))
        pairs = pairs_of(figures.estimates)
        _draw(self._pairs, pair_options(pairs, palette))
        self._estimates.show(estimate_rows(pairs))
        seen = seen_words(figures.window.since, figures.seen_since)
        for label in (self._dearest_seen, self._estimates_seen):
            _set_text(label, seen)
            label.set_visibility(bool(seen))

    def _follow(self, view: View) -> None:
        if view.failure is not None:
            self._fail(view.failure)
            return
        is_later = self._figures is not None and window_of(self._range, view.at) != self._figures.window
        if view.lines or is_later or self._note.visible:
            self._has_news = True
            if not self._is_reading:
                background_tasks.create(self._read_on())

    async def _read_on(self) -> None:
        self._is_reading = True
        try:
            while self._has_news:
                self._has_news = False
                await self._look()
                await self._scene.house.gateway.clock.sleep_async(_READ_SECONDS)
        finally:
            self._is_reading = False


@contextmanager
def _card(title: str) -> Generator[ui.label]:
    with ui.element("section").classes("kh-card") as card:
        card.props["aria-label"] = title
        heading = ui.label(title).classes("kh-title").props("role=heading aria-level=2")
        yield heading


@contextmanager
def _figures_below() -> Generator[None]:
    """Draw what opens to show a chart's figures."""
    with ui.element("details").classes("kh-details"):
        with ui.element("summary"):
            ui.label("Figures")
        yield


def _headline(name: str) -> ui.label:
    _, tone, words = headlines(())[name]
    with ui.element("div").classes("kh-card"):
        with ui.element("dt").classes("kh-soft"):
            ui.label(name)
        with ui.element("dd"):
            figure = ui.label("0").classes(f"kh-figure {tone}")
            ui.label(words).classes("kh-soft kh-small")
    return figure


def _chart(options: dict[str, object], classes: str) -> ui.echart:
    chart = ui.echart(options).classes(classes).props("role=img")
    chart.props["aria-label"] = "A chart; the same figures stand in the table below"
    return chart


def _draw(chart: ui.echart, options: dict[str, object]) -> None:
    """Send what has changed of a chart; a browser that comes back finds all of it."""
    shown = cast("dict[str, object]", chart.options)
    if shown == options:
        return
    shown.update(options)
    if chart.client.has_socket_connection:
        chart.run_chart_method("setOption", options, {"replaceMerge": ["series"]})


def _set_text(label: ui.label, text: str) -> None:
    if label.text != text:
        label.set_text(text)
