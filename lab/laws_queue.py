"""Laws of the queue: nobody who came later delays the first who waits, and places are neither lost nor kept for nobody.

They hold where one clock rules, where nothing changes the plan or takes tokens from outside, and no store stalls. It
reads the committed rows by itself, and shares no code with keepahead.
"""

import contextvars
import math
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.auditor import BrokenLawError
from lab.clock import START, HostClock
from lab.process import Process

TICKET_SECONDS = 30.0
"""A place is void so long after it was last renewed."""

PATIENCE_SECONDS = 15 * 60.0
"""The oldest job that waits lets live calls go first for so long, from its beginning or from the last job's grant."""

LATE_SECONDS = 5.0
"""So late a place may be renewed, or given up."""

MOMENT_SECONDS = 0.01
"""Of two who came so soon after each other nobody can say who was first."""

SHARED = ("one_product", "with_offers", "/api/v1/products", "/keepa/product")
"""Several wishes of these kinds may ride in one call, which stands for all of them."""

_TICKETS = "SELECT call_id, rank, floor, tokens, opened_at, expires_at FROM tickets WHERE holder != 'appointment'"
_METER = "SELECT refill_rate_per_minute, flow_reduction_per_minute, yielded_at FROM accounts"
_GRANTS = (
    "SELECT seq, call_id, lane, tokens, balance, free FROM entries WHERE seq > ? AND kind = 'reserved' ORDER BY seq"
)


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
    """One row of the queue; moments in virtual seconds."""

    call_id: str
    rank: int
    floor: int
    tokens: int
    opened: float
    expires: float

    @property
    def needed(self) -> int:
        """What must be free for it: its tokens above its floor, and Keepa runs nothing on an empty bucket."""
        return self.tokens + max(self.floor, 1 - self.tokens)


class Queue:
    """The laws of one run, by the clock of its hosts. `is_judged`: they hold in its climate."""

    def __init__(self, path: Path, clock: HostClock, *, is_judged: bool) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._is_judged = is_judged
        self._start = START.timestamp() + clock.offset_seconds
        self._seq = 0
        self._places: Sequence[Place] = ()
        self._owners: dict[str, tuple[Process | None, Wish | None]] = {}

    def after_commit(self, process: Process | None, wish: Wish | None, now: float) -> None:
        """Check what this process has just written on behalf of this wish, at so many virtual seconds."""
        if not self._is_judged:
            return
        before, self._places = self._places, [self._place(row) for row in self._connection.execute(_TICKETS)]
        for place in self._places:
            self._owners.setdefault(place.call_id, (process, wish))
            self._check_place(place, now)
        for seq, call_id, lane, tokens, balance, free in self._connection.execute(_GRANTS, (self._seq,)).fetchall():
            self._seq = seq
            if tokens and wish is not None:
                self._check_turn(before, wish, (call_id, lane, tokens, balance, free), now)

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    def _check_place(self, place: Place, now: float) -> None:
        process, wish = self._owners[place.call_id]
        if place.expires - now > TICKET_SECONDS + LATE_SECONDS:
            raise BrokenLawError(f"the place of call {place.call_id} is kept for {place.expires - now:.0f} s")
        if process is None or not process.is_alive:
            return
        if now - place.expires > LATE_SECONDS:
            raise BrokenLawError(
                f"call {place.call_id} still waits, and its place is void for {now - place.expires:.0f} s"
            )
        if wish is None or wish.ended is None or wish.name.startswith(SHARED):
            return
        if now - wish.ended > LATE_SECONDS:
            raise BrokenLawError(f"the place of call {place.call_id} is kept, and {wish.name} has given up long ago")

    def _check_turn(
        self, before: Sequence[Place], wish: Wish, grant: tuple[str, str, int, int, int], now: float
    ) -> None:
        call_id, lane, tokens, balance, free = grant
        rate, reduction, yielded = self._connection.execute(_METER).fetchone()
        lump, capacity = max(0, rate - reduction), rate * 60
        for first, since in self._firsts(before, call_id, yielded, now):
            held, needed = balance - free, first.needed
            if lane != "live" or wish.began <= since + MOMENT_SECONDS:
                continue
            if not lump or needed <= capacity < needed + held:
                is_late = balance - tokens < needed
            else:
                is_late = _lumps(needed - free, lump) != _lumps(needed - free + tokens, lump)
            if is_late:
                raise BrokenLawError(
                    f"call {call_id} was granted {tokens} of {free} free tokens, {wish.began - since:.1f} s after call "
                    f"{first.call_id} of rank {first.rank}, which waits for {needed}, stood before it"
                )

    def _firsts(
        self, before: Sequence[Place], call_id: str, yielded: int | None, now: float
    ) -> Iterator[tuple[Place, float]]:
        """Yield the first of each lane, and since when it stands before all live calls that come later."""
        waiting = [each for each in before if each.call_id != call_id and each.expires > now]
        live = min((each for each in waiting if not each.rank), key=_age, default=None)
        if live is not None:
            yield live, live.opened
        job = min((each for each in waiting if each.rank), key=_age, default=None)
        if job is None:
            return
        overdue = PATIENCE_SECONDS + max(job.opened, -self._start if yielded is None else yielded / 1e6 - self._start)
        if live is None or live.opened > overdue:
            yield job, overdue

    def _place(self, row: tuple[str, int, int, int, int, int]) -> Place:
        call_id, rank, floor, tokens, opened_us, expires_us = row
        opened, expires = opened_us / 1e6 - self._start, expires_us / 1e6 - self._start
        return Place(call_id, rank, floor, tokens, opened, expires)


def _age(place: Place) -> tuple[float, str]:
    return place.opened, place.call_id


def _lumps(tokens: int, lump: int) -> int:
    return max(0, math.ceil(tokens / lump))
