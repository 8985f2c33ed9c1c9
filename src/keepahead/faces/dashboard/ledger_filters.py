"""The fields that say which entries are wanted. What cannot be is told at its field."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime

from nicegui import ui

from keepahead.faces.dashboard.ledger_rows import kind_words
from keepahead.faces.dashboard.quest import TEXT_MOST, Quest
from keepahead.faces.gateway.wanted_entries import read_moment
from keepahead.faces.ledger_documents import ENDPOINTS
from keepahead.store.rows import KINDS

_ANY: Mapping[str, str] = {
    "kind": "All entries",
    "caller": "All callers",
    "endpoint": "All endpoints",
    "lane": "All lanes",
}
_TYPING_MS = 300


class LedgerFilters:
    """The fields; `change` is called with what one of them says now."""

    def __init__(
        self,
        quest: Quest,
        callers: Sequence[str],
        change: Callable[[str, str], Awaitable[None]],
        now: Callable[[], datetime],
    ) -> None:
        self._now = now
        self._is_set = False
        self._change = change
        with ui.element("div").classes("kh-filters").props('role=search aria-label="Find entries"'):
            self._text = ui.input("Search", value=quest.text, placeholder="a call, a caller, what was asked")
            self._text.props(f"outlined dense clearable debounce={_TYPING_MS} maxlength={TEXT_MOST} type=search")
            self._text.classes("kh-search").on_value_change(lambda event: self._say("text", event.value))
            self._fields = {
                "kind": _choice("Entry", "kind", {each: kind_words(each) for each in KINDS}, quest.kind),
                "caller": _choice("Caller", "caller", {each: each for each in callers}, quest.caller),
                "endpoint": _choice("Endpoint", "endpoint", {each: each for each in ENDPOINTS}, quest.endpoint),
                "lane": _choice("Lane", "lane", {"live": "live", "jobs": "jobs"}, quest.lane),
            }
            for name, field in self._fields.items():
                field.on_value_change(lambda event, name=name: self._say(name, event.value))
            self._moments = {
                "since": self._moment("From", "since", quest.since, "6h, 7d, or 2026-11-22 20:00"),
                "until": self._moment("Until", "until", quest.until, "now"),
            }

    def show(self, quest: Quest) -> None:
        """Show what is looked for, without looking for it again."""
        self._is_set = True
        self._text.value = quest.text
        for name, field in (self._fields | self._moments).items():
            field.value = getattr(quest, name)
        self._is_set = False

    def _moment(self, label: str, name: str, value: str, hint: str) -> ui.input:
        field = ui.input(label, value=value, placeholder=hint, validation=self._failure_of)
        field.props(f"outlined dense clearable debounce={_TYPING_MS} maxlength=40").classes("kh-moment")
        field.on_value_change(lambda event: self._say(name, event.value))
        return field

    def _failure_of(self, text: str | None) -> str | None:
        try:
            if text and text.strip():
                read_moment(text.strip(), self._now())
        except ValueError:
            return "Write 6h, 7d or 2026-11-22 20:00"
        return None

    def _say(self, name: str, value: str | None) -> Awaitable[None] | None:
        text = " ".join((value or "").split())
        if self._is_set or (name in self._moments and self._failure_of(text)):
            return None
        return self._change(name, text)


def _choice(label: str, name: str, options: dict[str, str], value: str) -> ui.select:
    known = {"": _ANY[name], **options, **({value: value} if value else {})}
    return ui.select({**known, **options}, label=label, value=value).props("outlined dense").classes("kh-choice")
