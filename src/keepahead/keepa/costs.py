"""What every call costs before it is sent. Source: protocol sheet sections 7 and 10, open questions section 1.

The table holds the numbers, `quote` the arithmetic. A maximum is the largest price that any source allows.
"""

from types import MappingProxyType
from typing import NamedTuple

from keepahead.budget.cost import Cost
from keepahead.keepa.calls import (
    BestSellersCall,
    Call,
    CategoryCall,
    CategorySearchCall,
    DealCall,
    FinderCall,
    GraphImageCall,
    LightningDealCall,
    ProductCall,
    ProductSearchCall,
    SellerCall,
    SellerFinderCall,
    TokenCall,
    TopSellersCall,
    TrackingAddCall,
    TrackingCall,
)


class Price(NamedTuple):
    """Tokens per `unit`: at least, usually, at most; `section` of the protocol sheet that says so."""

    tokens_min: int
    tokens_likely: int
    tokens_max: int
    unit: str
    section: str


ENDPOINT_COSTS = MappingProxyType(
    {
        # call, or +option         min  likely max  per                                          sheet
        "token": Price(0, 0, 0, "call", "8"),
        "product": Price(1, 1, 1, "product", "10.2"),
        "product +offers": Price(0, 6, 6, "page of 10 offers, instead of the 1", "10.2"),
        "product +rating": Price(0, 1, 1, "product, if both ratings are under 14 days old", "10.2"),
        "product +buybox": Price(2, 2, 2, "product, nothing with offers", "10.2"),
        "product +stock": Price(0, 2, 2, "product, if its stock data are under 7 days old", "10.2"),
        "product +historical-variations": Price(0, 1, 1, "product, if it has a parent", "10.2"),
        "product +update=0": Price(0, 1, 1, "product, if updated less than 1 hour ago", "10.2"),
        "search type=product": Price(0, 10, 10, "page of 10 products, 4 pages without page", "10.3"),
        "search +rating": Price(0, 5, 5, "call", "10.3"),
        "search +update=0": Price(0, 5, 10, "page of 10 products", "10.3"),
        "search type=category": Price(1, 1, 1, "call", "10.4"),
        "category": Price(1, 1, 1, "call", "10.5"),
        "query": Price(10, 10, 10, "call", "10.6"),
        "query +page": Price(0, 1, 1, "started 100 ASINs of the page", "10.6"),
        "query +stats": Price(30, 30, 30, "call", "10.6"),
        "query +stats total": Price(0, 1, 1, "started million of all matches", "10.6"),
        "deal": Price(5, 5, 5, "page of 150 deals", "10.7"),
        "bestsellers": Price(0, 50, 50, "list, nothing without one", "10.8"),
        "seller": Price(0, 1, 1, "seller found", "10.9"),
        "seller +storefront": Price(0, 9, 9, "seller with at least 2 ASINs", "10.9"),
        "seller +update": Price(0, 50, 50, "seller collected live, storefront included", "10.9"),
        "sellerquery": Price(10, 10, 10, "call", "10.9"),
        "sellerquery +page": Price(0, 1, 1, "started 100 sellers of the page", "10.9"),
        "topseller": Price(50, 50, 50, "call", "10.9"),
        "lightningdeal +asin": Price(1, 1, 1, "call", "10.10"),
        "lightningdeal": Price(500, 500, 500, "call for all deals", "10.10"),
        "tracking type=add": Price(0, 1, 1, "tracking", "10.11"),
        "tracking": Price(0, 0, 0, "call", "10.11"),
        "graphimage": Price(0, 1, 1, "image, nothing for the same within 90 minutes", "10.12"),
    }
)

OFFERS_PER_PAGE = 10
OFFERS_FAILED = 1  # tokens when Keepa could not collect offers; 0 with only-live-offers
OFFERS_STORED = 5  # tokens when the stored offers are fresh enough
SEARCH_PAGES = 4  # charged without page: the first 40 products
# Thousands of live calls with offers=20 averaged 6.5 tokens per product; from 30 on plan with two pages (section 10.2).
_OFFERS_SECOND_PAGE = 30
_OFFERS_LIKELY_TENTHS_20 = 65
_OFFERS_LIKELY_TENTHS = 120

