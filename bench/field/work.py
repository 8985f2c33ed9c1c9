"""What is asked in the field: a workload and the incident. The same sizes give the same items, in the same order.

An item is one thing that one worker asks for and waits for, as plain values that also a child without keepahead reads:
`product` (a lookup: one ASIN, alone), `best_sellers`, `deals` (one page) or `discovery` (a product finder's page, and
then the products on it as one list). An answer is told by its name, so that what is asked again is seen to be the same.
"""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.taxonomy import roots

SEED = 1
"""Of the items, and of the fake Keepa that they are meant for."""

OPENING = 220
"""Tokens that there were on the evening of the incident; the workload begins with as many."""

Item = Mapping[str, Any]

_FOUND = 100
_PETS, _VIDEO_GAMES = 2619533011, 468642


@dataclass(frozen=True, slots=True)
class Scenario:
    """Items, by how many workers, on which plan. `opening` is above 0.

    `limit` is how many times the least time everybody has. `speed` is how much faster than the real time: so slow that
    the computing of this machine does not count.
    """

    name: str
    items: Sequence[Item]
    workers: int
    refill_rate: int
    opening: int
    limit: float
    speed: float

    def prices(self, numbers: Iterable[int]) -> Mapping[str, int]:
        """Return what each distinct answer of these items costs at Keepa's prices, once."""
        return {name: tokens for number in numbers for name, tokens in _answers(self.items[number])}

    @property
    def price(self) -> int:
        """Tokens for every distinct answer, each paid once."""
        return sum(self.prices(range(len(self.items))).values())

    @property
    def dearest_call(self) -> int:
        """Tokens of the dearest single call."""
        return max(tokens for item in self.items for tokens in _calls(item))


def workload(
    lookups: int = 3_000, lists: int = 10, pages: int = 50, opening: int = OPENING, refill_rate: int = 100
) -> Scenario:
    """Return the long haul: lookups of which 30% repeat, best-seller lists and deal pages, by 20 workers."""
    rng = random.Random(SEED)
    distinct = _asins(rng, lookups - lookups * 3 // 10)
    repeated = rng.choices(distinct, k=lookups - len(distinct))
    items: list[Item] = [{"kind": "product", "asins": [asin]} for asin in (*distinct, *repeated)]
    smallest = sorted(roots(), key=lambda root: root.cat_id in {283155, 172282})  # the two largest take long to rank
    items += [{"kind": "best_sellers", "category": root.cat_id} for root in smallest[:lists]]
    items += [{"kind": "deals", "selection": selection} for selection in _deal_pages(pages)]
    rng.shuffle(items)
    return Scenario("workload", items, 20, refill_rate, opening, limit=2.5, speed=20)


def incident() -> Scenario:
    """Return the evening: a best-seller list, a discovery of 100 products, and 120 lookups of 84, all at once."""
    rng = random.Random(SEED)
    pool = _asins(rng, 84, root=_VIDEO_GAMES)
    selection = {"rootCategory": [str(_PETS)], "current_SALES_lte": 10_000, "current_NEW_gte": 1500, "perPage": _FOUND}
    items: list[Item] = [{"kind": "best_sellers", "category": 3760911}, {"kind": "discovery", "selection": selection}]
    items += [{"kind": "product", "asins": [asin]} for asin in (*pool, *rng.choices(pool, k=36))]
    return Scenario("incident", items, len(items), 20, OPENING, limit=15, speed=4)


@cache
def _catalogue() -> Catalogue:
    return Catalogue(SEED)


def _asins(rng: random.Random, count: int, root: int | None = None) -> Sequence[str]:
    """Return some ASINs that Keepa knows, below a root category or anywhere."""
    catalogue = _catalogue()
    by_root = catalogue.index(1)
    chosen = [each.number for each in roots() if root in {None, each.cat_id}]
    known = [number for each in chosen for number in by_root[each]]
    return [catalogue.asin(number) for number in rng.sample(known, count)]


def _deal_pages(count: int) -> Sequence[Mapping[str, object]]:
    """Return the first pages of different selections: a price type, a root category, a span of time."""
    every = [
        {"page": 0, "domainId": 1, "priceTypes": [series], "includeCategories": [root.cat_id], "dateRange": span}
        for series in (0, 2)
        for root in roots()
        for span in range(4)
    ]
    return every[:count]


def _answers(item: Item) -> Iterator[tuple[str, int]]:
    """Name what an item brings, with the price of each."""
    match item["kind"]:
        case "product":
            yield from ((f"product {asin}", 1) for asin in item["asins"])
        case "best_sellers":
            yield f"best sellers {item['category']}", 50
        case "deals":
            yield f"deals {item['selection']}", 5
        case _:
            yield f"finder {item['selection']}", 11
            yield from ((f"found {number}", 1) for number in range(_FOUND))


def _calls(item: Item) -> Sequence[int]:
    prices = [tokens for _, tokens in _answers(item)]
    return [prices[0], sum(prices[1:])] if item["kind"] == "discovery" else [sum(prices)]
