"""Which entries of the ledger a request wants, and where its next page begins."""

import asyncio
import base64
import binascii
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from fastapi import Depends, Query

from keepahead.budget.rule import is_caller_name
from keepahead.faces.gateway.problems import invalid
from keepahead.faces.gateway.terms import Here
from keepahead.faces.ledger_documents import ENDPOINTS, entry_json, shapes_of
from keepahead.faces.settings import read_age
from keepahead.faces.words import meant
from keepahead.store.record import Filter, Line, Record
from keepahead.store.rows import KINDS

PAGE_OF_A_STREAM = 500
"""So many entries of a stream are in memory at a time."""

_CURSOR = "before "
_SEQ_MAX = 2**63 - 1

Since = Annotated[
    str | None,
    Query(
        max_length=40,
        description="From then on: so long ago (90s, 30m, 6h, 30d), or a moment (ISO 8601; UTC unless it says).",
        examples=["6h"],
    ),
]
Until = Annotated[str | None, Query(max_length=40, description="Before then; written like since.")]
OfEndpoint = Annotated[str | None, Query(max_length=40, description="Only this endpoint.", examples=["product"])]
OfCaller = Annotated[str | None, Query(max_length=100, description="Only this caller.", examples=["nightly"])]
OfLane = Annotated[Literal["live", "jobs"] | None, Query(description="Only this lane.")]
OfKind = Annotated[str | None, Query(max_length=40, description="Only this kind of entry.", examples=["settled"])]
OfCall = Annotated[
    str | None,
    Query(max_length=40, pattern="^[0-9A-Za-z]+$", description="Only this call; the beginning of its id will do."),
]


async def wanted_entries(  # noqa: PLR0917 - FastAPI gives them by name, and runs what is not async in a thread
    gateway: Here,
    since: Since = None,
    until: Until = None,
    endpoint: OfEndpoint = None,
    caller: OfCaller = None,
    lane: OfLane = None,
    kind: OfKind = None,
    call: OfCall = None,
) -> Filter:
    """Return the filter that the query asks for. Raises Problem for what cannot be in the ledger."""
    now = gateway.clock.now()
    if caller is not None and not is_caller_name(caller):
        raise invalid("caller: nobody can be called so", "invalid_caller", "caller")
    return Filter(
        since=_moment("since", since, now),
        until=_moment("until", until, now),
        endpoint=_one_of("endpoint", endpoint, ENDPOINTS),
        caller=caller,
        lane=lane,
        kind=_one_of("kind", kind, KINDS),
        call_id=call,
    )


Wanted = Annotated[Filter, Depends(wanted_entries)]


def cursor_of(line: Line) -> str:
    """Return the text that asks for what comes after this entry, the newest first."""
    return base64.urlsafe_b64encode(f"{_CURSOR}{line.seq}".encode()).decode().rstrip("=")


def seq_of(cursor: str | None) -> int | None:
    """Return the number before which a page ends. Raises Problem for a text that no answer held."""
    if cursor is None:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    number = text.removeprefix(_CURSOR)
    if not text.startswith(_CURSOR) or not number.isdecimal() or int(number) > _SEQ_MAX:
        raise invalid("cursor: take it from the answer before, as it is", "invalid_cursor", "cursor")
    return int(number)


def documents_of(lines: Sequence[Line], record: Record) -> list[dict[str, Any]]:
    """Return entries for a JSON document. Blocks."""
    asked = shapes_of(lines, record)
    return [entry_json(line, asked) for line in lines]


async def lines_of_json(record: Record, wanted: Filter) -> AsyncIterator[bytes]:
    """Yield all matching entries as of now, oldest first, a line each.

    A page is a transaction of its own: whoever reads slowly holds nothing in the database.
    """
    last, newest = 0, await asyncio.to_thread(record.last_seq)
    while lines := await asyncio.to_thread(record.after, last, wanted, limit=PAGE_OF_A_STREAM):
        last = lines[-1].seq
        shown = [line for line in lines if line.seq <= newest]
        documents = await asyncio.to_thread(documents_of, shown, record)
        yield b"".join(msgspec.json.encode(each) + b"\n" for each in documents)
        if last >= newest or len(lines) < PAGE_OF_A_STREAM:
            return


def read_moment(text: str, now: datetime) -> datetime:
    """Read a moment: so long ago (6h), or a date and time (UTC unless it says). Raises ValueError."""
    try:
        if "-" not in text and ":" not in text:
            return now - read_age(text)
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        message = "write a length of time back, such as 6h, or a moment, such as 2026-11-22T20:00:00Z"
        raise ValueError(message) from None


def _moment(name: str, text: str | None, now: datetime) -> datetime | None:
    try:
        return None if text is None else read_moment(text, now)
    except ValueError as error:
        raise invalid(f"{name}: {error}", f"invalid_{name}", name) from None


def _one_of(name: str, text: str | None, known: tuple[str, ...]) -> str | None:
    if text is None or text in known:
        return text
    raise invalid(f"{name}: there is no such {name}; {meant(text, known)}", f"invalid_{name}", name)
