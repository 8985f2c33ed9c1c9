"""The simple options for deals, and the selection of Keepa's that they make. Pure."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from keepahead.faces.ranges import Range
from keepahead.keepa.csv_types import CsvType

_LARGEST = 2**31 - 1
_ANY: Range = (None, None)


class PriceType(StrEnum):
    """The price whose change makes a deal."""

    AMAZON = "amazon"
    NEW = "new"
    USED = "used"
    WAREHOUSE = "warehouse"
    BUYBOX = "buybox"

    @property
    def csv(self) -> CsvType:
        """Its series."""
        return _CSV[self]


class Span(StrEnum):
    """What the price is compared with."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    QUARTER = "quarter"

    @property
    def number(self) -> int:
        """Keepa's number of it."""
        return list(Span).index(self)


_CSV = {
    PriceType.AMAZON: CsvType.AMAZON,
    PriceType.NEW: CsvType.NEW,
    PriceType.USED: CsvType.USED,
    PriceType.WAREHOUSE: CsvType.WAREHOUSE,
    PriceType.BUYBOX: CsvType.BUY_BOX_SHIPPING,
}


def deal_selection(
    domain: int,
    *,
    price_type: PriceType = PriceType.NEW,
    span: Span = Span.DAY,
    categories: Sequence[int] = (),
    price: Range = _ANY,
    percent: Range = _ANY,
    rank: Range = _ANY,
    title: str | None = None,
    page: int = 0,
) -> dict[str, Any]:
    """Return Keepa's selection; money is in the smallest unit."""
    ranges = {
        "currentRange": _ends(price, 0, _LARGEST),
        "deltaPercentRange": _ends(percent, 10, 100),
        "salesRankRange": _ends(rank, 1, -1),
    }
    filters = {"includeCategories": list(categories) or None, "titleSearch": title, **ranges}
    return {
        "page": page,
        "domainId": domain,
        "priceTypes": [int(price_type.csv)],
        "dateRange": span.number,
        **{name: value for name, value in filters.items() if value is not None},
        "isRangeEnabled": any(ranges.values()),
        "isFilterEnabled": bool(categories or title),
    }


def _ends(given: Range, lowest: int, highest: int) -> list[int] | None:
    """Return Keepa's [min, max], None where no end is given; the others stand for an open end."""
    low, high = given
    return None if low is None and high is None else [lowest if low is None else low, highest if high is None else high]
