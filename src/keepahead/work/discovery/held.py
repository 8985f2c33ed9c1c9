"""What the archive has of a discovery before it is begun. Looks only: nothing is served, and nobody is charged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from keepahead.errors import BadAnswerError
from keepahead.keepa import objects
from keepahead.keepa.archived import answer_of
from keepahead.keepa.calls import BestSellersCall, Call, CategoryCall, DealCall, FinderCall, ProductCall
from keepahead.keepa.contents import wanted
from keepahead.keepa.costs import quote
from keepahead.store.archive import Archive
from keepahead.store.wanted import Item
from keepahead.work.discovery.plan import DiscoveryPlan

DETAILS_MAX = 100
"""Of so many candidates it is looked up whether their details are there."""

_ANY_AGE = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Held:
    """What is there, in words, and how many tokens it is likely to save; `is_all`: it is likely to cost nothing."""

    what: tuple[str, ...]
    tokens_likely: int
    is_all: bool


def held_of(
    plan: DiscoveryPlan, archive: Archive, ages: Mapping[str, timedelta], details_age: timedelta, now: datetime
) -> Held:
    """Return what of a plan the archive has that is not older than the ages allow. Blocks. Raises LedgerError."""
    if not archive.is_on or not plan.tokens_max:
        return Held((), 0, is_all=not plan.tokens_max)
    what: list[str] = []
    candidates: list[str] = []
    saved = calls = there = 0
    for step in plan.road.steps:
        for call in step.calls:
            calls += 1
            items = _look(call, archive, ages.get(call.endpoint, timedelta()), now)
            if items is None:
                continue
            there += 1
            saved += quote(call).tokens_likely
            candidates += _candidates(call, items)
            if call is step.calls[0]:
                what.append(step.what)
    some = list(dict.fromkeys(candidates))[: min(DETAILS_MAX, plan.road.lookups_max)]
    held, wanted_most = _details(plan, some, archive, details_age, now), plan.criteria.max_results
    if some:
        what.append(f"the details of {len(held):,} of the first {len(some):,} candidates")
        saved += min(len(held), wanted_most) * _each(plan)
    is_all = calls == there and wanted_most <= DETAILS_MAX and held.issuperset(some[:wanted_most])
    return Held(tuple(what), min(saved, plan.cost.tokens_likely), is_all)


def category_names(archive: Archive, nodes: Sequence[int], domain: int, now: datetime) -> dict[int, str]:
    """Return the names of those categories that the archive knows, however old. Blocks. Raises LedgerError."""
    if not nodes or not archive.is_on:
        return {}
    call = CategoryCall(categories=tuple(map(str, nodes)), domain=domain)
    of = wanted(call)
    if of is None:
        return {}
    answers = [answer_of(call, item, is_stale=True) for item in archive.look(of, now - _ANY_AGE, now).values()]
    return {node: str(each.get("name") or "") for node, each in objects.categories(answers).items()}


def _look(call: Call, archive: Archive, age: timedelta, now: datetime) -> Sequence[Item] | None:
    """Return what the archive has of a call; None unless it has all of it."""
    of = wanted(call)
    if of is None or age <= timedelta():
        return None
    found = archive.look(of, now - age, now)
    return list(found.values()) if len(found) == len(of.items) else None


def _candidates(call: Call, items: Iterable[Item]) -> Sequence[str]:
    answers = [answer_of(call, item, is_stale=False) for item in items]
    try:
        match call:
            case FinderCall():
                return objects.found(answers).asins
            case BestSellersCall():
                return objects.best_sellers(answers).asins
            case DealCall():
                return [str(deal.get("asin") or "") for deal in objects.deals(answers).deals]
            case _:
                return ()
    except BadAnswerError:
        return ()


def _details(plan: DiscoveryPlan, asins: Sequence[str], archive: Archive, age: timedelta, now: datetime) -> set[str]:
    if not asins or age <= timedelta():
        return set()
    options = cast("dict[str, Any]", plan.road.options)
    of = wanted(ProductCall(asins=tuple(asins), domain=plan.criteria.site, **options))
    return set(archive.look(of, now - age, now)) if of else set()


def _each(plan: DiscoveryPlan) -> int:
    options = cast("dict[str, Any]", plan.road.options)
    return quote(ProductCall(asins=("B000000000",), domain=plan.criteria.site, **options)).tokens_likely
