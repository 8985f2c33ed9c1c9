"""The page of the ledger as it is worked with: looks for entries, turns pages, opens calls, tells of new ones."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from nicegui import background_tasks, ui

from keepahead.budget.entry import Carried, Observed
from keepahead.budget.rule import hour_of
from keepahead.errors import LedgerError
from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.call_dialog import CallDialog
from keepahead.faces.dashboard.ledger_filters import LedgerFilters
from keepahead.faces.dashboard.ledger_rows import clock_time, row_of
from keepahead.faces.dashboard.ledger_table import LedgerTable
from keepahead.faces.dashboard.quest import Quest, read_quest
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.ledger_documents import shapes_of
from keepahead.store.record import Filter, GroupBy, Line
from keepahead.store.search import NEWER_MOST, Page, Search
from keepahead.store.stretch import LOOK_MOST

_COUNT_SECONDS = 1.0
"""New entries are counted so often at most."""

_CALLERS_WITHIN = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Found:
    """A page that was read, what its calls asked for, and the number of the newest entry then."""

    page: Page
    asked: Mapping[str, str]
    last_seq: int


class LedgerView:
    """One open page. `build` draws it."""

    def __init__(self, scene: Scene) -> None:
        books = scene.house.books
        self._scene = scene
        self._record = books.record
        self._search = Search(books.ledger.database, books.ledger.fingerprint)
        self._quest = read_quest(scene.client.request.query_params)
        self._found = Found(Page(lines=(), next=None, previous=None, looked_to=None), {}, 0)
        self._looks = 0
        self._has_news = False
        self._is_counting = False

    async def build(self) -> None:
        """Draw it with what its address asks for. Raises LedgerError."""
        callers = await asyncio.to_thread(self._callers)
        with ui.element("section").classes("kh-card kh-ledger-card").props('aria-label="Entries"'):
            with ui.element("div").classes("kh-ledger-head"):
                ui.label("Ledger").classes("kh-title").props("role=heading aria-level=1")
                self._clear = ui.button("Clear search", icon="filter_alt_off", on_click=self._start_over, color=None)
                self._clear.props("flat no-caps").classes("kh-page-button")
                with ui.element("div").props("role=status"):
                    self._news = ui.button(on_click=self._show_newest, color=None, icon="arrow_upward")
                self._news.props("flat no-caps").classes("kh-news").set_visibility(False)
            self._filters = LedgerFilters(self._quest, callers, self._change, lambda: self._scene.now)
            self._note = ui.label().classes("kh-note kh-bad").props("role=alert")
            self._note.set_visibility(False)
            self._table = LedgerTable(self._quest.order, self._sort, self._open_entry)
            self._empty = ui.label().classes("kh-empty kh-soft").props("role=status")
            with ui.element("nav").classes("kh-pages").props('aria-label="Pages of entries"'):
                self._told = ui.label().classes("kh-soft kh-told").props("role=status")
                with ui.element("div").classes("kh-turn"):
                    self._first = self._turn("First", "first_page", self._show_newest)
                    self._back = self._turn("Back", "chevron_left", self._go_back)
                    self._on = self._turn("On", "chevron_right", self._go_on)
        self._dialog = CallDialog(self._closed)
        await self._look()
        if self._quest.call:
            await self._open_call(self._quest.call)
        self._scene.follow(self._follow)

    def _turn(self, label: str, icon: str, does: Callable[[], object]) -> ui.button:
        button = ui.button(label, on_click=does, color=None).props("flat no-caps").classes("kh-page-button")
        return button.props(f"icon-right={icon}" if label == "On" else f"icon={icon}")

    def _callers(self) -> Sequence[str]:
        since = hour_of(self._scene.now) - _CALLERS_WITHIN
        return sorted(each.group for each in self._record.sums(GroupBy.CALLER, Filter(since=since)) if each.group)

    async def _change(self, name: str, value: str) -> None:
        if getattr(self._quest, name) != value:
            await self._go(self._quest.changed(**{name: value}))

    async def _sort(self, column: str) -> None:
        await self._go(self._quest.sorted_by(column))
        self._table.focus_head()

    async def _show_newest(self) -> None:
        await self._go(self._quest.at_first())

    async def _go_on(self) -> None:
        if (place := self._found.page.next) is not None:
            await self._go(self._quest.at(place))

    async def _go_back(self) -> None:
        if (place := self._found.page.previous) is not None:
            await self._go(self._quest.at(place, backwards=True))

    async def _start_over(self) -> None:
        await self._go(Quest(order=self._quest.order))
        self._filters.show(self._quest)

    async def _go(self, quest: Quest) -> None:
        self._quest = quest
        self._keep_address()
        await self._look()

    def _keep_address(self) -> None:
        query = self._quest.query
        with self._scene.client:
            ui.navigate.history.replace(f"/ledger?{query}" if query else "/ledger")

    async def _look(self) -> None:
        """Look for what is wanted now, and show it unless something else is wanted by then."""
        self._looks += 1
        look, quest = self._looks, self._quest
        self._table.wait(waiting=True)
        try:
            found = await asyncio.to_thread(self._read, quest)
        except LedgerError as error:
            if look == self._looks:
                self._fail(f"The ledger cannot be read: {error}")
            return
        except ValueError as error:
            if look == self._looks:
                self._fail(f"That is no time: {error}")
            return
        if look == self._looks:
            if quest.backwards and found.page.previous is None:  # the first page, and maybe not all of it
                self._quest = quest.at_first()
                self._keep_address()
                await self._look()
                return
            self._found = found
            self._show()

    def _read(self, quest: Quest) -> Found:
        wanted = quest.wanted(self._scene.now)
        last = self._record.last_seq()
        page = self._search.page(wanted, quest.text, quest.order, place=quest.place, backwards=quest.backwards)
        return Found(page, shapes_of(page.lines, self._record), last)

    def _fail(self, words: str) -> None:
        self._table.wait(waiting=False)
        self._note.set_text(words)
        self._note.set_visibility(True)

    def _show(self) -> None:
        page, quest = self._found.page, self._quest
        self._table.wait(waiting=False)
        self._table.show([row_of(line, self._found.asked) for line in page.lines], quest.order)
        self._note.set_visibility(False)
        self._news.set_visibility(False)
        self._clear.set_visibility(quest.is_narrow)
        self._empty.set_visibility(not page.lines)
        self._empty.set_text(_empty_words(page, quest))
        self._told.set_text(_told(page, quest))
        self._first.set_enabled(quest.place is not None)
        self._back.set_enabled(page.previous is not None)
        self._on.set_enabled(page.next is not None)
        self._on.set_text("Look on" if page.next is not None and page.looked_to is not None else "On")

    async def _open_entry(self, seq: int) -> None:
        line = next((line for line in self._found.page.lines if line.seq == seq), None)
        if line is None:
            return
        if isinstance(line.entry, Observed | Carried):
            self._dialog.show_entry(line, str(row_of(line, {})["kind"]).capitalize())
        else:
            await self._open_call(line.entry.label.call_id)

    async def _open_call(self, call_id: str) -> None:
        def read() -> tuple[Sequence[Line], Mapping[str, str]]:
            lines = self._record.of_call(call_id)
            return lines, shapes_of(lines, self._record)

        try:
            lines, asked = await asyncio.to_thread(read)
        except LedgerError as error:
            self._fail(f"The ledger cannot be read: {error}")
            return
        self._quest = replace(self._quest, call=call_id)
        self._keep_address()
        with self._scene.client:
            if lines:
                self._dialog.show_call(lines, asked)
            else:
                self._dialog.show_missing(call_id)

    def _closed(self) -> None:
        if self._quest.call:
            self._quest = replace(self._quest, call="")
            self._keep_address()

    def _follow(self, view: View) -> None:
        if view.failure is not None:
            self._fail(f"The ledger cannot be read: {view.failure}")
        elif self._note.visible:
            background_tasks.create(self._look())
        if view.lines:
            self._has_news = True
            if not self._is_counting:
                background_tasks.create(self._count())

    async def _count(self) -> None:
        """Say how many new entries there are; the table stays as it is under its reader."""
        self._is_counting = True
        try:
            while self._has_news:
                self._has_news = False
                quest, last = self._quest, self._found.last_seq
                count = await asyncio.to_thread(self._newer, quest, last)
                if quest == self._quest and last == self._found.last_seq and count:
                    self._news.set_text(f"{count:,}{'+' if count == NEWER_MOST else ''} new: show")
                    self._news.set_visibility(True)
                await self._scene.house.gateway.clock.sleep_async(_COUNT_SECONDS)
        except (LedgerError, ValueError):
            pass  # the page says so by itself
        finally:
            self._is_counting = False

    def _newer(self, quest: Quest, seq: int) -> int:
        return self._search.newer(quest.wanted(self._scene.now), quest.text, seq)


def _told(page: Page, quest: Quest) -> str:
    """Return where in the ledger the page is, and how far was looked."""
    if page.looked_to is not None:
        looked = (
            f"the {LOOK_MOST:,} entries {'up' if quest.order.is_by_time and not quest.order.is_down else 'back'} to "
        )
        found = f"{len(page.lines)} found" if quest.order.is_by_time else "In order of tokens"
        return f"{found} among {looked}{clock_time(page.looked_to)} UTC"
    if not page.lines:
        return ""
    first, last = (clock_time(line.entry.at) for line in (page.lines[0], page.lines[-1]))
    return (
        f"{len(page.lines)} entries, {first} to {last} UTC" if quest.order.is_by_time else f"{len(page.lines)} entries"
    )


def _empty_words(page: Page, quest: Quest) -> str:
    """Return what to do where there is nothing to be shown."""
    if page.lines:
        return ""
    if page.looked_to is not None:
        return "Nothing found so far: look on, or choose a time to look in."
    if quest.is_narrow or quest.place is not None:
        return "Nothing in the ledger is so: take a word or a filter away."
    return "Nothing was spent yet. The first call through the gateway shows here at once; Discover makes one."
