"""Products as lines of a file. Prices are in the currency's main unit: 14.99, yen whole."""

from collections.abc import Sequence
from datetime import datetime

from keepahead.faces.sheet import Field, Value
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.money import Money
from keepahead.keepa.objects import Product

PRICES = (
    CsvType.BUY_BOX_SHIPPING,
    CsvType.NEW,
    CsvType.AMAZON,
    CsvType.NEW_FBA,
    CsvType.USED,
    CsvType.LISTPRICE,
)

FIELDS = (
    Field("asin", str),
    Field("domain", str),
    Field("title", str),
    Field("brand", str),
    Field("category", str),
    Field("currency", str),
    *(Field(f"price_{kind.name.lower()}", float) for kind in PRICES),
    Field("rank", int),
    Field("offers_new", int),
    Field("offers_used", int),
    Field("rating", float, 1),
    Field("reviews", int),
    Field("monthly_sold", int),
    Field("eans", str),
    Field("parent_asin", str),
    Field("last_update", datetime),
    Field("fetched_at", datetime),
    Field("paid_now", bool),
)


def rows_of(products: Sequence[Product]) -> list[list[Value]]:
    """Return the values of FIELDS for each product."""
    return [_row(product) for product in products]


def _row(product: Product) -> list[Value]:
    place, rating = DOMAINS.get(product.domain), product.current(CsvType.RATING)
    return [
        product.asin,
        place.site if place else None,
        product.title,
        product.brand,
        " > ".join(step.name for step in product.category_tree if step.name),
        place.currency if place else None,
        *(_price(product, kind) for kind in PRICES),
        product.current(CsvType.SALES),
        product.current(CsvType.COUNT_NEW),
        product.current(CsvType.COUNT_USED),
        None if rating is None else rating / 10,
        product.current(CsvType.COUNT_REVIEWS),
        product.monthly_sold,
        ", ".join(product.eans),
        product.parent_asin,
        product.last_update,
        product.fetched_at,
        product.paid_now,
    ]


def _price(product: Product, kind: CsvType) -> float | None:
    amount = product.current(kind)
    return None if amount is None else float(Money(amount, product.domain))
