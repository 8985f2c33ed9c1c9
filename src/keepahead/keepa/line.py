"""The tasks of one client that wait for tokens.

Only the first of them asks the ledger: it is the oldest, and nobody behind it could be served before it. The others
sleep until it is their turn.
"""

import asyncio
import bisect
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any

Place = tuple[int, datetime, str]
"""What the ledger's queue is ordered by: lane, age, id (account.Ticket.place)."""


class Line:
    """A queue of places, each with an event that wakes its task. For one event loop."""

    def __init__(self, sleep: Callable[[float], Coroutine[Any, Any, None]]) -> None:
        self._sleep = sleep
        self._places: list[Place] = []
        self._wake: dict[Place, asyncio.Event] = {}

    async def wait(self, place: Place, seconds: float, deadline_seconds: float | None) -> None:
        """Sleep at `place`: the first for `seconds`, the others until they are first or their deadline comes.

        Whoever is nudged wakes earlier. The place is kept until `leave`.
        """
        if place not in self._wake:
            bisect.insort(self._places, place)
            self._wake[place] = asyncio.Event()
        if self._places[0] != place:  # past the deadline there is still the wait for a meter
            seconds = float("inf") if deadline_seconds is None else max(seconds, deadline_seconds)
        await self._sleep_or_wake(self._wake[place], seconds)

    def leave(self, place: Place | None) -> None:
        """Give up a place; whoever is first now wakes."""
        if place in self._wake:
            del self._wake[place]
            self._places.remove(place)
            self.nudge()

    def nudge(self) -> None:
        """Wake the first: tokens may have been given back."""
        if self._places:
            self._wake[self._places[0]].set()

    async def _sleep_or_wake(self, event: asyncio.Event, seconds: float) -> None:
        waking: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait())]
        if seconds != float("inf"):
            waking.append(asyncio.ensure_future(self._sleep(seconds)))
        try:
            await asyncio.wait(waking, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waking:
                each.cancel()
            event.clear()
