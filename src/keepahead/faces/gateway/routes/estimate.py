"""`/api/v1/estimate`: what a request would cost, and when it could run. Spends nothing, below the floor as well."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from keepahead.budget.account import Account
from keepahead.errors import KeepaError
from keepahead.faces.gateway import terms
from keepahead.faces.gateway.books import Books, Read
from keepahead.faces.gateway.described import Loose, Maybe, answers
from keepahead.faces.gateway.estimates import EstimateWish, estimate, estimate_plan
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.routes.criteria import DiscoverBody, criteria_of
from keepahead.faces.gateway.terms import Here
from keepahead.faces.prospect import call_of
from keepahead.keepa.calls import Call
from keepahead.work.discovery.run import known_to_fit

router = APIRouter(prefix="/api/v1", tags=["estimate"])

Lane = Annotated[Literal["live", "jobs"], Query(description="In which lane it would be spent.")]

_COST = {"tokens_min": 1, "tokens_likely": 1, "tokens_max": Maybe(1), "because": ["1 token for each product"]}
_ESTIMATE = Loose(
    {
        "call": {
            "method": "GET",
            "path": "/product",
            "query": {"domain": "1", "asin": "B0D8W1YVBX"},
            "asks": "product B0D8W1YVBX domain=1",
        },
        "cost": _COST,
        "archived": {"items": 1, "held": 0, "oldest": Maybe("2026-11-22T14:05:00Z"), "to_pay": _COST},
        "leaves": Maybe({"likely": 123, "least": Maybe(123)}),
        "runs": {"verdict": "now", "why": "now", "wait_seconds": Maybe(0.0), "at": Maybe("2026-11-22T20:00:00Z")},
        "account": Maybe({"balance": 174, "free": 124, "capacity": 1200, "floor": 10}),
    }
)
_ANSWERS = answers(
    _ESTIMATE,
    "`runs.verdict` is now, later, in_parts, never, unbounded or unknown (nobody has seen the bucket yet). "
    "`archived.to_pay` is what it costs beyond what the archive has; `runs` and `leaves` are about that.",
)


@router.get("/estimate", responses=_ANSWERS)
async def estimate_of_path(  # noqa: PLR0917 - FastAPI gives them by name
    http: Request,
    gateway: Here,
    books: Read,
    request: Annotated[
        str,
        Query(
            max_length=16_000,
            description="A Keepa request: path and query, percent-encoded. A key in it is dropped.",
            examples=["/product?domain=1&asin=B0D8W1YVBX"],
        ),
    ],
    lane: Lane = "live",
    max_age: terms.MaxAge = None,
) -> Response:
    """Say what a raw Keepa request (GET) costs, and when it could run."""
    return await _estimate(http, gateway, books, call_of("GET", request), lane=lane, max_age=max_age)


@router.post("/estimate", responses=_ANSWERS)
async def estimate_of_body(  # noqa: PLR0917 - FastAPI gives them by name
    http: Request, gateway: Here, books: Read, wish: EstimateWish, lane: Lane = "live", max_age: terms.MaxAge = None
) -> Response:
    """Say what a raw Keepa request, a product, a discovery or niches cost, and when that could run.

    For a discovery or niches there is `plan` in place of `call` and `archived`.
    """
    archived = await _known_to_fit(http, gateway, wish.discover) if wish.discover else ()
    plan = wish.plan(gateway.clock.now(), archived)
    if plan is None:
        return await _estimate(http, gateway, books, wish.call(), lane=lane, max_age=max_age)
    account = await _account(http, gateway, books)
    return json_response(estimate_plan(plan, account, gateway.lanes[lane], gateway.clock.now()))


async def _estimate(
    http: Request, gateway: Gateway, books: Books, call: Call, *, lane: str, max_age: str | None
) -> Response:
    accepted: timedelta | None = None if max_age is None else terms.age("max_age", max_age)
    account = await _account(http, gateway, books)
    now = gateway.clock.now()
    return json_response(await estimate(call, books, account, gateway.lanes[lane], now, max_age=accepted))


async def _account(http: Request, gateway: Gateway, books: Books) -> Account:
    """Return the account; where Keepa is away and nobody has seen the bucket, what it costs is known all the same."""
    with suppress(KeepaError):
        await gateway.read(http).status()
    return books.account


async def _known_to_fit(http: Request, gateway: Gateway, wish: DiscoverBody) -> Sequence[str]:
    """Return what the archive has, where its road may be taken."""
    if wish.road != "archive" and (wish.road is not None or wish.sort != "any"):
        return ()
    age = gateway.usual.details_max_age
    return await known_to_fit(gateway.read(http), criteria_of(wish), gateway.clock, max_age=age)
