"""GET /seller and /sellerquery: sellers, their storefronts and their ratings."""

from typing import Any

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.marketplaces import MARKETPLACES
from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.sellers import FBA_SLOTS, FBM_SLOTS, USED_SLOTS, products_of, seats_by_seller
from keepahead.simulator.catalogue.series import Series
from keepahead.simulator.catalogue.traits import ANCHOR_KT, exists
from keepahead.simulator.catalogue.words import brand_name
from keepahead.simulator.endpoints.costs import pages
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import Outcome, Params, RejectedError

_HOUR = 60
_WEEK = 10_080


def seller(params: Params) -> Execute:
    """Read a seller request; what it returns executes it."""
    domain, storefront = params.domain(), params.flag("storefront")
    ids = params.items("seller", 100)
    if storefront and len(ids) > 1:
        raise RejectedError("storefront takes one seller.")
    update = params.integer("update", least=0) if params.query.get("update") and storefront else None

    def execute(moment: Moment) -> Outcome:
        numbers = {seller_id: moment.catalogue.numbers.seller_of_id(seller_id) for seller_id in ids}
        found = {seller_id: number for seller_id, number in numbers.items() if number is not None}
        stock = {n: shop(moment, n, domain) if storefront else None for n in found.values()}
        tokens = len(found)
        for number, asins in stock.items():
            if asins is not None:
                tokens = _storefront_cost(moment, number, domain, len(asins), update)
        invalid = [seller_id for seller_id in ids if not seller_id.isalnum() or not seller_id.startswith("A")]
        error = RejectedError(f"Invalid seller id: {invalid[0]}").error if invalid else None

        def render() -> dict[str, Any]:
            return {
                "sellers": {
                    seller_id: _object(moment, number, domain, stock[number]) for seller_id, number in found.items()
                }
            }

        return Outcome(tokens, render, error)

    return execute


