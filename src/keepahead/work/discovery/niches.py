"""Niches: groups of products in sub-categories below one category, ranked; what it costs is planned first.

From the category down to where products are listed, biggest first; then one finder query with insights for each, and
the details of the first few.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, cast

from keepahead.budget.cost import Cost, sum_costs
from keepahead.clock import Clock
from keepahead.errors import InvalidCallError, KeepaheadError, PartialResultError
from keepahead.keepa import objects
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.calls import CategoryCall, FinderCall, ProductCall
from keepahead.keepa.costs import quote
from keepahead.keepa.domains import BRAZIL, DOMAINS
from keepahead.keepa.flow import too_dear
from keepahead.keepa.objects import Category, Product
from keepahead.keepa.plans import ProductOptions, SpendOptions
from keepahead.keepa.terms import Age
from keepahead.keepa.wire import Answer
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.niche_scores import NicheMarks, NicheScores, niche_scores
from keepahead.work.discovery.roads import STATS_DAYS, Step, finder_selection
from keepahead.work.discovery.run import DETAILS_AGE

CATEGORIES_PER_CALL = 10
CATEGORY_CALLS_MAX = 10
MILLIONS_MAX = 10
"""Insights cost 1 token for every million of matches: a sub-category with more products than this is left out."""

NICHES_MAX, SAMPLE_MAX = 50, 50
_DETAILS: ProductOptions = {"stats": STATS_DAYS, "history": False}
_SOME_ASIN = "B000000000"

Skipped = Literal["too big", "nothing fits", "not looked at"]


@dataclass(frozen=True, slots=True, kw_only=True)
class NichePlan:
    """What is asked for, and what it can cost. `root` is the category below which niches are looked for."""

    criteria: Criteria
    root: int
    max_niches: int
    sample: int
    steps: tuple[Step, ...]
    marks: NicheMarks
    now: datetime

    @property
    def name(self) -> str:
        """What it is called as work of many calls: the same for the same wish."""
        return f"looking for these niches: {self.max_niches} of {self.sample} {self.criteria}"

    @property
    def cost(self) -> Cost:
        """What all of it costs."""
        return sum_costs(step.cost for step in self.steps)

    @property
    def tokens_max(self) -> int:
        """The most that all of it can cost."""
        return self.cost.tokens_max or 0

    @property
    def insights_tokens_max(self) -> int:
        """The most that the insights into one niche can cost."""
        return quote(self.finder(self.root), total_results=MILLIONS_MAX * 1_000_000).tokens_max or 0

    def finder(self, node: int) -> FinderCall:
        """Return the query for what is listed in one category and meets the criteria."""
        return _finder(self.criteria, node, self.now, self.sample)


@dataclass(frozen=True, slots=True)
class Niche:
    """One sub-category: how many products match (Keepa's estimate), the insights into them, the first of them."""

    category: int
    name: str
    products: int
    scores: NicheScores
    insights: Mapping[str, Any]
    sample: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class Niches:
    """The niches, best first, and the categories that are none, each with the reason."""

    niches: tuple[Niche, ...]
    skipped: Mapping[int, Skipped]


def plan_niches(
    criteria: Criteria, *, now: datetime, max_niches: int = 5, sample: int = 5, marks: NicheMarks | None = None
) -> NichePlan:
    """Return what looking for niches below the category (or branch) of the criteria takes. Raises InvalidCallError."""
    root = criteria.category or criteria.branch
    if root is None or criteria.subcategory is not None or (criteria.category and criteria.branch):
        message = "Niches are looked for below one category: name a category or a branch, and no subcategory."
        raise InvalidCallError("one_category", message, parameter="category")
    if criteria.site == BRAZIL:
        message = "Keepa does not say that it knows the categories of amazon.com.br, so niches cannot be looked for."
        raise InvalidCallError("domain_without_categories", message, parameter="domain")
    for name, value, most in (("max_niches", max_niches, NICHES_MAX), ("sample", sample, SAMPLE_MAX)):
        if not 1 <= value <= most:
            raise InvalidCallError("out_of_range", f"{name} must be 1 to {most}, not {value}.", parameter=name)
    steps = (
        _category_step(criteria, root),
        _finder_step(criteria, root, now, max_niches, sample),
        _details_step(criteria, max_niches, sample),
    )
    return NichePlan(
        criteria=criteria,
        root=root,
        max_niches=max_niches,
        sample=sample,
        steps=steps,
        marks=marks or NicheMarks(),
        now=now,
    )


def check_niche_tokens(plan: NichePlan) -> None:
    """Raise MaxTokensError if the whole may cost more than is allowed."""
    allowed = plan.criteria.max_tokens
    if allowed is not None and plan.tokens_max > allowed:
        raise too_dear(None, plan.tokens_max, allowed)


async def niches(
    keepa: AsyncMethods,
    plan: NichePlan,
    clock: Clock,
    *,
    max_wait_seconds: float | None = None,
    max_age: Age | None = None,
    details_max_age: Age = DETAILS_AGE,
) -> Niches:
    """Carry out the plan. Nothing is sent unless the whole can be paid for within the limits.

    `max_age` is the age of archived answers that will do; None: `details_max_age` for details, the settings
    for the rest. Where places are kept, it is one for the whole search.

    Raises RefusedError before the first call, InvalidCallError for a category that Keepa does not know, and
    PartialResultError (its `results` is a Niches) if a later part is missing.
    """
    check_niche_tokens(plan)
    began = clock.now()
    await keepa.foresee(plan.name, plan.tokens_max, max_wait_seconds=max_wait_seconds)
    waited = (clock.now() - began).total_seconds()
    left = None if max_wait_seconds is None else max(0.0, max_wait_seconds - waited)
    try:
        return await look_for_niches(
            keepa, plan, clock, max_wait_seconds=left, max_age=max_age, details_max_age=details_max_age
        )
    finally:
        await keepa.end_work(plan.name)


async def look_for_niches(
    keepa: AsyncMethods,
    plan: NichePlan,
    clock: Clock,
    *,
    max_wait_seconds: float | None = None,
    max_age: Age | None = None,
    details_max_age: Age = DETAILS_AGE,
) -> Niches:
    """Carry out a plan that was foreseen by its name, on the terms of `niches`."""
    check_niche_tokens(plan)
    deadline = None if max_wait_seconds is None else clock.now() + timedelta(seconds=max_wait_seconds)
    search = _Search(keepa, plan, clock, deadline, (max_age, details_max_age))
    try:
        await search.descend()
        await search.look_into()
    except InvalidCallError:
        raise
    except KeepaheadError as error:
        had = search.result()
        if not had.niches:
            raise
        message = f"{len(had.niches)} niches were found, then: {error}"
        raise PartialResultError(message, results=had, missing=(), cause=error) from error
    return search.result()


def gather_niches(plan: NichePlan, answers: Sequence[Answer]) -> Niches:
    """Return what a search for niches had when it was interrupted."""
    known: dict[int, Category] = {}
    found: dict[int, objects.Found] = {}
    products: dict[str, Product] = {}
    for answer in answers:
        match answer.call:
            case CategoryCall():
                known |= objects.categories([answer])
            case FinderCall() as call:
                found[call.filters["categories_include"][0]] = objects.found([answer])
            case ProductCall():
                products |= {product.asin: product for product in objects.products([answer])}
            case _:
                pass
    return _ranked(plan, known, found, products, {})


class _Search:
    """One search under way: what is known of categories, what was found in each, and the details so far."""

    def __init__(
        self,
        keepa: AsyncMethods,
        plan: NichePlan,
        clock: Clock,
        deadline: datetime | None,
        ages: tuple[Age | None, Age],
    ) -> None:
        self._keepa = keepa
        self._plan = plan
        self._clock = clock
        self._deadline = deadline
        self._max_age, self._details_max_age = ages
        self._known: dict[int, Category] = {}
        self._found: dict[int, objects.Found] = {}
        self._products: dict[str, Product] = {}
        self._skipped: dict[int, Skipped] = {}

    async def descend(self) -> None:
        """Look up the category and what lies below it, the biggest first, as far as the plan goes."""
        await self._categories([self._plan.root])
        if self._plan.root not in self._known:
            site = DOMAINS[self._plan.criteria.site].site
            message = f"there is no category {self._plan.root} on {site}; it took at most 1 token to know it"
            raise InvalidCallError("unknown_category", message, parameter="category")
        for _ in range(CATEGORY_CALLS_MAX):
            unknown = [node for node in self._below() if node not in self._known]
            if not unknown or len(self._leaves()) >= CATEGORIES_PER_CALL * self._plan.max_niches:
                return
            await self._categories(unknown[:CATEGORIES_PER_CALL])

    async def look_into(self) -> None:
        """Ask the finder for each niche, the biggest first, and for the details of the first few."""
        for node in self._leaves():
            if len(self._found) >= self._plan.max_niches:
                self._skipped[node] = "not looked at"
            elif _size(self._known[node]) > MILLIONS_MAX * 1_000_000:
                self._skipped[node] = "too big"
            else:
                await self._look_at(node)

    def result(self) -> Niches:
        """Return what there is."""
        return _ranked(self._plan, self._known, self._found, self._products, self._skipped)

    async def _look_at(self, node: int) -> None:
        call = self._plan.finder(node)
        found = await self._keepa.find(
            call.filters,
            domain=call.domain,
            stats=True,
            **{**self._terms(), "allow_unbounded": True, "max_tokens": self._plan.insights_tokens_max},
        )
        self._found[node] = found
        if sample := found.asins[: self._plan.sample]:
            options: ProductOptions = {**_DETAILS, **self._terms(self._details_max_age)}
            products = await self._keepa.products(sample, domain=call.domain, **options)
            self._products |= {product.asin: product for product in products}

    async def _categories(self, nodes: Sequence[int]) -> None:
        self._known |= await self._keepa.categories(nodes, domain=self._plan.criteria.site, **self._terms())

    def _below(self) -> list[int]:
        """Return the children of what is known, those of the biggest first."""
        parents = sorted(self._known.values(), key=_size, reverse=True)
        return list(dict.fromkeys(child for parent in parents for child in _children(parent)))

    def _leaves(self) -> list[int]:
        """Return the known categories with nothing below them, the biggest first."""
        leaves = [node for node, each in self._known.items() if not _children(each)]
        return sorted(leaves, key=lambda node: _size(self._known[node]), reverse=True)

    def _terms(self, usual_age: Age | None = None) -> SpendOptions:
        left = None if self._deadline is None else max(0.0, (self._deadline - self._clock.now()).total_seconds())
        age = usual_age if self._max_age is None else self._max_age
        return {"work": self._plan.name, "max_wait_seconds": left, "max_age": age}


def _ranked(
    plan: NichePlan,
    known: Mapping[int, Category],
    found: Mapping[int, objects.Found],
    products: Mapping[str, Product],
    skipped: Mapping[int, Skipped],
) -> Niches:
    every = [_niche(plan, node, known.get(node), page, products) for node, page in found.items() if page.asins]
    empty: dict[int, Skipped] = {node: "nothing fits" for node, page in found.items() if not page.asins}
    best = sorted(every, key=lambda niche: (niche.scores.total is None, -(niche.scores.total or 0.0)))
    return Niches(tuple(best), {**skipped, **empty})


def _niche(
    plan: NichePlan, node: int, category: Category | None, page: objects.Found, products: Mapping[str, Product]
) -> Niche:
    sample = tuple(products[asin] for asin in page.asins[: plan.sample] if asin in products)
    insights = dict(page.insights) if page.insights is not None else {}
    name = str(category.get("name") or "") if category is not None else ""
    return Niche(node, name, page.total, niche_scores(insights, sample, plan.marks), insights, sample)


def _children(category: Category) -> Iterable[int]:
    children: object = category.get("children")
    return [int(child) for child in cast("list[int]", children)] if isinstance(children, list) else ()


def _size(category: Category) -> int:
    return int(category.get("productCount") or 0)


def _category_step(criteria: Criteria, root: int) -> Step:
    call = CategoryCall(categories=(str(root),), domain=criteria.site)
    one = quote(call)
    most = 1 + CATEGORY_CALLS_MAX
    because = (f"{one.tokens_max} per call of {CATEGORIES_PER_CALL}, up to {most}",)
    return Step(f"the categories below {root}", (call,), Cost(0, 1 + CATEGORY_CALLS_MAX // 2, most, because))


def _finder(criteria: Criteria, node: int, now: datetime, sample: int) -> FinderCall:
    here = replace(criteria, category=None, branch=None, subcategory=node)
    return FinderCall(selection=finder_selection(here, now, sample), domain=criteria.site, stats=True)


def _finder_step(criteria: Criteria, root: int, now: datetime, max_niches: int, sample: int) -> Step:
    call = _finder(criteria, root, now, sample)
    most, likely = quote(call, total_results=MILLIONS_MAX * 1_000_000), quote(call, total_results=1)
    cost = Cost(0, max_niches * likely.tokens_likely, max_niches * (most.tokens_max or 0), most.because)
    return Step(f"product finder with insights, for each of {max_niches}", (call,), cost)


def _details_step(criteria: Criteria, max_niches: int, sample: int) -> Step:
    one = quote(ProductCall(asins=(_SOME_ASIN,), domain=criteria.site, stats=STATS_DAYS, history=False))
    most = max_niches * sample
    cost = Cost(0, most * one.tokens_likely, most * (one.tokens_max or 0), (f"up to {most} products", *one.because[1:]))
    return Step(f"details of {sample} of each", (), cost)
