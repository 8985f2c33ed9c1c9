"""What each method of the clients does: which calls it needs, and how their answers become its result. Pure.

Long lists are split at Keepa's limits here; what the budget splits, flow.py does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from operator import itemgetter
from typing import Any, Generic, Literal, TypedDict, TypeVar

from keepahead.errors import BadAnswerError
from keepahead.keepa import objects
from keepahead.keepa.calls import (
    ITEM_LIMITS,
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
    TopSellersCall,
    TrackingAddCall,
    TrackingCall,
)
from keepahead.keepa.terms import Age, OnRefusal
from keepahead.keepa.wire import Answer

R = TypeVar("R")
"""What a plan results in."""

State = Literal["AVAILABLE", "WAITLIST", "SOLDOUT", "WAITLISTFULL", "EXPIRED", "SUPPRESSED"]

Domain = int | str
"""Keepa's number of a marketplace, or a name: 1, "US", "com", "amazon.com"."""


class SpendOptions(TypedDict, total=False):
    """What every spending method takes. Seconds and tokens; see terms.Terms."""

    max_wait_seconds: float | None
    max_tokens: int | None
    allow_unbounded: bool
    max_age: Age | None
    on_refusal: OnRefusal
    keeps_place_for: timedelta
    work: str


SPENDING = frozenset(SpendOptions.__annotations__)


class ProductOptions(SpendOptions, total=False):
    """Keepa's options for products (protocol sheet, 10.1 and 10.2). Those that cost are marked."""

    stats: int | str
    update: int  # 0: +1 token for a product updated within the hour
    history: bool
    rating: bool  # up to +1
    days: int
    offers: int  # 20 to 100: 6 for each page of 10 that is found, instead of 1
    only_live_offers: bool
    videos: bool
    aplus: bool
    buybox: bool  # +2, nothing with offers
    stock: bool  # +2 with offers
    historical_variations: bool  # +1 for a product with a parent


class SearchOptions(SpendOptions, total=False):
    """Keepa's options for a product search (protocol sheet, 10.3)."""

    asins_only: bool
    page: int
    stats: int | str
    update: int
    history: bool
    rating: bool


class BestSellersOptions(SpendOptions, total=False):
    """Keepa's options for best sellers (protocol sheet, 10.8)."""

    range_days: int
    month: int
    year: int
    variations: bool
    sublist: bool


@dataclass(frozen=True, slots=True)
class Plan(Generic[R]):
    """The calls of one method, in order, and what turns their answers into its result."""

    calls: tuple[Call, ...]
    result: Callable[[Sequence[Answer]], R]
    divide: bool = True  # may a call be split into parts?
    reuse: bool = True  # will an archived answer do where nobody says how old it may be?
    at_once: bool = False  # must what is not archived be paid for in one go, or not at all?

    def can_read(self, answer: Answer) -> bool:
        """Tell whether this answer alone makes a result."""
        try:
            self.result([answer])
        except BadAnswerError:
            return False
        return True


