"""The tasks of one client that wait for tokens.

Only the first of them watches the ledger: it is the oldest. The others sleep until it is their turn, or until the first
has heard that there is room for so few tokens as one of them needs.
"""

import asyncio
import bisect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Place = tuple[int, datetime, str]
"""Lane, age, id (ask.Ask.place)."""


@dataclass(slots=True, eq=False)
class _Waiter:
    tokens: int
    event: asyncio.Event = field(default_factory=asyncio.Event)
    is_invited: bool = False


class Line:
    """A queue of places, each with an event that wakes its task. For one event loop."""

    def __init__(self, sleep: Callable[[float], Coroutine[Any, Any, None]]) -> None:
        self._sleep = sleep
        self._places: list[Place] = []
        self._waiters: dict[Place, _Waiter] = {}

    async def wait(
        self, place: Place, seconds: float, deadline_seconds: float | None, *, tokens: int = 0, room: int = 0
    ) -> bool:
        """Sleep at `place`: the first for `seconds`, the others until they are first or their deadline comes.

        Whoever is nudged wakes earlier. `room` is what the first was told that those behind it may have: it goes to the
        first whose `tokens` fit, and True tells that one to ask. The place is kept until `leave`.
        """
        if place not in self._waiters:
            bisect.insort(self._places, place)
            self._waiters[place] = _Waiter(tokens)
        waiter = self._waiters[place]
        if self._places[0] == place:
            self._invite(room)
        else:  # past the deadline there is still the wait for a meter
            seconds = float("inf") if deadline_seconds is None else max(seconds, deadline_seconds)
        await sleep_or_wake(self._sleep, waiter.event, seconds)
        invited, waiter.is_invited = waiter.is_invited, False
        return invited

    def leave(self, place: Place | None) -> None:
        """Give up a place; whoever is first now wakes."""
        if place in self._waiters:
            del self._waiters[place]
            self._places.remove(place)
            self.nudge()

    def nudge(self) -> None:
        """Wake the first: tokens may have been given back."""
        if self._places:
            self._waiters[self._places[0]].event.set()

    def _invite(self, room: int) -> None:
        waiters = (self._waiters[place] for place in self._places[1:])
        fitting = next((waiter for waiter in waiters if waiter.tokens <= room), None) if room > 0 else None
        if fitting is not None:
            fitting.is_invited = True
            fitting.event.set()


async def sleep_or_wake(
    sleep: Callable[[float], Coroutine[Any, Any, None]], event: asyncio.Event, seconds: float
) -> None:
    """Sleep for so long, or until the event, which is then cleared."""
    waking: list[asyncio.Future[Any]] = [asyncio.ensure_future(event.wait())]
    if seconds != float("inf"):
        waking.append(asyncio.ensure_future(sleep(seconds)))
    try:
        await asyncio.wait(waking, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for each in waking:
            each.cancel()
        event.clear()
