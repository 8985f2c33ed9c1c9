"""Does it sell better in some months than in others? Asked of the sales rank, once there are two whole years of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import exp, log
from statistics import fmean

from keepahead.keepa.series import Series
from keepahead.work.analysis.thresholds import Thresholds

_MONTHS = 12
_MONTHS_MOST = 60


@dataclass(frozen=True, slots=True)
class Season:
    """`strength` 0 to 1: how much of the rank's ups and downs the calendar month explains. None: not enough months.

    `swing`: how many times better the rank of the best month is than that of the worst. `index` by month, 1 to 12:
    above 1 the rank is better than in the mean. `is_seasonal` where both are above their thresholds.
    """

    months: int
    strength: float | None = None
    swing: float | None = None
    index: Mapping[int, float] | None = None
    is_seasonal: bool | None = None

    @property
    def best_months(self) -> list[int]:
        """The months in which the rank is better than in the mean by half the way to the best."""
        if not self.index:
            return []
        bar = max(self.index.values()) ** 0.5
        return [month for month, value in self.index.items() if value > 1 and value >= bar]


def season_of(rank: Series, *, until: datetime, thresholds: Thresholds) -> Season:
    """Return what the whole months before `until` tell. A steady rise or fall over the years is taken out first."""
    months = [(number, month, log(mean)) for number, month, mean in _monthly(rank, until) if mean]
    if len(months) < max(_MONTHS * 2, thresholds.season_months) or len({month for _, month, _ in months}) < _MONTHS:
        return Season(len(months))
    rest = _without_trend([(number, value) for number, _, value in months])
    by_month = {month: fmean(r for r, m in zip(rest, months, strict=True) if m[1] == month) for month in range(1, 13)}
    whole = sum(value**2 for value in rest)
    unexplained = sum((value - by_month[month]) ** 2 for value, (_, month, _) in zip(rest, months, strict=True))
    count = len(months)
    # Twelve means explain much of anything; the adjusted share does not count that as a season.
    share = 1 - unexplained / whole * (count - 1) / (count - _MONTHS) if whole > 1e-9 else 0.0
    strength, swing = max(0.0, share), exp(max(by_month.values()) - min(by_month.values()))
    seasonal = strength >= thresholds.season_strength and swing >= thresholds.season_swing
    return Season(count, strength, swing, {month: exp(-value) for month, value in by_month.items()}, seasonal)


def _monthly(rank: Series, until: datetime) -> list[tuple[int, int, float | None]]:
    """Return the mean rank of each whole month, newest first, with a running number and the calendar month."""
    if not len(rank):
        return []
    first = rank.times[0]
    end = until.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    found: list[tuple[int, int, float | None]] = []
    for number in range(_MONTHS_MOST):
        start = (end - timedelta(days=1)).replace(day=1)
        if start < first:
            break
        found.append((-number, start.month, rank.mean((end - start).days, until=end)))
        end = start
    return found


def _without_trend(points: Sequence[tuple[int, float]]) -> list[float]:
    """Return what is left of the values when the straight line through them is taken away."""
    middle, mean = fmean(x for x, _ in points), fmean(y for _, y in points)
    spread = sum((x - middle) ** 2 for x, _ in points)
    slope = sum((x - middle) * (y - mean) for x, y in points) / spread if spread else 0.0
    return [y - mean - slope * (x - middle) for x, y in points]
