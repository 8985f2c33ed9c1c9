"""The criteria that are numbers: where the finder, a deal and the details of a product have each of them.

A measure that needs an option is in the details only if they were asked for with it (product-object.md, section 1).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Literal, cast

from keepahead.keepa.objects import Product

Need = Literal["", "rating", "buybox", "offers", "history"]
"""The option without which the details lack something; the statistics, which are free, are always asked for."""

NEW = 1
"""The lowest new price's place in Keepa's csv."""

DROP_DAYS = 90
_OFFERS = 20


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a product. `least` is the smallest value that means something: below it is "none"."""

    finder: str
    read: Callable[[Product], int | None]
    csv_type: int | None = None
    needs: Need = ""
    least: int | None = 0


def _current(csv_type: int, finder: str, needs: Need = "", least: int = 0) -> Measure:
    return Measure(finder, partial(_current_of, csv_type), csv_type, needs, least)


def _current_of(csv_type: int, product: Product) -> int | None:
    return product.current(csv_type)


def _statistic(name: str, product: Product) -> int | None:
    return _whole(_statistics(product).get(name))


def _sold(product: Product) -> int | None:
    return _whole(product.get("monthlySold"))


def price_drop(product: Product) -> int | None:
    """Return by how many percent the lowest new price lies below its mean of 90 days; negative where it has risen."""
    means: Any = _statistics(product).get(f"avg{DROP_DAYS}") or ()
    mean, now = _whole(means[NEW]) if len(means) > NEW else None, product.current(NEW)
    return None if not mean or now is None else round((mean - now) * 100 / mean)


def in_order(products: Sequence[Product], sort: str) -> list[Product]:
    """Return products in order: by rank, price, -price or sold; what lacks the number comes last."""
    if sort == "any":
        return list(products)
    read, sign = {
        "rank": (MEASURES["rank"].read, 1),
        "price": (MEASURES["new_price"].read, 1),
        "-price": (MEASURES["new_price"].read, -1),
        "sold": (_sold, -1),
    }[sort]

    def place(product: Product) -> tuple[bool, int]:
        value = read(product)
        return value is None, sign * (value or 0)

    return sorted(products, key=place)


def _statistics(product: Product) -> Mapping[str, Any]:
    found: object = product.get("stats")
    return cast("Mapping[str, Any]", found) if isinstance(found, Mapping) else {}


def _whole(value: object) -> int | None:
    return value if type(value) is int and value >= 0 else None


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "rank": _current(3, "current_SALES", least=1),
        "amazon_price": _current(0, "current_AMAZON"),
        "new_price": _current(NEW, "current_NEW"),
        "used_price": _current(2, "current_USED"),
        "buy_box_price": _current(18, "current_BUY_BOX_SHIPPING", "buybox"),
        "fba_price": _current(10, "current_NEW_FBA", "offers"),
        "rating": _current(16, "current_RATING", "rating"),
        "reviews": _current(17, "current_COUNT_REVIEWS", "rating"),
        "new_offers": _current(11, "current_COUNT_NEW"),
        "used_offers": _current(12, "current_COUNT_USED"),
        "fba_offers": _current(34, "offerCountFBA"),
        "rank_drops_30": Measure("salesRankDrops30", partial(_statistic, "salesRankDrops30")),
        "rank_drops_90": Measure("salesRankDrops90", partial(_statistic, "salesRankDrops90")),
        "rank_drops_180": Measure("salesRankDrops180", partial(_statistic, "salesRankDrops180")),
        "sold": Measure("monthlySold", _sold),
        "price_drop": Measure(f"deltaPercent{DROP_DAYS}_NEW", price_drop, least=None),
    }
)
"""By the name of the criterion. Fields of the finder: protocol sheet, 10.6."""

NEEDS: Mapping[str, Need] = MappingProxyType(
    {**{name: measure.needs for name, measure in MEASURES.items()}, "changed_within_hours": "history"}
)
"""What each criterion needs of the details; those that are missing need nothing."""

OPTIONS: Mapping[Need, Mapping[str, Any]] = MappingProxyType(
    {
        "": {},
        "rating": {"rating": True},
        "buybox": {"buybox": True},
        "offers": {"offers": _OFFERS, "only_live_offers": True},
        "history": {"history": True},
    }
)
"""The product options that bring what is needed. Offers bring rating and Buy Box as well."""
