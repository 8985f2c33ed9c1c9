"""The law of what is delivered: just what was asked for, and no older than was accepted."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from keepahead.keepa.objects import Product
from keepahead.work.discovery.filters import details_sieve
from keepahead.work.discovery.harvest import Discovery
from keepahead.work.discovery.plan import DiscoveryPlan
from lab.auditor import BrokenLawError

CLOCKS = timedelta(seconds=300)
"""Who fetched it went by another clock than who gets it, and either may have jumped."""


def demand_right(products: Sequence[Product], asins: Sequence[str], began: datetime, max_age_seconds: float) -> None:
    """Raise BrokenLawError where a delivery holds something else, or something too old that is not called stale."""
    came = sorted(product.asin for product in products)
    if came != sorted(asins):
        raise BrokenLawError(f"{', '.join(sorted(asins))} were asked for, and {', '.join(came) or 'nothing'} came")
    if not max_age_seconds and not all(product.paid_now or product.is_stale for product in products):
        raise BrokenLawError(f"{', '.join(came)}: nothing archived would do, and some of it came from the archive")
    oldest = began - timedelta(seconds=max_age_seconds) - CLOCKS
    for product in products:
        if not product.is_stale and (product.fetched_at is None or product.fetched_at < oldest):
            raise BrokenLawError(f"{product.asin} is of {product.fetched_at}, and nothing older than {oldest} would do")


def demand_fitting(plan: DiscoveryPlan, found: Discovery) -> None:
    """Raise BrokenLawError where a discovery found what does not meet its criteria, or lost sight of a candidate."""
    sieve = details_sieve(plan.criteria, plan.now, plan.road.carried)
    if wrong := [product.asin for product in found.products if sieve.reject(product) is not None]:
        raise BrokenLawError(f"{', '.join(wrong)} were found, and do not meet {plan.criteria}")
    told = len(found.products) + sum(each.products for each in found.rejected) + len(found.undelivered) + found.unseen
    if found.candidates != told:
        raise BrokenLawError(f"a discovery had {found.candidates} candidates, and tells of {told}")


def demand_named(path: str, query: Mapping[str, Any], text: str) -> None:
    """Raise BrokenLawError where the gateway's answer about a product does not name it."""
    asin = str(query.get("asin") or path.rpartition("/")[2])
    if path.startswith(("/api/v1/products/", "/keepa/product")) and asin not in text:
        raise BrokenLawError(f"{path} was asked for {asin}, and the answer does not name it: {text[:200]}")
