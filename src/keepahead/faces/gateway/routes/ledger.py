"""`/api/v1/ledger` and `/api/v1/calls`: who spent what, when and why."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from keepahead.faces.gateway.books import Read
from keepahead.faces.gateway.described import Loose, Maybe, answers
from keepahead.faces.gateway.problems import problem
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.wanted_entries import Wanted, cursor_of, documents_of, lines_of_json, seq_of
from keepahead.faces.ledger_documents import life_json, shapes_of
from keepahead.store.record import Filter, GroupBy, Record

router = APIRouter(prefix="/api/v1", tags=["ledger"])

NDJSON = "application/x-ndjson"

Cursor = Annotated[str | None, Query(max_length=60, description="next_cursor of the page before.")]
Limit = Annotated[int, Query(ge=1, le=1000, description="At most so many entries, newest first.")]

_ENTRY = Loose(
    {
        "seq": 812,
        "kind": "settled",
        "call_id": "01kapn2q3n5y",
        "endpoint": "product",
        "lane": "live",
        "caller": "nightly",
        "at": "2026-11-22T20:00:01Z",
        "tokens": 3,
        "reserved": 6,
        "shape": "product 3 products domain=1",
    }
)
_SUM = {
    "group": "product",
    "calls": 12,
    "charged": 46,
    "unknown": 0,
    "refused": 1,
    "external": 0,
    "saved": 12,
}
_CALL = {
    "call_id": "01kapn2q3n5y",
    "state": "settled",
    "endpoint": "product",
    "lane": "live",
    "caller": "nightly",
    "shape": "product 3 products domain=1",
    "began_at": "2026-11-22T20:00:00Z",
    "ended_at": Maybe("2026-11-22T20:00:01Z"),
    "tokens_reserved": 6,
    "tokens_charged": Maybe(3),
    "entries": [_ENTRY],
}


@router.get(
    "/ledger",
    responses=answers(
        {"entries": [_ENTRY], "next_cursor": Maybe("YmVmb3JlIDgxMg")},
        f"A page of entries, newest first. With `Accept: {NDJSON}` all of them, oldest first, one a line.",
    ),
)
async def ledger(request: Request, books: Read, wanted: Wanted, cursor: Cursor = None, limit: Limit = 100) -> Response:
    """Show who spent what, when and why. What each kind of entry holds: docs/reference.md."""
    if NDJSON in request.headers.get("accept", ""):
        return StreamingResponse(lines_of_json(books.record, wanted), media_type=NDJSON)
    page = await asyncio.to_thread(_page, books.record, wanted, limit, seq_of(cursor))
    answer = json_response(page)
    if page["next_cursor"] is not None:
        url = request.url.include_query_params(cursor=page["next_cursor"])
        answer.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'
    return answer


@router.get("/ledger/sums", responses=answers({"by": "endpoint", "totals": [_SUM]}, "Tokens and calls of each group."))
async def sums(
    books: Read,
    wanted: Wanted,
    by: Annotated[GroupBy, Query(description="What to add up over; hours are in UTC.")] = GroupBy.ENDPOINT,
) -> Response:
    """Add up what was spent. The group without a name is somebody else on the same Keepa key."""
    return json_response({"by": by, "totals": await asyncio.to_thread(books.record.sums, by, wanted)})


@router.get("/calls/{call_id}", responses=answers(_CALL, "The life of one call."))
async def call(
    books: Read,
    call_id: Annotated[str, Path(max_length=40, pattern="^[0-9A-Za-z]+$", examples=["01kapn2q3n5y"])],
) -> Response:
    """Tell the life of one call: what was reserved for it, what became of it, and what it cost."""
    told = await asyncio.to_thread(_life, books.record, call_id)
    if told is None:
        raise problem("not-found", f"the ledger has no call {call_id}; entries that are too old are put away")
    return json_response(told)


def _page(record: Record, wanted: Filter, limit: int, before_seq: int | None) -> dict[str, Any]:
    lines = list(record.lines(wanted, limit=limit + 1, before_seq=before_seq))
    shown = lines[:limit]
    return {
        "entries": documents_of(shown, record),
        "next_cursor": cursor_of(shown[-1]) if len(lines) > limit else None,
    }


def _life(record: Record, call_id: str) -> dict[str, Any] | None:
    lines = record.of_call(call_id)
    return life_json(lines, shapes_of(lines, record)) if lines else None
