"""The velocity score: how fast it sells, and whether faster or slower than before."""

from math import log2

from keepahead.work.analysis.figures import Figures
from keepahead.work.analysis.sales import MONTHLY_SOLD, Sales
from keepahead.work.analysis.score import Part, Score, logarithmic, shared
from keepahead.work.analysis.thresholds import Thresholds


def velocity_of(sales: Sales, rank: Figures, thresholds: Thresholds) -> Score:
    """Return the score. Nothing is said where nothing tells how much is sold: a trend alone is no velocity."""
    parts = (_sales(sales, thresholds), _trend(rank, thresholds))
    return shared(parts) if sales.likely is not None else Score(None, parts)


def _sales(sales: Sales, thresholds: Thresholds) -> Part:
    most = thresholds.velocity_sales.points
    inputs = {"likely": sales.likely, "low": sales.low, "high": sales.high, "full": thresholds.velocity_sales.full}
    if sales.likely is None:
        return Part("sales", None, most, "neither Amazon's sales figure nor drops of the rank are known", inputs)
    points = most * logarithmic(sales.likely, thresholds.velocity_sales.full)
    if sales.source == MONTHLY_SOLD:
        because = f"about {sales.likely:,.0f} sold a month: Amazon says {sales.monthly_sold:,} or more"
    else:
        because = f"about {sales.likely:,.0f} sold a month, by the drops of its rank"
    return Part("sales", points, most, because, inputs)


def _trend(rank: Figures, thresholds: Thresholds) -> Part:
    most = thresholds.velocity_trend.points
    recent, longer = rank.mean(30), rank.mean(90)
    inputs = {"rank_mean_30": recent, "rank_mean_90": longer}
    if not recent or not longer:
        return Part("rank trend", None, most, "the rank of the last 30 and 90 days is not known", inputs)
    points = thresholds.velocity_trend.of(log2(longer / recent))
    word = "steady" if 0.9 < longer / recent < 1.1 else "better than" if longer > recent else "worse than"
    told = f"the rank is {word}" if word == "steady" else f"the rank of the last 30 days is {word} that of 90"
    return Part("rank trend", points, most, f"{told} ({recent:,.0f} and {longer:,.0f})", inputs)
