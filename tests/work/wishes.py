"""Random criteria that find something at the simulated Keepa, and an oracle: its own filters, asked behind our back."""

import gzip
import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.house import House

from keepahead.simulator import SIMULATOR_KEY
from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.catalogue.taxonomy import id_in, roots, tree
from keepahead.simulator.endpoints.filters import filters
from keepahead.simulator.endpoints.moment import Moment
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.roads import finder_selection

_NONE: dict[str, Any] = {"changed_within_hours": None}
_CATALOGUE = Catalogue(1)  # the same for all: nothing in it ever changes
_DOMAINS = (1, 1, 1, 3, 5, 12)
_PRICES = ("amazon_price", "new_price", "used_price", "buy_box_price", "fba_price")
_RANGES: dict[str, tuple[int, int]] = {
    "rating": (30, 50),
    "reviews": (0, 3000),
    "new_offers": (0, 30),
    "used_offers": (0, 8),
    "fba_offers": (0, 15),
    "rank_drops_30": (0, 30),
    "rank_drops_90": (0, 90),
    "rank_drops_180": (0, 180),
    "sold": (0, 2000),
}
_WORDS = ("premium", "-black", '"pack of"', "classic", "with instructions", "set", "-large")


def random_criteria(seed: int, *, everywhere: bool = False) -> Criteria:
    """Return criteria that contradict nothing; most are narrow in rank, so that the simulator answers soon.

    Not `everywhere`: always in a category, of two small roots of one marketplace.
    """
    roll = random.Random(f"wish/{seed}")
    domain = roll.choice(_DOMAINS if everywhere else (1,))
    root = roll.choice([each for each in roots() if each.number in ({4, 8, 10, 11} if everywhere else {10, 11})])
    ranks = roll.choice([None, 1, 50]), roll.choice([800, 3000, 20_000] if everywhere else [200, 800, 3000])
    wish: dict[str, Any] = {"domain": domain, "rank": ranks}
    below = [node for node in tree().nodes.values() if node.path[0] == root.cat_id and len(node.path) > 1]
    leaves = [node for node in below if not node.children]
    place = roll.random() * (1.0 if everywhere else 0.85)
    if place < 0.6:
        wish["category"] = id_in(domain, root.cat_id)
    elif place < 0.75:
        wish["subcategory"] = id_in(domain, roll.choice(leaves).cat_id)
    elif place < 0.85 and domain != 12:
        wish["branch"] = id_in(domain, roll.choice(below).cat_id)
    else:
        wish["rank"] = (wish["rank"][0], 800)
    for name in roll.sample([*_PRICES, *_RANGES], roll.choice([0, 1, 1, 2, 3])):
        wish[name] = _some_range(roll, name, domain)
    if roll.random() < 0.2:
        wish["amazon_in_stock"] = roll.random() < 0.6 or "amazon_price" in wish
    if roll.random() < 0.25:
        wish["title"] = roll.choice(_WORDS)
    if roll.random() < 0.15:
        wish["brands_excluded"] = ("Nobody", "Alabeco")
    if roll.random() < 0.15:
        wish |= {"price_drop": (10, None), "changed_within_hours": roll.choice([6, 12])}
        if {"category", "subcategory"} & wish.keys():
            wish["rank"] = (None, 200_000)
    elif roll.random() < 0.1:
        wish |= {"changed_within_hours": roll.choice([24, 72])}
    wish |= {
        "sort": roll.choice(["rank", "rank", "price", "-price", "sold", "any"]),
        "max_results": roll.choice([1, 3, 10, 20, 60]),
        "with_rating": roll.random() < 0.5,
        "with_history": roll.random() < 0.2,
    }
    return Criteria(**wish)


def _some_range(roll: random.Random, name: str, domain: int) -> tuple[int | None, int | None]:
    if name in _PRICES:
        low, high = sorted(roll.sample([0, 500, 1000, 1500, 2500, 4000, 8000], 2))
        if domain == 5:
            low, high = low * 3 // 2, high * 3 // 2
    else:
        least, most = _RANGES[name]
        low, high = sorted((roll.randint(least, (least + most) // 2), roll.randint(least + 1, most)))
    return roll.choice([(low, None), (None, max(1, high)), (low, max(1, high))])


def open_house(folder: Path) -> House:
    """Return a house whose catalogue others have worked out already."""
    house = House(folder, rate=4000)
    house.simulator.catalogue = _CATALOGUE
    return house


class Oracle:
    """What the simulated Keepa holds, seen without spending from the account under test."""

    def __init__(self, house: House, criteria: Criteria) -> None:
        self._house = house
        self._criteria = criteria
        self._selection = finder_selection(criteria, house.clock.now(), criteria.max_results)

    def finder(self) -> list[str]:
        """Return all that the finder holds for these criteria, in its order."""
        return self._ask("/query", {**self._selection, "perPage": 10_000})["asinList"]

    def best_sellers(self) -> list[str]:
        """Return the best-seller list."""
        node = self._criteria.branch or self._criteria.subcategory or self._criteria.category
        query = {"domain": self._criteria.site, "category": node, "variations": 1}
        return (self._ask("/bestsellers", None, **query)["bestSellersList"] or {"asinList": []})["asinList"]

    def fits(self, asin: str, names: frozenset[str]) -> bool:
        """Say whether a product, as Keepa has it stored now, meets the criteria of these names."""
        listing, criteria = self._stored(asin), self._criteria
        if listing is None:
            return False
        left_out = {name: _NONE.get(name, (None, None)) for name in criteria.given if name not in names}
        asked = replace(criteria, **left_out, max_results=1) if left_out.keys() < set(criteria.given) else None
        if asked is None:
            return True
        if asked.category is not None and listing.attribute("rootCategory") != asked.category:
            return False
        if asked.branch is not None and asked.branch not in self._path(listing):
            return False
        selection = finder_selection(asked, self._house.clock.now(), 1)
        return all(keep(listing) for keep in filters(selection))

    def _path(self, listing: Listing) -> set[int]:
        """Return the categories from a listing's own to its root."""
        domain, listed = self._criteria.site, set(listing.attribute("categories"))
        paths = [node.path for node in tree().nodes.values() if id_in(domain, node.cat_id) in listed]
        return {id_in(domain, each) for path in paths for each in path}

    def _stored(self, asin: str) -> Listing | None:
        simulator, domain = self._house.simulator, self._criteria.site
        index = simulator.catalogue.find(asin, domain)
        if index is None:
            return None
        now_ms = round(self._house.clock.now().timestamp() * 1000)
        with simulator._state.enter() as room, simulator._account_now(SIMULATOR_KEY) as account:
            if index >= PRODUCTS:
                return simulator.catalogue.listing(index, domain, 0)
            return Moment(now_ms, room, account, simulator.catalogue).stored(index, domain)

    def _ask(self, path: str, body: Any, **query: Any) -> Any:
        texts = {"key": SIMULATOR_KEY, "domain": str(self._criteria.site), **{k: str(v) for k, v in query.items()}}
        raw = json.dumps(body).encode() if body else b""
        simulator = self._house.simulator
        simulator.set_refill_rate(4000)
        reply = simulator.finish(simulator.begin("POST" if raw else "GET", path, texts, raw))
        packed = reply.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(reply.body) if packed else reply.body)