_PRODUCT = ENDPOINT_COSTS["product"]
_OFFERS = ENDPOINT_COSTS["product +offers"]
_RATING = ENDPOINT_COSTS["product +rating"]
_BUYBOX = ENDPOINT_COSTS["product +buybox"]
_STOCK = ENDPOINT_COSTS["product +stock"]
_VARIATIONS = ENDPOINT_COSTS["product +historical-variations"]
_UPDATE_0 = ENDPOINT_COSTS["product +update=0"]


def quote(call: Call, *, total_results: int | None = None, found: int | None = None) -> Cost:
    """Return the bounds of what `call` costs, in tokens.

    `total_results`, known from an earlier answer to the same filters, bounds the finder's stats. `found` = 0 says that
    Keepa may know none of the categories asked for, which then may be free.
    """
    match call:
        case ProductCall():
            return _product(call)
        case ProductSearchCall():
            return _product_search(call)
        case FinderCall():
            return _finder(call, total_results)
        case SellerFinderCall():
            return _seller_finder(call)
        case SellerCall():
            return _seller(call)
        case TrackingAddCall():
            return _each(call, ENDPOINT_COSTS["tracking type=add"], len(call.trackings))
        case CategoryCall() | CategorySearchCall():
            price = ENDPOINT_COSTS["category" if isinstance(call, CategoryCall) else "search type=category"]
            return _each(call, price._replace(tokens_min=0) if found == 0 else price)
        case LightningDealCall():
            return _each(call, ENDPOINT_COSTS["lightningdeal +asin" if call.asin else "lightningdeal"])
        case TokenCall() | DealCall() | BestSellersCall() | TopSellersCall() | TrackingCall() | GraphImageCall():
            return _each(call, ENDPOINT_COSTS[call.endpoint])


def unbounded_parameter(call: Call) -> str | None:
    """Return the parameter that would bound `call` by being set or (stats) left out; None if it is bounded."""
    if isinstance(call, ProductCall) and call.codes and call.code_limit is None:
        return "code-limit"
    if isinstance(call, FinderCall) and call.stats:
        return "stats"
    if isinstance(call, SellerFinderCall) and call.per_page is None:
        return "perPage"
    return None


