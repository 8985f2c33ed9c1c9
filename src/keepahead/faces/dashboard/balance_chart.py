"""The chart of the balance: what it was, what was held and refused, and how it may go on. Plain data to options."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from keepahead.budget.account import Account
from keepahead.budget.entry import Refusal, Reserved
from keepahead.budget.forecast import points
from keepahead.budget.past import Level, levels
from keepahead.faces.dashboard.look import Palette
from keepahead.store.course import Past
from keepahead.store.record import Line

Dots = list[list[float]]
"""Points of a series: milliseconds since 1970, and tokens."""

BALANCE, HELD, REFUSED = "Balance", "Held for calls", "Refused calls"
IF_NOTHING, AT_PACE = "If nothing more is sent", "At the present pace"


@dataclass(frozen=True, slots=True)
class Span:
    """How far back a chart goes, in how many stretches it is read, and how far ahead it looks."""

    name: str
    back: timedelta
    stretches: int
    ahead: timedelta


SPANS: Mapping[str, Span] = {
    span.name: span
    for span in (
        Span("hour", timedelta(hours=1), 240, timedelta(minutes=30)),
        Span("day", timedelta(days=1), 288, timedelta(hours=6)),
        Span("week", timedelta(days=7), 336, timedelta(days=1)),
    )
}
_FORECAST_POINTS = 30


@dataclass(frozen=True, slots=True)
class Drawn:
    """The points of each series of what was."""

    balance: Dots
    held: Dots
    refused: Dots


def drawn(past: Past, since: datetime, until: datetime, *, stretches: int) -> Drawn:
    """Return the points of the past: the balance from level to level, the others where something was."""
    step = (until - since) / stretches
    return Drawn(
        balance=[_dot(level) for level in levels(past.readings, since, until, step=step)],
        held=[[_ms(each.at), each.tokens] for each in past.held],
        refused=[[_ms(each.at), 0, each.calls] for each in past.refused],
    )


def added(lines: Sequence[Line], at: datetime, balance: int | None) -> Drawn:
    """Return the points that new entries add, and the balance as it stands."""
    entries = [line.entry for line in lines]
    return Drawn(
        balance=[] if balance is None else [[_ms(at), balance]],
        held=[[_ms(each.at), each.balance - each.free + each.tokens] for each in entries if isinstance(each, Reserved)],
        refused=[[_ms(each.at), 0, 1] for each in entries if isinstance(each, Refusal)],
    )


def ahead(account: Account, now: datetime, span: timedelta, pace: float) -> tuple[Dots, Dots]:
    """Return how the balance goes on: if nothing more is sent, and at that pace (tokens a minute)."""
    if account.meter is None:
        return [], []
    minutes = int(span.total_seconds() // 60)
    found = list(points(account, now, minutes=minutes, step=max(1, minutes // _FORECAST_POINTS), pace=pace))
    return [[_ms(each.at), each.balance] for each in found], [[_ms(each.at), each.at_pace] for each in found]


def looked_at(zoom: Mapping[str, Any], span: Span, now: datetime) -> tuple[datetime, datetime] | None:
    """Return what is looked at closely enough that finer points are worth it; None where all of them fit as they are.

    `zoom` is what the chart says of it: shares of the whole, in percent, of one way to zoom or of several.
    """
    shares = (zoom.get("batch") or [zoom])[0]
    begin, end = shares.get("start"), shares.get("end")
    if begin is None or end is None:
        return None
    first, whole = now - span.back, span.back + span.ahead
    since, until = first + whole * (begin / 100), min(now, first + whole * (end / 100))
    return (since, until) if timedelta() < until - since < span.back / 2 else None


def options(palette: Palette, floor: int) -> dict[str, Any]:
    """Return the options of the chart, without any points."""
    text = {"color": palette.soft}
    lines = {"lineStyle": {"color": palette.line}}
    axis = {"axisLabel": {**text, "hideOverlap": True}, "axisLine": lines, "axisTick": lines, "splitLine": lines}
    return {
        "useUTC": True,
        "animation": False,
        "textStyle": {"fontFamily": "inherit"},
        "grid": {"left": 12, "right": 20, "top": 64, "bottom": 64, "containLabel": True},
        "legend": {
            "top": 0,
            "left": 0,
            "textStyle": {"color": palette.text},
            "inactiveColor": palette.soft,
            "itemGap": 18,
        },
        "tooltip": {
            "trigger": "axis",
            "backgroundColor": palette.card,
            "borderColor": palette.line,
            "textStyle": {"color": palette.text},
            "axisPointer": {"lineStyle": {"color": palette.soft}, "label": {"show": False}},
        },
        "xAxis": {"type": "time", **axis, "splitLine": {"show": False}},
        "yAxis": {"type": "value", **axis},
        "dataZoom": [
            {"type": "inside", "filterMode": "none"},
            {
                "type": "slider",
                "filterMode": "none",
                "height": 26,
                "bottom": 10,
                "borderColor": palette.line,
                "textStyle": text,
                "fillerColor": f"{palette.act}33",
                "dataBackground": {"lineStyle": {"color": palette.soft}, "areaStyle": {"color": palette.line}},
            },
        ],
        "series": [
            {
                "id": "balance",
                "name": BALANCE,
                **_line(palette.act, width=2.5),
                "step": "end",
                "areaStyle": {"color": palette.act, "opacity": 0.1},
                "markLine": _floor(palette, floor),
            },
            {
                "id": "held",
                "name": HELD,
                "type": "scatter",
                "symbol": "rect",
                "symbolSize": [3, 9],
                "itemStyle": {"color": palette.warn},
                "data": [],
            },
            {
                "id": "refused",
                "name": REFUSED,
                "type": "scatter",
                "symbol": "triangle",
                "symbolSize": 12,
                "itemStyle": {"color": palette.bad},
                "encode": {"x": 0, "y": 1, "tooltip": 2},
                "data": [],
                "z": 5,
            },
            {"id": "nothing", "name": IF_NOTHING, **_line(palette.good, width=2, kind="dashed")},
            {"id": "pace", "name": AT_PACE, **_line(palette.bad, width=2.5, kind="dotted")},
        ],
    }


def _line(colour: str, *, width: float, kind: str = "solid") -> dict[str, Any]:
    return {
        "type": "line",
        "symbol": "none",
        "data": [],
        "lineStyle": {"color": colour, "width": width, "type": kind},
        "itemStyle": {"color": colour},
    }


def _floor(palette: Palette, floor: int) -> dict[str, Any]:
    return {
        "silent": True,
        "symbol": "none",
        "lineStyle": {"color": palette.text, "type": "dotted", "width": 1.5},
        "label": {"formatter": f"floor {floor:,}", "position": "insideEndTop", "color": palette.text},
        "data": [{"yAxis": floor}],
    }


def _dot(level: Level) -> list[float]:
    return [_ms(level.at), level.balance]


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
