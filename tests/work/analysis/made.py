"""Products for analyses: the recorded ones, and made-up ones that are as one test needs them."""

import gzip
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from keepahead.keepa.objects import Product
from keepahead.keepa.times import to_keepa_minutes

RECORDINGS = Path(__file__).parents[2] / "data" / "recordings"
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
NOW_MINUTES = to_keepa_minutes(NOW)
DAY = 1_440
SERUM, GLASS = "B0D8W1YVBX", "B0F7XPYCSJ"
AMAZON, OTHER, THIRD = "ATVPDKIKX0DER", "AOTHER00000000", "ATHIRD00000000"


@lru_cache
def recorded_body(asin: str) -> dict[str, Any]:
    """A recorded product as Keepa sent it."""
    return msgspec.json.decode(gzip.decompress((RECORDINGS / f"{asin}-full.json.gz").read_bytes()))["products"][0]


def recorded(asin: str, **changes: Any) -> Product:
    """A recorded product, with some fields changed."""
    return product_of({**recorded_body(asin), **changes})


def product_of(body: dict[str, Any]) -> Product:
    """The product of a body."""
    return Product.of(msgspec.json.encode(body))


def steady(**changes: Any) -> dict[str, Any]:
    """A product of which all is known, and nothing of it moves: 20.00 USD, rank 1,000, 3 offers, 300 sold a month."""
    csv: list[list[int] | None] = [None] * 36
    first = NOW_MINUTES - 400 * DAY
    csv[0] = [first, -1]
    csv[1] = [first, 2000]
    csv[3] = [first, 1000]
    csv[11] = [first, 3]
    csv[18] = [first, 2000, 0]
    csv[34] = [first, 2]
    csv[35] = [first, 1]
    holders = [str(first), OTHER, str(NOW_MINUTES - 45 * DAY), THIRD]
    return {
        "asin": "B000000001",
        "domainId": 1,
        "title": "A thing",
        "productType": 0,
        "lastUpdate": NOW_MINUTES,
        "trackingSince": first,
        "csv": csv,
        "monthlySold": 300,
        "availabilityAmazon": -1,
        "buyBoxSellerIdHistory": holders,
        "fbaFees": {"lastUpdate": first, "pickAndPackFee": 400},
        "referralFeePercentage": 15.0,
        **changes,
    }


def with_series(**series: list[int] | None) -> dict[str, Any]:
    """The steady product with some of its series changed: csv3=[…]."""
    body = steady()
    for name, numbers in series.items():
        body["csv"][int(name.removeprefix("csv"))] = numbers
    return body
