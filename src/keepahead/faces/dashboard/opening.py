"""Puts the dashboard before a gateway: NiceGUI as an application of its own, beside the routes and not among them."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from inspect import isawaitable

from fastapi import FastAPI
from nicegui import app as nicegui_app
from nicegui import ui
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from keepahead.faces.dashboard.board import Board
from keepahead.faces.dashboard.frontage import Frontage, is_asset
from keepahead.faces.dashboard.pages import alerts, balance, discover, ledger, now, products, settings, spending
from keepahead.faces.dashboard.scene import House
from keepahead.faces.dashboard.session import Sessions
from keepahead.faces.gateway.alerting import Alerting
from keepahead.faces.gateway.assembly import Opened
from keepahead.faces.gateway.gateway import Gateway

PAGES = (now, balance, spending, ledger, products, discover, alerts, settings)
"""Importing them is what makes them known."""

RECONNECT_SECONDS = 10.0
"""A page that was away for no longer goes on where it was; else it is loaded anew."""

_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#1d4fd7"/>'
    '<path d="M7 21a9 9 0 1 1 18 0" fill="none" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/>'
    '<path d="M16 21l5-7" stroke="#fff" stroke-width="3.5" stroke-linecap="round"/></svg>'
)


NotFound = Callable[[Request, Exception], Response | Awaitable[Response]]


def _not_found(show: NotFound) -> NotFound:
    """Return what answers where nothing is. NiceGUI's own, which makes a page that lives a minute, is for visitors."""

    async def answer(request: Request, error: Exception) -> Response:
        if is_asset(request.url.path):
            return PlainTextResponse("There is nothing here.", 404)
        shown = show(request, error)
        return await shown if isawaitable(shown) else shown

    return answer


def add_dashboard(opened: Opened) -> None:
    """Have a gateway that is about to be served show the pages. One for each process: NiceGUI knows no more."""
    gateway: Gateway = opened.app.state.gateway
    alerting: Alerting = opened.app.state.alerting
    board = Board(gateway, opened.app.state.books, alerting.alarms)
    nicegui_app.state.house = House(
        gateway=gateway,
        books=opened.app.state.books,
        health=opened.app.state.health,
        alerting=alerting,
        board=board,
        keyring=opened.keyring,
    )
    shell = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    ui.run_with(
        shell,
        title="keepahead",
        favicon=_ICON,
        dark=None,
        tailwind=False,
        binding_refresh_interval=None,
        reconnect_timeout=RECONNECT_SECONDS,
        show_welcome_message=False,
    )
    nicegui_app.add_exception_handler(404, _not_found(nicegui_app.exception_handlers[404]))
    opened.app.add_middleware(
        Frontage,
        dashboard=shell,
        sessions=Sessions(opened.keyring),
        access=opened.access,
        clock=gateway.clock,
        form_seconds=gateway.patience.body_seconds,
    )
    lifespan = opened.app.router.lifespan_context

    @asynccontextmanager
    async def with_pages(app: FastAPI) -> AsyncGenerator[None]:
        async with shell.router.lifespan_context(shell), lifespan(app):
            try:
                yield
            finally:
                await board.close()

    opened.app.router.lifespan_context = with_pages
