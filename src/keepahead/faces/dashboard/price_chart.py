"""Price and rank over time as options of an ECharts chart. The picture is the one that the commands draw. Pure."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from math import ceil, floor, log10
from types import MappingProxyType
from typing import Any

from keepahead.faces.dashboard.look import Palette
from keepahead.work.analysis.chart import Line, Picture, steps, thinned

RANGES: Mapping[str, int | None] = MappingProxyType(
    {"30 days": 30, "90 days": 90, "180 days": 180, "1 year": 365, "All": None}
)
"""Over how many days one may look; None: all there is."""

_LOG_FROM = 15
_TOP, _PRICE_BOTTOM, _RANK_TOP = 48, "42%", "66%"

Options = dict[str, Any]


def chart_options(picture: Picture, palette: Palette) -> Options:
    """Return prices on top and the rank below, the best rank uppermost; each series by its name in the legend."""
    prices, rank = picture.prices, picture.rank
    lines = [
        {**_line(line, picture, 10**picture.decimals, 0, palette.series[place]), "z": 9 - place}  # the first on top
        for place, line in enumerate(prices)
    ]
    panels = _panels(picture)
    if rank is not None:
        lines.append(_line(rank, picture, 1, len(panels) - 1, palette.series[3]))
    return {
        "animation": False,
        "useUTC": True,
        "textStyle": {"fontFamily": "system-ui, -apple-system, Segoe UI, Roboto, Noto Sans, sans-serif"},
        "legend": {
            "type": "scroll",
            "icon": "roundRect",
            "itemHeight": 4,
            "left": 0,
            "top": 0,
            "itemGap": 18,
            "textStyle": {"color": palette.text, "fontSize": 13},
            "inactiveColor": palette.soft,
            "pageTextStyle": {"color": palette.soft},
            "data": [line["name"] for line in lines],
        },
        "tooltip": {
            "trigger": "axis",
            "confine": True,
            "backgroundColor": palette.card,
            "borderColor": palette.line,
            "textStyle": {"color": palette.text},
        },
        "axisPointer": {"link": [{"xAxisIndex": "all"}], "lineStyle": {"color": palette.soft}},
        "grid": [{"left": 8, "right": 12, "containLabel": True, **room} for room in _rooms(len(panels))],
        "xAxis": [_time(picture, palette, place, is_lowest=place == len(panels) - 1) for place in range(len(panels))],
        "yAxis": [_value(name, axis, palette, place) for place, (name, axis) in enumerate(panels)],
        "series": lines,
    }


def _panels(picture: Picture) -> Sequence[tuple[str, Options]]:
    """Return the names of the panels that are drawn, and what their axes have of their own."""
    price: Options = {"scale": True, "splitNumber": 4}
    return [
        *([(f"price, {picture.currency}", price)] if picture.prices else []),
        *([("sales rank, best on top", _rank_axis(picture.rank))] if picture.rank else []),
    ]


def _rank_axis(rank: Line) -> Options:
    values = [value for _, value in rank.points if value]
    lowest, highest = min(values, default=1), max(values, default=1)
    if highest <= _LOG_FROM * lowest:
        return {"inverse": True, "scale": True, "splitNumber": 3, "minInterval": 1}
    least, most = 10 ** floor(log10(lowest)), 10 ** ceil(log10(highest))
    return {"inverse": True, "type": "log", "min": least, "max": most}


def _rooms(panels: int) -> Sequence[Options]:
    if panels == 1:
        return [{"top": _TOP + 24, "bottom": 8}]
    return [{"top": _TOP + 24, "bottom": _PRICE_BOTTOM}, {"top": _RANK_TOP, "bottom": 8}]


def _time(picture: Picture, palette: Palette, place: int, *, is_lowest: bool) -> Options:
    return {
        "type": "time",
        "gridIndex": place,
        "min": _ms(picture.since),
        "max": _ms(picture.until),
        "axisLabel": {"show": is_lowest, "color": palette.soft, "hideOverlap": True},
        "axisTick": {"show": is_lowest, "lineStyle": {"color": palette.line}},
        "axisLine": {"lineStyle": {"color": palette.line}, "onZero": False},
        "axisPointer": {"label": {"show": False}},
    }


def _value(name: str, axis: Options, palette: Palette, place: int) -> Options:
    return {
        "type": "value",
        "gridIndex": place,
        "name": name,
        "nameLocation": "start" if axis.get("inverse") else "end",
        "nameTextStyle": {"color": palette.soft, "align": "left"},
        "axisLabel": {"color": palette.soft},
        "splitLine": {"lineStyle": {"color": palette.line}},
        "axisPointer": {"label": {"show": False}},
        **axis,
    }


def _line(line: Line, picture: Picture, scale: int, panel: int, colour: str) -> Options:
    decimals = picture.decimals if scale > 1 else 0
    shape = f"{{minimumFractionDigits: {decimals}, maximumFractionDigits: {decimals}}}"
    return {
        "name": line.name,
        "type": "line",
        "step": "end",
        "xAxisIndex": panel,
        "yAxisIndex": panel,
        "showSymbol": False,
        "lineStyle": {"width": 2, "color": colour},
        "itemStyle": {"color": colour},
        "data": _data(line, picture.until, scale),
        "tooltip": {":valueFormatter": f"v => v == null ? 'none' : Number(v).toLocaleString('en-US', {shape})"},
    }


def _data(line: Line, until: datetime, scale: int) -> list[Sequence[float | int | None]]:
    """Return the points of the unbroken pieces, each drawn to its end, and a break between them."""
    pieces = steps(thinned(line.points), until)
    data: list[Sequence[float | int | None]] = []
    for piece, following in pairwise([*pieces, None]):
        data += [[_ms(at), value / scale if scale > 1 else value] for at, value in piece or ()]
        if following is not None:
            data.append([data[-1][0], None])
    return data


def _ms(moment: datetime) -> int:
    return int(moment.astimezone(UTC).timestamp() * 1000)
