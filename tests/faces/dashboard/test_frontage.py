"""What lies before the pages, without a browser."""

import asyncio
from collections import Counter
from contextlib import closing

from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from keepahead.clock import SystemClock
from keepahead.faces.dashboard.frontage import PAGES_AT_ONCE, PAGES_PER_MINUTE, Frontage
from keepahead.faces.dashboard.session import Sessions
from keepahead.faces.gateway.access import Access
from keepahead.store.database import open_database
from keepahead.store.keyring import Keyring


def test_slow_form(tmp_path):
    """A form that does not come holds no connection for ever."""
    clock = SystemClock()
    with closing(open_database(f"sqlite:///{tmp_path / 'ledger.db'}")) as database:
        keyring = Keyring(database, "account")
        access = Access(keyring, clock)
        frontage = Frontage(
            nothing, dashboard=nothing, sessions=Sessions(keyring), access=access, clock=clock, form_seconds=0.05
        )
        told: list[Message] = []
        parts = iter([{"type": "http.request", "body": b"key=", "more_body": True}])

        async def receive() -> Message:
            return next(parts, None) or await asyncio.Future()

        async def send(message: Message) -> None:
            told.append(message)

        scope = {"type": "http", "method": "POST", "path": "/login", "headers": [], "query_string": b""}
        asyncio.run(frontage(scope, receive, send))
        assert told[0]["status"] == 408


def test_pages_are_built_a_few_at_a_time():
    """Who opens a hundred at once keeps the programs waiting for a few of them; live connections wait for none."""
    clock, under_way, seen = SystemClock(), 0, [0]

    async def build(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal under_way
        _ = receive, send
        if scope["path"].startswith("/_nicegui_ws/"):
            seen.append(-1)
            return
        under_way += 1
        seen.append(under_way)
        await asyncio.sleep(0.01)
        under_way -= 1

    async def open_all() -> None:
        access, sessions = Access(None, clock), Sessions(None)
        frontage = Frontage(nothing, dashboard=build, sessions=sessions, access=access, clock=clock, form_seconds=1)
        host = {"headers": [(b"host", b"localhost")], "query_string": b"", "type": "http", "method": "GET"}
        pages = [asyncio.ensure_future(frontage({**host, "path": "/ledger"}, nothing, nothing)) for _ in range(20)]
        await asyncio.sleep(0)
        await frontage({**host, "path": "/_nicegui_ws/socket.io/"}, nothing, nothing)
        assert len(seen) - 1 == PAGES_AT_ONCE + 1, "the live connection waits for no page"
        await asyncio.gather(*pages)

    asyncio.run(open_all())
    assert (max(seen), len(seen)) == (PAGES_AT_ONCE, 22)


def test_pages_of_one_key():
    """One key opens so many pages a minute and no more: each takes memory, whether a browser shows it or not."""
    clock, told = SystemClock(), Counter[int]()

    async def build(scope: Scope, receive: Receive, send: Send) -> None:
        await PlainTextResponse("a page")(scope, receive, send)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            told[message["status"]] += 1

    async def open_all() -> None:
        access, sessions = Access(None, clock), Sessions(None)
        frontage = Frontage(nothing, dashboard=build, sessions=sessions, access=access, clock=clock, form_seconds=1)
        host = {"headers": [(b"host", b"localhost")], "query_string": b"", "type": "http", "method": "GET"}
        for _ in range(PAGES_PER_MINUTE + 50):
            await frontage({**host, "path": "/ledger"}, nothing, send)

    asyncio.run(open_all())
    assert told[200] >= PAGES_PER_MINUTE
    assert told[429] >= 1


async def nothing(*_: object) -> None:
    """Be an application that answers nothing."""
