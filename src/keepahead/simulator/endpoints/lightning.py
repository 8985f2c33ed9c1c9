"""GET /lightningdeal: one product's lightning deal, or all of the last four days at a high price."""

from typing import Any

from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.endpoints.filters import current
from keepahead.simulator.endpoints.finder import candidates
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import Outcome, Params, RejectedError

_FOUR_DAYS = 5_760
_STATES = frozenset(["AVAILABLE", "UPCOMING", "WAITLIST", "SOLDOUT", "WAITLISTFULL", "EXPIRED", "SUPPRESSED"])


def lightningdeal(params: Params) -> Execute:
    """Read a lightning-deal request; what it returns executes it."""
    domain, state = params.domain(), params.query.get("state", "")
    if state and state not in _STATES:
        raise RejectedError("Parameter state is unknown.")
    asin = params.text("asin") if "asin" in params.query else None
    if asin is not None and "," in asin:
        raise RejectedError("Parameter asin takes one ASIN.")

    def execute(moment: Moment) -> Outcome:
        if asin is None:
            every = _all(moment, domain)
            return Outcome(
                500, lambda: {"lightningDeals": [deal for deal in every if state in {"", deal["dealState"]}]}
            )
        index = moment.catalogue.find(asin, domain)
        deals = _deals(moment.catalogue.listing(index, domain, moment.now), domain) if index is not None else []
        return Outcome(1, lambda: {"lightningDeals": deals})

    return execute


def _all(moment: Moment, domain: int) -> list[dict[str, Any]]:
    now = moment.now // 10 * 10

    def make() -> list[dict[str, Any]]:
        return [
            deal
            for index in candidates(moment.catalogue, domain, None)
            if index < PRODUCTS
            for deal in _deals(moment.catalogue.listing(index, domain, now), domain)
        ]

    return moment.catalogue.remember(("lightning", domain, now), make)


def _deals(listing: Listing, domain: int) -> list[dict[str, Any]]:
    rows = listing.rows(8, listing.at - _FOUR_DAYS)
    if not any(row[1] >= 0 for row in rows):
        return []
    moment, price = next((row[0], row[1]) for row in reversed(rows) if row[1] >= 0)
    running = rows[-1][1] >= 0
    usual = max(current(listing, 1), price)
    return [
        {
            "domainId": domain,
            "lastUpdate": listing.at,
            "asin": listing.asin,
            "title": listing.attribute("title"),
            "sellerId": listing.buy_box_seller(),
            "dealId": f"{listing.asin.lower()}{moment:x}",
            "dealPrice": price,
            "currentPrice": usual,
            "dealState": "AVAILABLE" if running else "EXPIRED",
            "startTime": moment,
            "endTime": moment + 480,
            "percentClaimed": moment % 100,
            "percentOff": round((usual - price) * 100 / usual),
            "rating": max(0, current(listing, 16)),
            "totalReviews": max(0, current(listing, 17)),
            "isPrimeEligible": True,
            "isFulfilledByAmazon": True,
            "isMAP": False,
            "variation": [],
        }
    ]
