"""Is this gateway alive, may requests be sent to it, and how is it? Answered from what is known; nothing is spent."""

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from keepahead import __version__
from keepahead.budget.status import status_of
from keepahead.errors import LedgerError, LedgerFormatError
from keepahead.faces.gateway.books import Books, State
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.ledger_documents import standing_json
from keepahead.store.database import HEAD, Database

LOOK_EVERY = timedelta(seconds=1)
"""Whoever asks oftener is told what was found last: nobody wears the database out by asking whether it is there."""

OK = "ok"


class Health:
    """What can be said of one gateway."""

    def __init__(self, gateway: Gateway, books: Books) -> None:
        self._gateway = gateway
        self._books = books
        self._began_at = gateway.clock.now()
        self._looked_at: datetime | None = None
        self._ledger: Mapping[str, str] = {}
        self._looking = asyncio.Lock()

    @property
    def state(self) -> State:
        """How the balance is to be taken just now."""
        account, now = self._gateway.pulse.account, self._gateway.clock.now()
        meter = account.meter if account else None
        live = self._gateway.lanes["live"]
        floor = live.floor_of(meter.capacity) if meter else live.floor
        return self._books.marks.state_of(meter.balance_at(now) if meter else None, floor)

    async def checks(self) -> Mapping[str, str]:
        """Return each check with "ok", or what is wrong in a few words that tell nothing of the inside."""
        return {
            **await self._ledger_checks(),
            "draining": "the gateway is going down" if self._gateway.is_draining.is_set() else OK,
            "upstream": "the last call failed" if self._is_upstream_away else OK,
        }

    def document(self, *, in_full: bool) -> Mapping[str, Any]:
        """Return how it is. `in_full` is for those who have a key: numbers of the account, reasons of failures."""
        now = self._gateway.clock.now()
        uptime = round((now - self._began_at).total_seconds(), 1)
        told = {"state": self.state, "version": __version__, "uptime_seconds": uptime}
        if not in_full:
            return told
        return {**told, "account": self._account(now), "ledger": self._reading(now), "upstream": self._upstream()}

    @property
    def _is_upstream_away(self) -> bool:
        return self._gateway.upstream.is_away(self._answered_at, self._gateway.clock.now())

    @property
    def _answered_at(self) -> datetime | None:
        account = self._gateway.pulse.account
        return account.meter.received_at if account and account.meter else None

    async def _ledger_checks(self) -> Mapping[str, str]:
        async with self._looking:
            now = self._gateway.clock.now()
            if self._looked_at is None or now - self._looked_at >= LOOK_EVERY:
                self._ledger = await asyncio.to_thread(_look_at, self._books.ledger.database)
                self._looked_at = self._gateway.clock.now()
            return self._ledger

    def _account(self, now: datetime) -> Mapping[str, Any] | None:
        account = self._gateway.pulse.account
        if account is None or account.meter is None:
            return None
        return standing_json(status_of(account, self._gateway.lanes["live"], now), now)

    def _reading(self, now: datetime) -> Mapping[str, Any]:
        pulse = self._gateway.pulse
        age = None if pulse.read_at is None else round((now - pulse.read_at).total_seconds(), 3)
        took = round(pulse.took.total_seconds(), 4)
        return {"read_at": pulse.read_at, "age_seconds": age, "took_seconds": took, "failure": pulse.failure}

    def _upstream(self) -> Mapping[str, Any]:
        upstream = self._gateway.upstream
        return {"answered_at": self._answered_at, "failed_at": upstream.failed_at, "failure": upstream.failure}


def _look_at(database: Database) -> Mapping[str, str]:
    try:
        version = database.version()
    except LedgerFormatError:
        return {"ledger": OK, "migrations": f"the ledger is not at version {HEAD}"}
    except LedgerError:
        return {"ledger": "it cannot be reached", "migrations": "nobody knows"}
    return {"ledger": OK, "migrations": OK if version == HEAD else f"the ledger is not at version {HEAD}"}
