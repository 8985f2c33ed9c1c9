"""What a page is given: who looks at it, how it looks, the books, and the account as it changes."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from nicegui import Client, app
from starlette.requests import Request
from starlette.types import Message

from keepahead.budget.scope import Scope
from keepahead.faces.dashboard.board import LINES_MOST, Board, View
from keepahead.faces.dashboard.look import Palette
from keepahead.faces.gateway.alerting import Alerting
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.health import Health
from keepahead.faces.gateway.inside import request_of
from keepahead.faces.gateway.visitor import AccessDenied, Visitor
from keepahead.store.keyring import Keyring
from keepahead.store.record import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What all pages of one gateway share. `keyring` is None where nobody is asked for a key."""

    gateway: Gateway
    books: Books
    health: Health
    alerting: Alerting
    board: Board
    keyring: Keyring | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One open page."""

    house: House
    client: Client
    visitor: Visitor
    palette: Palette
    is_dark: bool

    @property
    def now(self) -> datetime:
        """The present."""
        return self.house.gateway.clock.now()

    def may(self, scope: Scope) -> bool:
        """Tell whether who looks may do what asks for `scope`."""
        return self.visitor.scope.covers(scope)

    async def visitor_now(self) -> Visitor:
        """Return who looks, as the key is just now: a page stays open while it is revoked or changed elsewhere.

        Raises LedgerError, and AccessDenied where the key is gone.
        """
        keyring = self.house.keyring
        if keyring is None:
            return self.visitor
        key = next((key for key in await asyncio.to_thread(keyring.listed) if key.key_id == self.visitor.key_id), None)
        if key is None:
            raise AccessDenied("the key that you logged in with has been revoked; log in with another")
        return replace(self.visitor, scope=key.scope, lane=key.lane)

    def follow(self, show: Callable[[View], None]) -> None:
        """Have `show` called, within this page, with each new view of the account, until the page is closed.

        First with the newest one when the browser has connected, and so again after an outage: its lines are all that
        came since `follow` was called, or since the outage began, up to LINES_MOST.
        """
        missed: deque[Line] = deque(maxlen=LINES_MOST)
        newest = self.house.board.newest

        def show_here(view: View) -> None:
            nonlocal newest
            newest = view
            if self.client.has_socket_connection:
                with self.client:
                    show(view)
            else:
                missed.extend(view.lines)

        def catch_up() -> None:
            if newest is not None:
                show(replace(newest, lines=tuple(missed)))
                missed.clear()

        self.client.on_delete(self.house.board.watch(show_here))
        self.client.on_connect(catch_up)

    def request(self, stop: asyncio.Event | None = None) -> Request:
        """Return a request as a client of the API would have sent it, whose client goes away when the page does.

        Setting `stop` sends it away before.

        With it Gateway.spend and Gateway.spend_whole work for whoever looks at the page, on the road of one call.
        """
        gone = stop or asyncio.Event()
        self.client.on_delete(gone.set)

        async def receive() -> Message:
            await gone.wait()
            return {"type": "http.disconnect"}

        return request_of(self.house.gateway, self.visitor, receive)


def house_of_pages() -> House:
    """Return what the pages share; NiceGUI has one application for each process, so there is one."""
    return app.state.house
