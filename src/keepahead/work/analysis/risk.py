"""The risk score: the sum of what can go wrong, each thing with its points, its reason and its numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keepahead.work.analysis.competition import Competition
from keepahead.work.analysis.figures import Figures
from keepahead.work.analysis.score import Inputs, Part, Score, summed
from keepahead.work.analysis.season import Season
from keepahead.work.analysis.thresholds import Ramp, Thresholds

HIGH_RETURNS = 2
"""Keepa's `returnRate` for a product that comes back often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the risk is judged by."""

    price: Figures
    rank: Figures
    offers: Figures
    competition: Competition
    season: Season
    tracked_days: float | None
    age_days: float
    return_rate: int | None
    missing: Sequence[str]
    as_of: datetime


def risk_of(seen: Evidence, thresholds: Thresholds) -> Score:
    """Return the score."""
    parts = (
        *_competition(seen.competition, thresholds),
        *_market(seen, thresholds),
        *_record(seen, thresholds),
    )
    return summed(parts)


def _competition(seen: Competition, thresholds: Thresholds) -> list[Part]:
    parts = [
        _ramp(
            "one seller",
            thresholds.risk_one_seller,
            seen.leader_share,
            "one seller had the Buy Box {:.0%} of the time",
        ),
        _ramp("rivals", thresholds.risk_rivals, seen.rivals, "{:.0f} others sell it the same way"),
    ]
    share = seen.amazon_box_share
    if share is not None or not seen.amazon_in_stock:
        return [_ramp("Amazon", thresholds.risk_amazon, share, "Amazon had the Buy Box {:.0%} of the time"), *parts]
    points = thresholds.risk_amazon_in_stock
    because = "Amazon sells it; how often it has the Buy Box is not known"
    return [Part("Amazon", points, points, because, {"amazon_in_stock": 1}), *parts]


def _market(seen: Evidence, thresholds: Thresholds) -> list[Part]:
    price, offers, rank = seen.price, seen.offers, seen.rank
    relative = _ratio(price.current, price.mean(90))
    return [
        _ramp("price swings", thresholds.risk_price_swings, price.volatility(90), "the price swings by {:.0%}"),
        _ramp(
            "price fall",
            thresholds.risk_price_fall,
            None if relative is None else 1 - relative,
            "the price is {:.0%} below its mean of 90 days",
            "the price is not far below its mean of 90 days",
        ),
        _ramp(
            "more offers",
            thresholds.risk_more_offers,
            _ratio(offers.current, offers.mean(90)),
            "{:.1f} times as many offers as in the last 90 days",
            "hardly more offers than in the last 90 days",
        ),
        _ramp(
            "rank fall",
            thresholds.risk_rank_fall,
            _ratio(rank.mean(30), rank.mean(90)),
            "the rank of the last 30 days is {:.1f} times the mean of 90",
            "the rank holds",
        ),
        _ramp(
            "stock-outs",
            thresholds.risk_stock_outs,
            price.days[90].gap_share,
            "nobody offered it {:.0%} of the last 90 days",
            "it was offered nearly all of the last 90 days",
        ),
        _season(seen, thresholds),
    ]


def _record(seen: Evidence, thresholds: Thresholds) -> list[Part]:
    missing, often = thresholds.risk_missing * len(seen.missing), seen.return_rate == HIGH_RETURNS
    old = seen.age_days > thresholds.stale_days
    return [
        _ramp(
            "short record",
            thresholds.risk_short_record,
            seen.tracked_days,
            "it has been watched for {:.0f} days only",
            "it has been watched for {:.0f} days",
        ),
        Part(
            "returns",
            thresholds.risk_returns if often else 0.0,
            thresholds.risk_returns,
            "it is returned often" if often else "it is not known to be returned often",
            {"return_rate": seen.return_rate},
        ),
        Part(
            "missing data",
            missing,
            missing,
            f"not known: {', '.join(seen.missing)}" if seen.missing else "all that counts is known",
            {"missing": len(seen.missing)},
        ),
        Part(
            "old data",
            thresholds.risk_stale if old else 0.0,
            thresholds.risk_stale,
            f"the data is {seen.age_days:.0f} days old",
            {"age_days": seen.age_days, "stale_days": thresholds.stale_days},
        ),
    ]


def _season(seen: Evidence, thresholds: Thresholds) -> Part:
    """Return the points for buying out of season; none where there is no season."""
    ramp, index = thresholds.risk_out_of_season, (seen.season.index or {}).get(seen.as_of.month)
    if not seen.season.is_seasonal or not index:
        known = seen.season.is_seasonal is not None
        return Part("season", 0.0 if known else None, ramp.points, "no season" if known else "no season is known")
    words = "out of season: the rank is {:.1f} times that of a mean month"
    return _ramp("season", ramp, 1 / index, words, "it is in season")


def _ramp(name: str, ramp: Ramp, value: float | None, words: str, harmless: str | None = None) -> Part:
    """Return one reason. `harmless` says it where there are no points; without it `words` are true of any value."""
    inputs: Inputs = {"value": value, "start": ramp.start, "full": ramp.full}
    if value is None:
        return Part(name, None, ramp.points, "not known", inputs)
    points = ramp.of(value)
    told = words if points or harmless is None else harmless
    return Part(name, points, ramp.points, told.format(value), inputs)


def _ratio(value: float | None, by: float | None) -> float | None:
    return value / by if value is not None and by else None
