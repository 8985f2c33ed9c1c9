"""What an answer holds, and which requests it can serve: all that ask for no more. Pure.

A wider answer serves a narrower request, never the other way round. What is newer than this program serves nothing.
"""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from typing import Self

import msgspec

from keepahead.keepa.calls import (
    Call,
    CategoryCall,
    DealCall,
    ProductCall,
    ProductSearchCall,
    SellerCall,
    TokenCall,
    TrackingAddCall,
    TrackingCall,
)
from keepahead.keepa.parameters import INT_MAX
from keepahead.store.wanted import Wanted, name_of

EVER = INT_MAX
"""All days of a history; hours that no data are too old for."""

REFRESHED_HOURS = 1
"""Keepa refreshes a product that is older before it delivers, unless `update` says otherwise (sheet, section 9)."""

WHOLE = ""
"""The contents of an answer that is kept as a whole: it serves the very same call."""

_OFFERS_PER_PAGE = 10


class Contents(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What an item holds. As text it is part of the item's key in the archive."""

    @property
    def text(self) -> str:
        """Return it as text, which `read` takes back."""
        return msgspec.json.encode(self).decode()

    def covers(self, other: "Contents") -> bool:
        """Tell whether this holds all that `other` asks for."""
        raise NotImplementedError


class ProductContents(Contents, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a product holds: histories of so many `days`, statistics over `stats`, so many pages of `offers`, and more.

    `hours` is how old Keepa's own data may have been when they were fetched. A plain request is the shortest text.
    """

    hours: int = REFRESHED_HOURS
    history: bool = True
    days: int = EVER
    stats: str = ""
    offers: int = 0
    live_only: bool = False
    buybox: bool = False
    rating: bool = False
    stock: bool = False
    videos: bool = False
    aplus: bool = False
    variations: bool = False
    rental: bool = False

    def covers(self, other: "Contents") -> bool:
        """Tell whether this holds all that `other` asks for."""
        return (
            isinstance(other, ProductContents)
            and self.hours <= other.hours
            and self.history >= other.history
            and self.days >= other.days
            and other.stats in {"", self.stats}
            and (not other.offers or (self.offers >= other.offers and self.live_only <= other.live_only))
            and all(getattr(self, name) >= getattr(other, name) for name in _EXTRAS)
        )

    def without_offers(self) -> Self:
        """Return what is there when Keepa could not collect the offers."""
        days = self.days if self.history else 0
        return msgspec.structs.replace(self, offers=0, live_only=False, buybox=False, stock=False, days=days)


_EXTRAS = ("buybox", "rating", "stock", "videos", "aplus", "variations", "rental")


class SellerContents(Contents, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a seller holds; `hours` is how old a storefront's own data may be."""

    storefront: bool = False
    hours: int = EVER

    def covers(self, other: "Contents") -> bool:
        """Tell whether this holds all that `other` asks for."""
        return isinstance(other, SellerContents) and self.storefront >= other.storefront and self.hours <= other.hours


class CategoryContents(Contents, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a category holds."""

    parents: bool = False

    def covers(self, other: "Contents") -> bool:
        """Tell whether this holds all that `other` asks for."""
        return isinstance(other, CategoryContents) and self.parents >= other.parents


_KINDS: Mapping[str, type[Contents]] = {
    "product": ProductContents,
    "seller": SellerContents,
    "category": CategoryContents,
}


@lru_cache(maxsize=4096)
def read(endpoint: str, text: str) -> Contents | None:
    """Return contents from their text; None for what this program does not know."""
    try:
        return msgspec.json.decode(text, type=_KINDS[endpoint])
    except (msgspec.DecodeError, KeyError):
        return None


def serves(endpoint: str, text: str, asked: Contents | None) -> bool:
    """Tell whether an archived answer with these contents will do; `asked` None wants an answer as a whole."""
    if asked is None:
        return text == WHOLE
    have = read(endpoint, text)
    return have is not None and have.covers(asked)


def replaces(endpoint: str, new: str, old: str) -> bool:
    """Tell whether who has an item with new contents has no use for the one with the old."""
    had = read(endpoint, old)
    return had is not None and serves(endpoint, new, had)


def contents_of(call: Call) -> Contents | None:
    """Return what each item of the call's answer will hold; None where the answer is kept as a whole."""
    match call:
        case ProductCall(codes=()):
            return found_contents(call)
        case SellerCall():
            return SellerContents(bool(call.storefront), EVER if call.update is None else call.update)
        case CategoryCall():
            return CategoryContents(call.parents)
        case _:
            return None


def found_contents(call: ProductCall | ProductSearchCall) -> ProductContents:
    """Return what each product that this call finds will hold."""
    history = call.history is not False
    hours = REFRESHED_HOURS if call.update is None else call.update
    common = ProductContents(
        hours=EVER if hours < 0 else hours,
        history=history,
        days=EVER if history else 0,
        stats=_stats(call.stats),
        rating=bool(call.rating),
    )
    if isinstance(call, ProductSearchCall):
        return common
    offers = -(-(call.offers or 0) // _OFFERS_PER_PAGE)
    return msgspec.structs.replace(
        common,
        days=(call.days or EVER) if history or offers else 0,
        offers=offers,
        live_only=bool(offers and call.only_live_offers),
        buybox=bool(call.buybox or offers),
        stock=bool(call.stock and offers),
        videos=bool(call.videos),
        aplus=bool(call.aplus),
        variations=bool(call.historical_variations),
        rental=bool(call.rental and offers),
    )


def wanted(call: Call, *, at_any_age: bool = False) -> Wanted | None:
    """Return what to look for in the archive; None for what is never archived.

    `at_any_age` waives the call's own demand that Keepa's data be fresh.
    """
    if isinstance(call, TokenCall | TrackingCall | TrackingAddCall):
        return None
    asked = contents_of(call)
    if at_any_age and isinstance(asked, ProductContents | SellerContents):
        asked = msgspec.structs.replace(asked, hours=EVER)
    if asked is not None and isinstance(call, ProductCall | SellerCall | CategoryCall):
        items, domain = tuple(dict.fromkeys(call.items)), call.domain
    else:
        query = call.query()
        domain = call.domain if isinstance(call, DealCall) else int(query.pop("domain", "0"))
        if body := call.body():
            query["selection"] = body.decode()  # by GET it stands there
        items = (name_of("&".join(f"{name}={value}" for name, value in sorted(query.items()))),)
    contents = asked.text if asked is not None else WHOLE
    endpoint = call.endpoint
    return Wanted(endpoint, domain, items, contents, lambda text: serves(endpoint, text, asked))


def demanded_age(call: Call) -> timedelta | None:
    """Return the age that the call's own `update` allows; None where it says nothing of it."""
    if not isinstance(call, ProductCall | ProductSearchCall | SellerCall) or call.update is None or call.update < 0:
        return None
    return timedelta(hours=min(call.update, EVER // 3600))


def _stats(window: int | tuple[str, str] | None) -> str:
    if window is None:
        return ""
    return str(window) if isinstance(window, int) else ",".join(window)
