"""The calls that look something up by id or by words. Source: protocol sheet sections 8 to 10.5 and 10.8 to 10.10."""

from collections.abc import Iterable
from dataclasses import InitVar, replace
from datetime import date
from types import MappingProxyType
from typing import ClassVar

from keepahead.clock import SystemClock
from keepahead.errors import InvalidCallError
from keepahead.keepa.call import BaseCall, BrazilUndocumentedCall, call_class, option
from keepahead.keepa.parameters import (
    LONG_MAX,
    Asin,
    Choice,
    DomainNumber,
    Flag,
    Items,
    Maybe,
    Stats,
    Text,
    flag,
    whole,
)

ITEM_LIMITS = MappingProxyType(
    {
        "asins": 100,
        "codes": 100,
        "categories": 10,
        "sellers": 100,
        "storefronts": 1,
        "trackings": 1000,  # open question 1.34: what all sources allow; split here
        "trackings_hard": 3000,  # what the newer documentation allows
    }
)

_MONTHS_BACK = 36
_KEYWORD_MIN = 3


@call_class
class TokenCall(BaseCall):
    """Ask for the state of the bucket: free, and only needed before the first answer."""

    endpoint: ClassVar[str] = "token"


@call_class
class ProductCall(BaseCall):
    """Products by `asins` or by `codes` (UPC, EAN, ISBN-13), never both; at most 100.

    `stats` is days or two moments, `update` hours (-1: never refresh), `days` the length of what comes as a series,
    `offers` 20 to 100.
    Without `code_limit` a call by codes has no bound on its cost.
    """

    endpoint: ClassVar[str] = "product"
    domain: int = option(converter=DomainNumber())
    asins: tuple[str, ...] = option(
        converter=Items("asin", "ASINs", Asin.PATTERN.pattern, Asin.RIGHT, ITEM_LIMITS["asins"]), default=()
    )
    codes: tuple[str, ...] = option(
        converter=Items("code", "codes", "[0-9]{8,14}", "must be 8 to 14 digits", ITEM_LIMITS["codes"]), default=()
    )
    stats: int | tuple[str, str] | None = option(converter=Maybe(Stats("stats")), default=None)
    update: int | None = option(converter=whole("update", -1), default=None)
    history: bool | None = option(converter=flag("history"), default=None)
    rating: bool | None = option(converter=flag("rating"), default=None)
    days: int | None = option(converter=whole("days", 1), default=None)
    code_limit: int | None = option(converter=whole("code-limit", 1), default=None)
    offers: int | None = option(
        converter=whole("offers", 20, 100, invalid_code="offers_not_integer", outside_code="offers_out_of_range"),
        default=None,
    )
    only_live_offers: bool | None = option(converter=flag("only-live-offers"), default=None)
    rental: bool | None = option(converter=flag("rental"), default=None)
    videos: bool | None = option(converter=flag("videos"), default=None)
    aplus: bool | None = option(converter=flag("aplus"), default=None)
    buybox: bool | None = option(converter=flag("buybox"), default=None)
    stock: bool | None = option(converter=flag("stock"), default=None)
    historical_variations: bool | None = option(converter=flag("historical-variations"), default=None)

    def __post_init__(self) -> None:
        self._convert()
        if self.asins and self.codes:
            message = "asin and code exclude each other: send two calls."
            raise InvalidCallError("asin_and_code", message, parameter="code")
        if not self.asins and not self.codes:
            message = "A product call needs asin or code: give 1 to 100 of one of them."
            raise InvalidCallError("missing_asin_or_code", message, parameter="asin")

    @property
    def items(self) -> tuple[str, ...]:
        """Return the ASINs, or else the codes."""
        return self.asins or self.codes

    @property
    def item_limit(self) -> int:
        """Return how many items one call may have."""
        return ITEM_LIMITS["asins" if self.asins else "codes"]

    def narrowed(self, items: Iterable[str]) -> "ProductCall":
        """Return the same call for other ASINs or codes."""
        chosen = tuple(items)
        return replace(self, asins=chosen) if self.asins else replace(self, codes=chosen)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return sentences on options that need another one."""
        found: list[str] = []
        if self.offers is None:
            if self.stock:
                found.append("stock without offers has no effect but may be charged")
            if self.only_live_offers:
                found.append("only-live-offers without offers has no effect")
        elif self.buybox:
            found.append("buybox is ignored with offers")
        if self.rental:
            found.append("rental has no effect since February 2026")
        return tuple(found)


@call_class
class ProductSearchCall(BrazilUndocumentedCall):
    """Products by words, in Amazon's order. `page` is 0 to 9; without it up to 40 products are charged."""

    endpoint: ClassVar[str] = "search"
    fixed = MappingProxyType({"type": "product"})
    domain: int = option(converter=DomainNumber())
    term: str = option(converter=Text("term", "words to search for"))
    asins_only: bool | None = option(converter=flag("asins-only"), default=None)
    page: int | None = option(converter=whole("page", 0, 9, outside_code="page_out_of_range"), default=None)
    stats: int | tuple[str, str] | None = option(converter=Maybe(Stats("stats")), default=None)
    update: int | None = option(converter=whole("update", 0), default=None)
    history: bool | None = option(converter=flag("history"), default=None)
    rating: bool | None = option(converter=flag("rating"), default=None)


