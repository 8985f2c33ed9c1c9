"""What holds for every route of our own: no unknown query parameter, HEAD wherever GET is, a full Allow on 405."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from pydantic import BaseModel
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepahead.faces.gateway.entrance import DOOR, is_under
from keepahead.faces.gateway.problems import invalid
from keepahead.faces.redaction import redacted
from keepahead.faces.words import meant


class KnownParameters:
    """A dependency of all routes: refuses query parameters that the route does not declare.

    A mistyped `max_token` must not spend. Parameters that are not lists are taken once.
    """

    def __init__(self) -> None:
        self._known: dict[Callable[..., Any], tuple[str, ...]] = {}

    async def __call__(self, request: Request) -> None:
        """Raise Problem for the first one that is unknown."""
        if not request.scope["query_string"]:
            return
        route: APIRoute = request.scope["route"]
        known = self._known.get(route.endpoint)
        if known is None:
            known = self._known[route.endpoint] = tuple(sorted(_names(route.dependant)))
        for name in request.query_params:
            if name not in known:
                told = redacted(name)[:60]
                raise invalid(f"there is no parameter {told!r} here; {meant(name, known)}", "unknown_parameter", told)


class HeadAsGet:
    """Wraps the application: HEAD is answered as GET is, without the body; but Keepa takes none."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http" or scope["method"] != "HEAD" or is_under(scope["path"], DOOR):
            await self._app(scope, receive, send)
            return

        over = asyncio.Event()

        async def send_head(message: Message) -> None:
            if over.is_set():
                return
            if message["type"] == "http.response.body":
                over.set()  # also of an answer without an end
                message = {"type": "http.response.body", "body": b"", "more_body": False}
            await send(message)

        async def receive_until_over() -> Message:
            message, gone = asyncio.ensure_future(receive()), asyncio.ensure_future(over.wait())
            await asyncio.wait([message, gone], return_when=asyncio.FIRST_COMPLETED)
            gone.cancel()
            if message.done():
                return message.result()
            message.cancel()
            return {"type": "http.disconnect"}

        await self._app({**scope, "method": "GET"}, receive_until_over, send_head)


def methods_of(request: Request) -> list[str]:
    """Return the methods that work at the path of a request."""
    path: str = request.scope["path"]
    found: set[str] = set()
    for route in iter_route_contexts(request.app.router.routes):
        regex = getattr(route, "path_regex", None)
        if regex is not None and regex.match(path):
            found |= route.methods or set()
    return sorted(found | ({"HEAD"} if "GET" in found else set()))


def _names(dependant: Dependant) -> Iterator[str]:
    """Yield the names of the query parameters of a route and of all that it depends on."""
    for field in dependant.query_params:
        kind: Any = field.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from (told.alias or name for name, told in kind.model_fields.items())
        else:
            yield field.alias
    for each in dependant.dependencies:
        yield from _names(each)
