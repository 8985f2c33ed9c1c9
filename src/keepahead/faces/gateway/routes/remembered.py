"""A route whose query is read once: for a short answer, reading twenty parameters takes longer than all the rest."""

import re
from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Any

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from keepahead.faces.gateway.routes.errand import Errand

QUERIES_MOST = 1_000
_ASIN = re.compile(r"[A-Z0-9]{10}")


class RememberedRoute(APIRoute):
    """Keeps what the queries of a path with an ASIN were read to, but for deadlines: those are moments.

    A query that is known was found good before, whatever the product.
    """

    def __init__(self, path: str, endpoint: Callable[..., Coroutine[Any, Any, Response]], **options: Any) -> None:
        self._endpoint = endpoint
        self._known: dict[bytes, Mapping[str, Any]] = {}

        @wraps(endpoint)
        async def remember(*, errand: Errand, asin: str, **values: Any) -> Response:
            query: bytes = errand.request.scope["query_string"]
            if not errand.wish.deadline_seconds:
                if len(self._known) >= QUERIES_MOST:
                    del self._known[next(iter(self._known))]
                self._known[query] = {"wish": errand.wish, **values}
            return await endpoint(errand=errand, asin=asin, **values)

        super().__init__(path, remember, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return what answers a request: with what is remembered, else as FastAPI does."""
        slow = super().get_route_handler()

        async def answer(request: Request) -> Response:
            known = self._known.get(request.scope["query_string"])
            asin: str = request.path_params["asin"]
            if known is None or not _ASIN.fullmatch(asin):
                return await slow(request)
            values = dict(known)
            errand = Errand(request, request.app.state.gateway, values.pop("wish"))
            return await self._endpoint(errand=errand, asin=asin, **values)

        return answer
