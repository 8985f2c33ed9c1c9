"""`/api/v1/callers`: who spends how much, and how much each may."""

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from keepahead.faces.gateway.books import Read
from keepahead.faces.gateway.described import Maybe, answers
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.terms import Here
from keepahead.faces.ledger_documents import callers_json

router = APIRouter(prefix="/api/v1", tags=["ledger"])

_CALLERS = {
    "callers": [
        {
            "caller": "nightly",
            "tokens_per_hour": Maybe(100),
            "tokens_per_day": Maybe(500),
            "spent_hour": 46,
            "spent_day": 310,
            "held": 5,
        }
    ],
    "hour_ends_at": "2026-11-22T21:00:00Z",
    "day_ends_at": "2026-11-23T00:00:00Z",
}


@router.get("/callers", responses=answers(_CALLERS, "Everybody who has a limit or has called today."))
async def callers(gateway: Here, books: Read) -> Response:
    """Show who has spent what this hour and today (UTC), what is held for calls under way, and the limits."""
    now = gateway.clock.now()
    return json_response(callers_json(await asyncio.to_thread(books.rulebook.callers, now), now))
