"""Price and rank history as one picture: a Vega-Lite document, drawn by whoever has the means. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor, log10
from typing import Any

WIDTH, HEIGHT = 1200, 700
_SIDE, _TOP, _BETWEEN, _BOTTOM = 114, 110, 26, 46
_PRICE_SHARE = 0.58
_INK, _SOFT, _GRID, _VOID = "#1f2933", "#616e7c", "#e4e7eb", "#f0f2f5"
_FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, sans-serif"
_COLOURS = ("#1769aa", "#d9822b", "#7b8794", "#8f3f97")
_RANK = "#20794b"
_LOG_FROM = 15
_POINTS_MOST, _DENSE = 6_000, 2_500
_DAY_MS = 86_400_000

Points = Sequence[tuple[datetime, int | None]]


@dataclass(frozen=True, slots=True)
class Line:
    """One series within the period: from each moment on its value holds; None is a gap. Oldest first."""

    name: str
    points: Points


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What is drawn: prices of one currency (the first line leads), and a rank; either may be missing."""

    title: str
    subtitle: str
    currency: str
    decimals: int
    prices: tuple[Line, ...]
    rank: Line | None
    since: datetime
    until: datetime

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to draw."""
        return not any(_has_value(line) for line in (*self.prices, *((self.rank,) if self.rank else ())))


def document(picture: Picture) -> dict[str, Any]:
    """Return the picture as a Vega-Lite 6 document of WIDTH by HEIGHT."""
    prices = [line for line in picture.prices if _has_value(line)]
    rank = picture.rank if picture.rank and _has_value(picture.rank) else None
    room = HEIGHT - _TOP - _BOTTOM - (_BETWEEN if prices and rank else 0)
    upper = round(room * _PRICE_SHARE) if rank else room
    panels = [
        *([_price_panel(picture, prices, upper, labelled=rank is None)] if prices else []),
        *([_rank_panel(picture, rank, room - upper if prices else room)] if rank else []),
    ]
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "background": "white",
        "padding": {"left": 24, "right": 28, "top": 22, "bottom": 14},
        "autosize": {"type": "pad"},
        "title": {
            "text": _shortened(picture.title),
            "subtitle": picture.subtitle,
            "anchor": "start",
            "frame": "group",
            "offset": 14,
        },
        "spacing": _BETWEEN,
        "vconcat": panels,
        "config": _config(),
    }


def steps(points: Points, until: datetime) -> list[list[tuple[datetime, int]]]:
    """Return the unbroken pieces of a series, each drawn to where its last value ends: at a gap, or at `until`."""
    pieces: list[list[tuple[datetime, int]]] = []
    open_piece: list[tuple[datetime, int]] = []
    for (at, value), (end, _) in pairwise([*points, (until, None)]):
        if value is None:
            continue
        if not open_piece or open_piece[-1][0] != at:
            open_piece = []
            pieces.append(open_piece)
        else:
            open_piece.pop()
        open_piece += [(at, value), (max(at, end), value)]
    return pieces


def gaps(points: Points, until: datetime) -> list[tuple[datetime, datetime]]:
    """Return from when to when a series has no value."""
    return [(at, end) for (at, value), (end, _) in pairwise([*points, (until, None)]) if value is None and end > at]


def _price_panel(picture: Picture, lines: Sequence[Line], height: int, *, labelled: bool) -> dict[str, Any]:
    names = [_label(line, picture) for line in lines]
    scale = 10**picture.decimals
    rows = [
        row | {"line": name} for line, name in zip(lines, names, strict=True) for row in _rows(line, picture, scale)
    ]
    colour = {
        "field": "line",
        "type": "nominal",
        "sort": names,
        "scale": {"domain": names, "range": list(_COLOURS[: len(names)])},
        "legend": {"title": None, "orient": "none", "direction": "horizontal", "legendX": 0, "legendY": -26},
    }
    y = {
        "field": "value",
        "type": "quantitative",
        "axis": {"title": f"price, {picture.currency}", "format": f",.{picture.decimals}f", "tickCount": 6},
        "scale": {"domain": _room_for(rows), "nice": True, "zero": False},
    }
    # The line that leads is drawn last, on top of the others.
    drawn = [
        {
            "transform": [{"filter": {"field": "line", "equal": name}}],
            "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.4 if place == 0 else 1.6},
            "encoding": {"x": _x(picture, labelled=labelled), "y": y, "color": colour, "detail": {"field": "piece"}},
        }
        for place, name in reversed(list(enumerate(names)))
    ]
    return {"width": _width(), "height": height, "data": {"values": rows}, "layer": [_void(lines[0], picture), *drawn]}


def _rank_panel(picture: Picture, line: Line, height: int) -> dict[str, Any]:
    rows = _rows(line, picture, 1)
    lowest, highest = min(row["value"] for row in rows), max(row["value"] for row in rows)
    axis: dict[str, Any] = {"title": "sales rank, best on top", "format": ",d", "tickCount": 5}
    scale: dict[str, Any] = {"reverse": True, "zero": False}
    if highest > _LOG_FROM * max(1, lowest):
        first, last = floor(log10(max(1, lowest))), ceil(log10(highest))
        scale |= {"type": "log", "domain": [10**first, 10**last], "nice": False, "clamp": True}
        axis |= {"values": [10**power for power in range(first, last + 1)]}
    else:
        scale |= {"domain": _room_for(rows), "nice": True}
    encoding = {
        "x": _x(picture, labelled=True),
        "y": {"field": "value", "type": "quantitative", "axis": axis, "scale": scale},
        "detail": {"field": "piece"},
    }
    mark = {
        "type": "line",
        "interpolate": "step-after",
        "strokeWidth": 1.5 if len(rows) < _DENSE else 1,
        "color": _RANK,
    }
    drawn = {"mark": mark, "encoding": encoding}
    return {
        "width": _width(),
        "height": height,
        "data": {"values": rows},
        "layer": [_void(line, picture), drawn],
    }


def _room_for(rows: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return the ends of an axis: a little more than the values need, so that a price that never moves has room too."""
    lowest, highest = min(row["value"] for row in rows), max(row["value"] for row in rows)
    margin = 0.05 * (highest - lowest) or 0.1 * highest or 1.0
    return [max(0, lowest - margin), highest + margin]


