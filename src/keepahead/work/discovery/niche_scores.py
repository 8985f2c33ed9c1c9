"""How good a niche is: demand, competition, margin and stability, each 0 to 100, and their weighted mean. Pure.

Every number that a score begins or ends at is a mark of `NicheMarks`; the formulas stand in docs/discovery.md.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, cast

from keepahead.keepa.objects import Product
from keepahead.work.discovery.measures import MEASURES

_REFERRAL_FALLBACK = 15.0
"""Percent; what Amazon takes in most categories, where Keepa does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NicheMarks:
    """Where each score is full (or at its end), and what it weighs.

    Sales a month; new offers, ratings; percent of the price that is left after fees; percents that prices move.
    """

    sold_full: int = 1_000
    offers_end: float = 20.0
    reviews_end: float = 1_000.0
    margin_full_percent: float = 60.0
    deviation_end_percent: float = 30.0
    drift_end_percent: float = 30.0
    demand_weight: float = 0.35
    competition_weight: float = 0.25
    margin_weight: float = 0.25
    stability_weight: float = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class NicheScores:
    """Four scores of 0 to 100, the more the better (competition: the less there is); None: nobody can say."""

    demand: float | None
    competition: float | None
    margin: float | None
    stability: float | None
    total: float | None


def niche_scores(insights: Mapping[str, Any], sample: Sequence[Product], marks: NicheMarks) -> NicheScores:
    """Score a niche by the finder's insights into all that match, and by a sample of the first."""
    weighted = (
        (_demand(sample, marks), marks.demand_weight),
        (_competition(insights, marks), marks.competition_weight),
        (_margin(sample, marks), marks.margin_weight),
        (_stability(insights, marks), marks.stability_weight),
    )
    known = [(score, weight) for score, weight in weighted if score is not None]
    weights = sum(weight for _, weight in known)
    total = sum(score * weight for score, weight in known) / weights if weights else None
    demand, competition, margin, stability = (_rounded(score) for score, _ in weighted)
    return NicheScores(
        demand=demand, competition=competition, margin=margin, stability=stability, total=_rounded(total)
    )


def share_left(product: Product) -> float | None:
    """Return what is left of the lowest new price after Amazon's fees, in percent; None without price or FBA fee."""
    price, fees = MEASURES["new_price"].read(product), product.get("fbaFees")
    fee = _number(cast("Mapping[str, Any]", fees).get("pickAndPackFee")) if isinstance(fees, Mapping) else None
    if not price or fee is None:
        return None
    referral = _number(product.get("referralFeePercentage")) or _number(product.get("referralFeePercent"))
    return 100 * (price - fee) / price - (referral or _REFERRAL_FALLBACK)


def _demand(sample: Sequence[Product], marks: NicheMarks) -> float | None:
    """Score the median of what sells in a month by its order of magnitude; rank drops where Amazon tells nothing."""
    sold = [_sales(product) for product in sample]
    known = [each for each in sold if each is not None]
    return _part(math.log1p(median(known)), math.log1p(marks.sold_full)) if known else None


def _sales(product: Product) -> int | None:
    said, drops = MEASURES["sold"].read(product), MEASURES["rank_drops_30"].read(product)
    return said if said is not None else drops


def _competition(insights: Mapping[str, Any], marks: NicheMarks) -> float | None:
    return _mean(
        (
            _left(insights.get("avgOfferCountNew"), marks.offers_end),
            _left(insights.get("avgReviewCount"), marks.reviews_end),
            _left(insights.get("soldByAmazonPercent"), 100.0),
        )
    )


def _margin(sample: Sequence[Product], marks: NicheMarks) -> float | None:
    shares = [share for product in sample if (share := share_left(product)) is not None]
    return _part(median(shares), marks.margin_full_percent) if shares else None


def _stability(insights: Mapping[str, Any], marks: NicheMarks) -> float | None:
    price, deviation = _number(insights.get("avgBuyBox")), _number(insights.get("avgBuyBoxDeviation"))
    moves = 100 * deviation / price if price and deviation is not None else None
    return _mean(
        (
            _left(moves, marks.deviation_end_percent),
            _left(insights.get("avgDeltaPercent90BuyBox"), marks.drift_end_percent),
        )
    )


def _left(value: object, end: float) -> float | None:
    """Return 100 where there is nothing of something, 0 from its end on."""
    number = _number(value)
    return None if number is None else 100 - _part(abs(number), end)


def _part(value: float, full: float) -> float:
    return max(0.0, min(100.0, 100 * value / full))


def _mean(scores: Iterable[float | None]) -> float | None:
    known = [score for score in scores if score is not None]
    return sum(known) / len(known) if known else None


def _number(value: object) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _rounded(score: float | None) -> float | None:
    return None if score is None else round(score, 1)
