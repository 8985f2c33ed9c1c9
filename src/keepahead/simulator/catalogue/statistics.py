"""Keepa's `stats` object, computed from the series themselves. Source: product sheet section 3.

All values are landed sums for triples; -1 means no offer or too little data.
"""

from bisect import bisect_right
from collections.abc import Callable
from functools import cached_property
from itertools import accumulate
from operator import mul
from typing import Any

from keepahead.simulator.catalogue.series import COUNT, PRICES, Row, landed

_DAY = 1_440
WINDOWS = (30, 90, 180, 365)


class Track:
    """One series made ready for questions: moments and landed values."""

    def __init__(self, moments: list[int], values: list[int]) -> None:
        self.moments = moments
        self.values = values

    @cached_property
    def _sums(self) -> tuple[list[int], list[int]]:
        """Up to each moment: minutes with an offer, and value times minutes."""
        spans = [
            until - since if value >= 0 else 0
            for since, until, value in zip(self.moments, self.moments[1:], self.values, strict=False)
        ]
        return list(accumulate(spans, initial=0)), list(accumulate(map(mul, spans, self.values), initial=0))

    def _until(self, moment: int) -> tuple[int, int]:
        """Return minutes with an offer, and value times minutes, from the first entry to a moment."""
        place = bisect_right(self.moments, moment) - 1
        if place < 0:
            return 0, 0
        minutes, weighted = self._sums
        value = self.values[place]
        span = moment - self.moments[place] if value >= 0 else 0
        return minutes[place] + span, weighted[place] + span * value

    def at(self, moment: int) -> int:
        """Return the value that holds at a moment, -1 before the first."""
        place = bisect_right(self.moments, moment) - 1
        return self.values[place] if place >= 0 else -1

    def mean(self, start: int, end: int) -> int:
        """Return the mean weighted by time, times without an offer left out; -1 when there was never one."""
        minutes, weighted = self._until(end)
        minutes_before, weighted_before = self._until(start)
        minutes -= minutes_before
        return (weighted - weighted_before) // minutes if minutes > 0 else -1

    def missing_percent(self, start: int, end: int) -> int:
        """Return how much of the time nobody offered, 0..100; -1 without data."""
        if not self.moments or end <= max(start, self.moments[0]):
            return -1
        whole = end - max(start, self.moments[0])
        offered = self._until(end)[0] - self._until(start)[0]
        return round((whole - offered) * 100 / whole)

    def extreme(self, start: int, end: int, best: Callable[[list[int]], int]) -> list[int] | None:
        """Return [moment, value] of the first lowest (best=min) or highest value, None when there was no offer."""
        first = max(0, bisect_right(self.moments, start) - 1)
        last = bisect_right(self.moments, end)
        inside = self.values[first:last]
        offered = [value for value in inside if value >= 0]
        if not offered:
            return None
        value = best(offered)
        return [max(start, self.moments[first + inside.index(value)]), value]

    def falls(self, start: int, *, least: float = 0.1) -> int:
        """Return how often the value fell by at least that share after `start`: for ranks a sign of sales."""
        place = max(1, bisect_right(self.moments, start))
        pairs = zip(self.values[place - 1 :], self.values[place:], strict=False)
        return sum(1 for before, after in pairs if 0 <= after <= before * (1 - least))


def track(rows: list[Row], end: int) -> Track:
    """Make a series ready for questions; what lies after `end` is left out."""
    kept = [row for row in rows if row[0] <= end]
    paired = bool(kept) and len(kept[0]) == 2
    return Track([row[0] for row in kept], [row[1] if paired else landed(row) for row in kept])


def statistics(tracks: dict[int, Track], at: int, start: int, end: int) -> dict[str, Any]:
    """Return the arrays of a stats object: `at` is now, [start, end] the asked interval (Keepa minutes).

    Series that were not delivered are missing in `tracks` and count as without data.
    """

    def each(value: Callable[[Track], Any], default: Any) -> list[Any]:
        return [value(tracks[n]) if n in tracks else default for n in range(COUNT)]

    def outs(first: int, last: int) -> list[int]:
        return [tracks[n].missing_percent(first, last) if n in tracks and n in PRICES else -1 for n in range(COUNT)]

    ever = min((t.moments[0] for t in tracks.values() if t.moments), default=at)
    lows = each(lambda t: t.extreme(ever, at, min), None)
    lows90 = each(lambda t: t.extreme(at - 90 * _DAY, at, min), None)
    current = each(lambda t: t.at(at), -1)
    stats: dict[str, Any] = {
        "current": current,
        "avg": each(lambda t: t.mean(start, end), -1),
        "atIntervalStart": each(lambda t: t.at(start), -1),
        "min": lows,
        "max": each(lambda t: t.extreme(ever, at, max), None),
        "minInInterval": each(lambda t: t.extreme(start, end, min), None),
        "maxInInterval": each(lambda t: t.extreme(start, end, max), None),
        "isLowest": [is_low(value, low) for value, low in zip(current, lows, strict=True)],
        "isLowest90": [is_low(value, low) for value, low in zip(current, lows90, strict=True)],
        "outOfStockPercentageInInterval": outs(start, end),
    }
    for days in WINDOWS:
        first = at - days * _DAY
        stats[f"avg{days}"] = each(lambda t, first=first: t.mean(first, at), -1)
        stats[f"outOfStockPercentage{days}"] = outs(first, at)
        stats[f"salesRankDrops{days}"] = tracks[3].falls(first) if 3 in tracks and tracks[3].moments else -1
    for days in (30, 90):
        stats[f"outOfStockCountAmazon{days}"] = times_out(tracks.get(0), at - days * _DAY)
    return stats


def is_low(value: int, low: list[int] | None) -> bool:
    """Say whether a current value is as low as the lowest."""
    return low is not None and 0 <= value <= low[1]


def times_out(amazon: Track | None, start: int) -> int:
    """Return how often Amazon ran out since a moment."""
    if amazon is None:
        return 0
    first = max(0, bisect_right(amazon.moments, start) - 1)
    inside = amazon.values[first:]
    return sum(1 for i, value in enumerate(inside) if value < 0 and (i == 0 or inside[i - 1] >= 0))
