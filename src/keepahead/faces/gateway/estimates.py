"""What a request would cost, what of it the archive has, and when the rest could be paid for. Spends nothing."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from keepahead.budget.account import Account
from keepahead.budget.cost import Cost
from keepahead.budget.lane import Lane
from keepahead.budget.status import Status, status_of
from keepahead.errors import InvalidCallError
from keepahead.faces.documents import niche_plan_json, plan_json
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.routes.criteria import DiscoverBody, NichesBody, criteria_of
from keepahead.faces.ledger_documents import standing_json
from keepahead.faces.prospect import Prospect, call_json, call_of, leaves, prospect
from keepahead.faces.words import span
from keepahead.keepa.calls import Call, ProductCall
from keepahead.keepa.costs import quote
from keepahead.keepa.holdings import holding
from keepahead.keepa.plans import SPENDING, ProductOptions
from keepahead.work.discovery.niches import NichePlan, plan_niches
from keepahead.work.discovery.plan import DiscoveryPlan, plan_discovery, seconds_until_paid

_FREE = Cost(0, 0, 0, ("the archive has all of it",))
_HAS_IT = Prospect("now", "now: the archive has all of it", 0.0)
_ONE_OF = ("path", "url", "product", "discover", "niches")
_GOES_WITH = {"query": ("path", "url"), "body": ("path", "url"), "options": ("product",)}
_PRODUCT_OPTIONS = frozenset(ProductOptions.__annotations__) - SPENDING | {"domain"}


class EstimateWish(BaseModel):
    """A raw Keepa request by its `path` or whole `url`, a `product` by its ASIN, or what to `discover` or `niches`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"method": "GET", "path": "/product?domain=1&asin=B0D8W1YVBX&stats=90"}]},
    )

    method: Literal["GET", "POST"] = "GET"
    path: str | None = Field(default=None, max_length=16_000, examples=["/product"])
    url: str | None = Field(default=None, max_length=16_000, description="A key in it is dropped.")
    query: dict[str, str | int | bool] | None = Field(default=None, examples=[{"domain": 1, "asin": "B0D8W1YVBX"}])
    body: Any = Field(default=None, description="The JSON of a POST.")
    product: str | None = Field(default=None, max_length=20, examples=["B0D8W1YVBX"])
    options: dict[str, str | int | bool] | None = Field(
        default=None, description="Of the product: domain, stats, offers … as the clients name them."
    )

    discover: DiscoverBody | None = None
    niches: NichesBody | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [name for name in _ONE_OF if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError("one_of", "give one of path, url, product, discover, niches")
        surplus = [name for name, goes_with in _GOES_WITH.items() if given[0] not in goes_with]
        for name in surplus:
            if getattr(self, name) is not None:
                facts = {"name": name, "given": given[0]}
                raise PydanticCustomError("not_together", "{name} does not go with {given}", facts)
        return self

    def plan(self, now: datetime, archived: Sequence[str]) -> DiscoveryPlan | NichePlan | None:
        """Return the plan of many calls that is asked about, if one is. Raises InvalidCallError."""
        if self.discover is not None:
            return plan_discovery(criteria_of(self.discover), now=now, road=self.discover.road, archived=archived)
        if self.niches is not None:
            most, sample = self.niches.max_niches, self.niches.sample
            return plan_niches(criteria_of(self.niches), now=now, max_niches=most, sample=sample)
        return None

    def call(self) -> Call:
        """Return the single call that is asked about. Raises InvalidCallError."""
        if self.product is not None:
            return _product(self.product, self.options or {})
        return call_of(self.method, self.path or self.url or "", self.body, self.query)


async def estimate(
    call: Call, books: Books, account: Account, lane: Lane, now: datetime, *, max_age: timedelta | None
) -> Mapping[str, Any]:
    """Return the estimate of one call as a JSON document. Raises LedgerError."""
    ages = books.ages if max_age is None else {call.endpoint: max_age}
    held = await asyncio.to_thread(holding, call, books.archive, ages, now)
    to_pay = quote(held.rest) if held.rest else _FREE
    runs = prospect(held.rest, to_pay, account, lane, now) if held.rest else _HAS_IT
    status = status_of(account, lane, now) if account.meter else None
    return {
        "call": call_json(call),
        "cost": quote(call),
        "archived": {"items": held.items, "held": held.held, "oldest": held.oldest, "to_pay": to_pay},
        **_standing(to_pay, runs, status, now),
    }


def estimate_plan(plan: DiscoveryPlan | NichePlan, account: Account, lane: Lane, now: datetime) -> Mapping[str, Any]:
    """Return the estimate of a plan of many calls, as if the archive had nothing of it."""
    status = status_of(account, lane, now) if account.meter else None
    told = plan_json(plan) if isinstance(plan, DiscoveryPlan) else niche_plan_json(plan)
    return {"plan": told, "cost": plan.cost, **_standing(plan.cost, _prospect_of(plan, status, now), status, now)}


def _prospect_of(plan: DiscoveryPlan | NichePlan, status: Status | None, now: datetime) -> Prospect:
    if status is None:
        return Prospect("unknown", "nobody knows: the bucket was never seen")
    seconds = seconds_until_paid(plan.tokens_max, status, now)
    if seconds is None:
        return Prospect("never", "never: trackings take the whole refill")
    if not seconds:
        return Prospect("now", "now", 0.0)
    return Prospect("later", f"all of it can be paid for in about {span(seconds)}", round(seconds, 1))


def _standing(to_pay: Cost, runs: Prospect, status: Status | None, now: datetime) -> Mapping[str, Any]:
    runs_at = None if runs.wait_seconds is None else now + timedelta(seconds=runs.wait_seconds)
    return {
        "leaves": leaves(to_pay, status.free) if status else None,
        "runs": {**asdict(runs), "at": runs_at},
        "account": standing_json(status, now) if status else None,
    }


def _product(asin: str, options: Mapping[str, str | int | bool]) -> ProductCall:
    unknown = next((name for name in options if name not in _PRODUCT_OPTIONS), None)
    if unknown is not None:
        message = f"there is no option {unknown!r:.40} of a product; known are {', '.join(sorted(_PRODUCT_OPTIONS))}"
        raise InvalidCallError("unknown_option", message, parameter="options")
    given: dict[str, Any] = {"domain": 1, **options}
    return ProductCall(asins=(asin,), **given)
