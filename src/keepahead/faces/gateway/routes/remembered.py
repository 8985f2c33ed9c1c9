"""A route whose query is read once: for a short answer, reading twenty parameters takes longer than all the rest.

So does looking through all routes, which is why there is a short cut to what is known.
"""

import re
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from fastapi.routing import APIRoute
from starlette import types
from starlette.datastructures import URLPath
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, NoMatchFound

from keepahead.faces.gateway.routes.errand import Errand

QUERIES_MOST = 1_000
_ASIN = "[A-Z0-9]{10}"


class RememberedRoute(APIRoute):
    """Keeps what the queries of a path with an ASIN were read to, but for deadlines: those are moments.

    A query that is known was found good before, whatever the product.
    """

    def __init__(self, path: str, endpoint: Callable[..., Coroutine[Any, Any, Response]], **options: Any) -> None:
        self.known: dict[bytes, Mapping[str, Any]] = {}
        self.unread = endpoint

        @wraps(endpoint)
        async def remember(*, errand: Errand, asin: str, **values: Any) -> Response:
            query: bytes = errand.request.scope["query_string"]
            if not errand.wish.deadline_seconds:
                if len(self.known) >= QUERIES_MOST:
                    del self.known[next(iter(self.known))]
                self.known[query] = {"wish": errand.wish, **values}
            return await endpoint(errand=errand, asin=asin, **values)

        super().__init__(path, remember, **options)


class ShortCut(BaseRoute):
    """Leads to a remembered route where its query is known. It stands before all others."""

    def __init__(self, route: RememberedRoute) -> None:
        self._route = route
        before, after = map(re.escape, route.path.split("{asin}"))
        self._path = re.compile(f"{before}(?P<asin>{_ASIN}){after}")

    def matches(self, scope: types.Scope) -> tuple[Match, types.Scope]:
        """Tell whether a request is for the route, and its query known."""
        if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"] not in self._route.known:
            return Match.NONE, {}
        found = self._path.fullmatch(scope["path"])
        return (Match.FULL, {"path_params": found.groupdict(), "route": self._route}) if found else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """Know no names: the route itself is linked to."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: types.Scope, receive: types.Receive, send: types.Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        values = dict(self._route.known[scope["query_string"]])
        errand = Errand(request, request.app.state.gateway, values.pop("wish"))
        response = await self._route.unread(errand=errand, **scope["path_params"], **values)
        await response(scope, receive, send)
