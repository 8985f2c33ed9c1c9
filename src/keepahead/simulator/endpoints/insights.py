"""Aggregates over many listings: the finder's searchInsights and the numbers of a category."""

import math
from collections import Counter
from typing import Any

from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.statistics import track
from keepahead.simulator.endpoints.filters import current, number

_BUY_BOX = 18
_SAMPLE = 400  # aggregates are taken from at most so many listings, evenly spread


def _mean(values: list[int]) -> int | None:
    return sum(values) // len(values) if values else None


def _share(flags: list[bool]) -> float:
    return round(100 * sum(flags) / len(flags), 2) if flags else 0.0


def _deviation(listing: Listing) -> int | None:
    """Return the standard deviation of a listing's Buy Box price in 30 days, weighted by time."""
    first = listing.at - 30 * 1_440
    seen = track(listing.rows(_BUY_BOX, first), listing.at)
    ends = [*seen.moments[1:], listing.at][: len(seen.moments)]
    spans = [
        (end - moment, value) for moment, value, end in zip(seen.moments, seen.values, ends, strict=True) if value >= 0
    ]
    whole = sum(minutes for minutes, _ in spans)
    if not whole:
        return None
    mean = sum(minutes * value for minutes, value in spans) / whole
    return round(math.sqrt(sum(minutes * (value - mean) ** 2 for minutes, value in spans) / whole))


def insights(listings: list[Listing]) -> dict[str, Any]:
    """Return what the listings have in common."""
    sample = listings[:: max(1, len(listings) // _SAMPLE)]
    boxes = [price for listing in sample if (price := current(listing, 18)) >= 0]
    ranks = [rank for listing in sample if (rank := current(listing, 3)) > 0]
    amazon = [current(listing, 0) >= 0 for listing in sample]
    holders = Counter(seller for listing in sample if (seller := listing.buy_box_seller()) != "-1")
    brands = Counter(str(listing.attribute("brand")) for listing in sample)
    leaves = Counter(cat for listing in sample for cat in listing.attribute("categories"))
    drops = [drop for listing in sample if (drop := number(listing, "deltaPercent90_BUY_BOX_SHIPPING")) is not None]
    averages = [mean for listing in sample if (mean := number(listing, "avg90_BUY_BOX_SHIPPING")) is not None]
    deviations = [spread for listing in sample if (spread := _deviation(listing)) is not None]
    fba = [current(listing, 18) == current(listing, 10) for listing in sample if current(listing, 18) >= 0]
    return {
        "avgBuyBox": _mean(boxes),
        "avgBuyBox90": _mean(averages),
        "avgBuyBoxDeviation": _mean(deviations),
        "avgDeltaPercent90BuyBox": round(sum(drops) / len(drops), 2) if drops else None,
        "avgReviewCount": _mean([n for listing in sample if (n := current(listing, 17)) >= 0]),
        "avgRating": _mean([n for listing in sample if (n := current(listing, 16)) >= 0]),
        "isFBAPercent": _share(fba),
        "soldByAmazonPercent": _share(amazon),
        "hasCouponPercent": _share([bool(listing.attribute("coupon")) for listing in sample]),
        "avgOfferCountNew": round(sum(max(0, current(listing, 11)) for listing in sample) / max(1, len(sample)), 2),
        "avgOfferCountUsed": round(sum(max(0, current(listing, 12)) for listing in sample) / max(1, len(sample)), 2),
        "sellerCount": len(holders),
        "brandCount": len(brands),
        "highestRank": max(ranks, default=-1),
        "lowestRank": min(ranks, default=-1),
        "relatedCategories": [cat for cat, _ in leaves.most_common(5)],
        "topBrandsWithCounts": dict(brands.most_common(5)),
        "topSellersWithCounts": dict(holders.most_common(5)),
    }
