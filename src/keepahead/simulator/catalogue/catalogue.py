"""The catalogue: 120,000 products made from a seed, in eleven domains, and two recorded real ones.

Any product is found by arithmetic; only lists (finder, best sellers, deals) need the index of a domain, built when
first asked for.
"""

import threading
from array import array
from collections.abc import Callable
from typing import Any, TypeVar

from keepahead.simulator.catalogue.listing import Listing, MadeListing
from keepahead.simulator.catalogue.marketplaces import MARKETPLACES
from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.numbers import PRODUCTS, Numbers
from keepahead.simulator.catalogue.product import products_of_code
from keepahead.simulator.catalogue.recorded import RECORDED, RecordedListing, recorded
from keepahead.simulator.catalogue.taxonomy import roots
from keepahead.simulator.catalogue.traits import Traits, exists, place, traits

_HOUR = 60
_MEMORY = 24
_T = TypeVar("_T")


class Catalogue:
    """Everything that is for sale, made from one seed."""

    def __init__(self, seed: int) -> None:
        self.salt = mix(seed, 1)
        self.numbers = Numbers(seed)
        self._traits: dict[tuple[int, int], Traits] = {}
        self._index: dict[int, dict[int, array[int]]] = {}
        self._lock = threading.RLock()
        self._memory: dict[tuple[object, ...], Any] = {}

    def index(self, domain: int) -> dict[int, "array[int]"]:
        """Return the indexes of all products that Keepa knows in a domain, by root number; built on first use."""
        with self._lock:
            if domain not in self._index:
                limit = MARKETPLACES[domain].share * 1024
                by_root = {root.number: array("I") for root in roots()}
                for index in range(PRODUCTS):
                    roll = mix(mix(self.salt, index), domain)  # what exists() and is_known() look at
                    if roll & 1023 < limit and roll >> 50 & 63:
                        by_root[place(self.salt, index)[0]].append(index)
                self._index[domain] = by_root
            return self._index[domain]

    def remember(self, key: tuple[object, ...], make: Callable[[], _T]) -> _T:
        """Return something that is dear to make and holds for a while; `key` says what and until when."""
        with self._lock:
            if key not in self._memory:
                if len(self._memory) >= _MEMORY:
                    self._memory.pop(next(iter(self._memory)))
                self._memory[key] = make()
            return self._memory[key]

    def is_known(self, index: int, domain: int) -> bool:
        """Say whether Keepa had a product in its database before anybody asked for it."""
        return mix(mix(self.salt, index), domain) >> 50 & 63 != 0

    def traits(self, index: int, domain: int) -> Traits:
        """Return the hidden properties of a listing."""
        found = self._traits.get((index, domain))
        if found is None:
            found = self._traits[index, domain] = traits(self.salt, index, domain)
        return found

    def find(self, asin: str, domain: int) -> int | None:
        """Return the index of an ASIN that is sold in a domain; recorded ones come after all others."""
        if asin in RECORDED:
            return PRODUCTS + RECORDED.index(asin) if domain == 1 else None
        index = self.numbers.index_of_asin(asin)
        return index if index is not None and exists(self.salt, index, domain) else None

    def asin(self, index: int) -> str:
        """Return the ASIN of an index."""
        return RECORDED[index - PRODUCTS] if index >= PRODUCTS else self.numbers.asin(index)

    def find_code(self, code: str, domain: int) -> list[int]:
        """Return the indexes of the products in a domain that carry a UPC or EAN."""
        found = [n for n in products_of_code(code, self.numbers, PRODUCTS) if exists(self.salt, n, domain)]
        if domain == 1:
            found += [PRODUCTS + n for n, asin in enumerate(RECORDED) if code.zfill(13) in recorded(asin)["eanList"]]
        return found

    def stored_at(self, index: int, domain: int, now: int) -> int:
        """Return when (Keepa minutes) Keepa last refreshed a listing by itself: popular ones hourly, others in days."""
        if index >= PRODUCTS:
            return recorded(self.asin(index))["lastUpdate"]
        listing = self.traits(index, domain)
        period = _HOUR if listing.log_rank < 7.5 else 9 * _HOUR if listing.log_rank < 10 else 50 * _HOUR
        return now - (now + listing.own % period) % period

    def listing(self, index: int, domain: int, at: int) -> Listing:
        """Return a listing as it was stored at a moment."""
        if index >= PRODUCTS:
            return RecordedListing(recorded(self.asin(index)))
        return MadeListing(self.traits(index, domain), at, self.numbers, self.salt)
