"""Freezes in force: what they forbid, until when and why; made, and taken back."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial

from keepahead.budget.rule import Freeze
from keepahead.faces.dashboard.change import change, note
from keepahead.faces.dashboard.fields import read_balance, read_caller_or_none, read_tokens, read_words
from keepahead.faces.dashboard.form import Field, FieldError, Form, choice
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.renewal import Renewal
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.section import Section, act, empty
from keepahead.faces.dashboard.table import Cell, Column, table
from keepahead.faces.dashboard.ticks import Ticks
from keepahead.faces.dashboard.until import Until
from keepahead.faces.freeze_words import LONGEST_WORDS, endless, forbidden, over_at_once, words_of
from keepahead.faces.ledger_documents import ENDPOINTS

_COLUMNS = (
    Column("Freeze"),
    Column("Forbidden"),
    Column("Ends"),
    Column("Callers are told"),
    Column("Made"),
    Column(""),
)
_LANES = {None: "Both lanes", "live": "live", "jobs": "jobs"}
_NONE = 'No freeze is in force. "Freeze calls" forbids calls for some time, to everybody who shares the ledger.'


class FreezesSection:
    """Shows the freezes in force."""

    def __init__(self, scene: Scene, renewal: Renewal) -> None:
        self._scene = scene
        self._renewal = renewal
        self._rulebook = scene.house.books.rulebook
        self._ticks = Ticks()
        self._section = Section("Freezes", self._draw, "Calls that are forbidden for some time.")
        with self._section.acts:
            act(scene, "Freeze calls", self._ask)

    async def refresh(self) -> None:
        """Look, and show what is new. Raises LedgerError."""
        now = self._scene.now
        self._section.show(tuple(await asyncio.to_thread(self._rulebook.freezes, now)))
        self._ticks.tick(now)

    def _draw(self, freezes: Sequence[Freeze]) -> None:
        self._ticks.clear()
        if freezes:
            table("Freezes in force", _COLUMNS, [self._row(freeze) for freeze in freezes])
        else:
            empty(_NONE)

    def _row(self, freeze: Freeze) -> Sequence[Cell]:
        now = self._scene.now

        def draw_end() -> None:
            self._ticks.draw(partial(ends, freeze), now)

        def draw_act() -> None:
            label = f"Take back: freeze {freeze.freeze_id}"
            act(self._scene, "Take back", lambda: self._ask_to_thaw(freeze), label=label, grave=True)

        made = f"{freeze.made_at:%Y-%m-%d %H:%M} UTC"
        return f"No. {freeze.freeze_id}", forbidden(freeze), draw_end, freeze.words, made, draw_act

    def _ask(self) -> None:
        """Ask what is to be forbidden, and until when."""
        form = Form(
            self._scene,
            "Freeze calls",
            "Freeze",
            words="Forbids calls that cost tokens and fit all that is chosen here. What waits is refused at once.",
        )
        with form.body:
            endpoints = choice("Endpoints (none chosen: all)", ENDPOINTS, [], several=True)
            lane = choice("Lane", _LANES, None)
        above = form.field("Only calls above so many tokens", read_tokens, hint="empty: any that cost something")
        caller = form.field("Only the caller", read_caller_or_none, hint="empty: every caller")
        until = Until(form, may_be_endless=True)
        balance = form.field("Or until so many tokens are there", read_balance, hint="empty: whatever is there")
        why = form.field("What refused callers are told", _read_why, hint="empty: the rule in words")

        async def carry_out() -> str:
            now = self._scene.now
            wanted = Freeze(
                freeze_id=0,
                words="",
                made_at=now,
                endpoints=tuple(endpoints.value or ()),
                above=above.read(),
                lane=lane.value,
                caller=caller.read(),
                until=until.read(now),
                until_balance=balance.read(),
            )
            return await self._freeze(replace(wanted, words=why.read() or words_of(wanted)), balance)

        form.open(carry_out)

    async def _freeze(self, wanted: Freeze, balance: Field[int | None]) -> str:
        meter = (await asyncio.to_thread(self._scene.house.books.ledger.account)).meter
        if wrong := over_at_once(wanted, meter):
            raise FieldError(balance, wrong)
        made = await change(self._scene, partial(self._rulebook.freeze, wanted))
        note(self._scene, "freeze made", freeze=made.freeze_id, words=made.words)
        self._renewal.soon()
        warning = endless(wanted, meter)
        return f"Freeze {made.freeze_id}: {made.words}{f'. Mind that {warning}' if warning else ''}"

    def _ask_to_thaw(self, freeze: Freeze) -> None:
        title = f"Take freeze {freeze.freeze_id} back?"
        form = Form(self._scene, title, "Take back", words=f"{forbidden(freeze)} may then be sent again.")

        async def carry_out() -> str:
            number = freeze.freeze_id
            was_there = await change(self._scene, partial(self._rulebook.thaw, number))
            if was_there:
                note(self._scene, "freeze taken back", freeze=number)
            self._renewal.soon()
            return f"Freeze {number} is taken back" if was_there else f"Freeze {number} was gone already"

        form.open(carry_out)


def ends(freeze: Freeze, now: datetime) -> str:
    """Return when it ends, in UTC."""
    found = [
        *([moment(freeze.until, now)] if freeze.until else ()),
        *([] if freeze.until_balance is None else [f"at a balance of {freeze.until_balance:,}"]),
    ]
    return " or ".join(found) or "when it is taken back"


def _read_why(text: str) -> str:
    return read_words(text, LONGEST_WORDS)