def own(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return Keepa's options without ours."""
    return {name: value for name, value in options.items() if name not in SPENDING}


def products(asins: Iterable[str], domain: Domain, options: Mapping[str, Any]) -> Plan[list[objects.Product]]:
    """Ask for products by ASIN; each is asked for once, however often it is named."""
    parts = _parts(_listed(asins), "asins")
    calls = tuple(ProductCall(asins=part, domain=domain, **options) for part in parts)
    asked = tuple(dict.fromkeys(asin for call in calls for asin in call.items))  # as the calls spell them
    return Plan(calls, partial(objects.products, asked=asked))


def products_by_code(
    codes: Iterable[str], code_limit: int | None, domain: Domain, options: Mapping[str, Any]
) -> Plan[list[objects.Product]]:
    """Ask for products by UPC, EAN or ISBN-13; one code can belong to many."""
    parts = _parts(_listed(codes), "codes")
    calls = tuple(ProductCall(codes=part, code_limit=code_limit, domain=domain, **options) for part in parts)
    return Plan(calls, objects.products)


def best_sellers(category: int | str, domain: Domain, options: Mapping[str, Any]) -> Plan[objects.BestSellers]:
    """Ask for the best-seller list of one category."""
    return Plan((BestSellersCall(category=str(category), domain=domain, **options),), objects.best_sellers)


def deals(selection: Mapping[str, Any]) -> Plan[objects.Deals]:
    """Ask for one page of deals."""
    return Plan((DealCall(selection=selection),), objects.deals)


def find(selection: Mapping[str, Any], domain: Domain, *, stats: bool) -> Plan[objects.Found]:
    """Ask for one page of the product finder."""
    return Plan((FinderCall(selection=selection, domain=domain, stats=stats or None),), objects.found)


def search(term: str, domain: Domain, options: Mapping[str, Any]) -> Plan[list[objects.Product]]:
    """Search products by words."""
    return Plan((ProductSearchCall(term=term, domain=domain, **options),), objects.searched)


def search_categories(term: str, domain: Domain) -> Plan[dict[int, objects.Category]]:
    """Search categories by words."""
    return Plan((CategorySearchCall(term=term, domain=domain),), objects.categories)


def categories(ids: Iterable[int | str], domain: Domain, *, parents: bool) -> Plan[dict[int, objects.Category]]:
    """Ask for category nodes; 0 stands for all roots."""
    parts = _parts(_listed(map(str, ids)), "categories")
    calls = tuple(CategoryCall(categories=part, domain=domain, parents=parents) for part in parts)
    return Plan(calls, objects.categories)


def sellers(ids: Iterable[str], domain: Domain, *, storefront: bool) -> Plan[dict[str, objects.Seller]]:
    """Ask for sellers; with their storefronts one call each."""
    asked = _listed(ids)
    parts = [(seller,) for seller in asked] if storefront else _parts(asked, "sellers")
    calls = tuple(SellerCall(sellers=part, domain=domain, storefront=storefront or None) for part in parts)
    return Plan(calls, objects.sellers)


def find_sellers(selection: Mapping[str, Any], domain: Domain) -> Plan[list[str]]:
    """Ask for one page of the seller finder."""
    return Plan((SellerFinderCall(selection=selection, domain=domain),), objects.seller_ids)


def top_sellers(domain: Domain) -> Plan[list[str]]:
    """Ask for the most rated sellers."""
    return Plan((TopSellersCall(domain=domain),), objects.seller_ids)


def lightning_deals(asin: str | None, domain: Domain, state: State | None) -> Plan[list[objects.LightningDeal]]:
    """Ask for the lightning deal of one product; of all, for 500 tokens, with None."""
    return Plan((LightningDealCall(asin=asin, domain=domain, state=state),), objects.lightning_deals)


def graph_image(asin: str, domain: Domain, options: Mapping[str, Any]) -> Plan[bytes]:
    """Ask for the PNG of a price graph."""
    return Plan((GraphImageCall(asin=asin, domain=domain, **options),), objects.image)


def track(trackings: Iterable[Mapping[str, Any]], list_name: str | None) -> Plan[list[objects.Tracking]]:
    """Add trackings; each costs a token now and lowers the refill from then on."""
    wanted = list(trackings)
    size = ITEM_LIMITS["trackings"]
    parts = [wanted[at : at + size] for at in range(0, len(wanted), size)] or [wanted]
    return Plan(tuple(TrackingAddCall(trackings=part, list_name=list_name) for part in parts), objects.trackings)


def tracking(type_: str, result: Callable[[Sequence[Answer]], R], **options: Any) -> Plan[R]:
    """Do one of the free operations on trackings."""
    return Plan((TrackingCall(type=type_, **options),), result)


def raw(call: Call) -> Plan[Answer]:
    """Send any call; give the raw answer."""
    return Plan((call,), itemgetter(0), divide=False, reuse=False)


def relayed(call: Call) -> Plan[tuple[Answer, ...]]:
    """Send any call, or take from the archive what it has of it; give the raw answers of all parts.

    What is not archived is paid for at once or not at all.
    """
    return Plan((call,), tuple, at_once=True)


def _listed(ids: Iterable[str]) -> tuple[str, ...]:
    """Return the ids without repeats, in order; a lone string is one id."""
    return (ids,) if isinstance(ids, str) else tuple(dict.fromkeys(ids))


def _parts(ids: tuple[str, ...], kind: str) -> list[tuple[str, ...]]:
    size = ITEM_LIMITS[kind]
    return [ids[at : at + size] for at in range(0, len(ids), size)] or [ids]  # an empty list is refused by its call
