"""What each place of Keepa's `csv` and `stats` arrays holds (product-object.md, section 1)."""

from enum import IntEnum
from typing import Literal

Unit = Literal["money", "rank", "count", "rating"]


class CsvType(IntEnum):
    """One kind of series; its number is the place in `csv`. Keepa may send more; they stay in the raw bytes."""

    AMAZON = 0
    NEW = 1
    USED = 2
    SALES = 3
    LISTPRICE = 4
    COLLECTIBLE = 5
    REFURBISHED = 6
    NEW_FBM_SHIPPING = 7
    LIGHTNING_DEAL = 8
    WAREHOUSE = 9
    NEW_FBA = 10
    COUNT_NEW = 11
    COUNT_USED = 12
    COUNT_REFURBISHED = 13
    COUNT_COLLECTIBLE = 14
    EXTRA_INFO_UPDATES = 15
    RATING = 16
    COUNT_REVIEWS = 17
    BUY_BOX_SHIPPING = 18
    USED_NEW_SHIPPING = 19
    USED_VERY_GOOD_SHIPPING = 20
    USED_GOOD_SHIPPING = 21
    USED_ACCEPTABLE_SHIPPING = 22
    COLLECTIBLE_NEW_SHIPPING = 23
    COLLECTIBLE_VERY_GOOD_SHIPPING = 24
    COLLECTIBLE_GOOD_SHIPPING = 25
    COLLECTIBLE_ACCEPTABLE_SHIPPING = 26
    REFURBISHED_SHIPPING = 27
    EBAY_NEW_SHIPPING = 28
    EBAY_USED_SHIPPING = 29
    TRADE_IN = 30
    RENT = 31
    BUY_BOX_USED_SHIPPING = 32
    PRIME_EXCL = 33
    COUNT_NEW_FBA = 34
    COUNT_NEW_FBM = 35

    @property
    def unit(self) -> Unit:
        """What the values are: money in the smallest unit of the currency, a rank, a count, or stars times ten."""
        return _UNITS.get(self, "money")

    @property
    def has_shipping(self) -> bool:
        """Whether the series holds triples of time, price and shipping, not pairs of time and value."""
        return self in _TRIPLES

    @property
    def is_signed(self) -> bool:
        """Whether a negative value is a value too, not the end of an offer.

        So it is where Keepa logs how many offers it fetched: negative where there were more.
        """
        return self is CsvType.EXTRA_INFO_UPDATES


_UNITS: dict[CsvType, Unit] = {
    CsvType.SALES: "rank",
    CsvType.RATING: "rating",
    **{CsvType(place): "count" for place in (*range(11, 16), 17, 34, 35)},
}
_TRIPLES = frozenset(map(CsvType, (7, *range(18, 30), 32)))
