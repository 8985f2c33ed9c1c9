"""Programs that are made up, for those who want to see something: they spend what the built-in simulator has.

A repricer looks at products again and again, a researcher asks for lists, a scout works in the background. Together
they spend about four times what is refilled, so within a quarter of an hour everything is seen that there is to see.
"""

import asyncio
import logging
import random
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any

from starlette.types import Message

from keepahead.budget.scope import Scope
from keepahead.errors import KeepaheadError
from keepahead.faces.gateway.gateway import Gateway, Wish
from keepahead.faces.gateway.inside import request_of
from keepahead.faces.gateway.problems import Problem
from keepahead.faces.gateway.visitor import Visitor
from keepahead.keepa.on_behalf import OnBehalf
from keepahead.work.tasks import end

CATEGORY = 3760911
"""Beauty & Personal Care, one that the simulator has."""

REPRICER_SECONDS, RESEARCHER_SECONDS, SCOUT_SECONDS = 2.0, 45.0, 90.0
REST_SECONDS = 20.0
"""Who was refused comes back after so long."""

Do = Callable[[OnBehalf], Coroutine[Any, Any, None]]

log = logging.getLogger("keepahead.gateway")


class Play:
    """The programs of one gateway. They go the road of one call, as all others do."""

    def __init__(self, gateway: Gateway, seed: int = 1) -> None:
        self._gateway = gateway
        self._rng = random.Random(seed)  # noqa: S311 - nothing is secret about it
        self._known: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin."""
        programs = (
            ("researcher", "live", RESEARCHER_SECONDS, self._ask_for_lists),
            ("repricer", "live", REPRICER_SECONDS, self._look_at_products),
            ("scout", "jobs", SCOUT_SECONDS, self._look_at_many),
        )
        self._tasks = [asyncio.create_task(self._run(*program)) for program in programs]

    async def stop(self) -> None:
        """End it."""
        await end(*self._tasks)

    async def _run(self, name: str, lane: str, seconds: float, do: Do) -> None:
        visitor = Visitor(name, Scope.SPEND, lane, None, "")

        while True:
            rest = seconds * self._rng.uniform(0.5, 1.5)
            try:
                await self._gateway.spend(request_of(self._gateway, visitor, _never), Wish(lane=lane), do)
            except (KeepaheadError, Problem):
                rest = max(rest, REST_SECONDS)
            except Exception:  # a made-up program must not be what ends the real ones
                log.exception("the program %s that is played failed", name)
                return
            await self._gateway.clock.sleep_async(rest)

    async def _ask_for_lists(self, keepa: OnBehalf) -> None:
        wanted = {"rootCategory": [CATEGORY], "current_SALES_lte": self._rng.randrange(1_000, 90_000), "perPage": 50}
        found = await keepa.find(wanted, domain=1)
        self._known = [*self._known, *found.asins][-500:]
        with suppress(KeepaheadError):
            await keepa.search(f"gift {self._rng.randrange(100)}", domain=1, page=0)

    async def _look_at_products(self, keepa: OnBehalf) -> None:
        if wanted := self._some(self._rng.randint(1, 4)):
            fresh = self._rng.random() < 0.7
            await keepa.products(wanted, domain=1, max_age=timedelta() if fresh else None)

    async def _look_at_many(self, keepa: OnBehalf) -> None:
        if wanted := self._some(20):
            await keepa.products(wanted, domain=1, stats=90)

    def _some(self, count: int) -> Sequence[str]:
        return self._rng.sample(self._known, min(count, len(self._known)))


async def _never() -> Message:
    """Wait for ever: these programs do not hang up."""
    await asyncio.Event().wait()
    return {"type": "http.disconnect"}
