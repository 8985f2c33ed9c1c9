"""Products as a table. The columns are the same wherever products are shown."""

from collections.abc import Sequence

from keepahead.faces.cli.results import Cell, Column, put_table
from keepahead.faces.cli.streams import clean
from keepahead.faces.words import currency, money
from keepahead.keepa.objects import Product

AMAZON, NEW, SALES, COUNT_NEW, RATING, BUY_BOX = 0, 1, 3, 11, 16, 18
"""Places in Keepa's csv (product-object.md, section 1)."""


def put_products(products: Sequence[Product], domain: int) -> None:
    """Write products as a table, with the lowest new price."""
    columns = (
        Column("ASIN"),
        Column("title", flexible=True),
        Column(currency(domain), right=True),
        Column("rank", right=True),
        Column("offers", right=True),
        Column("rating", right=True),
        Column("sold/month", right=True),
    )
    put_table(columns, [_row(product, domain) for product in products])


def _row(product: Product, domain: int) -> Sequence[Cell]:
    rating, sold = product.current(RATING), product.get("monthlySold")
    return (
        product.asin,
        clean(product.title),
        money(next((price for place in (NEW, AMAZON, BUY_BOX) if (price := product.current(place))), None), domain),
        product.current(SALES),
        product.current(COUNT_NEW),
        None if not rating else f"{rating / 10:.1f}",
        f"{sold:,}+" if isinstance(sold, int) and sold > 0 else None,
    )
