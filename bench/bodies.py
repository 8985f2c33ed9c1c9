"""Answers as big as Keepa's largest, made of the recorded ones."""

import gzip
import itertools
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from keepahead.keepa.calls import ProductCall
from keepahead.keepa.wire import Answer, Inbound, read

_RECORDINGS = Path(__file__).parents[1] / "tests" / "data" / "recordings"
_TRIPLES = frozenset((7, *range(18, 30), 32))
_NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def call_of_100() -> ProductCall:
    """Return a call for a full batch."""
    return ProductCall(domain=1, asins=tuple(f"B0{number:08d}" for number in range(100)), offers=20, stats=90)


def body(products: int, size: int) -> bytes:
    """Return the recorded answer with so many products, big and small ones, of about `size` bytes altogether."""
    big, small = (_recorded(name) for name in ("B0D8W1YVBX", "B0F7XPYCSJ"))
    large, little = (msgspec.json.encode(one["products"][0]) for one in (big, small))
    many = max(0, min(products, (size - products * len(little)) // (len(large) - len(little))))
    chosen = itertools.chain([large] * many, [little] * (products - many))
    return msgspec.json.encode({**big, "products": [msgspec.Raw(one) for one in chosen]})


def long_body(products: int, size: int) -> bytes:
    """Return so many big products whose series are longer than recorded, of about `size` bytes altogether."""
    told = _recorded("B0D8W1YVBX")
    product: dict[str, Any] = told["products"][0]
    recorded, doubled = (len(msgspec.json.encode(_longer(product, share))) for share in (0, 1))
    grown = _longer(product, (size / products - recorded) / (doubled - recorded))
    return msgspec.json.encode({**told, "products": [msgspec.Raw(msgspec.json.encode(grown))] * products})


def _longer(product: dict[str, Any], share: float) -> dict[str, Any]:
    """Return the product with an earlier life: so many times the points that it has, of the same shape."""
    csv = [
        series and _earlier(series, 3 if place in _TRIPLES else 2, share) for place, series in enumerate(product["csv"])
    ]
    ranks = {node: _earlier(series, 2, share) for node, series in product["salesRanks"].items()}
    return {**product, "csv": csv, "salesRanks": ranks}


def _earlier(series: list[int], width: int, share: float) -> list[int]:
    points = [series[place : place + width] for place in range(0, len(series), width)]
    span = points[-1][0] - points[0][0] + 1
    lives = range(math.ceil(share), 0, -1)
    before = [[point[0] - life * span, *point[1:]] for life in lives for point in points]
    wanted = round(len(points) * share)
    return [number for point in before[len(before) - wanted :] + points for number in point]


def inbound(content: bytes) -> Inbound:
    """Return those bytes as they come in."""
    return Inbound(200, content, _NOW, _NOW)


def answer(content: bytes) -> Answer:
    """Return those bytes as an answer whose meter has been read."""
    return Answer(call_of_100(), 200, content, read(inbound(content)), _NOW, "bench")


def _recorded(asin: str) -> dict[str, Any]:
    return msgspec.json.decode(gzip.decompress((_RECORDINGS / f"{asin}-full.json.gz").read_bytes()))
