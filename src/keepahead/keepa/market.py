"""Sellers, categories, best-seller lists and insights (product-object.md, sections 5, 6, 8 and 12)."""

from collections.abc import Mapping
from dataclasses import dataclass

from keepahead.keepa import fields
from keepahead.keepa.fields import (
    KeepaObject,
    amount,
    children,
    count,
    flag,
    moment,
    node,
    raw_items,
    real,
    text,
    texts,
    whole,
    wholes,
)
from keepahead.keepa.points import points
from keepahead.keepa.series import Series


class SearchInsights(KeepaObject, frozen=True, eq=False):
    """What all products of a search have in common. Deltas are in percent, positive where it is cheaper now."""

    avg_buy_box = amount()
    avg_buy_box90 = amount()
    avg_buy_box365 = amount()
    avg_buy_box_deviation = amount()
    avg_delta_percent30_buy_box = real("avgDeltaPercent30BuyBox")
    avg_delta_percent90_buy_box = real("avgDeltaPercent90BuyBox")
    avg_delta_percent30_amazon = real("avgDeltaPercent30Amazon")
    avg_delta_percent90_amazon = real("avgDeltaPercent90Amazon")
    avg_review_count = count()
    avg_rating = count()
    is_fba_percent = real("isFBAPercent")
    sold_by_amazon_percent = real()
    has_coupon_percent = real()
    avg_offer_count_new = real()
    avg_offer_count_used = real()
    seller_count = count()
    brand_count = count()
    highest_rank = count()
    lowest_rank = count()
    related_categories = wholes()

    @property
    def top_brands(self) -> Mapping[str, int]:
        """Brands and how many products each has, the largest first."""
        return self._top_brands

    @property
    def top_sellers(self) -> Mapping[str, int]:
        """Holders of the Buy Box and how many products each has, the largest first."""
        return self._top_sellers

    _top_brands = fields.counts("topBrandsWithCounts")
    _top_sellers = fields.counts("topSellersWithCounts")


class Category(SearchInsights, frozen=True, eq=False):
    """A category node, with the insights of its products. `highest_rank` is the worst."""

    domain_id = count()
    category_id = node("catId")
    name = text()
    parent = node()
    children = wholes()
    is_browse_node = flag()
    website_display_group = text()
    product_count = count()
    top_brand_names = texts("topBrands")


class SellerCategory(KeepaObject, frozen=True, eq=False):
    """What a seller has in one category."""

    category_id = node("catId")
    product_count = count()
    avg30_sales_rank = count("avg30SalesRank")
    product_count_with_amazon_offer = count()


class SellerBrand(KeepaObject, frozen=True, eq=False):
    """What a seller has of one brand, which is in lower case."""

    brand = text()
    product_count = count()
    avg30_sales_rank = count("avg30SalesRank")
    product_count_with_amazon_offer = count()


class Competitor(KeepaObject, frozen=True, eq=False):
    """Who shares the Buy Box with a seller, and how often, in percent."""

    percent = real()
    _seller_id = text("sellerId")

    @property
    def seller_id(self) -> str | None:
        """The id as elsewhere; Keepa writes it in lower case here."""
        return self._seller_id.upper() if self._seller_id else None


class Seller(KeepaObject, frozen=True, eq=False):
    """A seller. Ratings are in percent, for 30, 90 and 365 days and the lifetime."""

    seller_id = text()
    seller_name = text()
    domain_id = count()
    tracked_since = moment("trackedSince", "trackingSince")
    last_update = moment()
    last_rating_update = moment()
    current_rating = count()
    current_rating_count = count()
    ratings_last30_days = count("ratingsLast30Days")
    positive_rating = wholes()
    neutral_rating = wholes()
    negative_rating = wholes()
    rating_count = wholes()
    has_fba = flag("hasFBA")
    ships_from_china = flag()
    asins = texts("asinList")
    categories = children(SellerCategory, "sellerCategoryStatistics")
    brands = children(SellerBrand, "sellerBrandStatistics")
    competitors = children(Competitor)
    avg_buy_box_competitors = real()
    buy_box_new_ownership_rate = whole()
    buy_box_used_ownership_rate = whole()
    address = texts()
    business_name = text()
    vat_id = text("vatID")

    _storefront = wholes("totalStorefrontAsins")
    _csv = raw_items("csv")

    @property
    def storefront_size(self) -> int | None:
        """How many products its storefront has; None if not known."""
        return self._storefront[-1] if self._storefront and self._storefront[-1] >= 0 else None

    @property
    def rating_series(self) -> Series:
        """Its rating, 0 to 100."""
        return self._series(0)

    @property
    def rating_count_series(self) -> Series:
        """How many ratings it had."""
        return self._series(1)

    def _series(self, place: int) -> Series:
        told = self._csv[place] if place < len(self._csv) else fields.NOTHING
        return Series(None, self.domain_id or 0, points(told, 2))


class BestSellers(KeepaObject, frozen=True, eq=False):
    """A best-seller list, best first. `domain_asked` counts where Keepa does not name the domain."""

    domain_asked: int = 0

    asins = texts("asinList")
    updated_at = moment("lastUpdate")
    _domain_id = count("domainId")
    _category_id = count("categoryId")

    @property
    def domain(self) -> int:
        """Keepa's number of the marketplace."""
        return self._domain_id or self.domain_asked

    @property
    def category(self) -> int:
        """The category; 0 when a group name was asked."""
        return self._category_id or 0


@dataclass(frozen=True, slots=True)
class Found:
    """What the product finder found: one page of ASINs, and Keepa's estimate of all matches.

    `insights` is None unless `stats` was asked for.
    """

    asins: tuple[str, ...]
    total: int
    insights: SearchInsights | None
