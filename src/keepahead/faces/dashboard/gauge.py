"""The gauge: how many tokens are left, between the marks below which somebody should do something."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import math
from collections.abc import Sequence
from dataclasses import dataclass

from nicegui import ui

from keepahead.faces.dashboard.look import Palette
from keepahead.faces.gateway.books import Marks, State
from keepahead.faces.words import tokens

BELOW_ZERO = 0.06
"""This part of the arc is for a balance below zero."""

BEND = 0.4
"""The scale is stretched near zero, where the marks are: the share of the arc is that of the tokens to this power."""

_RADIUS = 100.0
_FROM, _TO = -110.0, 110.0  # degrees from the top
_WIDTHS = {"track": 18, "zone": 5}


@dataclass(frozen=True, slots=True)
class Mark:
    """One mark of the scale: its name, the balance at which it stands, and what it means."""

    name: str
    tokens: int
    meaning: str


def marks_of(marks: Marks, floor: int) -> Sequence[Mark]:
    """Return the marks, the lowest first; the floor comes first where two are the same."""
    found = (
        Mark("Floor", floor, "nothing is spent below it"),
        Mark("Critical", marks.critical, "soon nothing can be spent"),
        Mark("Low", marks.low, "time to slow down"),
    )
    return sorted(found, key=lambda mark: mark.tokens)


def share(balance: int, capacity: int) -> float:
    """Return how far along the arc a balance stands, from 0 to 1."""
    if balance < 0 or not capacity:
        return BELOW_ZERO / 2 if balance < 0 else BELOW_ZERO
    return BELOW_ZERO + (1 - BELOW_ZERO) * min(1.0, balance / capacity) ** BEND


def state_words(state: State, floor: int, marks: Marks) -> str:
    """Say how a balance is to be taken."""
    match state:
        case State.OK:
            return "OK"
        case State.LOW:
            return f"Low: below {marks.low:,}"
        case State.CRITICAL:
            return f"Critical: below {marks.critical:,}"
        case State.BELOW_FLOOR:
            return f"At the floor of {floor:,}: nothing is spent until it refills"
        case State.NEGATIVE:
            return "Below zero: Keepa refuses every call until it refills"
        case State.UNKNOWN:
            return "Not known yet"


STATE_ICONS = {
    State.OK: "check_circle",
    State.LOW: "trending_down",
    State.CRITICAL: "warning",
    State.BELOW_FLOOR: "block",
    State.NEGATIVE: "error",
    State.UNKNOWN: "help",
}
"""Whoever does not tell the colours apart has these, and the words."""

STATE_CLASSES = {State.OK: "kh-good", State.LOW: "kh-warn", State.UNKNOWN: "kh-soft"}
"""The classes of the states; all others are bad."""


class Gauge:
    """An arc that fills with the balance, and the balance in figures and in words within it."""

    def __init__(self, palette: Palette) -> None:
        self._palette = palette
        self._shown: tuple[object, ...] = ()
        with ui.element("div").classes("kh-gauge").props('role=meter aria-label="Tokens left"') as self._box:
            with ui.element("svg").props('viewBox="-124 -122 248 176" aria-hidden=true'):
                self._zones = [_arc(_RADIUS + 15, "zone") for _ in range(3)]
                _arc(_RADIUS, "track").style("stroke: var(--line)")
                self._fill = _arc(_RADIUS, "track")
                self._fill.classes("kh-gauge-fill")
                self._ticks = [ui.element("line").classes("kh-gauge-tick") for _ in range(3)]
            with ui.element("div").classes("kh-gauge-words"):
                self._figure = ui.label().classes("kh-gauge-figure")
                self._of = ui.label().classes("kh-soft kh-numbers")
        with ui.element("div").classes("kh-state").props("role=status"):
            self._icon = ui.icon("help").props("aria-hidden=true")
            self._words = ui.label()

    def show(self, *, balance: int, capacity: int, floor: int, state: State, marks: Marks) -> None:
        """Show a balance; nothing is sent of what is shown already."""
        facts = (balance, capacity, floor, state)
        if facts == self._shown:
            return
        before, self._shown = self._shown, facts
        colour = self._palette.of_state(state)
        self._fill.style(f"stroke: {colour}; stroke-dasharray: {share(balance, capacity):.4f} 1")
        self._figure.text = f"{balance:,}"
        self._of.text = f"of {tokens(capacity)}"
        words = state_words(state, floor, marks)
        self._box.props(f"aria-valuemin={min(0, balance)} aria-valuemax={capacity} aria-valuenow={balance}")
        self._box.props["aria-valuetext"] = f"{tokens(balance)} left of {capacity:,}. {words}"
        self._words.text = words
        self._icon.name = STATE_ICONS[state]
        for each in (self._icon, self._words):
            each.classes(replace=STATE_CLASSES.get(state, "kh-bad"))
        if before[1:3] != facts[1:3]:
            self._place_marks(marks_of(marks, floor), capacity)

    def _place_marks(self, marks: Sequence[Mark], capacity: int) -> None:
        palette = self._palette
        at = {mark.name: share(mark.tokens, capacity) for mark in marks}
        critical, low = max(at["Critical"], at["Floor"]), max(at.values())
        for zone, (colour, begins, ends) in zip(
            self._zones,
            ((palette.bad, 0.0, critical), (palette.warn, critical, low), (palette.good, low, 1.0)),
            strict=True,
        ):
            length = max(0.0, ends - begins - 0.006)
            zone.style(f"stroke: {colour}; stroke-dasharray: 0 {begins:.4f} {length:.4f} 1")
        for tick, share_of_arc in zip(self._ticks, at.values(), strict=True):
            inner, outer = _point(share_of_arc, _RADIUS - 9), _point(share_of_arc, _RADIUS + 18)
            tick.props(f"x1={inner[0]:.2f} y1={inner[1]:.2f} x2={outer[0]:.2f} y2={outer[1]:.2f}")


def _point(along: float, radius: float) -> tuple[float, float]:
    angle = math.radians(_FROM + (_TO - _FROM) * along)
    return radius * math.sin(angle), -radius * math.cos(angle)


def _arc(radius: float, kind: str) -> ui.element:
    (x1, y1), (x2, y2) = _point(0, radius), _point(1, radius)
    arc = ui.element("path").props("fill=none pathLength=1").style(f"stroke-width: {_WIDTHS[kind]}")
    arc.props["d"] = f"M {x1:.2f} {y1:.2f} A {radius} {radius} 0 1 1 {x2:.2f} {y2:.2f}"
    return arc
