"""A product, its offers and its series (product-object.md, sections 2 to 4)."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import NamedTuple, cast

import msgspec

from keepahead.keepa import fields
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.fields import (
    Field,
    KeepaObject,
    amount,
    child,
    children,
    count,
    extent,
    flag,
    known_node,
    moment,
    node,
    raw_items,
    real,
    seller_id,
    text,
    texts,
    whole,
    wholes,
)
from keepahead.keepa.money import Money
from keepahead.keepa.points import load_numpy, points
from keepahead.keepa.series import Series, width_of
from keepahead.keepa.stats import Stats
from keepahead.keepa.times import from_keepa_minutes


class _Id(msgspec.Struct):
    asin: str | None = None


_ID = msgspec.json.Decoder(_Id)


class BuyBoxHolder(NamedTuple):
    """From `at` on this seller has the Buy Box; None: nobody qualified, or Keepa does not know who."""

    at: datetime
    seller_id: str | None


def _holder(minutes: str | int | None, name: str | int | None) -> BuyBoxHolder | None:
    """Return who had it since when; None where the time cannot be read."""
    told = str(minutes)
    at = fields.moment_of(int(told)) if told.isdecimal() else None
    return BuyBoxHolder(at, None if name is None else fields.known_seller(str(name))) if at else None


def _texts_or_numbers(raw: msgspec.Raw) -> list[str | int | None]:
    """Return a list in which Keepa writes numbers as texts (product-object.md, section 14)."""
    return fields.values(raw, _MIXED, _TEXT_OR_NUMBER)


_MIXED = msgspec.json.Decoder(list[str | int | None])
_TEXT_OR_NUMBER = msgspec.json.Decoder(str | int)


class FbaFees(KeepaObject, frozen=True, eq=False):
    """What Fulfilment by Amazon costs for the present price: pick and pack only, no storage."""

    last_update = moment()
    pick_and_pack_fee = amount()


class CategoryStep(KeepaObject, frozen=True, eq=False):
    """One step of the way from the root category to the product."""

    category_id = node("catId")
    name = text()


class Image(KeepaObject, frozen=True, eq=False):
    """One picture, by the names of its files."""

    large = text("l")
    medium = text("m")

    @property
    def url(self) -> str | None:
        """Where the largest one lies."""
        name = self.large or self.medium
        return f"https://m.media-amazon.com/images/I/{name}" if name else None


class Variation(KeepaObject, frozen=True, eq=False):
    """One variation of a parent product."""

    asin = text()


class Promotion(KeepaObject, frozen=True, eq=False):
    """One promotion, such as subscribe and save."""

    type = text()
    amount = amount()
    discount_percent = count()
    seller_id = seller_id()


class UnitCount(KeepaObject, frozen=True, eq=False):
    """How much is in it."""

    unit_value = real()
    unit_type = text()


def _series(*names: str) -> Field[Series]:
    """Return a field of pairs of time and value outside Keepa's csv."""
    return Field(lambda raw, of: _series_of(raw, _domain(of)), Series(None, 0, points(b"[]", 2)), names)


def _series_of(raw: msgspec.Raw, domain: int) -> Series:
    return Series(None, domain, points(raw, 2), 2)


def _domain(of: KeepaObject) -> int:
    return of.domain if isinstance(of, Product) else 0


def _ranks() -> Field[Mapping[int, Series]]:
    """Return the field of sales ranks by category; that of the reference category is also in Keepa's csv."""

    def decode(raw: msgspec.Raw, of: KeepaObject) -> Mapping[int, Series]:
        told = fields.table(raw).items()
        return {int(number): _series_of(each, _domain(of)) for number, each in told if number.isdecimal()}

    return Field(decode, cast("Mapping[int, Series]", {}), ("salesRanks",))


