"""Keepa's `stats` object, computed from the series themselves. Source: product sheet section 3.

All values are landed sums for triples; -1 means no offer or too little data.
"""

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keepahead.simulator.catalogue.series import COUNT, PRICES, Row, landed

_DAY = 1_440
WINDOWS = (30, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class Track:
    """One series made ready for questions: moments and landed values, up to `end`."""

    moments: list[int]
    values: list[int]
    end: int

    def at(self, moment: int) -> int:
        """Return the value that holds at a moment, -1 before the first."""
        place = bisect_right(self.moments, moment) - 1
        return self.values[place] if place >= 0 else -1

    def stretches(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """Return (minutes, value, beginning) of each stretch between two moments."""
        place = max(0, bisect_right(self.moments, start) - 1)
        found: list[tuple[int, int, int]] = []
        for i in range(place, len(self.moments)):
            begin = max(self.moments[i], start)
            until = min(self.moments[i + 1] if i + 1 < len(self.moments) else end, end)
            if until > begin:
                found.append((until - begin, self.values[i], begin))
        return found

    def mean(self, start: int, end: int) -> int:
        """Return the mean weighted by time, times without an offer left out; -1 when there was never one."""
        total = minutes = 0
        for span, value, _ in self.stretches(start, end):
            if value >= 0:
                total += span * value
                minutes += span
        return total // minutes if minutes else -1

    def missing_percent(self, start: int, end: int) -> int:
        """Return how much of the time nobody offered, 0..100; -1 without data."""
        out = minutes = 0
        for span, value, _ in self.stretches(start, end):
            minutes += span
            out += span if value < 0 else 0
        return round(out * 100 / minutes) if minutes else -1

    def extreme(self, start: int, end: int, better: Callable[[int, int], bool]) -> list[int] | None:
        """Return [moment, value] of the first lowest or highest value, None when there was never an offer."""
        best: list[int] | None = None
        for _, value, begin in self.stretches(start, end + 1):
            if value >= 0 and (best is None or better(value, best[1])):
                best = [begin, value]
        return best

    def falls(self, start: int, *, least: float = 0.1) -> int:
        """Return how often the value fell by at least that share after `start`: for ranks a sign of sales."""
        place = bisect_right(self.moments, start)
        pairs = zip(self.values[max(0, place - 1) :], self.values[max(1, place) :], strict=False)
        return sum(1 for before, after in pairs if 0 <= after <= before * (1 - least))


def track(rows: list[Row], end: int) -> Track:
    """Make a series ready for questions; what lies after `end` is left out."""
    kept = [row for row in rows if row[0] <= end]
    return Track([row[0] for row in kept], [landed(row) for row in kept], end)


def _lower(a: int, b: int) -> bool:
    return a < b


def _higher(a: int, b: int) -> bool:
    return a > b


def statistics(tracks: dict[int, Track], at: int, start: int, end: int) -> dict[str, Any]:
    """Return the arrays of a stats object: `at` is now, [start, end] the asked interval (Keepa minutes).

    Series that were not delivered are missing in `tracks` and count as without data.
    """

    def each(value: Callable[[Track], Any], default: Any) -> list[Any]:
        return [value(tracks[n]) if n in tracks else default for n in range(COUNT)]

    def outs(first: int, last: int) -> list[int]:
        return [tracks[n].missing_percent(first, last) if n in tracks and n in PRICES else -1 for n in range(COUNT)]

    ever = min((t.moments[0] for t in tracks.values() if t.moments), default=at)
    lows = each(lambda t: t.extreme(ever, at, _lower), None)
    lows90 = each(lambda t: t.extreme(at - 90 * _DAY, at, _lower), None)
    current = each(lambda t: t.at(at), -1)
    stats: dict[str, Any] = {
        "current": current,
        "avg": each(lambda t: t.mean(start, end), -1),
        "atIntervalStart": each(lambda t: t.at(start), -1),
        "min": lows,
        "max": each(lambda t: t.extreme(ever, at, _higher), None),
        "minInInterval": each(lambda t: t.extreme(start, end, _lower), None),
        "maxInInterval": each(lambda t: t.extreme(start, end, _higher), None),
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
    spans = amazon.stretches(start, amazon.end + 1)
    return sum(1 for i, (_, value, _) in enumerate(spans) if value < 0 and (i == 0 or spans[i - 1][1] >= 0))