def _storefront_cost(moment: Moment, number: int, domain: int, size: int, update: int | None) -> int:
    """Return 10, or 1 without a storefront; with `update` 50 when a collection ran, 1 when it failed."""
    if size < 2:
        return 1
    if update is None:
        return 10
    item = f"{domain}/{number}"
    last = moment.seen("storefront", item) or moment.now - mix(number, domain) % (20 * 24 * _HOUR)
    if moment.now - last < update * _HOUR:
        return 10
    if mix(number, moment.now // _HOUR) % 25 == 0:
        return 1
    moment.mark("storefront", item)
    return 50


def shop(moment: Moment, number: int, domain: int) -> list[tuple[int, str]]:
    """Return (last seen, ASIN) of what a seller has on sale, freshest first."""
    hour = moment.now // _HOUR * _HOUR

    def make() -> list[tuple[int, str]]:
        catalogue, found = moment.catalogue, dict[int, int]()
        for index, slot in products_of(number, domain):
            if (
                index not in found
                and exists(catalogue.salt, index, domain)
                and _sells(catalogue, index, domain, slot, hour)
            ):
                found[index] = min(moment.now, catalogue.stored_at(index, domain, hour))
        return sorted(((seen, catalogue.asin(index)) for index, seen in found.items()), reverse=True)

    return moment.catalogue.remember(("shop", number, domain, hour), make)


def _sells(catalogue: Catalogue, index: int, domain: int, slot: int, at: int) -> bool:
    """Say whether the offer in a slot is live."""
    traits = catalogue.traits(index, domain)
    if slot in FBA_SLOTS:
        return slot < traits.fba and slot < Series(traits, at).market(at).fba[-1].sellers
    if slot in FBM_SLOTS:
        place = slot - FBM_SLOTS[0]
        return place < traits.fbm and place < Series(traits, at).market(at).fbm[-1].sellers
    place = slot - USED_SLOTS[0]
    return place < traits.used and place < Series(traits, at).market(at).used_counts[-1][1]


def _ratings(number: int) -> int:
    """Return how many ratings a seller has: the one with the smallest number most."""
    return int(2_000_000 / (number + 1) ** 0.8) + number % 7


def _object(moment: Moment, number: int, domain: int, stock: list[tuple[int, str]] | None) -> dict[str, Any]:
    now, roll, ratings = moment.now, mix(number, 31), _ratings(number)
    since, percent = ANCHOR_KT - 525_600 * (1 + roll % 8), 82 + roll % 18
    half = (since + now) // 2
    good = [percent, percent, max(0, percent - 1), max(0, percent - 2)]
    body: dict[str, Any] = {
        "sellerId": moment.catalogue.numbers.seller_id(number),
        "sellerName": f"{brand_name(number % 5000)} {('Store', 'Trading', 'Direct', 'Outlet')[roll >> 8 & 3]}",
        "domainId": domain,
        "trackedSince": since,
        "lastUpdate": now - roll % _WEEK,
        "lastRatingUpdate": now - roll % _WEEK,
        "csv": [[since, percent - 2, half, percent], [since, ratings // 4, half, ratings // 2, now - _WEEK, ratings]],
        "currentRating": percent,
        "currentRatingCount": ratings,
        "ratingsLast30Days": ratings // 50,
        "positiveRating": good,
        "neutralRating": [(100 - value) // 3 for value in good],
        "negativeRating": [100 - value - (100 - value) // 3 for value in good],
        "ratingCount": [ratings // 50, ratings // 18, ratings // 5, ratings],
        "hasFBA": roll & 3 != 0,
        "shipsFromChina": roll >> 4 & 7 == 0,
        "totalStorefrontAsins": None if not seats_by_seller()[number] else [now - roll % _WEEK, 300],
        "businessName": f"{brand_name(number % 5000)} LLC",
        "address": ["1 Example Street", "Sampletown", MARKETPLACES[domain].country],
    }
    if stock is not None:
        body["asinList"] = [asin for _, asin in stock]
        body["asinListLastSeen"] = [seen for seen, _ in stock]
        body["totalStorefrontAsins"] = [now - roll % _WEEK, len(stock)] if stock else None
        body["totalStorefrontAsinsCSV"] = [now - roll % _WEEK, len(stock)]
    return body


def sellerquery(params: Params) -> Execute:
    """Read a seller-finder request (ranges over ratings, name words); what it returns executes it."""
    domain, selection = params.domain(), params.json_object("selection")
    page, per_page = selection.get("page", 0), selection.get("perPage", 100)
    if not isinstance(page, int) or not isinstance(per_page, int) or page < 0 or not 1 <= per_page <= 10_000:
        raise RejectedError("page or perPage is outside its range.", status=405)

    if any(key.endswith(("_gte", "_lte")) and not isinstance(limit, int) for key, limit in selection.items()):
        raise RejectedError("A range needs a number.")

    def execute(moment: Moment) -> Outcome:
        matches: list[str] = []
        for number, seats in enumerate(seats_by_seller()):
            if seats and _fits(_object(moment, number, domain, None), selection):
                matches.append(moment.catalogue.numbers.seller_id(number))
        chosen = matches[page * per_page : (page + 1) * per_page]
        return Outcome(10 + pages(len(chosen), 100), lambda: {"sellerIdList": chosen, "totalResults": len(matches)})

    return execute


def _fits(body: dict[str, Any], selection: dict[str, Any]) -> bool:
    for key, wanted in selection.items():
        value = body.get(key.removesuffix("_gte").removesuffix("_lte"))
        if key.endswith("_gte") and isinstance(value, int) and value < wanted:
            return False
        if key.endswith("_lte") and isinstance(value, int) and value > wanted:
            return False
        if key == "sellerName" and str(wanted).lower() not in str(value).lower():
            return False
        if isinstance(value, bool) and isinstance(wanted, bool) and value != wanted:
            return False
    return True
