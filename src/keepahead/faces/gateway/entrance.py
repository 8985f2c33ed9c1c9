"""Who comes in: checks the gateway key, and how often it asks."""

import re
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.faces.gateway.access import Access, key_of
from keepahead.faces.gateway.problems import Problem, denial, problem, problem_of
from keepahead.faces.gateway.respond import Refuse
from keepahead.faces.gateway.visit import visit_in
from keepahead.faces.gateway.visitor import AccessDenied
from keepahead.faces.loopback import is_loopback

DOOR = "/keepa"
"""Below this the gateway speaks Keepa's own language, refusals included."""

_KEY = re.compile(rb"(?:^|&)key=([^&]*)")
_FREE_FOR_ALL = ("/health", "/problems", "/openapi.json")
_MORE_WITH_A_KEY = "/health"
_NO_MATTER = frozenset(("no-key", "ledger-unavailable"))
"""What may be wrong with a key for those who are told the least."""


class Entrance:
    """Wraps the routes."""

    def __init__(
        self, app: ASGIApp, *, access: Access, clock: Clock, refuse: Refuse, origins: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._access = access
        self._origins = origins
        self._clock = clock
        self._refuse = refuse

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in who may come in."""
        path = scope["path"] if scope["type"] == "http" else None
        if path is None or (is_under(path, *_FREE_FOR_ALL) and path != _MORE_WITH_A_KEY):
            await self._app(scope, receive, send)
            return
        refused = await self._check(scope)
        if refused is not None and path == _MORE_WITH_A_KEY and refused.kind.slug in _NO_MATTER:
            refused = None
        if refused is None:
            await self._app(scope, receive, send)
        else:
            await self._refuse(scope, refused)(scope, receive, send)

    async def _check(self, scope: Scope) -> Problem | None:
        headers = Headers(scope=scope)
        if self._access.is_open and (refused := refusal_of_strangers(headers, self._origins)):
            return refused
        at_the_door = is_under(scope["path"], DOOR)
        text = key_of(headers, _key_in(scope["query_string"]) if at_the_door else {}, in_query=at_the_door)
        peer = scope["client"][0] if scope.get("client") else ""
        visit = visit_in(scope)
        try:
            visit.visitor = await self._access.admit(text, caller=headers.get("x-keepa-caller"), peer=peer)
        except AccessDenied as denied:
            return denial(denied)
        except LedgerError as error:
            return problem_of(error, self._clock.now())
        seconds = self._access.check_rate(visit.visitor)
        if seconds is not None:
            return problem("too-many-requests", "this key may not ask so often", retry_seconds=seconds)
        return None


def refusal_of_strangers(headers: Headers, origins: Sequence[str]) -> Problem | None:
    """Refuse what a page from elsewhere has a browser of this machine send: nobody is asked for a key here.

    Its own name may lead to this machine (DNS rebinding), and a browser sends simple requests to anybody.
    """
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_loopback(_host_of(f"//{hosts[0]}")):
        return problem("foreign-page", "an open gateway answers to localhost and loopback addresses only")
    origin = headers.get("origin")
    is_known = origin is not None and (is_loopback(_host_of(origin)) or origin in origins or "*" in origins)
    is_foreign = headers.get("sec-fetch-site") == "cross-site" if origin is None else not is_known
    return problem("foreign-page", "an open gateway answers no page from elsewhere") if is_foreign else None


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _key_in(query: bytes) -> Mapping[str, str]:
    """Return the parameter `key` alone: to read them all would take longer than all the rest of coming in."""
    return {"key": found[-1].decode("latin-1")} if (found := _KEY.findall(query)) else {}


def is_under(path: str, *roots: str) -> bool:
    """Tell whether a path is one of these, or lies below one."""
    return path.startswith(roots) and any(path == root or path.startswith(f"{root}/") for root in roots)
