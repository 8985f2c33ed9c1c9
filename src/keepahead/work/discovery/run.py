"""Runs a discovery: its road, then details in chunks until enough are found.

What was found and paid for comes back even if a later part fails.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from keepahead.clock import Clock
from keepahead.errors import (
    InsufficientTokensError,
    InvalidCallError,
    KeepaheadError,
    KeepaUnreachable,
    PartialResultError,
    RefusedError,
)
from keepahead.keepa import objects
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.calls import BestSellersCall, DealCall, FinderCall, ProductCall
from keepahead.keepa.domains import BRAZIL, DOMAINS
from keepahead.keepa.objects import Category, Product
from keepahead.keepa.plans import ProductOptions, SpendOptions
from keepahead.keepa.terms import Age
from keepahead.keepa.wire import Answer
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.filters import details_sieve
from keepahead.work.discovery.harvest import Discovery, Harvest, Stage
from keepahead.work.discovery.measures import in_order
from keepahead.work.discovery.plan import DiscoveryPlan, check_tokens
from keepahead.work.discovery.roads import DEALS_PER_PAGE, archive_options

DETAILS_AGE = timedelta(hours=24)
"""How old archived details may be unless somebody says otherwise: what is found is looked at again before buying."""

ARCHIVE_LOOKS_MAX = 2_000
"""The archive is searched no further than this, the newest first."""


async def discover(
    keepa: AsyncMethods,
    plan: DiscoveryPlan,
    clock: Clock,
    *,
    max_wait_seconds: float | None = None,
    max_age: Age | None = None,
    details_max_age: Age = DETAILS_AGE,
) -> Discovery:
    """Carry out the plan. Nothing is sent unless the whole can be paid for within the limits.

    `max_age` is the age of archived answers that will do; None: `details_max_age` for details, the settings for lists.
    Where places are kept, it is one for the whole discovery.

    Raises RefusedError before the first call, InvalidCallError for a category that Keepa does not know, KeepaError if
    nothing was found yet, and PartialResultError (its `results` is a Discovery) if a later part is missing, or nothing
    was found but a category may have been paid for.
    """
    check_tokens(plan)
    began = clock.now()
    deadline = None if max_wait_seconds is None else began + timedelta(seconds=max_wait_seconds)
    limits = _Limits(clock, deadline, max_age, details_max_age, None if plan.tokens_max else 0, plan.name)
    if plan.tokens_max:
        try:
            await keepa.foresee(plan.name, plan.tokens_max, max_wait_seconds=max_wait_seconds)
        except InsufficientTokensError:
            with suppress(KeepaheadError):  # it may all be there already
                return await _carry_out(keepa, plan, replace(limits, max_tokens=0))
            raise
    try:
        return await _carry_out(keepa, plan, limits)
    finally:
        await keepa.end_work(plan.name)


@dataclass(frozen=True, slots=True)
class _Limits:
    """On what terms the parts of one discovery are asked for."""

    clock: Clock
    deadline: datetime | None
    max_age: Age | None
    details_max_age: Age
    max_tokens: int | None
    work: str

    def lists(self) -> SpendOptions:
        """Return the terms of what brings candidates, from now on."""
        left = None if self.deadline is None else max(0.0, (self.deadline - self.clock.now()).total_seconds())
        return {"work": self.work, "max_wait_seconds": left, "max_age": self.max_age, "max_tokens": self.max_tokens}

    def details(self) -> SpendOptions:
        """Return those of details."""
        return {**self.lists(), "max_age": self.details_max_age if self.max_age is None else self.max_age}


async def search(
    keepa: AsyncMethods,
    plan: DiscoveryPlan,
    clock: Clock,
    *,
    max_wait_seconds: float | None = None,
    max_age: Age | None = None,
    details_max_age: Age = DETAILS_AGE,
) -> AsyncIterator[Product | Stage | Discovery]:
    """Carry out a plan that was foreseen by its name; yield each product as it is found, and at last the Discovery.

    Before something is asked of Keepa, a Stage says what, and how far it has come.

    The terms and errors are those of `discover`. What came with the part that failed is in the error's `results` only.
    """
    check_tokens(plan)
    deadline = None if max_wait_seconds is None else clock.now() + timedelta(seconds=max_wait_seconds)
    limits = _Limits(clock, deadline, max_age, details_max_age, None if plan.tokens_max else 0, plan.name)
    async for each in _search(keepa, plan, limits):
        yield each


async def _carry_out(keepa: AsyncMethods, plan: DiscoveryPlan, limits: _Limits) -> Discovery:
    found = [each async for each in _search(keepa, plan, limits) if isinstance(each, Discovery)]
    return found[-1]


async def _search(
    keepa: AsyncMethods, plan: DiscoveryPlan, limits: _Limits
) -> AsyncIterator[Product | Stage | Discovery]:
    harvest = Harvest(plan)
    if plan.tokens_max:
        if plan.criteria.nodes:
            yield harvest.stage("categories")
        await check_categories(keepa, plan.criteria, limits.lists())
    pages = _pages(keepa, harvest, limits)
    while True:
        yield harvest.stage("candidates")
        if not await _next_page(pages, harvest):
            break
        while chunk := harvest.chunk():
            had = harvest.found
            yield harvest.stage("details")
            await _look_up(keepa, harvest, chunk, limits.details())
            for product in harvest.found_since(had):
                yield product
        if harvest.is_over:
            break
    yield harvest.result()


async def known_to_fit(
    keepa: AsyncMethods, criteria: Criteria, clock: Clock, *, max_age: Age = DETAILS_AGE
) -> list[str]:
    """Return the archived products that are known to meet all criteria, in the order asked. Spends nothing."""
    options: ProductOptions = {**archive_options(criteria), "max_age": max_age}
    products = await keepa.archived(domain=criteria.site, most=ARCHIVE_LOOKS_MAX, **options)
    sieve = details_sieve(criteria, clock.now(), criteria.given)
    fitting = [product for product in products if sieve.reject(product) is None]
    return [product.asin for product in in_order(fitting, criteria.sort)]


async def check_categories(keepa: AsyncMethods, criteria: Criteria, terms: SpendOptions) -> None:
    """Ask for the categories that are named. Raises InvalidCallError for one that Keepa does not know or misnames."""
    if not criteria.nodes or criteria.site == BRAZIL:
        return
    known = await keepa.categories(criteria.nodes, domain=criteria.site, **terms)
    for name in ("category", "subcategory", "branch"):
        node = getattr(criteria, name)
        if node is None:
            continue
        if node not in known:
            site = DOMAINS[criteria.site].site
            message = (
                f"there is no category {node} on {site}; it took at most 1 token to know it, and nothing else was sent"
            )
            raise InvalidCallError("unknown_category", message, parameter=name)
        if name == "category" and known[node].get("parent"):
            raise InvalidCallError("no_root_category", _no_root(node, known[node]), parameter=name)


def gather(plan: DiscoveryPlan, answers: Sequence[Answer]) -> Discovery:
    """Return what a discovery had when it was interrupted."""
    harvest = Harvest(plan)
    harvest.offer(plan.archived)
    for answer in answers:
        match answer.call:
            case FinderCall():
                found = objects.found([answer])
                harvest.total = found.total
                harvest.offer(found.asins)
            case BestSellersCall():
                harvest.offer(objects.best_sellers([answer]).asins)
            case DealCall():
                harvest.offer_deals(objects.deals([answer]).deals)
            case ProductCall() as call:
                harvest.take(call.asins, objects.products([answer], asked=call.asins))
            case _:
                pass
    return harvest.result(early=True)


async def _pages(keepa: AsyncMethods, harvest: Harvest, limits: _Limits) -> AsyncIterator[None]:
    """Bring the road's candidates into the harvest, page by page."""
    plan = harvest.plan
    if plan.road.name == "archive":
        harvest.offer(plan.archived)
        yield
    for call in (call for step in plan.road.steps for call in step.calls):
        terms = limits.lists()
        match call:
            case FinderCall():
                found = await keepa.find(call.filters, domain=call.domain, **terms)
                harvest.total = found.total
                harvest.offer(found.asins)
                yield
            case BestSellersCall():
                listed = await keepa.best_sellers(call.category, domain=call.domain, variations=True, **terms)
                harvest.total = len(listed.asins)
                harvest.offer(listed.asins)
                yield
            case DealCall():
                page = await keepa.deals(call.filters, **terms)
                harvest.offer_deals(page.deals)
                yield
                if len(page.deals) < DEALS_PER_PAGE:
                    return
            case _:
                pass


