"""What all routes share: one client that spends on behalf of whoever asks, and how long anybody may take.

The only way from a route to a token is `spend`; what it hands to a route can do nothing but go the road of one call.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from keepahead.budget.lane import Lane
from keepahead.budget.scope import Scope
from keepahead.clock import Clock
from keepahead.errors import MaxTokensError
from keepahead.faces.gateway.problems import problem
from keepahead.faces.gateway.pulse import Pulse
from keepahead.faces.gateway.upstream import Upstream
from keepahead.faces.gateway.visit import Visit, visit_of
from keepahead.faces.gateway.visitor import NoKeyError, Visitor
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.on_behalf import OnBehalf
from keepahead.keepa.terms import OnRefusal

R = TypeVar("R")

QUICK_SECONDS = 0.05
"""Whoever is answered within this is not watched: it takes longer than that to hang up."""


class ClientGoneError(Exception):
    """Nobody is there any more to take the answer."""


@dataclass(frozen=True, slots=True)
class Wish:
    """On what terms one request spends. None takes what is usual: the settings, the key's lane, no limit.

    `deadline_seconds` is how long it waits for tokens; 0 refuses at once.
    """

    lane: str | None = None
    max_age: timedelta | None = None
    max_tokens: int | None = None
    deadline_seconds: float = 0.0
    on_refusal: OnRefusal = "raise"


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how much: a request's time limit, how far ahead a refused one keeps its place, how many at once."""

    request_seconds: float = 150.0
    keeps_place_for: timedelta = timedelta(minutes=5)
    max_requests: int = 256
    drain_seconds: float = 30.0


class Gateway:
    """Spends for visitors. `lanes` are by name."""

    def __init__(
        self, keepa: AsyncKeepa, pulse: Pulse, clock: Clock, lanes: Mapping[str, Lane], patience: Patience
    ) -> None:
        self.pulse = pulse
        self.clock = clock
        self.lanes = lanes
        self.patience = patience
        self.is_draining = asyncio.Event()
        self.upstream = Upstream(clock)
        self._keepa = keepa

    async def spend(self, request: Request, wish: Wish, work: Callable[[OnBehalf], Coroutine[Any, Any, R]]) -> R:
        """Do work that may spend, on the terms of a request, as long as its client waits for it.

        A request that came below the floor gets what the archive has; for the rest the ledger is asked only to say
        when to come back. Raises KeepaheadError, Problem, and ClientGoneError.
        """
        visit = visit_of(request)
        visitor = _visitor_of(visit)
        lane = self.lanes[visitor.lane_for(wish.lane)]
        may_spend = visitor.scope.covers(Scope.SPEND)
        if not may_spend or (visit.is_early and not wish.deadline_seconds):
            try:
                keepa = self._on_behalf(visit, visitor, lane, wish, max_tokens=0)
                return await self._patiently(request.receive, work(keepa))
            except MaxTokensError:
                if not may_spend:
                    told = "this key may not spend, and the archive does not have all of this"
                    raise problem("not-allowed", told) from None
        return await self._patiently(request.receive, work(self._on_behalf(visit, visitor, lane, wish)))

    def read(self, request: Request) -> OnBehalf:
        """Return what answers free questions for a request, and can spend nothing."""
        visit = visit_of(request)
        visitor = _visitor_of(visit)
        return self._on_behalf(visit, visitor, self.lanes[visitor.lane], Wish(), max_tokens=0)

    def _on_behalf(
        self, visit: Visit, visitor: Visitor, lane: Lane, wish: Wish, *, max_tokens: int | None = None
    ) -> OnBehalf:
        return self._keepa.on_behalf_of(
            visitor.name,
            lane,
            tally=visit.tally,
            max_wait_seconds=wish.deadline_seconds,
            max_tokens=wish.max_tokens if max_tokens is None else max_tokens,
            max_age=wish.max_age,
            on_refusal=wish.on_refusal,
            keeps_place_for=self.patience.keeps_place_for,
        )

    async def _patiently(self, receive: Receive, work: Coroutine[Any, Any, R]) -> R:
        """Wait for work, but not longer than the time limit or than its client does.

        What was sent to Keepa by then goes on in the background, and is kept.
        """
        task = asyncio.create_task(work)
        self.upstream.watch(task)
        ends: list[asyncio.Task[Any]] = []
        try:
            await asyncio.wait([task], timeout=QUICK_SECONDS)
            if not task.done():
                ends = [asyncio.create_task(_hung_up(receive)), asyncio.create_task(self._waits_no_more())]
                limit = self.patience.request_seconds
                await asyncio.wait([task, *ends], timeout=limit, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            task.cancel()
            await asyncio.wait([task])
            if not task.cancelled():
                return task.result()
        finally:
            for each in (task, *ends):
                each.cancel()
        if ends[0].done():
            raise ClientGoneError
        if self.is_draining.is_set():
            raise problem("shutting-down", "the gateway is going down; ask again in a moment", retry_seconds=1)
        raise problem(
            "took-too-long", f"no answer within {self.patience.request_seconds:.0f} s; ask again", retry_seconds=1
        )

    async def _waits_no_more(self) -> None:
        """Return when the gateway is going down and has waited for answers long enough."""
        await self.is_draining.wait()
        await self.clock.sleep_async(self.patience.drain_seconds / 2)


async def _hung_up(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _visitor_of(visit: Visit) -> Visitor:
    if visit.visitor is None:
        raise NoKeyError
    return visit.visitor
