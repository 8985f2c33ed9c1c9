"""Callers and their limits: what each has spent of them, and how they are set and taken away."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial

from nicegui import ui

from keepahead.budget.rule import DAY, HOUR, Limit, day_of, hour_of
from keepahead.faces.caller_limits import enforce, limit_of, limit_words
from keepahead.faces.dashboard.change import change, note
from keepahead.faces.dashboard.fields import read_caller, read_tokens
from keepahead.faces.dashboard.form import FieldError, Form
from keepahead.faces.dashboard.moments import away
from keepahead.faces.dashboard.renewal import Renewal
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, act, empty
from keepahead.faces.dashboard.share import Share, share_of
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.store.rulebook import Caller

_COLUMNS = (Column("Caller"), Column("This hour"), Column("Today"), Column("Held", right=True), Column(""))
_NOBODY = 'Nobody has called today, and nobody has a limit. "Set a limit" gives one to a caller before it calls.'


class Bar:
    """How much of a limit is used, as a bar, with the figures."""

    def __init__(self, share: Share) -> None:
        with ui.element("div").classes("kh-share"):
            with ui.element("div").classes("kh-share-track").props("aria-hidden=true") as self._track:
                self._fill = ui.element("div")
            self._words = ui.label().classes("kh-numbers")
        self.show(share)

    def show(self, share: Share) -> None:
        """Show it."""
        self._track.set_visibility(share.percent is not None)
        self._fill.style(f"width: {share.percent or 0}%").classes(replace=f"kh-share-fill kh-{share.mood}")
        self._words.set_text(share.words)


class CallersSection:
    """Shows callers as they stand."""

    def __init__(self, scene: Scene, renewal: Renewal) -> None:
        self._scene = scene
        self._renewal = renewal
        self._rulebook = scene.house.books.rulebook
        self._bars: dict[str, tuple[Bar, Bar, ui.label]] = {}
        self._callers: dict[str, Caller] = {}
        self._section = Section("Callers", self._draw, "What each has spent, and may spend, of tokens.")
        with self._section.card:
            self._ends = ui.label().classes("kh-foot")
        with self._section.acts:
            act(scene, "Set a limit", lambda: self._ask(None))

    async def refresh(self) -> None:
        """Look, and show what is new. Raises LedgerError."""
        now = self._scene.now
        self.show(await asyncio.to_thread(self._rulebook.callers, now), now)

    def show(self, callers: Sequence[Caller], now: datetime) -> None:
        """Show them: figures in place, so that whoever is at a button there stays at it."""
        self._callers = {caller.name: caller for caller in callers}
        self._section.show(tuple((caller.name, caller.limit) for caller in callers))
        for caller in callers:
            if caller.name in self._bars:
                hour, day, held = self._bars[caller.name]
                hour.show(share_of(caller, HOUR))
                day.show(share_of(caller, DAY))
                held.set_text(f"{caller.held:,}")
        ends = f"This hour ends {away(hour_of(now) + HOUR, now)}, this day {away(day_of(now) + DAY, now)}"
        self._ends.set_text(f"{ends} (UTC); then a limit counts from 0 again.")

    def _draw(self, rows: Sequence[tuple[str, Limit | None]]) -> None:
        self._bars.clear()
        if not rows:
            empty(_NOBODY)
            return
        table("Callers and their limits", _COLUMNS, [self._row(name, limit) for name, limit in rows])

    def _row(self, name: str, limit: Limit | None) -> Sequence[Cell]:
        caller = self._callers[name]
        bars: list[Bar] = []

        def draw_bar(window: timedelta) -> None:
            bars.append(Bar(share_of(caller, window)))

        def draw_held() -> None:
            self._bars[name] = bars[0], bars[1], ui.label(f"{caller.held:,}")

        def draw_acts() -> None:
            text = "Change" if limit else "Set a limit"
            act(self._scene, text, lambda: self._ask(name), label=f"{text}: {name}")
            if limit:
                act(
                    self._scene, "Take away", lambda: self._ask_to_unlimit(name), label=f"Take away: {name}", grave=True
                )

        return name, lambda: draw_bar(HOUR), lambda: draw_bar(DAY), draw_held, draw_acts

    def _ask(self, name: str | None) -> None:
        """Ask for the limit of a caller; None asks for the caller too."""
        title = "Set a limit" if name is None else f"The limit of {name}"
        form = Form(self._scene, title, "Save", words="Every process keeps it from its next call on.")
        caller = self._callers.get(name or "")
        have = (caller and caller.limit) or Limit(caller=name or "")
        of = form.field("Caller", read_caller, hint="as the ledger names it") if name is None else None
        hour = form.field("Tokens an hour", read_tokens, text=_text(have.tokens_per_hour), hint="empty: no limit")
        day = form.field("Tokens a day", read_tokens, text=_text(have.tokens_per_day), hint="empty: no limit")

        async def carry_out() -> str:
            wanted = Limit(
                caller=have.caller if of is None else of.read() or "",
                tokens_per_hour=hour.read(),
                tokens_per_day=day.read(),
            )
            if of is not None:
                if await asyncio.to_thread(limit_of, self._rulebook, wanted.caller, self._scene.now):
                    raise FieldError(of, f"{wanted.caller} has a limit already: change it in its row")
                if wanted == Limit(caller=wanted.caller):
                    raise FieldError(hour, "how many? Write this one, or the other, or both")
            await change(self._scene, partial(enforce, self._rulebook, wanted))
            facts = {"caller": wanted.caller, "per_hour": wanted.tokens_per_hour, "per_day": wanted.tokens_per_day}
            note(self._scene, "limit set", **facts)
            self._renewal.soon()
            return limit_words(wanted)

        form.open(carry_out)

    def _ask_to_unlimit(self, name: str) -> None:
        """Ask whether the limit of a caller is to go."""
        words = f"{name} may then spend whatever is free. What it spent stays in the ledger."
        form = Form(self._scene, f"Take the limit of {name} away?", "Take away", words=words, grave=True)

        async def carry_out() -> str:
            if await change(self._scene, partial(self._rulebook.unlimit, name)):
                note(self._scene, "limit taken away", caller=name)
            self._renewal.soon()
            return f"{name} has no limit any more"

        form.open(carry_out)


def _text(count: int | None) -> str:
    return "" if count is None else str(count)
