"""A thousand random discoveries: each stays within its plan, every product meets every criterion, none is lost.

60 of them in the suite; KEEPAHEAD_DISCOVERIES=1000 runs a thousand, over all marketplaces and with or without a
category (some 20 minutes), and tells with -s what they did.
"""

import os
import sys
from collections import Counter

import pytest
from tests.house import House, run
from tests.work.wishes import Oracle, open_house, random_criteria

from keepahead import InvalidCallError
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.filters import details_sieve
from keepahead.work.discovery.harvest import Discovery
from keepahead.work.discovery.plan import DiscoveryPlan, plan_discovery
from keepahead.work.discovery.run import discover

IN_THE_SUITE = 60
DISCOVERIES = int(os.environ.get("KEEPAHEAD_DISCOVERIES", IN_THE_SUITE))
PARTS = max(5, DISCOVERIES // 50)
ROADS = ("finder", "best-sellers", "deals")


def planned(seed: int, criteria: Criteria, house: House) -> DiscoveryPlan:
    """The planner's own road for most, another one for some."""
    now = house.clock.now()
    if seed % 3 == 0:
        for road in (*ROADS[seed % 9 // 3 :], "finder", "best-sellers"):
            try:
                return plan_discovery(criteria, now=now, road=road)
            except InvalidCallError:
                continue
    return plan_discovery(criteria, now=now)


def check_accounts(plan: DiscoveryPlan, found: Discovery, spent: int) -> None:
    """The cost lies within the plan, and every candidate is accounted for."""
    assert plan.cost.tokens_min <= spent <= plan.tokens_max
    left_out = sum(each.products for each in found.rejected) + len(found.undelivered) + found.unseen
    assert found.candidates == len(found.products) + left_out
    assert found.looked_up <= plan.road.lookups_max
    assert len(found.products) <= plan.criteria.max_results
    assert len(set(found.asins)) == len(found.asins)
    if found.ended == "enough":
        assert len(found.products) == plan.criteria.max_results
    elif found.ended == "all seen":
        assert found.unseen == 0


def check_products(plan: DiscoveryPlan, found: Discovery, oracle: Oracle, listed: list[str] | None) -> None:
    """What was found meets the criteria, by our reading and by Keepa's; what was looked at and does is found."""
    names = plan.road.carried
    assert names.issuperset(set(plan.criteria.given) - plan.road.applies)
    sieve = details_sieve(plan.criteria, plan.now, names)
    for product in found.products:
        assert sieve.reject(product) is None
        assert oracle.fits(product.asin, names)
    if listed is None:
        return
    assert [asin for asin in listed if asin in found.asins] == list(found.asins)
    if plan.road.name == "finder":
        assert found.total == len(listed)
        assert found.candidates == min(len(listed), max(50, plan.road.lookups_max))
    is_full = len(found.products) == plan.criteria.max_results
    for asin in listed[: found.looked_up]:
        assert (asin in found.asins) == oracle.fits(asin, names) or (is_full and asin not in found.asins), asin


@pytest.mark.parametrize("part", range(PARTS))
def test_a_plan_holds(part, tmp_path):
    """Tokens lie within the plan's bounds, products meet every criterion, and nothing is silently dropped."""
    house = open_house(tmp_path)
    roads: Counter[str] = Counter()
    products = tokens = most = 0

    async def main() -> None:
        nonlocal products, tokens, most
        async with house.keepa() as keepa:
            for seed in range(part, DISCOVERIES, PARTS):
                criteria = random_criteria(seed, everywhere=DISCOVERIES > IN_THE_SUITE)
                oracle = Oracle(house, criteria)
                try:
                    plan = planned(seed, criteria, house)
                except InvalidCallError as error:
                    roads[error.code] += 1
                    continue
                listed = oracle.finder() if plan.road.name == "finder" else None
                if plan.road.name == "best-sellers":
                    listed = oracle.best_sellers()
                before = house.truth().consumed
                found = await discover(keepa, plan, house.clock)
                spent = house.truth().consumed - before
                check_accounts(plan, found, spent)
                check_products(plan, found, oracle, listed)
                roads[plan.road.name] += 1
                products, tokens, most = products + len(found.products), tokens + spent, most + plan.tokens_max

    run(main())
    assert roads.keys() <= {*ROADS, "no_road"}
    sys.stderr.write(f"\npart {part}: {dict(roads)}, {products} products, {tokens} tokens of at most {most}\n")
