"""Keepa's statistics of a product, by name and not by place (product-object.md, section 3)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, NamedTuple, TypeVar, cast

import msgspec

from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.fields import (
    Field,
    KeepaObject,
    amount,
    count,
    flag,
    items,
    moment,
    moment_of,
    none_if_negative,
    real,
    seller_id,
    table_of,
    text,
    texts,
    values,
    whole,
    whole_values,
    wholes,
)

T = TypeVar("T")


class Extreme(NamedTuple):
    """A lowest or highest value, and since when it held."""

    at: datetime | None
    value: int


class _Place:
    def __init__(self, csv_type: CsvType) -> None:
        self._csv_type = csv_type

    def __get__(self, of: "ByType[T]", owner: type) -> T | None:
        return of[self._csv_type]


@dataclass(frozen=True, slots=True)
class ByType(Generic[T]):
    """One value for each type of series: `figures.new` or `figures[CsvType.NEW]`; None where there is none."""

    places: tuple[T | None, ...] = ()

    def __getitem__(self, csv_type: int) -> T | None:
        return self.places[csv_type] if 0 <= csv_type < len(self.places) else None

    def __iter__(self) -> Iterator[CsvType]:
        """Yield the types that have a value."""
        return (csv_type for csv_type in CsvType if self[csv_type] is not None)

    amazon = _Place(CsvType.AMAZON)
    new = _Place(CsvType.NEW)
    used = _Place(CsvType.USED)
    sales = _Place(CsvType.SALES)
    listprice = _Place(CsvType.LISTPRICE)
    collectible = _Place(CsvType.COLLECTIBLE)
    refurbished = _Place(CsvType.REFURBISHED)
    new_fbm_shipping = _Place(CsvType.NEW_FBM_SHIPPING)
    lightning_deal = _Place(CsvType.LIGHTNING_DEAL)
    warehouse = _Place(CsvType.WAREHOUSE)
    new_fba = _Place(CsvType.NEW_FBA)
    count_new = _Place(CsvType.COUNT_NEW)
    count_used = _Place(CsvType.COUNT_USED)
    count_refurbished = _Place(CsvType.COUNT_REFURBISHED)
    count_collectible = _Place(CsvType.COUNT_COLLECTIBLE)
    extra_info_updates = _Place(CsvType.EXTRA_INFO_UPDATES)
    rating = _Place(CsvType.RATING)
    count_reviews = _Place(CsvType.COUNT_REVIEWS)
    buy_box_shipping = _Place(CsvType.BUY_BOX_SHIPPING)
    used_new_shipping = _Place(CsvType.USED_NEW_SHIPPING)
    used_very_good_shipping = _Place(CsvType.USED_VERY_GOOD_SHIPPING)
    used_good_shipping = _Place(CsvType.USED_GOOD_SHIPPING)
    used_acceptable_shipping = _Place(CsvType.USED_ACCEPTABLE_SHIPPING)
    collectible_new_shipping = _Place(CsvType.COLLECTIBLE_NEW_SHIPPING)
    collectible_very_good_shipping = _Place(CsvType.COLLECTIBLE_VERY_GOOD_SHIPPING)
    collectible_good_shipping = _Place(CsvType.COLLECTIBLE_GOOD_SHIPPING)
    collectible_acceptable_shipping = _Place(CsvType.COLLECTIBLE_ACCEPTABLE_SHIPPING)
    refurbished_shipping = _Place(CsvType.REFURBISHED_SHIPPING)
    ebay_new_shipping = _Place(CsvType.EBAY_NEW_SHIPPING)
    ebay_used_shipping = _Place(CsvType.EBAY_USED_SHIPPING)
    trade_in = _Place(CsvType.TRADE_IN)
    rent = _Place(CsvType.RENT)
    buy_box_used_shipping = _Place(CsvType.BUY_BOX_USED_SHIPPING)
    prime_excl = _Place(CsvType.PRIME_EXCL)
    count_new_fba = _Place(CsvType.COUNT_NEW_FBA)
    count_new_fbm = _Place(CsvType.COUNT_NEW_FBM)


_FLAG = msgspec.json.Decoder(bool)
_FLAGS = msgspec.json.Decoder(list[bool | None])


def figures(*names: str) -> Field[ByType[int]]:
    """Return a field of values by type; Keepa's -1 and -2 are None, but for EXTRA_INFO_UPDATES, which is signed."""
    return Field(lambda raw, _: by_type(whole_values(raw)), cast("ByType[int]", ByType()), names)


def by_type(numbers: list[int | None]) -> ByType[int]:
    """Return values by type, None for those that are not there."""
    known = (
        number if number is None or place == CsvType.EXTRA_INFO_UPDATES else none_if_negative(number)
        for place, number in enumerate(numbers)
    )
    return ByType(tuple(known))


