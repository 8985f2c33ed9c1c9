"""`/api/v1/events`: what happens on the account, as server-sent events that can be resumed."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.requests import Request
from starlette.responses import Response

from keepahead.faces.gateway.described import answers
from keepahead.faces.gateway.feed import Event, Feed

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
    """Give the events that a request asks for. Raises Problem when too many listen."""
    feed: Feed = request.app.state.feed
    async with feed.listening(after if last_event_id is None else last_event_id) as found:
        yield found


@router.get("/events", responses=answers(_EXAMPLE, _SAID, media="text/event-stream"), response_class=Response)
async def events(found: Annotated[AsyncIterator[Event], Depends(listening)]) -> Response:
    """Follow what happens: entries as they are written, the balance and who waits whenever they change.

    Without `after` or `Last-Event-ID` it begins now.
    """
    return EventSourceResponse(_written(found), headers={"X-Accel-Buffering": "no"})


async def _written(found: AsyncIterator[Event]) -> AsyncIterator[bytes]:
    yield format_sse_event(retry=RETRY_MILLISECONDS)
    async for event in found:
        if event.name:
            number = None if event.seq is None else str(event.seq)
            yield format_sse_event(event=event.name, data_str=event.data, id=number)
        else:
            yield format_sse_event(comment=event.data)
