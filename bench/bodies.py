"""Answers as big as Keepa's largest, made of the recorded ones."""

import gzip
import itertools
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from keepahead.keepa.calls import ProductCall
from keepahead.keepa.wire import Answer, Inbound, read

_RECORDINGS = Path(__file__).parents[1] / "tests" / "data" / "recordings"
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


def inbound(content: bytes) -> Inbound:
    """Return those bytes as they come in."""
    return Inbound(200, content, _NOW, _NOW)


def answer(content: bytes) -> Answer:
    """Return those bytes as an answer whose meter has been read."""
    return Answer(call_of_100(), 200, content, read(inbound(content)), _NOW, "bench")


def _recorded(asin: str) -> dict[str, list[object]]:
    return msgspec.json.decode(gzip.decompress((_RECORDINGS / f"{asin}-full.json.gz").read_bytes()))
