"""`/api/v1/archive`: what lies in the archive, and what it saves."""

import asyncio
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from keepahead.faces.gateway.books import Books, Read
from keepahead.faces.gateway.described import answers
from keepahead.faces.gateway.respond import json_response
from keepahead.faces.gateway.terms import Here
from keepahead.faces.ledger_documents import archive_json

router = APIRouter(prefix="/api/v1", tags=["archive"])

_ARCHIVE = {
    "archive": {
        "upstream": "https://api.keepa.com",
        "parts": [
            {
                "endpoint": "product",
                "items": 3120,
                "size": 41250112,
                "tokens": 4100,
                "oldest": "2026-10-02T08:15:00Z",
                "newest": "2026-11-22T19:58:12Z",
            }
        ],
        "unread": 0,
        "damaged": 0,
        "total_size": 41250112,
    },
    "limit": 1024000000,
    "saved_today": 12,
}


@router.get("/archive", responses=answers(_ARCHIVE, "Sizes in bytes; tokens are what it cost."))
async def archive(gateway: Here, books: Read) -> Response:
    """Show what lies in the archive: how much of what, how old, and how many tokens it saved today."""
    return json_response(await asyncio.to_thread(_read, books, gateway.clock.now()))


def _read(books: Books, now: datetime) -> dict[str, Any]:
    return archive_json(books.inventory.stock(), books.archive.limit, books.record.today(now).saved)
