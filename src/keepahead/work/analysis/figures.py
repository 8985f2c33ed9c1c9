"""What a series was like over the last 30, 90, 180 and 365 days."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from keepahead.keepa.series import Series

WINDOWS = (30, 90, 180, 365)


@dataclass(frozen=True, slots=True)
class Window:
    """So many days back: the mean by time, extremes, standard deviation, and the share of the time without a value."""

    mean: float | None = None
    low: int | None = None
    high: int | None = None
    deviation: float | None = None
    gap_share: float | None = None


@dataclass(frozen=True, slots=True)
class Figures:
    """One series in figures: now, and by the number of days back. `source` names what they are from, None: nothing."""

    source: str | None
    current: int | None
    days: Mapping[int, Window]

    def mean(self, days: int) -> float | None:
        """Return the mean over the last so many days."""
        return self.days[days].mean

    def volatility(self, days: int) -> float | None:
        """Return the standard deviation as a share of the mean."""
        window = self.days[days]
        return window.deviation / window.mean if window.mean and window.deviation is not None else None


def figures_of(series: Series, current: int | None, means: Mapping[int, float | None], *, until: datetime) -> Figures:
    """Return the figures of a series. Without one, the current value and the means that Keepa worked out stand in."""
    if len(series) and series.times[0] <= until:
        days = {window: _window(series, window, until) for window in WINDOWS}
        return Figures(series.csv_type.name if series.csv_type is not None else None, series.at(until), days)
    known = current is not None or any(mean is not None for mean in means.values())
    return Figures("stats" if known else None, current, {window: Window(means.get(window)) for window in WINDOWS})


def times_out(series: Series, days: int, *, until: datetime) -> int | None:
    """Return how often a series lost its value within the last so many days; None without a series."""
    if not len(series):
        return None
    since = until - timedelta(days=days)
    return sum(
        1
        for (_, before, _), (at, value, _) in pairwise(series)
        if before is not None and value is None and since < at <= until
    )


def _window(series: Series, days: int, until: datetime) -> Window:
    return Window(
        series.mean(days, until=until),
        series.low(days, until=until),
        series.high(days, until=until),
        series.deviation(days, until=until),
        series.gap_share(days, until=until),
    )