class Offer(KeepaObject, frozen=True, eq=False):
    """An offer on the marketplace, present or former: see `last_seen` and `Product.live_offers`."""

    offer_id = whole()
    seller_id = seller_id()
    last_seen = moment()
    condition = whole()
    condition_comment = text()
    is_prime = flag()
    is_fba = flag("isFBA")
    is_amazon = flag()
    is_warehouse_deal = flag()
    is_map = flag("isMAP")
    is_shippable = flag()
    is_preorder = flag()
    is_prime_excl = flag()
    ships_from_china = flag()
    min_order_qty = count()
    coupon = whole()
    last_stock_update = moment()
    stock_series = _series("stockCSV")
    prime_series = _series("primeExclCSV")

    @property
    def series(self) -> Series:
        """Its price with shipping."""
        return Series(None, 0, points(self.parts().get("offerCSV", fields.NOTHING), 3), 3)

    @property
    def price(self) -> int | None:
        """Its newest price with shipping, in the smallest unit; None if it cannot be bought."""
        return self.series.current

    @property
    def stock(self) -> int | None:
        """How many are left; None unless `stock` was asked for and Keepa knows."""
        return self.stock_series.current


class Product(KeepaObject, frozen=True, eq=False):
    """A product. `fetched_at` is when Keepa told it, None if nobody noted it; `paid_now`: not from the archive.

    One that is `is_stale` is older than was accepted, for want of tokens.
    """

    asin: str = ""
    fetched_at: datetime | None = None
    paid_now: bool = True
    is_stale: bool = False

    @staticmethod
    def of(raw: bytes | msgspec.Raw, *, fetched_at: datetime | None = None, paid_now: bool = True) -> "Product":
        """Return the product with the ASIN that its bytes tell. Raises BadAnswerError if they cannot be read."""
        return Product(raw, fields.read(raw, _ID).asin or "", fetched_at, paid_now)

    def __repr__(self) -> str:
        return f"<Product {self.asin}, {len(memoryview(self.view()))} bytes>"

    @property
    def title(self) -> str:
        """The title as people write it, without HTML entities; empty if Keepa has none."""
        return fields.unescaped(self._title)

    @property
    def domain(self) -> int:
        """Keepa's number of the marketplace; 0 if it does not say."""
        return self.domain_id or 0

    _title = text("title")
    domain_id = count("domainId")

    product_type = whole()
    brand = text()
    manufacturer = text()
    model = text()
    part_number = text()
    color = text()
    size = text()
    binding = text()
    type = text()
    description = text()
    features = texts()
    url_slug = text()
    eans = texts("eanList")
    upcs = texts("upcList")
    gtins = texts("gtinList")
    images = children(Image)

    parent_asin = text()
    variations = children(Variation)
    historical_variations = texts()
    frequently_bought_together = texts()
    is_redirect_asin = flag("isRedirectASIN")

    tracking_since = moment()
    last_update = moment()
    last_price_change = moment()
    last_rating_update = moment()
    last_sold_update = moment()
    last_stock_update = moment()

    root_category = node()
    category_tree = children(CategoryStep)
    sales_rank_reference = node()
    sales_ranks = _ranks()
    website_display_group = text()
    website_display_group_name = text()
    sales_rank_display_group = text()
    product_group = text()

    monthly_sold = count()
    monthly_sold_series = _series("monthlySoldHistory")
    has_reviews = flag()
    return_rate = count()

    availability_amazon = whole()
    buy_box_eligible_offer_counts = wholes()
    competitive_price_threshold = amount()
    suggested_lower_price = amount()
    coupon = wholes()
    promotions = children(Promotion)
    business_discount = count()
    is_sns = flag("isSNS")
    is_eligible_for_super_saver_shipping = flag()
    is_eligible_for_trade_in = flag()

    fba_fees = child(FbaFees)
    referral_fee_percentage = real("referralFeePercentage", "referralFeePercent")
    variable_closing_fee = amount()

    number_of_items = extent()
    number_of_pages = extent()
    package_quantity = extent()
    package_height = extent()
    package_length = extent()
    package_width = extent()
    package_weight = extent()
    item_height = extent()
    item_length = extent()
    item_width = extent()
    item_weight = extent()
    unit_count = child(UnitCount)
    release_date = extent()
    publication_date = extent()
    is_adult_product = flag()
    is_heat_sensitive = flag()
    is_merch_on_demand = flag()
    is_haul = flag()
    launchpad = flag()
    batteries_required = flag()
    batteries_included = flag()

    stats = child(Stats)
    offers = children(Offer)
    offers_successful = flag()

    @property
    def categories(self) -> tuple[int, ...]:
        """The category nodes that it is listed in."""
        return tuple(number for number in self._categories if known_node(number))

    @property
    def listed_since(self) -> datetime | None:
        """When it was first listed on Amazon, which may be before Keepa began; None if not known."""
        try:
            return from_keepa_minutes(self._listed_since) if self._listed_since else None
        except ValueError:
            return None

    _categories = wholes("categories")
    _listed_since = whole("listedSince")
    places = raw_items("csv")
    _live_offers_order = wholes("liveOffersOrder")
    _buy_box_sellers = Field(lambda raw, _: _texts_or_numbers(raw), [], ("buyBoxSellerIdHistory",))
    _raw_offers = raw_items("offers")

    @property
    def live_offers(self) -> tuple[Offer, ...]:
        """The offers that stand on Amazon, in its order; empty unless offers were asked for and are all there."""
        every = self._raw_offers
        order = dict.fromkeys(self._live_offers_order)  # a place repeats where Keepa merged twins
        chosen = [every[place] for place in order if 0 <= place < len(every)]
        return tuple(Offer(raw) for raw in chosen if fields.is_object(raw))

    @property
    def buy_box_sellers(self) -> tuple[BuyBoxHolder, ...]:
        """Who had the Buy Box since when; empty unless `buybox` or `offers` was asked for."""
        told = self._buy_box_sellers
        return tuple(filter(None, map(_holder, told[::2], told[1::2])))

    def series(self, csv_type: CsvType) -> Series:
        """Return one series, decoded when it is asked for; empty where there is none."""
        known = self._known
        if csv_type not in known:
            places = self.places
            told = places[csv_type] if csv_type < len(places) else fields.NOTHING
            width = width_of(csv_type)
            known[csv_type] = Series(csv_type, self.domain, points(told, width), width)
        return known[csv_type]

    def every_series(self) -> dict[CsvType, Series]:
        """Return all series that have a point."""
        load_numpy()
        told = [csv_type for csv_type, raw in zip(CsvType, self.places, strict=False) if not fields.is_null(raw)]
        return {csv_type: series for csv_type in told if (series := self.series(csv_type))}

    def current(self, csv_type: int) -> int | None:
        """Return the newest value of a series by its csv index: money in the smallest unit, a rank, or a count.

        None where there is none. Prices that Keepa tells with their shipping include it (`CsvType.has_shipping`).
        Without the series (history=0) the statistics answer, if they were asked for.
        """
        try:
            series = self.series(CsvType(csv_type))
        except ValueError:
            return None
        if series:
            return series.current
        return self.stats.current[csv_type] if self.stats else None

    def money(self, csv_type: CsvType) -> Money | None:
        """Return the newest price of a series with its currency; None if there is none, or it is no price."""
        value = self.current(csv_type)
        return Money(value, self.domain) if value is not None and csv_type.unit == "money" else None