def _shares(*names: str) -> Field[ByType[int]]:
    return Field(
        lambda raw, _: ByType(tuple(None if each is None else none_if_negative(each) for each in whole_values(raw))),
        cast("ByType[int]", ByType()),
        names,
    )


def _flags(*names: str) -> Field[ByType[bool]]:
    return Field(lambda raw, _: ByType(tuple(values(raw, _FLAGS, _FLAG))), cast("ByType[bool]", ByType()), names)


def _extremes(*names: str) -> Field[ByType[Extreme]]:
    return Field(lambda raw, _: ByType(tuple(map(_extreme, items(raw)))), cast("ByType[Extreme]", ByType()), names)


def _extreme(raw: msgspec.Raw) -> Extreme | None:
    match _lenient(raw, whole_values):
        case [int(at), int(value)] if value >= 0:
            return Extreme(moment_of(at), value)
        case _:
            return None


def _lenient(raw: msgspec.Raw, decode: Callable[[msgspec.Raw], list[int | None]]) -> list[int | None] | None:
    try:
        return decode(raw)
    except msgspec.ValidationError:
        return None


class BuyBoxShare(KeepaObject, frozen=True, eq=False):
    """What one seller had of the Buy Box in the interval asked for; `percentage_won` of 100."""

    percentage_won = real()
    avg_price = amount()
    avg_new_offer_count = count()
    avg_used_offer_count = count()
    is_fba = flag("isFBA")
    last_seen = moment()


class Stats(KeepaObject, frozen=True, eq=False):
    """The statistics of a product. `avg`, `…_in_interval` and `at_interval_start` are about the interval asked for.

    `min` and `max` are of all time. Prices are in the smallest unit.
    """

    current = figures()
    avg = figures()
    avg30 = figures()
    avg90 = figures()
    avg180 = figures()
    avg365 = figures()
    at_interval_start = figures()
    min = _extremes()
    max = _extremes()
    min_in_interval = _extremes()
    max_in_interval = _extremes()
    is_lowest = _flags()
    is_lowest90 = _flags()
    out_of_stock_percentage_in_interval = _shares()
    out_of_stock_percentage30 = _shares()
    out_of_stock_percentage90 = _shares()
    out_of_stock_percentage180 = _shares()
    out_of_stock_percentage365 = _shares()
    out_of_stock_count_amazon30 = count()
    out_of_stock_count_amazon90 = count()
    sales_rank_drops30 = count()
    sales_rank_drops90 = count()
    sales_rank_drops180 = count()
    sales_rank_drops365 = count()
    delta_percent90_monthly_sold = whole("deltaPercent90_monthlySold")
    total_offer_count = count()
    retrieved_offer_count = count()
    offer_count_fba = count("offerCountFBA")
    offer_count_fbm = count("offerCountFBM")
    seller_ids_lowest_fba = texts("sellerIdsLowestFBA")
    seller_ids_lowest_fbm = texts("sellerIdsLowestFBM")
    stock_amazon = count()
    stock_buy_box = count()
    last_offers_update = moment()
    last_buy_box_update = moment()
    trade_in_price = amount()

    buy_box_price = amount()
    buy_box_shipping = amount()
    buy_box_seller_id = seller_id()
    buy_box_is_unqualified = flag()
    buy_box_is_shippable = flag()
    buy_box_is_preorder = flag()
    buy_box_is_backorder = flag()
    buy_box_is_fba = flag("buyBoxIsFBA")
    buy_box_is_amazon = flag()
    buy_box_is_map = flag("buyBoxIsMAP")
    buy_box_is_used = flag()
    buy_box_is_warehouse_deal = flag()
    buy_box_is_prime_exclusive = flag()
    buy_box_is_prime_eligible = flag()
    buy_box_is_free_shipping_eligible = flag()
    buy_box_condition = count()
    buy_box_availability_message = text()
    buy_box_shipping_hours = wholes("buyBoxShippingTime")
    buy_box_shipping_country = text()
    buy_box_saving_basis = amount()
    buy_box_saving_basis_type = text()
    buy_box_saving_percentage = count()
    buy_box_stats = table_of(BuyBoxShare)
    buy_box_used_stats = table_of(BuyBoxShare)
    buy_box_used_price = amount()
    buy_box_used_shipping = amount()
    buy_box_used_seller_id = seller_id()
    buy_box_used_is_fba = flag("buyBoxUsedIsFBA")
    buy_box_used_condition = count()

    @property
    def lightning_deal_start(self) -> datetime | None:
        """When the last or next lightning deal begins; None if there never was one."""
        return self._lightning(0)

    @property
    def lightning_deal_end(self) -> datetime | None:
        """When the last or present lightning deal ends; None if it has not begun."""
        return self._lightning(1)

    def _lightning(self, place: int) -> datetime | None:
        told = self._lightning_deal_info
        return moment_of(told[place]) if len(told) == 2 else None

    _lightning_deal_info = wholes("lightningDealInfo")