@call_class
class CategorySearchCall(BrazilUndocumentedCall):
    """Categories by words of at least 3 characters, all of which must match."""

    endpoint: ClassVar[str] = "search"
    fixed = MappingProxyType({"type": "category"})
    domain: int = option(converter=DomainNumber())
    term: str = option(converter=Text("term", "words to search for"))
    parents: bool | None = option(converter=flag("parents"), default=None)

    def __post_init__(self) -> None:
        self._convert()
        if any(len(keyword) < _KEYWORD_MIN for keyword in self.term.split()):
            message = "Each keyword of a category search needs at least 3 characters."
            raise InvalidCallError("keyword_too_short", message, parameter="term")


@call_class
class CategoryCall(BrazilUndocumentedCall):
    """1 to 10 categories by node id, or "0" alone for all root categories. `parents` is always sent."""

    endpoint: ClassVar[str] = "category"
    domain: int = option(converter=DomainNumber())
    categories: tuple[str, ...] = option(
        converter=Items("category", "categories", "[0-9]{1,19}", "must be a numeric node id", ITEM_LIMITS["categories"])
    )
    parents: bool = option(converter=Flag("parents"), default=False)

    def __post_init__(self) -> None:
        self._convert()
        if not self.categories:
            message = "category is missing: give 1 to 10 node ids, or 0 for all root categories."
            raise InvalidCallError("missing_category", message, parameter="category")
        numbers = [int(category) for category in self.categories]
        if max(numbers) > LONG_MAX or (0 in numbers and len(numbers) > 1):
            message = "category must be node ids, or 0 alone for all root categories."
            raise InvalidCallError("invalid_category", message, parameter="category")
        object.__setattr__(self, "categories", tuple(map(str, numbers)))

    @property
    def items(self) -> tuple[str, ...]:
        """Return the node ids."""
        return self.categories

    @property
    def item_limit(self) -> int:
        """Return how many items one call may have."""
        return ITEM_LIMITS["categories"]

    def narrowed(self, items: Iterable[str]) -> "CategoryCall":
        """Return the same call for other node ids."""
        return replace(self, categories=items)


