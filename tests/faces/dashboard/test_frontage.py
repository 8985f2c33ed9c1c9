"""What lies before the pages, without a browser."""

import asyncio
from contextlib import closing

from starlette.types import Message

from keepahead.clock import SystemClock
from keepahead.faces.dashboard.frontage import Frontage
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


async def nothing(*_: object) -> None:
    """Be an application that answers nothing."""
