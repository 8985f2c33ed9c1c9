"""A whole gateway in this process on virtual time: the app as it is served, a key of each scope, clients of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import httpx2
from fastapi import FastAPI
from tests.house import ACCOUNT, KEY, House

from keepahead.budget.scope import Scope
from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.gateway.gateway import Gateway, Patience
from keepahead.faces.settings import read_settings
from keepahead.store.database import open_database
from keepahead.store.keyring import Keyring

URL = "http://localhost"


class GatewayHouse(House):
    """One gateway, its simulator and its ledger.

    async def main():
        async with GatewayHouse(tmp_path, balance=220).opened() as house, house.client("spend") as client:
            answer = await client.get("/api/v1/budget")

    run(main())

    `keys` are by name: admin, spend, read; the ledger's callers have the same names, but for `admin`, the first key.
    """

    app: FastAPI
    gateway: Gateway
    first_key: str | None

    def __init__(self, folder: Path, **house: Any) -> None:
        super().__init__(folder, **house)
        self.keys: dict[str, str] = {}

    @asynccontextmanager
    async def opened(
        self,
        *,
        is_open: bool = False,
        transport: httpx2.AsyncBaseTransport | None = None,
        patience: Patience | None = None,
        **settings: Any,
    ) -> AsyncIterator[Self]:
        """Start the gateway with these settings; end it as a server would. `transport` stands for the simulator."""
        told = read_settings(**{"api_key": KEY, "database_url": self.database_url, **settings})
        transport = transport or self.transport()
        opened = open_gateway(told, is_open=is_open, clock=self.clock, transport=transport, patience=patience)
        self.app, self.first_key = opened.app, opened.first_key
        self.gateway = self.app.state.gateway
        if self.first_key is not None:
            self.keys = {"admin": self.first_key, **{scope: self.make_key(scope) for scope in ("spend", "read")}}
        async with self.app.router.lifespan_context(self.app):
            yield self

    def make_key(self, scope: str, *, name: str | None = None, lane: str = "live", rpm: int | None = None) -> str:
        """Make another key; return its text."""
        database = open_database(self.database_url)
        made = Keyring(database, ACCOUNT).create(name or scope, Scope(scope), lane, rpm, self.clock.now())
        database.close()
        assert made is not None
        return made[1]

    def client(self, key: str | None = "spend", **headers: str) -> httpx2.AsyncClient:
        """Return a client with one of `keys`, with the text of any other, or with none."""
        if key is not None and self.keys:
            headers["X-API-Key"] = self.keys.get(key, key)
        return httpx2.AsyncClient(transport=httpx2.ASGITransport(self.app), base_url=URL, headers=headers)