async def _next_page(pages: AsyncIterator[None], harvest: Harvest) -> bool:
    """Bring the next page; what was found before it failed comes with the error."""
    try:
        await anext(pages)
    except StopAsyncIteration:
        return False
    except KeepaheadError as error:
        had = harvest.result(early=True)
        says_nothing_was_spent = isinstance(error, RefusedError | KeepaUnreachable)
        if not had.candidates and not (says_nothing_was_spent and harvest.plan.criteria.nodes):
            raise  # else a category may have been paid for by now
        message = f"{len(had.products)} products were found, then: {error}"
        raise PartialResultError(message, results=had, missing=(), cause=error) from error
    return True


async def _look_up(keepa: AsyncMethods, harvest: Harvest, chunk: Sequence[str], terms: SpendOptions) -> None:
    plan = harvest.plan
    options: ProductOptions = {**plan.road.options, **terms}
    try:
        products = await keepa.products(chunk, domain=plan.criteria.site, **options)
    except PartialResultError as partial:
        harvest.take(chunk, partial.results, lost=partial.missing)
        raise _without(harvest, partial.missing, partial.cause) from partial
    except KeepaheadError as error:
        harvest.take(chunk, (), lost=chunk)
        raise _without(harvest, chunk, error) from error
    harvest.take(chunk, products)


def _without(harvest: Harvest, missing: Sequence[str], cause: KeepaheadError) -> PartialResultError:
    had = harvest.result(early=True)
    message = f"{len(had.products)} products were found; the details of {len(missing)} more are missing: {cause}"
    return PartialResultError(message, results=had, missing=missing, cause=cause)


def _no_root(node: int, found: Category) -> str:
    return (
        f"category {node} ({found.get('name')}) is no root category: it is a subcategory (what is listed directly in "
        "it) or a branch (with all below it); it took at most 1 token to know it, and nothing else was sent"
    )