def counted(number: int, noun: str) -> str:
    """Return "1 token", "2 tokens"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _each(call: Call, price: Price, units: int = 1) -> Cost:
    """Return the cost of `units` at one price."""
    because = f"{price.tokens_max} per {price.unit}"
    if units != 1:
        because = f"{units} times {because}"
    least, likely, most = units * price.tokens_min, units * price.tokens_likely, units * price.tokens_max
    return Cost(least, likely, most, (because, *call.warnings))


def _product(call: ProductCall) -> Cost:
    least, likely_tenths, most, because = _one_product(call)
    if call.codes:
        codes = len(call.codes)
        likely = codes * likely_tenths // 10  # usually one product per code
        if call.code_limit is None:
            reason = f"{counted(codes, 'code')} without code-limit: any number of products can share a code"
            return Cost(0, likely, None, (reason, *because, *call.warnings))
        products = codes * call.code_limit
        reason = f"{counted(codes, 'code')}: up to {call.code_limit} products each"
        return Cost(0, likely, products * most, (reason, *because, *call.warnings))
    entries, distinct = len(call.asins), len(set(call.asins))
    reason = counted(entries, "product") if entries == distinct else f"{entries} products, {distinct} of them different"
    return Cost(
        0 if call.update == -1 else distinct * least,
        distinct * likely_tenths // 10,
        entries * most,
        (reason, *because, *call.warnings),
    )


def _one_product(call: ProductCall) -> tuple[int, int, int, list[str]]:
    """Return the least tokens, the likely tenths of tokens, the most tokens and the reasons for one product."""
    if call.offers is None:
        least, likely, most = _PRODUCT.tokens_min, _PRODUCT.tokens_likely * 10, _PRODUCT.tokens_max
        because = [f"{most} token per product"]
    else:
        pages = -(-call.offers // OFFERS_PER_PAGE)
        least, most = 0 if call.only_live_offers else OFFERS_FAILED, pages * _OFFERS.tokens_max
        likely = _OFFERS_LIKELY_TENTHS_20 if call.offers < _OFFERS_SECOND_PAGE else _OFFERS_LIKELY_TENTHS
        because = [f"offers={call.offers}: up to {pages} pages of {_OFFERS.tokens_max} tokens per product"]
        if call.update == -1:
            likely = OFFERS_STORED * 10
    with_offers = call.offers is not None
    # asked for, its price, and whether it is usually charged (live: rating and update=0 are not, together with offers)
    extras = (
        (call.rating, _RATING, not with_offers, "rating"),
        (call.buybox and not with_offers, _BUYBOX, True, "buybox"),
        (call.stock, _STOCK, with_offers, "stock"),
        (call.historical_variations, _VARIATIONS, True, "historical-variations"),
        (call.update == 0, _UPDATE_0, not with_offers, "update=0"),
    )
    for asked, price, usual, name in extras:
        if asked:
            least += price.tokens_min
            likely += price.tokens_likely * 10 if usual else 0
            most += price.tokens_max
            because.append(f"{name}: {price.tokens_max} per {price.unit}")
    return least, likely, most, because


def _product_search(call: ProductSearchCall) -> Cost:
    price, rating, update = (
        ENDPOINT_COSTS[name] for name in ("search type=product", "search +rating", "search +update=0")
    )
    pages = SEARCH_PAGES if call.page is None else 1
    likely, most = pages * price.tokens_likely, pages * price.tokens_max
    because = [f"{pages} times {price.tokens_max} per {price.unit}"]
    if call.rating:
        likely += 0 if call.asins_only else rating.tokens_likely
        most += rating.tokens_max
        because.append(f"rating: up to {rating.tokens_max} per {rating.unit}")
    if call.update == 0:
        likely += 0 if call.asins_only else pages * update.tokens_likely
        most += pages * update.tokens_max
        because.append(f"update=0: up to {update.tokens_max} per {update.unit}")
    return Cost(0, likely, most, (*because, *call.warnings))


def _finder(call: FinderCall, total_results: int | None) -> Cost:
    base, page, stats, total = (
        ENDPOINT_COSTS[name] for name in ("query", "query +page", "query +stats", "query +stats total")
    )
    hundreds = -(-call.per_page // 100)
    least, most = base.tokens_min, base.tokens_max + hundreds * page.tokens_max
    because = [f"{base.tokens_max} per {base.unit} and {page.tokens_max} per {page.unit}, up to {hundreds}"]
    if not call.stats:
        return Cost(least, most, most, (*because, *call.warnings))
    least, most = least + stats.tokens_min, most + stats.tokens_max
    if total_results is None:
        because.append(
            f"stats: {stats.tokens_max} and {total.tokens_max} per {total.unit}, and their number is unknown"
        )
        return Cost(least, most + total.tokens_likely, None, (*because, *call.warnings))
    millions = -(-max(total_results, 0) // 1_000_000)
    because.append(f"stats: {stats.tokens_max} and {total.tokens_max} per {total.unit}, {millions} of them")
    most += millions * total.tokens_max
    return Cost(least, most, most, (*because, *call.warnings))


def _seller_finder(call: SellerFinderCall) -> Cost:
    base, page = ENDPOINT_COSTS["sellerquery"], ENDPOINT_COSTS["sellerquery +page"]
    because = f"{base.tokens_max} per {base.unit} and {page.tokens_max} per {page.unit}"
    if call.per_page is None:
        reason = f"{because}, and the page size is unknown without perPage"
        return Cost(base.tokens_min, base.tokens_likely + page.tokens_likely, None, (reason, *call.warnings))
    most = base.tokens_max + -(-call.per_page // 100) * page.tokens_max
    return Cost(base.tokens_min, most, most, (because, *call.warnings))


def _seller(call: SellerCall) -> Cost:
    seller, storefront, update = (ENDPOINT_COSTS[name] for name in ("seller", "seller +storefront", "seller +update"))
    sellers = len(call.sellers)
    each = seller.tokens_max + (storefront.tokens_max if call.storefront else 0)
    because = [f"{sellers} times {seller.tokens_max} per {seller.unit}"]
    if call.storefront:
        because.append(f"storefront: {storefront.tokens_max} per {storefront.unit}")
    if call.update is None:
        return Cost(0, sellers * each, sellers * each, (*because, *call.warnings))
    because.append(f"update: {update.tokens_max} per {update.unit}")
    # Without storefront, update should do nothing, but no source says so (open question 1.29).
    likely = update.tokens_likely if call.storefront else seller.tokens_likely
    return Cost(0, sellers * likely, sellers * update.tokens_max, (*because, *call.warnings))
