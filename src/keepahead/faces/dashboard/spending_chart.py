"""The charts of spending: bars stacked over time, and costs beside what was set aside for them. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from keepahead.budget.rule import DAY, HOUR, day_of, hour_of
from keepahead.faces.dashboard.look import Palette
from keepahead.store.spending import Estimate, Part

SOMEBODY_ELSE = "(somebody else)"
OTHERS = "(others)"
NAMED_MOST = 7
"""So many groups have a colour of their own; what the others spent is one more."""

_JAVASCRIPTS = "constructor hasOwnProperty isPrototypeOf propertyIsEnumerable toLocaleString toString valueOf"
_TAKEN = frozenset((OTHERS, SOMEBODY_ELSE, *_JAVASCRIPTS.split()))

PAIRS_MOST = 8
_HATCHED = {"symbol": "rect", "dashArrayX": [1, 0], "dashArrayY": [3, 4], "rotation": -0.785}


class Range(StrEnum):
    """How far back is looked, in full hours."""

    TODAY = "today"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


@dataclass(frozen=True, slots=True)
class Window:
    """A time, and the parts that it is shown in: `count` of them, each so long."""

    since: datetime
    length: timedelta
    count: int

    @property
    def moments(self) -> Sequence[datetime]:
        """The beginnings of its parts."""
        return [self.since + number * self.length for number in range(self.count)]

    def label(self, moment: datetime) -> str:
        """Return how the beginning of a part is written."""
        if self.length >= DAY:
            return f"{moment:%d %b}"
        return f"{moment:%H:%M}" if self.length == HOUR else f"{moment:%d %b %H:%M}"


@dataclass(frozen=True, slots=True)
class Stack:
    """What each series spent in each part of a window. The last one may be somebody else's."""

    window: Window
    series: Mapping[str, Sequence[int]]


def window_of(range_: Range, now: datetime) -> Window:
    """Return the time that a range means now, in UTC."""
    now = now.astimezone(UTC)
    match range_:
        case Range.TODAY:
            return Window(day_of(now), HOUR, 24)
        case Range.DAY:
            return Window(hour_of(now) - 23 * HOUR, HOUR, 24)
        case Range.WEEK:
            quarter = day_of(now) + now.hour // 6 * 6 * HOUR
            return Window(quarter - 27 * 6 * HOUR, 6 * HOUR, 28)
        case Range.MONTH:
            return Window(day_of(now) - 29 * DAY, DAY, 30)


def name_in_charts(group: str) -> str:
    """Return how the charts call a group: in quotes where it is called as one of theirs, or as what JavaScript has.

    Charts look up what they know of a name in plain objects: "__proto__" would have them write into all there are.
    """
    return f'"{group}"' if group in _TAKEN or group.startswith("__") else group


def stack_of(parts: Sequence[Part], window: Window, known: Sequence[str] = ()) -> Stack:
    """Return the stack of these parts, those who spent most first; `known` keep their places, and so their colours."""
    parts = [replace(part, group=name_in_charts(part.group)) for part in parts]
    totals: dict[str, int] = {}
    for part in parts:
        if part.charged:
            totals[part.group] = totals.get(part.group, 0) + part.charged
    ranked = sorted(totals, key=lambda name: (-totals[name], name))
    kept = [name for name in known if name in totals]
    named = [*kept, *(name for name in ranked if name not in kept)][:NAMED_MOST]
    moments = {moment: number for number, moment in enumerate(window.moments)}
    series: dict[str, list[int]] = {name: [0] * window.count for name in named}
    for part in parts:
        at = moments.get(part.begins_at)
        if at is None:
            continue
        if part.charged:
            name = part.group if part.group in named else OTHERS
            series.setdefault(name, [0] * window.count)[at] += part.charged
    for part in parts:
        at = moments.get(part.begins_at)
        if at is not None and part.external:
            series.setdefault(SOMEBODY_ELSE, [0] * window.count)[at] += part.external
    return Stack(window, series)


def stack_options(stack: Stack, palette: Palette) -> dict[str, Any]:
    """Return the chart of a stack."""
    return {
        **_plain(palette),
        "xAxis": {
            "type": "category",
            "data": [stack.window.label(moment) for moment in stack.window.moments],
            "axisLabel": {"color": palette.soft, "hideOverlap": True},
            "axisLine": {"lineStyle": {"color": palette.line}},
            "axisTick": {"show": False},
        },
        "yAxis": _amounts(palette),
        "series": [_bar(name, values, number, palette) for number, (name, values) in enumerate(stack.series.items())],
    }


def pair_options(estimates: Sequence[Estimate], palette: Palette) -> dict[str, Any]:
    """Return the chart of what was set aside beside what was charged."""
    shown = estimates[:PAIRS_MOST]
    return {
        **_plain(palette),
        "xAxis": _amounts(palette),
        "yAxis": {
            "type": "category",
            "inverse": True,
            "data": [each.group for each in shown],
            "axisLabel": {"color": palette.text, "width": 110, "overflow": "truncate"},
            "axisLine": {"lineStyle": {"color": palette.line}},
            "axisTick": {"show": False},
        },
        "series": [
            _pair("Set aside", [each.reserved for each in shown], palette.soft),
            _pair("Charged", [each.charged for each in shown], palette.act),
        ],
    }


def pairs_of(estimates: Mapping[str, Estimate]) -> Sequence[Estimate]:
    """Return estimates with those first for which most was set aside."""
    ranked = sorted(estimates.values(), key=lambda each: (-each.reserved, each.group))
    return [replace(each, group=name_in_charts(each.group)) for each in ranked]


def _plain(palette: Palette) -> dict[str, Any]:
    return {
        "animation": False,
        "aria": {"enabled": True, "label": {"enabled": False}},
        "grid": {"left": 8, "right": 20, "top": 44, "bottom": 4, "containLabel": True},
        "legend": {
            "type": "scroll",
            "top": 0,
            "left": 0,
            "itemWidth": 14,
            "textStyle": {"color": palette.text},
            "pageTextStyle": {"color": palette.soft},
            "pageIconColor": palette.act,
            "pageIconInactiveColor": palette.line,
        },
        "tooltip": {
            "trigger": "axis",
            "axisPointer": {"type": "shadow"},
            "confine": True,
            "backgroundColor": palette.card,
            "borderColor": palette.line,
            "textStyle": {"color": palette.text},
        },
    }


def _amounts(palette: Palette) -> dict[str, Any]:
    return {
        "type": "value",
        "minInterval": 1,
        "splitNumber": 4,
        "axisLabel": {"color": palette.soft, "hideOverlap": True},
        "splitLine": {"lineStyle": {"color": palette.line}},
    }


def _bar(name: str, values: Sequence[int], number: int, palette: Palette) -> dict[str, Any]:
    style: dict[str, Any] = {"color": palette.series[number % len(palette.series)]}
    if name == OTHERS:
        style = {"color": palette.soft}
    if name == SOMEBODY_ELSE:
        style = {"color": palette.external, "decal": {**_HATCHED, "color": palette.card}}
    return {
        "name": name,
        "type": "bar",
        "stack": "spent",
        "data": list(values),
        "itemStyle": style,
        "barMaxWidth": 36,
        "emphasis": {"focus": "series"},
    }


def _pair(name: str, values: Sequence[int], colour: str) -> dict[str, Any]:
    return {"name": name, "type": "bar", "data": list(values), "itemStyle": {"color": colour}, "barMaxWidth": 14}
