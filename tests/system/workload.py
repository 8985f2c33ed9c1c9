"""The mixed work of fifty tasks: singles, batches, lists, searches; more than the bucket has. All of it asks Keepa."""

import random
from collections.abc import Awaitable, Callable

from keepahead import AsyncKeepa

Task = Callable[[AsyncKeepa], Awaitable[object]]


def asins(rng: random.Random, count: int) -> list[str]:
    """Some ASINs of the right shape."""
    return ["B0" + "".join(rng.choices("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", k=8)) for _ in range(count)]


def mixed(rng: random.Random) -> Task:
    """One task at random, from 1 token to 100."""
    many = asins(rng, rng.choice((1, 1, 1, 10, 30, 100)))
    few = asins(rng, rng.choice((1, 3)))
    return rng.choice(
        (
            lambda keepa: keepa.products(many, max_age=0),
            lambda keepa: keepa.products(many[:30], rating=True, buybox=True, max_age=0),
            lambda keepa: keepa.products(few, offers=20, max_age=0),
            lambda keepa: keepa.best_sellers(3760911, max_age=0),
            lambda keepa: keepa.find({"rootCategory": [3760911], "perPage": 50}, max_age=0),
            lambda keepa: keepa.deals({"domainId": 1, "priceTypes": [0], "dateRange": 1, "page": 0}, max_age=0),
            lambda keepa: keepa.search("serum", page=0, max_age=0),
            lambda keepa: keepa.categories([3760911], max_age=0),
        )
    )
