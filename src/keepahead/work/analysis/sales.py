"""How many a month: Amazon's own figure where there is one, else what the falls of the sales rank tell."""

from dataclasses import dataclass

from keepahead.work.analysis.thresholds import Thresholds

MONTHLY_SOLD, RANK_DROPS = "monthlySold", "rank drops"

_OPEN_FROM = 100_000
_STEPS = ((100, 50), (1_000, 100), (10_000, 1_000), (_OPEN_FROM, 10_000))


@dataclass(frozen=True, slots=True)
class Sales:
    """Sales a month, all sellers together: at least `low`, at most `high` (None: open), `likely` in between.

    `source` says what it is made of; all are None without either. A drop is a fall of the rank: at least one sale.
    """

    source: str | None
    low: int | None
    likely: float | None
    high: int | None
    monthly_sold: int | None
    drops_30: int | None
    drops_90: int | None
    drops_180: int | None
    drops_365: int | None


def sales_of(monthly_sold: int | None, drops: dict[int, int | None], thresholds: Thresholds) -> Sales:
    """Return the estimate. `monthly_sold` is Amazon's lower bound; `drops` are by the number of days."""
    given = drops.get(30), drops.get(90), drops.get(180), drops.get(365)
    if monthly_sold is not None and monthly_sold > 0:
        low, high = bracket(monthly_sold)
        likely = float(low) if high is None else (low + high) / 2
        return Sales(MONTHLY_SOLD, low, likely, high, monthly_sold, *given)
    recent, longer = given[0], given[1]
    rates = [rate for rate in (recent, None if longer is None else longer / 3) if rate is not None]
    if not rates:
        return Sales(None, None, None, None, None, *given)
    likely = thresholds.sales_per_drop * sum(rates) / len(rates)
    return Sales(RANK_DROPS, int(min(rates)), likely, None, None, *given)


def bracket(monthly_sold: int) -> tuple[int, int | None]:
    """Return the ends of what Amazon's "n+ bought in past month" stands for; 100,000 and more is open."""
    for below, step in _STEPS:
        if monthly_sold < below:
            return monthly_sold, monthly_sold + step - 1
    return monthly_sold, None