@call_class
class BestSellersCall(BaseCall):
    """The best-seller list of a category (node id, or name of a product group). Not in Brazil.

    `range_days` is 0, 30, 90 or 180; or `month` and `year` of one of the last 36 months, seen from `today` (UTC), never
    the current one; or `sublist`.
    """

    endpoint: ClassVar[str] = "bestsellers"
    domain: int = option(converter=DomainNumber(brazil=False))
    category: str = option(converter=Text("category", "a node id or the name of a product group", "[^,\n]{1,200}"))
    range_days: int | None = option(converter=Maybe(Choice("range", (0, 30, 90, 180))), default=None)
    month: int | None = option(converter=whole("month", 1, 12), default=None)
    year: int | None = option(converter=whole("year", 1000, 9999), default=None)
    variations: bool | None = option(converter=flag("variations"), default=None)
    sublist: bool | None = option(converter=flag("sublist"), default=None)
    today: InitVar[date | None] = None

    def __post_init__(self, today: date | None) -> None:
        self._convert()
        dated = self.month is not None or self.year is not None
        if self.sublist and (dated or self.range_days):  # 0 is what it is without; the package keepa always sends it
            message = "sublist=1 excludes range, month and year."
            raise InvalidCallError("sublist_excludes_range_month_year", message, parameter="sublist")
        if dated and self.range_days is not None:
            message = "range excludes month and year."
            raise InvalidCallError("range_excludes_month_year", message, parameter="range")
        if dated:
            self._check_month(today)

    def _check_month(self, today: date | None) -> None:
        if self.month is None or self.year is None:
            message = "month and year go together: give both or none."
            raise InvalidCallError("month_and_year_required_together", message, parameter="month")
        now = today or SystemClock().now().date()
        months_back = (now.year - self.year) * 12 + now.month - self.month
        if not 1 <= months_back <= _MONTHS_BACK:
            message = "Best-seller lists exist for the last 36 months, without the current one."
            raise InvalidCallError("month_not_available", message, parameter="month")


@call_class
class SellerCall(BrazilUndocumentedCall):
    """1 to 100 sellers by id, or one with its `storefront`. `update` (hours) is gone from Keepa's newer pages."""

    endpoint: ClassVar[str] = "seller"
    domain: int = option(converter=DomainNumber())
    sellers: tuple[str, ...] = option(
        converter=Items("seller", "sellers", "[A-Z0-9]{3,32}", "must be A-Z and 0-9", ITEM_LIMITS["sellers"])
    )
    storefront: bool | None = option(converter=flag("storefront"), default=None)
    update: int | None = option(converter=whole("update", 0), default=None)

    def __post_init__(self) -> None:
        self._convert()
        if not self.sellers:
            message = "seller is missing: give 1 to 100 seller ids."
            raise InvalidCallError("missing_seller", message, parameter="seller")
        if self.storefront and len(self.sellers) > 1:
            message = "storefront takes one seller: send one call for each."
            raise InvalidCallError("storefront_batch", message, parameter="storefront")

    @property
    def items(self) -> tuple[str, ...]:
        """Return the seller ids."""
        return self.sellers

    @property
    def item_limit(self) -> int:
        """Return how many items one call may have."""
        return ITEM_LIMITS["storefronts" if self.storefront else "sellers"]

    def narrowed(self, items: Iterable[str]) -> "SellerCall":
        """Return the same call for other sellers."""
        return replace(self, sellers=items)


@call_class
class TopSellersCall(BaseCall):
    """The ids of the most rated sellers. Not in Brazil."""

    endpoint: ClassVar[str] = "topseller"
    domain: int = option(converter=DomainNumber(brazil=False))


@call_class
class LightningDealCall(BrazilUndocumentedCall):
    """The lightning deal of one `asin`; without it all of them, at 500 tokens. `state` filters the answer only."""

    endpoint: ClassVar[str] = "lightningdeal"
    domain: int = option(converter=DomainNumber())
    asin: str | None = option(converter=Maybe(Asin(missing_code="empty_asin")), default=None)
    state: str | None = option(
        converter=Maybe(Choice("state", ("AVAILABLE", "WAITLIST", "SOLDOUT", "WAITLISTFULL", "EXPIRED", "SUPPRESSED"))),
        default=None,
    )
