"""The tasks of one client that wait for tokens.

Only the first of them watches the ledger: the oldest, or whom the ledger itself has told to be before it. The others
sleep until it is their turn, or until the first has heard that there is room for so few tokens as one of them needs.
"""

import asyncio
import bisect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

Place = tuple[int, datetime, str]
"""Lane, age, id (ask.Ask.place)."""


class Told(NamedTuple):
    """What the ledger said: so many tokens may be had by those behind, and who of this client is the first."""

    room: int = 0
    first: str = ""


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
        self._first: Place | None = None  # before all others, because the ledger says so
        self._waiters: dict[Place, _Waiter] = {}

    async def wait(
        self, place: Place, seconds: float, deadline_seconds: float | None, tokens: int = 0, told: Told | None = None
    ) -> bool:
        """Sleep at `place`: the first for `seconds`, the others until they are first or their deadline comes.

        Whoever is nudged wakes earlier. The room that the first was told of goes to the first whose `tokens` fit, and
        True tells that one to ask; so does whom the ledger has before it. The place is kept until `leave`.
        """
        if place not in self._waiters:
            bisect.insort(self._places, place)
            self._waiters[place] = _Waiter(tokens)
        waiter = self._waiters[place]
        if told is not None:
            self._bring_forward(told.first, place)
        if self._head == place:
            self._invite(told.room if told else 0)
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
        if self._head is not None:
            self._waiters[self._head].event.set()

    @property
    def _head(self) -> Place | None:
        """Who watches for all."""
        if self._first in self._waiters:
            return self._first
        return self._places[0] if self._places else None

    def _bring_forward(self, call_id: str, teller: Place) -> None:
        """Put the one before all others that the ledger has there: a job whose patience is over, or a kept place."""
        place = next((each for each in self._places if each[-1] == call_id), None) if call_id else None
        if place is None or place == self._head:
            return
        self._first = place
        if place != teller:
            self._ask(self._waiters[place])

    def _invite(self, room: int) -> None:
        waiters = (self._waiters[place] for place in self._places if place != self._head)
        fitting = next((waiter for waiter in waiters if waiter.tokens <= room), None) if room > 0 else None
        if fitting is not None:
            self._ask(fitting)

    def _ask(self, waiter: _Waiter) -> None:
        waiter.is_invited = True
        waiter.event.set()


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
