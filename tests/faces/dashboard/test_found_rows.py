"""What a discovery found, in rows: judged, sorted with what is unknown last, and with the columns of a file."""

import json

from tests.house import START

from keepahead.faces.dashboard.found_rows import COLUMNS, FIELDS, found_row, in_order
from keepahead.keepa.product import Product
from keepahead.work.analysis.thresholds import Thresholds


def product(asin: str, price: int = -1, rank: int = -1, **fields) -> Product:
    """A product with statistics only."""
    current = [-1] * 36
    current[1], current[3] = price, rank
    stats = {"current": current, "avg90": current, "avg": current}
    return Product.of(json.dumps({"asin": asin, "domainId": 1, "stats": stats, **fields}).encode())


def rows(*products: Product):
    """Their rows."""
    return [found_row(each, START, Thresholds()) for each in products]


def test_a_row():
    """The texts are for people, the values for files, under the names of FIELDS."""
    (row,) = rows(product("B000000001", 1999, 1200, title="Pots &amp; pans", monthlySold=300))
    assert row.texts["title"] == "Pots & pans"
    assert (row.texts["price"], row.texts["rank"], row.texts["sold"]) == ("19.99", "1,200", "300+")
    assert row.texts["to"] == "/products/B000000001?domain=US"
    assert row.texts["roi"].endswith("*")
    named = dict(zip([field.name for field in FIELDS], row.values, strict=True))
    assert (named["asin"], named["price_new"], named["buying_price_source"]) == ("B000000001", 19.99, "assumed")
    assert named["recommendation"] in {"STRONG_BUY", "BUY", "CONSIDER", "SKIP"}
    assert {name for name, *_ in COLUMNS} <= set(row.texts)


def test_unknown_is_said():
    """A product of which nothing is known has a row all the same."""
    (row,) = rows(product("B000000001"))
    assert [row.texts[name] for name in ("price", "rank", "roi", "rating", "sold")] == ["-"] * 5
    assert (row.texts["verdict"], row.texts["title"]) == ("Skip", "no title")


def test_order():
    """Sorted by values, not by texts; what has none comes last either way; without a column as found."""
    every = rows(product("A", 900), product("B"), product("C", 10_000), product("D", 2_000))

    def asins(column: str | None, *, descending: bool = False) -> str:
        return "".join(row.texts["asin"] for row in in_order(every, column, descending=descending))

    assert asins("price") == "ADCB"
    assert asins("price", descending=True) == "CDAB"
    assert asins(None) == asins("no such column") == "ABCD"
