"""Discoveries and niches: planned first, begun only if all of it can be paid for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Annotated, Any, TypeVar, cast

from fastapi import APIRouter, Query
from starlette.responses import Response

from keepahead.errors import PartialResultError
from keepahead.faces.documents import found_json, niche_plan_json, niches_json, plan_json, raw_of, raws
from keepahead.faces.gateway.gateway import Whole
from keepahead.faces.gateway.lines import Put, stream, wants_lines
from keepahead.faces.gateway.respond import json_response, origin_of, partial_json
from keepahead.faces.gateway.routes.answers import ANYTHING, BOOLEAN, KEEPAS, TEXT, answers, listed
from keepahead.faces.gateway.routes.criteria import DiscoverBody, NichesBody, SimpleCriteria, criteria_of
from keepahead.faces.gateway.routes.errand import Errand, Spending
from keepahead.faces.gateway.routes.parameters import Yes
from keepahead.keepa.objects import Product
from keepahead.keepa.on_behalf import OnBehalf
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.harvest import Discovery, Stage
from keepahead.work.discovery.niches import NichePlan, Niches, look_for_niches, plan_niches
from keepahead.work.discovery.plan import DiscoveryPlan, forecast, plan_discovery
from keepahead.work.discovery.roads import RoadName
from keepahead.work.discovery.run import known_to_fit, search

R = TypeVar("R")
Item = DiscoveryPlan | Product | Stage | Discovery
"""What comes of a discovery while it runs: the plan, stages and products, and at last what all of it brought."""

router = APIRouter(prefix="/api/v1", tags=["discovery"], default_response_class=Response)

_COST = {"tokens_min": 10, "tokens_likely": 31, "tokens_max": 51, "because": ["10 for the query"]}
_PLAN = {"road": "finder", "because": ["finder: the cheapest road that answers the criteria"], "cost": _COST}
_DISCOVERED = answers(
    {
        "type": "object",
        "required": ["plan"],
        "properties": {
            "plan": {"type": "object", "description": "What is asked, by which road and why, and what it costs."},
            "forecast": ANYTHING,
            "found": {"type": "object"},
            "products": listed(KEEPAS),
            "complete": BOOLEAN,
            "missing": listed(TEXT),
            "problem": {"type": "object"},
        },
    },
    {
        "plan": _PLAN,
        "found": {"asins": ["B0D8W1YVBX"], "total": 812, "candidates": 50, "looked_up": 1, "ended": "enough"},
        "products": [{"asin": "B0D8W1YVBX"}],
        "complete": True,
    },
    lines="The first line is `{plan}`; then `{product}` for each as it is found; the last is `{found, complete}` "
    "with what all of it cost: `{tokens_consumed, tokens_saved}`.",
)
_NICHES = answers(
    {
        "type": "object",
        "required": ["plan"],
        "properties": {
            "plan": {"type": "object"},
            "forecast": ANYTHING,
            "niches": listed({"type": "object"}),
            "skipped": {"type": "object"},
            "complete": BOOLEAN,
            "missing": listed(TEXT),
            "problem": {"type": "object"},
        },
    },
    {
        "plan": {"root": 283155, "cost": _COST},
        "niches": [{"category": 1000, "name": "Cooking", "products": 1200}],
        "skipped": {},
        "complete": True,
    },
)

PlanOnly = Annotated[Yes, Query(description="Say what it would cost, and send nothing.")]


@router.post("/products/discover", summary="Discover products", responses=_DISCOVERED)
async def post_discover(*, errand: Spending, body: DiscoverBody) -> Response:
    """Find products that meet criteria, with details, by the cheapest road; begun only if all can be paid for."""
    return await _discover(errand, criteria_of(body), body.road, plan_only=body.plan_only)


@router.get("/products/discover", summary="Discover products by simple criteria", responses=_DISCOVERED)
async def get_discover(
    *,
    errand: Spending,
    criteria: SimpleCriteria,
    road: Annotated[RoadName | None, Query(description="Take this road, not the cheapest that answers.")] = None,
    plan_only: PlanOnly = False,
) -> Response:
    """Find products that meet simple criteria, with details; begun only if all of it can be paid for."""
    return await _discover(errand, criteria, road, plan_only=plan_only)


@router.post("/niches/discover", summary="Discover niches", responses=_NICHES)
async def post_niches(*, errand: Spending, body: NichesBody) -> Response:
    """Rank the sub-categories below a category by demand, competition, margin and stability; all of it or nothing."""
    criteria, now = criteria_of(body), errand.now
    plan = plan_niches(criteria, now=now, max_niches=body.max_niches, sample=body.sample)
    errand = bounded(errand, criteria)
    if body.plan_only:
        return await _planned(errand, niche_plan_json(plan), plan)
    had: list[Niches] = []
    failed: PartialResultError | None = None
    try:
        await errand.spend_whole(_niches(errand, plan), _into(had))
    except PartialResultError as partial:
        had, failed = [cast("Niches", partial.results)], partial
    ends = {**partial_json(failed, errand.now), **origin_of(errand.request)}
    return json_response({"plan": niche_plan_json(plan), **niches_json(had[-1]), **ends})


async def _discover(errand: Errand, criteria: Criteria, road: RoadName | None, *, plan_only: bool) -> Response:
    plan = await plan_for(errand, criteria, road)
    errand = bounded(errand, criteria)
    if plan_only:
        return await _planned(errand, plan_json(plan), plan)
    work = discovery_of(errand, plan)
    if wants_lines(errand.request):
        return await stream(errand.request, errand.gateway.clock, lambda put: _stream(errand, work, put))
    had: list[Item] = []
    failed: PartialResultError | None = None
    try:
        await errand.spend_whole(work, _into(had))
        found = cast("Discovery", had[-1])
    except PartialResultError as partial:
        found, failed = cast("Discovery", partial.results), partial
    ends = {**partial_json(failed, errand.now), **origin_of(errand.request)}
    return json_response(
        {"plan": plan_json(plan), "found": found_json(found), "products": raws(found.products), **ends}
    )


async def _stream(errand: Errand, work: Whole[Item], put: Put) -> Mapping[str, Any]:
    sent = 0
    last: Mapping[str, Any] = {}

    async def take(each: Item) -> None:
        nonlocal sent, last
        match each:
            case DiscoveryPlan():
                await put({"plan": plan_json(each)})
            case Product():
                sent += 1
                await put({"product": raw_of(each)})
            case Discovery():
                last = {"found": found_json(each), "complete": True, **origin_of(errand.request)}
            case Stage():
                pass

    try:
        await errand.spend_whole(work, take)
    except PartialResultError as partial:
        found = cast("Discovery", partial.results)
        for each in found.products[sent:]:
            await take(each)
        ends = {**partial_json(partial, errand.now), **origin_of(errand.request)}
        return {"found": found_json(found), **ends}
    return last


async def plan_for(errand: Errand, criteria: Criteria, road: RoadName | None) -> DiscoveryPlan:
    """Return the plan; the archive is looked at where its road may be taken."""
    now, archived = errand.now, list[str]()
    if road == "archive" or (road is None and criteria.sort == "any"):
        age = errand.gateway.usual.details_max_age if errand.wish.max_age is None else errand.wish.max_age
        archived = await known_to_fit(errand.gateway.read(errand.request), criteria, errand.gateway.clock, max_age=age)
    return plan_discovery(criteria, now=now, road=road, archived=archived)


def discovery_of(errand: Errand, plan: DiscoveryPlan) -> Whole[Item]:
    """Return the work of a plan, for Errand.spend_whole."""

    async def run(keepa: OnBehalf, max_wait_seconds: float | None) -> AsyncIterator[Item]:
        yield plan
        async for each in search(
            keepa,
            plan,
            errand.gateway.clock,
            max_wait_seconds=max_wait_seconds,
            max_age=errand.wish.max_age,
            details_max_age=errand.gateway.usual.details_max_age,
        ):
            yield each

    return Whole(plan.name, plan.cost, run)


def _niches(errand: Errand, plan: NichePlan) -> Whole[Niches]:
    async def run(keepa: OnBehalf, max_wait_seconds: float | None) -> AsyncIterator[Niches]:
        yield await look_for_niches(
            keepa,
            plan,
            errand.gateway.clock,
            max_wait_seconds=max_wait_seconds,
            max_age=errand.wish.max_age,
            details_max_age=errand.gateway.usual.details_max_age,
        )

    return Whole(plan.name, plan.cost, run)


async def _planned(errand: Errand, document: Mapping[str, Any], plan: DiscoveryPlan | NichePlan) -> Response:
    status = await errand.gateway.read(errand.request).status()
    return json_response({"plan": document, "forecast": forecast(plan.cost, status, errand.now)})


def bounded(errand: Errand, criteria: Criteria) -> Errand:
    """Return it with the lower of the two limits."""
    limits = [each for each in (errand.wish.max_tokens, criteria.max_tokens) if each is not None]
    return errand.with_terms(max_tokens=min(limits, default=None))


def _into(had: list[R]) -> Callable[[R], Awaitable[None]]:
    async def take(each: R) -> None:
        had.append(each)

    return take
