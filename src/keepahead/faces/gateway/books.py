"""What the free routes read: the record, the rules, the archive, and the marks by which a balance is judged."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from fastapi import Depends
from starlette.requests import Request

from keepahead.budget.account import Account
from keepahead.budget.lane import Lane
from keepahead.faces.settings import Settings
from keepahead.faces.wiring import upstream_of
from keepahead.store.archive import Archive
from keepahead.store.inventory import Inventory
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record
from keepahead.store.rulebook import Rulebook


class State(StrEnum):
    """How a balance is to be taken; the worse wins. Below the floor means at it as well: nothing can be spent."""

    OK = "ok"
    LOW = "low"
    CRITICAL = "critical"
    BELOW_FLOOR = "below_floor"
    NEGATIVE = "negative"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Marks:
    """Below how many tokens a balance is low, and critical."""

    low: int
    critical: int

    def state_of(self, balance: int | None, floor: int) -> State:
        """Judge a balance; None is one that nobody knows."""
        if balance is None:
            return State.UNKNOWN
        if balance < 0:
            return State.NEGATIVE
        if balance <= floor:
            return State.BELOW_FLOOR
        if balance < self.critical:
            return State.CRITICAL
        return State.LOW if balance < self.low else State.OK


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """Where the free routes read. All of it but `account` blocks: read it in a thread."""

    ledger: Ledger
    record: Record
    rulebook: Rulebook
    inventory: Inventory
    archive: Archive
    ages: Mapping[str, timedelta]
    marks: Marks

    @property
    def account(self) -> Account:
        """The account as this process last saw it; whoever has just asked for the status has just read it."""
        return self.ledger.seen() or Account(self.ledger.fingerprint)

    @classmethod
    def of(cls, ledger: Ledger, settings: Settings) -> Self:
        """Return the books that lie in the ledger's database."""
        database, fingerprint = ledger.database, ledger.fingerprint
        url, _ = upstream_of(settings)
        return cls(
            ledger=ledger,
            record=Record(database, fingerprint),
            rulebook=Rulebook(database, fingerprint),
            inventory=Inventory(database, url),
            archive=Archive(database, url, settings.archive_megabytes),
            ages=settings.ages,
            marks=Marks(settings.low, settings.critical),
        )


def spendable(account: Account, lane: Lane, balance: int, free: int) -> int:
    """Return the tokens that a lane may spend now: what is free above its floor, and nothing on an empty bucket."""
    floor = lane.floor_of(account.meter.capacity) if account.meter else lane.floor
    return max(0, free - floor) if balance >= 1 and account.meter else 0


async def books_of(request: Request) -> Books:
    """Return the books of the gateway that the request has come to."""
    return request.app.state.books


Read = Annotated[Books, Depends(books_of)]
