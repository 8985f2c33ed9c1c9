"""Builds the ASGI application: routes, layers around them, and what errors look like."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol

from fastapi import APIRouter, Depends, FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Scope

from keepahead import __version__
from keepahead.errors import KeepaheadError
from keepahead.faces.gateway.access import Access
from keepahead.faces.gateway.alerting import Alerting
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.edge import Edge
from keepahead.faces.gateway.entrance import DOOR, Entrance, is_under
from keepahead.faces.gateway.feed import Feed
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.guard import Guard
from keepahead.faces.gateway.health import Health
from keepahead.faces.gateway.manners import HeadAsGet, KnownParameters, methods_of
from keepahead.faces.gateway.minutes import Minutes
from keepahead.faces.gateway.problems import KINDS, Problem, denial, problem, problem_of
from keepahead.faces.gateway.respond import handle_problem, problem_response
from keepahead.faces.gateway.telemetry import Telemetry
from keepahead.faces.gateway.visitor import AccessDenied
from keepahead.faces.redaction import redacted

EXPOSED = (
    "X-Request-ID",
    "X-Keepa-Tokens-Consumed",
    "X-Keepa-Tokens-Saved",
    "X-Keepa-Tokens-Left",
    "X-Keepa-Ignored",
    "Retry-After",
    "Link",
)
"""Headers that pages from elsewhere may read."""

DESCRIPTION = """One budget of Keepa tokens for every program.

Every spending route says what it needs before it spends it, takes `max_age`, `max_tokens`, `deadline` and `lane`, and
answers 503 with `retry_at` where the tokens are not there. Every answer carries `X-Keepa-Tokens-Consumed`,
`X-Keepa-Tokens-Saved` and `X-Keepa-Tokens-Left`."""


_ERRORS_MOST = 100
_NAME_LONGEST = 200
"""So many are told of one request, and so much of a name: a body may have a hundred thousand members that are wrong."""


class Background(Protocol):
    """What goes on beside the requests."""

    def start(self) -> None:
        """Begin."""
        ...

    async def stop(self) -> None:
        """End it."""
        ...


def make_app(
    gateway: Gateway,
    access: Access,
    books: Books,
    telemetry: Telemetry,
    alerting: Alerting,
    *,
    routers: Sequence[APIRouter],
    first: Sequence[BaseRoute] = (),
    refuse_at_the_door: Callable[[Problem], Response] = problem_response,
    cors_origins: Sequence[str] = (),
    beside: Sequence[Background] = (),
    close: Callable[[], Any] | None = None,
) -> FastAPI:
    """Return the application. `first` are the routes that are asked most often; `close` is awaited at its end.

    `beside` works as long as it is served.
    """

    def refuse(scope: Scope, told: Problem) -> Response:
        return refuse_at_the_door(told) if is_under(scope["path"], DOOR) else problem_response(told)

    def refuse_outside(scope: Scope, told: Problem) -> ASGIApp:
        refused = refuse(scope, told)
        return _cors(refused, origins=cors_origins) if cors_origins else refused

    health, feed = Health(gateway, books), Feed(gateway, books)
    minutes = Minutes(gateway, health)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        await gateway.pulse.read()
        await telemetry.start()
        running = (gateway.pulse, minutes, alerting, *beside)
        for each in running:
            each.start()
        try:
            yield
        finally:
            gateway.drain()
            await feed.close()
            for each in reversed(running):
                await each.stop()
            await telemetry.stop()
            if close is not None:
                await close()

    app = FastAPI(
        title="keepahead",
        version=__version__,
        description=DESCRIPTION,
        docs_url=None,  # their pages load scripts from elsewhere
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry=telemetry.traces.config,
    )
    app.state.gateway, app.state.books = gateway, books
    app.state.access = access
    app.state.health, app.state.feed = health, feed
    app.state.metrics = telemetry.metrics
    app.state.alerting = alerting
    known = Depends(KnownParameters())
    for router in routers:
        app.include_router(router, dependencies=[known])
    app.router.routes[:0] = first
    _handle_errors(app, gateway)
    app.add_middleware(HeadAsGet)
    app.add_middleware(Guard, gateway=gateway)
    app.add_middleware(Entrance, access=access, clock=gateway.clock, refuse=refuse, origins=cors_origins)
    if cors_origins:
        app.add_middleware(_cors, origins=cors_origins)  # outside of the entrance: a preflight shows no key
    app.add_middleware(Edge, gateway=gateway, clock=gateway.clock, refuse=refuse_outside, telemetry=telemetry)
    return app


def _cors(app: ASGIApp, *, origins: Sequence[str]) -> CORSMiddleware:
    return CORSMiddleware(
        app, allow_origins=list(origins), allow_methods=["*"], allow_headers=["*"], expose_headers=EXPOSED
    )


def _handle_errors(app: FastAPI, gateway: Gateway) -> None:
    async def handle_ours(_: Request, error: Exception) -> Response:
        assert isinstance(error, KeepaheadError)  # noqa: S101 - it is registered for these
        return problem_response(problem_of(error, gateway.clock.now()))

    app.add_exception_handler(Problem, handle_problem)
    app.add_exception_handler(AccessDenied, _handle_denied)
    app.add_exception_handler(KeepaheadError, handle_ours)
    app.add_exception_handler(RequestValidationError, _handle_invalid)
    app.add_exception_handler(HTTPException, _handle_http)


async def _handle_denied(_: Request, error: Exception) -> Response:
    assert isinstance(error, AccessDenied)  # noqa: S101 - it is registered for these
    return problem_response(denial(error))


async def _handle_invalid(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - it is registered for these
    errors = [
        {
            "parameter": redacted(".".join(str(part) for part in each["loc"][1:]) or str(each["loc"][0]))[
                :_NAME_LONGEST
            ],
            "code": each["type"],
            "message": each["msg"],
        }
        for each in error.errors()[:_ERRORS_MOST]
    ]
    first = errors[0]
    return problem_response(problem("invalid-request", f"{first['parameter']}: {first['message']}", errors=errors))


_BY_STATUS = {404: "not-found", 405: "method-not-allowed"}


async def _handle_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - it is registered for these
    slug = _BY_STATUS.get(error.status_code, "invalid-request")
    if slug == "method-not-allowed":
        allowed = ", ".join(methods_of(request))
        detail = f"{request.method} does not work here; {allowed} do"
        return problem_response(Problem(KINDS[slug], detail, headers={"Allow": allowed}))
    detail = f"there is nothing at {redacted(request.url.path)[:200]}" if slug == "not-found" else str(error.detail)
    return problem_response(Problem(KINDS[slug], detail, headers=error.headers))
