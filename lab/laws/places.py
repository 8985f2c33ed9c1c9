"""Laws of places in the queue: they are neither lost nor kept for nobody. Whose turn it is says lab/laws/turns.py.

They hold where one clock rules, where nothing changes the plan or takes tokens from outside, and no store stalls. It
reads the committed rows by itself, and shares no code with keepahead.
"""

import contextvars
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lab.auditor import BrokenLawError
from lab.clock import START, HostClock
from lab.process import Process

TICKET_SECONDS = 30.0
"""A place is void so long after it was last renewed."""

LATE_SECONDS = 5.0
"""So late a place may be renewed, or given up."""

SHARED = ("one_product", "with_offers", "/api/v1/products", "/keepa/product")
"""Several wishes of these kinds may ride in one call, which stands for all of them."""

_TICKETS = "SELECT call_id, expires_at FROM tickets WHERE holder != 'appointment'"


@dataclass(eq=False)
class Wish:
    """What one program, or one request, wants: since when, and when it had it or gave up. Virtual seconds."""

    name: str
    began: float
    ended: float | None = None


WISH: "contextvars.ContextVar[Wish | None]" = contextvars.ContextVar("wish", default=None)
"""On whose behalf something is done; of calls that several share it is whoever came first."""


@dataclass(frozen=True, slots=True)
class Place:
    """One row of the queue; void after so many virtual seconds."""

    call_id: str
    expires: float


class Queue:
    """The laws of one run, by the clock of its hosts. `is_judged`: they hold in its climate.

    Whose process `asks` for the meter may let a place lapse meanwhile: it can be granted nothing before the answer.
    """

    def __init__(self, path: Path, clock: HostClock, asks: Callable[[Process], bool], *, is_judged: bool) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._asks = asks
        self._is_judged = is_judged
        self._start = START.timestamp() + clock.offset_seconds
        self._owners: dict[str, tuple[Process | None, Wish | None]] = {}
        self._gone_since: dict[str, float] = {}

    def after_commit(self, process: Process | None, wish: Wish | None, now: float) -> None:
        """Check what this process has just written on behalf of this wish, at so many virtual seconds."""
        if not self._is_judged:
            return
        for call_id, expires_us in self._connection.execute(_TICKETS).fetchall():
            self._owners.setdefault(call_id, (process, wish))
            self._check_place(Place(call_id, expires_us / 1e6 - self._start), now)

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    def _check_place(self, place: Place, now: float) -> None:
        process, wish = self._owners[place.call_id]
        if place.expires - now > TICKET_SECONDS + LATE_SECONDS:
            raise BrokenLawError(f"the place of call {place.call_id} is kept for {place.expires - now:.0f} s")
        if process is None or not process.is_alive:
            return
        if now - place.expires > LATE_SECONDS and not self._asks(process):
            raise BrokenLawError(
                f"call {place.call_id} still waits, and its place is void for {now - place.expires:.0f} s"
            )
        if wish is None or wish.ended is None or wish.name.startswith(SHARED):
            return
        if self._asks(process):  # what is sent outlives who gave up
            return
        if now - self._gone_since.setdefault(place.call_id, now) > LATE_SECONDS:
            raise BrokenLawError(f"the place of call {place.call_id} is kept, and {wish.name} has given up long ago")