def _void(line: Line, picture: Picture) -> dict[str, Any]:
    """Return the grey that stands where the leading line has no value."""
    spans = [{"from": _ms(since), "to": _ms(until)} for since, until in gaps(line.points, picture.until)]
    return {
        "data": {"values": spans},
        "mark": {"type": "rect", "color": _VOID},
        "encoding": {"x": {"field": "from", "type": "temporal"}, "x2": {"field": "to"}},
    }


def _rows(line: Line, picture: Picture, scale: int) -> list[dict[str, Any]]:
    pieces = steps(thinned(line.points), picture.until)
    return [
        {"at": _ms(at), "value": value / scale if scale > 1 else value, "piece": number}
        for number, piece in enumerate(pieces)
        for at, value in piece
    ]


def thinned(points: Points) -> Points:
    """Return what a picture can show: of many points in one place the lowest, the highest and the last, gaps kept."""
    size = -(-len(points) * 3 // _POINTS_MOST)
    if size <= 1:
        return points
    kept: list[tuple[datetime, int | None]] = []
    for first in range(0, len(points), size):
        kept += _telling(points[first : first + size])
    return kept


def _telling(points: Points) -> Iterable[tuple[datetime, int | None]]:
    valued = [point for point in points if point[1] is not None]
    chosen = {points[0], points[-1], *(point for point in points if point[1] is None)}
    if valued:
        chosen |= {min(valued, key=lambda point: point[1] or 0), max(valued, key=lambda point: point[1] or 0)}
    return sorted(chosen, key=lambda point: point[0])


def _x(picture: Picture, *, labelled: bool) -> dict[str, Any]:
    days = (picture.until - picture.since).days
    text = "%-d %b %Y" if days < 60 else "%b %Y"
    axis = {"title": None, "format": text, "labels": labelled, "ticks": labelled, "tickCount": 12, "labelOverlap": True}
    domain = [_ms(picture.since), max(_ms(picture.until), _ms(picture.since) + _DAY_MS)]
    return {"field": "at", "type": "temporal", "axis": axis, "scale": {"type": "utc", "domain": domain, "nice": False}}


def _label(line: Line, picture: Picture) -> str:
    current = line.points[-1][1]
    now = "none now" if current is None else f"{current / 10**picture.decimals:,.{picture.decimals}f}"
    return f"{line.name}  {now}"


def _config() -> dict[str, Any]:
    return {
        "font": _FONT,
        "title": {
            "fontSize": 21,
            "fontWeight": 600,
            "color": _INK,
            "subtitleFontSize": 14,
            "subtitleColor": _SOFT,
            "subtitlePadding": 8,
        },
        "axis": {
            "labelFontSize": 13,
            "titleFontSize": 13,
            "titleFontWeight": "normal",
            "labelColor": _SOFT,
            "titleColor": _SOFT,
            "gridColor": _GRID,
            "domainColor": _GRID,
            "tickColor": _GRID,
            "titlePadding": 12,
            "labelPadding": 6,
            "minExtent": 62,
            "maxExtent": 62,
        },
        "axisX": {"minExtent": 0, "grid": True},
        "legend": {
            "labelFontSize": 14,
            "labelColor": _INK,
            "symbolType": "stroke",
            "symbolSize": 360,
            "columnPadding": 26,
            "symbolStrokeWidth": 3,
            "labelLimit": 300,
        },
        "view": {"stroke": None},
    }


def _shortened(text: str, most: int = 96) -> str:
    return text if len(text) <= most else f"{text[: most - 1].rstrip(' ,;|-')}…"


def _width() -> int:
    return WIDTH - _SIDE - 28


def _has_value(line: Line) -> bool:
    return any(value is not None for _, value in line.points)


def _ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
