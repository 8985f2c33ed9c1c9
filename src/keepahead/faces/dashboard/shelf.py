"""The archived products: looked through for words or an ASIN, within bounds, and one of them taken out. No tokens."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from keepahead.keepa import contents
from keepahead.keepa.contents import ProductContents
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.fields import unescaped
from keepahead.keepa.product import Product, products_of
from keepahead.store.inventory import Inventory, Place

LOOKS_MAX = 2_000
"""So many archived answers are looked through at a time, the newest first; whoever wants goes on from there."""

SHOWN_MAX = 50
_BODIES_AT_A_TIME = 200
_PRODUCT: Literal["product"] = "product"
_ASIN = re.compile(r"(?=.*[0-9])[A-Z0-9]{10}")
_PRICES = (CsvType.BUY_BOX_SHIPPING, CsvType.NEW, CsvType.AMAZON)


class _Named(msgspec.Struct):
    asin: str | None = None
    title: str | None = None
    brand: str | None = None


class _Answer(msgspec.Struct):
    products: list[_Named | None] | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """An archived product as a list shows it; `price` is the best known one, in the smallest unit."""

    asin: str
    domain: int
    title: str
    brand: str
    price: int | None
    rank: int | None
    fetched_at: datetime


@dataclass(frozen=True, slots=True)
class Search:
    """What was found, how many answers were looked at for it, and the last one; None: there are no more."""

    hits: Sequence[Hit]
    looked_at: int
    last: Place | None


@dataclass(frozen=True, slots=True)
class Archived:
    """A product as the archive has it, what that holds, and when something newer without its histories came."""

    product: Product
    holds: ProductContents
    fetched_at: datetime
    newer_at: datetime | None


def is_asin(text: str) -> bool:
    """Tell whether a text is of the shape of an ASIN: ten capital letters and digits, and a digit among them."""
    return _ASIN.fullmatch(text) is not None


def search(inventory: Inventory, words: str, *, domain: int | None, after: Place | None = None) -> Search:
    """Return archived products whose title, brand or ASIN holds all the words, the newest first; all without words.

    No more than LOOKS_MAX answers are looked at; `after` goes on where a search before this one ended. Blocks. Raises
    LedgerError.
    """
    if is_asin(words.strip().upper()) and after is None:
        named = inventory.places(_PRODUCT, domain=domain, item=words.strip().upper())
        if named:
            return Search(list(_hits(inventory, named, (), set())), len(named), None)
    wanted = tuple(words.casefold().split())
    places = inventory.places(_PRODUCT, domain=domain, after=after, most=LOOKS_MAX)
    hits: list[Hit] = []
    seen: set[tuple[int, str]] = set()
    step = _BODIES_AT_A_TIME if wanted else SHOWN_MAX
    for first in range(0, len(places), step):
        some = places[first : first + step]
        hits += _hits(inventory, some, wanted, seen)
        if len(hits) >= SHOWN_MAX and first + len(some) < len(places):
            return Search(hits, first + len(some), some[-1])
    return Search(hits, len(places), places[-1] if len(places) == LOOKS_MAX else None)


def take_out(inventory: Inventory, asin: str, domain: int) -> Archived | None:
    """Return the newest archived answer about a product that has its histories; without one, the newest. Blocks."""
    every = [(place, held) for place in inventory.places(_PRODUCT, domain=domain, item=asin) if (held := _held(place))]
    bodies = inventory.bodies([place for place, _ in every])
    there = [(place, held) for place, held in every if place.seq in bodies]
    if not there:
        return None
    place, held = next((each for each in there if each[1].history), there[0])
    products = products_of(bodies[place.seq])
    if not products:
        return None
    newest = there[0][0].fetched_at
    return Archived(products[0], held, place.fetched_at, newest if newest > place.fetched_at else None)


def _held(place: Place) -> ProductContents | None:
    held = contents.read(_PRODUCT, place.contents)
    return held if isinstance(held, ProductContents) else None


def _hits(
    inventory: Inventory, places: Sequence[Place], wanted: Sequence[str], seen: set[tuple[int, str]]
) -> Iterator[Hit]:
    bodies = inventory.bodies(places)
    for place in places:
        body = bodies.get(place.seq)
        if body is None or (place.domain, place.item) in seen:
            continue
        named = _named(body)
        if named is None or not _fits(named, wanted):
            continue
        seen.add((place.domain, place.item))
        product = products_of(body)[0]
        yield Hit(
            asin=place.item,
            domain=place.domain,
            title=unescaped(named.title or ""),
            brand=unescaped(named.brand or ""),
            price=next((price for kind in _PRICES if (price := product.current(kind)) is not None), None),
            rank=product.current(CsvType.SALES),
            fetched_at=place.fetched_at,
        )


def _named(body: bytes) -> _Named | None:
    """Return what names a product; None for what cannot be read."""
    try:
        return next(iter(_ANSWER.decode(body).products or ()), None)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _fits(named: _Named, wanted: Sequence[str]) -> bool:
    text = unescaped(f"{named.title or ''} {named.brand or ''} {named.asin or ''}").casefold()
    return all(word in text for word in wanted)
