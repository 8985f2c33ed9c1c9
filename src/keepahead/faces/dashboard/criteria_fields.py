"""The form of a discovery: its fields, what stands in them, and the messages at those that are wrong."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Callable, Mapping

from nicegui import ui

from keepahead.faces.dashboard.criteria_form import AMAZON, AT_ONCE, DEFAULTS, HIGH, LOW, RANGES, ROADS, SORTS, Span
from keepahead.faces.dashboard.product_list import marketplaces

DEBOUNCE_MS = 350
"""So long after the last key the plan is made anew."""


class CriteriaFields:
    """The fields; `changed` is called whenever one of them has changed."""

    def __init__(self, texts: Mapping[str, str], changed: Callable[[], object]) -> None:
        self._texts = {**DEFAULTS, **texts}
        self._changed = changed
        self._boxes: dict[str, ui.input] = {}
        self._others: dict[str, ui.select | ui.checkbox] = {}
        with ui.element("form").props('onsubmit="return false" aria-label="What to discover"').classes("kh-form"):
            with ui.element("div").classes("kh-fields"):
                self._choice("domain", "Marketplace", marketplaces())
                with ui.element("div"):
                    self._one("category", "Category", "id of a root category", numeric=True)
                    self._name = ui.label().classes("kh-soft kh-hint").props("role=status")
                for each in RANGES:
                    if each.is_first:
                        self._range(each)
                self._one("max_results", "Products wanted", numeric=True)
                self._choice("sort", "What comes first", SORTS)
            self._rest = ui.expansion("More", value=self._has_more()).classes("kh-more").props("dense")
            with self._rest, ui.element("div").classes("kh-fields"):
                self._more()

    @property
    def texts(self) -> dict[str, str]:
        """What stands in the fields, but for what is empty or stood there at first."""
        told = {name: str(box.value or "").strip() for name, box in self._boxes.items()}
        for name, chosen in self._others.items():
            value = chosen.value
            told[name] = ("yes" if value else "no") if isinstance(value, bool) else str(value or "")
        return {name: text for name, text in told.items() if text != DEFAULTS.get(name, "")}

    def show_errors(self, errors: Mapping[str, str]) -> None:
        """Put each message at its field, and take those away that are not so any more."""
        chosen = {name: box for name, box in self._others.items() if isinstance(box, ui.select)}
        for name, box in (*self._boxes.items(), *chosen.items()):
            box.error = errors.get(name)
            box.props["aria-invalid"] = "true" if name in errors else "false"
        if not AT_ONCE.issuperset(errors):
            self._rest.set_value(True)

    def show_names(self, words: str) -> None:
        """Say what the categories are called."""
        self._name.set_text(words)
        self._name.set_visibility(bool(words))

    def _more(self) -> None:
        self._one("subcategory", "Sub-category", "id; only what is listed in it", numeric=True)
        self._one("branch", "Branch", "id; with all below it", numeric=True)
        for each in RANGES:
            if not each.is_first:
                self._range(each)
        self._one("title", "Words of the title", "-word must not be in it")
        self._one("brands", "Only these brands", "A; B")
        self._one("brands_excluded", "Not these brands", "A; B")
        self._one("changed_within_hours", "Price changed within", "hours", numeric=True)
        self._choice("amazon", "Amazon has it", AMAZON)
        self._choice("road", "Road", ROADS)
        self._one("max_tokens", "Spend at most", "tokens", numeric=True)
        self._switch("ratings", "With ratings (up to 1 token more for each)")
        self._switch("histories", "With price histories (costs the same)")

    def _has_more(self) -> bool:
        return any(text != DEFAULTS.get(name, "") for name, text in self._texts.items() if name not in AT_ONCE)

    def _range(self, each: Span) -> None:
        with ui.element("fieldset").classes("kh-one"):
            with ui.element("legend"):
                ui.label(each.label)
            with ui.element("div").classes("kh-range"):
                for end, word in ((LOW, "from"), (HIGH, "to")):
                    self._box(each.name + end, f"{each.label}, {word}", word, numeric=False)

    def _one(self, name: str, label: str, hint: str = "", *, numeric: bool = False) -> None:
        with ui.element("div").classes("kh-one"):
            ui.label(label).props("aria-hidden=true")
            self._box(name, label, hint, numeric=numeric)

    def _box(self, name: str, label: str, hint: str, *, numeric: bool) -> None:
        box = ui.input(value=self._texts.get(name, ""), placeholder=hint, on_change=self._changed)
        box.props(f"outlined dense debounce={DEBOUNCE_MS} maxlength=200 hide-bottom-space autocomplete=off")
        box.props["inputmode"] = "numeric" if numeric else "text"
        box.props["aria-label"] = label
        self._boxes[name] = box

    def _choice(self, name: str, label: str, options: Mapping[str, str]) -> None:
        value = self._texts.get(name, "")
        with ui.element("div").classes("kh-one"):
            ui.label(label).props("aria-hidden=true")
            chosen = ui.select(
                dict(options),
                value=value if value in options else next(iter(options)),
                on_change=self._changed,
            )
        chosen.props("outlined dense options-dense hide-bottom-space")
        chosen.props["aria-label"] = label
        self._others[name] = chosen

    def _switch(self, name: str, label: str) -> None:
        self._others[name] = ui.checkbox(label, value=self._texts.get(name) == "yes", on_change=self._changed)
