"""`/api/v1/budget`: what is there, for whom, and when more of it comes."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from keepahead.budget import forecast as ahead
from keepahead.budget.account import Account
from keepahead.budget.lane import Lane
from keepahead.budget.status import Status
from keepahead.budget.waiting import waiting_of
from keepahead.faces.gateway.books import Books, Read, spendable
from keepahead.faces.gateway.described import Maybe, answers
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.terms import Here
from keepahead.faces.ledger_documents import account_json, seconds_to
from keepahead.keepa.terms import MOST_TOKENS
from keepahead.store.record import Filter, GroupBy, Record

router = APIRouter(prefix="/api/v1", tags=["budget"])

_PACE = timedelta(hours=1)
_BUDGET = {
    "state": "ok",
    "balance": 174,
    "free": 124,
    "capacity": 1200,
    "refill_rate_per_minute": 20,
    "flow_reduction_per_minute": 0,
    "next_refill_at": Maybe("2026-11-22T20:00:30.100000Z"),
    "next_refill_in_seconds": Maybe(30.1),
    "reserved": 50,
    "unknown": 0,
    "floor": 10,
    "full_at": Maybe("2026-11-22T20:52:48.400000Z"),
    "full_in_seconds": Maybe(3168.4),
    "waiting": 1,
    "measured_at": Maybe("2026-11-22T19:59:59Z"),
    "spent_today": 46,
    "external_today": 0,
    "saved_today": 12,
    "lanes": {"live": {"floor": 10, "spendable": 114}, "jobs": {"floor": 100, "spendable": 24}},
    "waiting_calls": [
        {
            "call_id": "01kapn2q3n5y",
            "lane": "jobs",
            "tokens": 100,
            "since": "2026-11-22T19:59:40Z",
            "expected_at": Maybe("2026-11-22T20:04:31Z"),
        }
    ],
}
_FORECAST = {
    "balance": 174,
    "capacity": 1200,
    "full_at": Maybe("2026-11-22T20:52:48.400000Z"),
    "full_in_seconds": Maybe(3168.4),
    "lane": "live",
    "floor": 10,
    "wanted": {"tokens": Maybe(300), "at": Maybe("2026-11-22T20:06:31.600000Z"), "in_seconds": Maybe(391.6)},
    "pace": {
        "tokens_per_minute": 23.5,
        "refill_per_minute": 20,
        "floor_at": Maybe("2026-11-22T20:46:51.400000Z"),
        "floor_in_seconds": Maybe(2811.4),
    },
    "points": [{"at": "2026-11-22T20:00:00Z", "balance": 174, "at_pace": 174}],
}


@router.get("/budget", responses=answers(_BUDGET, "The account as it stands; moments also in seconds from now."))
async def budget(request: Request, gateway: Here, books: Read) -> Response:
    """Tell what is left, what is held, what each lane may spend, who waits, and when more comes.

    Asks Keepa's free `/token` only if nothing is known yet.
    """
    status = await gateway.read(request).status()
    return json_response(budget_json(status, books.account, gateway, books))


@router.get("/budget/forecast", responses=answers(_FORECAST, "What the balance will be."))
async def forecast(  # noqa: PLR0917 - FastAPI gives them by name
    request: Request,
    gateway: Here,
    books: Read,
    hours: Annotated[int, Query(ge=1, le=72, description="How far to look ahead.")] = 6,
    tokens: Annotated[
        int | None, Query(ge=0, le=MOST_TOKENS, description="Say when a call of so many tokens can be paid for.")
    ] = None,
    lane: Annotated[Literal["live", "jobs"], Query(description="Whose floor counts.")] = "live",
) -> Response:
    """Tell when the bucket is full, when an amount is there, and when the pace of the last hour leads to the floor."""
    status = await gateway.read(request).status()
    account, now = books.account, gateway.clock.now()
    spent = await asyncio.to_thread(_spent_since, books.record, Filter(since=now - _PACE))
    told = _forecast_json(status, account, gateway, hours=hours, tokens=tokens, lane=gateway.lanes[lane], spent=spent)
    return json_response(told)


def budget_json(status: Status, account: Account, gateway: Gateway, books: Books) -> dict[str, Any]:
    """Return the account, judged, with its lanes and those who wait."""
    now = gateway.clock.now()
    lanes = {name: _lane_json(account, lane, status) for name, lane in gateway.lanes.items()}
    return {
        "state": books.marks.state_of(status.balance if account.meter else None, lanes["live"]["floor"]),
        **account_json(status, now),
        "lanes": lanes,
        "waiting_calls": waiting_of(account, now),
    }


def _lane_json(account: Account, lane: Lane, status: Status) -> dict[str, int]:
    floor = lane.floor_of(status.capacity) if account.meter else lane.floor
    return {"floor": floor, "spendable": spendable(account, lane, status.balance, status.free)}


def _spent_since(record: Record, wanted: Filter) -> int:
    return sum(each.charged + each.unknown + each.external for each in record.sums(GroupBy.LANE, wanted))


def _forecast_json(
    status: Status, account: Account, gateway: Gateway, *, hours: int, tokens: int | None, lane: Lane, spent: int
) -> Mapping[str, Any]:
    now, pace = gateway.clock.now(), spent / (_PACE / ahead.MINUTE)
    floor = lane.floor_of(status.capacity)
    wanted_at = None if tokens is None else ahead.reached_at(account, tokens, floor, now)
    wanted = {"tokens": tokens, "at": wanted_at, "in_seconds": seconds_to(wanted_at, now)}
    floor_at = ahead.floor_reached_at(account, floor, now, pace=pace)
    return {
        "balance": status.balance,
        "capacity": status.capacity,
        "full_at": status.full_at,
        "full_in_seconds": seconds_to(status.full_at, now),
        "lane": lane.name,
        "floor": floor,
        "wanted": wanted,
        "pace": {
            "tokens_per_minute": round(pace, 2),
            "refill_per_minute": account.meter.net_rate_per_minute if account.meter else 0,
            "floor_at": floor_at,
            "floor_in_seconds": seconds_to(floor_at, now),
        },
        "points": list(ahead.points(account, now, minutes=hours * 60, step=hours, pace=pace)),
    }