class _Head(_Id, rename="camel"):
    """What nearly everybody asks for."""

    domain_id: int | None = None
    csv: list[msgspec.Raw] | None = None


class _Heads(msgspec.Struct):
    products: list[_Head | None] | None = None


class _Raws(msgspec.Struct):
    products: list[msgspec.Raw] | None = None


_HEADS = msgspec.json.Decoder(_Heads)
_RAWS = msgspec.json.Decoder(_Raws)


class _Body:
    """The body of an answer, cut into products when one of them is asked for more than its head."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._raws: list[msgspec.Raw] | None = None

    def product(self, place: int) -> msgspec.Raw:
        """Return one product's own bytes."""
        if self._raws is None:
            self._raws = fields.read(self._body, _RAWS).products or []
        return self._raws[place]


def products_of(body: bytes) -> list[Product]:
    """Return the products of an answer. Raises BadAnswerError if it cannot be read.

    Heads and series are found in one go through the body, which is a third of what all series cost.
    """
    try:
        heads = _HEADS.decode(body).products or []
    except msgspec.ValidationError:  # something is of another type: what it is shows when it is asked for
        raws = fields.read(body, _RAWS).products or []
        return [Product.of(raw) for raw in raws if not fields.is_null(raw)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise fields.unreadable(body) from None
    whole_body = _Body(body)
    return [_headed(head, partial(whole_body.product, place)) for place, head in enumerate(heads) if head is not None]


def _headed(head: _Head, source: Callable[[], msgspec.Raw]) -> Product:
    known: dict[object, object] = {Product.places: head.csv or [], Product.domain_id: head.domain_id}
    return Product(source, head.asin or "", _known=known)
