"""What the commands and the gateway both put into JSON documents: plans, discoveries, niches, deals. Pure."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from keepahead.keepa.calls import Call, DealCall, FinderCall
from keepahead.keepa.objects import Deals, KeepaObject
from keepahead.work.discovery.harvest import Discovery
from keepahead.work.discovery.niches import NichePlan, Niches
from keepahead.work.discovery.plan import DiscoveryPlan
from keepahead.work.discovery.roads import Step


def raw_of(each: KeepaObject) -> msgspec.Raw:
    """Return an object for a JSON document as Keepa sent it, neither read nor copied."""
    view = each.view()
    return view if isinstance(view, msgspec.Raw) else msgspec.Raw(view)


def raws(objects: Iterable[KeepaObject]) -> list[msgspec.Raw]:
    """Return objects for a JSON document as Keepa sent them."""
    return list(map(raw_of, objects))


def plan_json(plan: DiscoveryPlan) -> dict[str, Any]:
    """Return a plan for a JSON document; money in it is in the smallest unit."""
    return {
        "criteria": {name: getattr(plan.criteria, name) for name in ("domain", *plan.criteria.given)},
        "sort": plan.criteria.sort,
        "max_results": plan.criteria.max_results,
        "road": plan.road.name,
        "because": plan.because,
        "steps": _steps_json(plan.road.steps),
        "details": plan.road.options,
        "lookups_max": plan.road.lookups_max,
        "cost": plan.cost,
    }


def found_json(found: Discovery) -> dict[str, Any]:
    """Return what a discovery found for a JSON document, the products themselves left out."""
    return {
        "asins": found.asins,
        "total": found.total,
        "candidates": found.candidates,
        "looked_up": found.looked_up,
        "rejected": found.rejected,
        "undelivered": found.undelivered,
        "unseen": found.unseen,
        "ended": found.ended,
    }


def niche_plan_json(plan: NichePlan) -> dict[str, Any]:
    """Return a plan for niches for a JSON document."""
    return {"root": plan.root, "steps": _steps_json(plan.steps), "marks": plan.marks, "cost": plan.cost}


def niches_json(found: Niches) -> dict[str, Any]:
    """Return niches, and what is none, for a JSON document."""
    niches = [
        {
            "category": each.category,
            "name": each.name,
            "products": each.products,
            "scores": each.scores,
            "insights": each.insights,
            "sample": raws(each.sample),
        }
        for each in found.niches
    ]
    return {"niches": niches, "skipped": {str(node): why for node, why in found.skipped.items()}}


def deal_counts_json(found: Deals) -> list[dict[str, Any]]:
    """Return how many deals each category has, for a JSON document."""
    names = found.category_names
    return [{"id": node, "name": names.get(node), "deals": count} for node, count in found.category_counts.items()]


def _steps_json(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return steps for a JSON document, each with its first call."""
    return [
        {
            "what": step.what,
            "calls": len(step.calls),
            "call": _call_json(step.calls[0]) if step.calls else None,
            "cost": step.cost,
        }
        for step in steps
    ]


def _call_json(call: Call) -> dict[str, Any]:
    asked = call.filters if isinstance(call, FinderCall | DealCall) else call.query()
    return {"endpoint": call.endpoint, "domain": getattr(call, "domain", None), "asked": asked}
