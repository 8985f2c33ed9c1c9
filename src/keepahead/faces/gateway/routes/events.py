"""`/api/v1/events`: what happens on the account, as server-sent events that can be resumed."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from keepahead.faces.gateway.access import REMEMBERED, Access
from keepahead.faces.gateway.described import answers
from keepahead.faces.gateway.feed import Event, Feed
from keepahead.faces.gateway.visit import visit_of

router = APIRouter(prefix="/api/v1", tags=["events"])

RETRY_MILLISECONDS = 2_000
"""So long a browser waits before it connects again."""

_SEQ_MAX = 2**63 - 1
_EXAMPLE = (
    "event: settled\n"
    'data: {"seq":812,"kind":"settled","call_id":"01kapn2q3n5y","endpoint":"product","tokens":3}\n'
    "id: 812\n\n"
    'event: balance\ndata: {"state":"ok","balance":171,"free":171}\n\n'
)
_REVOKED = Event("", "this key was revoked")
_SAID = """Entries of the ledger as they are written (`reserved`, `settled`, `released`, `lost`, `absorbed`, `refusal`,
`observed`, `served`), each with its number as id; `gap` where entries are no longer there; and without an id `balance`
and `waiting`, whenever they change."""


async def listening(
    request: Request,
    after: Annotated[int | None, Query(ge=0, le=_SEQ_MAX, description="Begin after this entry.")] = None,
    last_event_id: Annotated[
        int | None, Header(ge=0, le=_SEQ_MAX, description="Resume after this entry; wins over after.")
    ] = None,
) -> AsyncIterator[AsyncIterator[Event]]:
    """Give the events that a request asks for, as long as its key is good. Raises Problem when too many listen."""
    feed: Feed = request.app.state.feed
    async with feed.listening(after if last_event_id is None else last_event_id) as found:
        yield _while_good(found, request)


@router.get("/events", responses=answers(_EXAMPLE, _SAID, media="text/event-stream"), response_class=Response)
async def events(found: Annotated[AsyncIterator[Event], Depends(listening)]) -> Response:
    """Follow what happens: entries as they are written, the balance and who waits whenever they change.

    Without `after` or `Last-Event-ID` it begins now.
    """
    return EventSourceResponse(_written(found), headers={"X-Accel-Buffering": "no"})


async def _while_good(found: AsyncIterator[Event], request: Request) -> AsyncIterator[Event]:
    """Yield events until the key is revoked: nothing that comes later than REMEMBERED after that is told.

    In silence the next heartbeat ends it.
    """
    access: Access = request.app.state.access
    clock, visitor = request.app.state.gateway.clock, visit_of(request).visitor
    looked_at = clock.now()
    async for event in found:
        now = clock.now()
        if visitor is not None and not timedelta() <= now - looked_at < REMEMBERED:
            if not await access.may_stay(visitor):
                yield _REVOKED
                return
            looked_at = now
        yield event


async def _written(found: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MILLISECONDS)
    async for event in found:
        if event.name:
            number = None if event.seq is None else str(event.seq)
            yield format_sse_event(event=event.name, data_str=event.data, id=number)
        else:
            yield format_sse_event(comment=event.data)
