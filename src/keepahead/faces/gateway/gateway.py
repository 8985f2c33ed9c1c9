"""What all routes share: one client that spends on behalf of whoever asks, and how long anybody may take.

The only way from a route to a token is `spend`; what it hands to a route can do nothing but go the road of one call.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from starlette.requests import Request
from starlette.types import Receive

from keepahead.budget.cost import Cost
from keepahead.budget.lane import Lane
from keepahead.budget.scope import Scope
from keepahead.clock import Clock
from keepahead.errors import InsufficientTokensError, KeepaheadError, MaxTokensError, RefusedError
from keepahead.faces.gateway.problems import Problem, problem, problem_of
from keepahead.faces.gateway.pulse import Pulse
from keepahead.faces.gateway.upstream import Upstream
from keepahead.faces.gateway.visit import Visit, visit_of
from keepahead.faces.gateway.visitor import NoKeyError, Visitor
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.on_behalf import NotRememberedError, OnBehalf
from keepahead.keepa.refusal import too_dear
from keepahead.keepa.terms import OnRefusal
from keepahead.work.analysis.thresholds import Thresholds
from keepahead.work.discovery.run import DETAILS_AGE

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


@dataclass(frozen=True, slots=True)
class Whole(Generic[R]):
    """Work of many calls: its name as the calls know it, what all of it may cost, and what does it.

    `run` is told how long its parts may wait; None where they are all from the archive.
    """

    name: str
    cost: Cost
    run: Callable[[OnBehalf, float | None], AsyncIterator[R]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long and how much: a request's time limit, how far ahead a refused one keeps its place, how many at once.

    A request must be here after `body_seconds`; a part of an answer must be taken within `send_seconds`.
    """

    request_seconds: float = 150.0
    keeps_place_for: timedelta = timedelta(minutes=5)
    max_requests: int = 256
    drain_seconds: float = 30.0
    body_seconds: float = 20.0
    send_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Usual:
    """What is usual where a request does not say: how old details of a discovery may be, what an analysis weighs."""

    details_max_age: timedelta = DETAILS_AGE
    analysis: Thresholds = Thresholds()  # noqa: RUF009 - it cannot change


class Gateway:
    """Spends for visitors. `lanes` are by name."""

    def __init__(  # noqa: PLR0917 - all of them are needed, and it is built in one place
        self,
        keepa: AsyncKeepa,
        pulse: Pulse,
        clock: Clock,
        lanes: Mapping[str, Lane],
        patience: Patience,
        usual: Usual,
    ) -> None:
        self.pulse = pulse
        self.clock = clock
        self.lanes = lanes
        self.patience = patience
        self.usual = usual
        self.is_draining = asyncio.Event()
        self.upstream = Upstream(clock)
        self._keepa = keepa
        self._drains_until: datetime | None = None

    def drain(self) -> None:
        """Begin to go down: from now on the time runs in which what is under way may end."""
        if self._drains_until is None:
            self._drains_until = self.clock.now() + timedelta(seconds=self.patience.drain_seconds)
        self.is_draining.set()

    def seconds_to_drain(self) -> float:
        """Return how much of that time is left."""
        until = self._drains_until
        return self.patience.drain_seconds if until is None else max(0.0, (until - self.clock.now()).total_seconds())

    async def spend(
        self,
        request: Request,
        wish: Wish,
        work: Callable[[OnBehalf], Coroutine[Any, Any, R]],
        *,
        is_one_call: bool = False,
    ) -> R:
        """Do work that may spend, on the terms of a request, as long as its client waits for it.

        Who may only read gets what the archive has. Below the floor so does everybody: the ledger refuses the rest, and
        says when to come back. Work that `is_one_call` is answered from memory without ado, if it is there.
        Raises KeepaheadError, Problem, and ClientGoneError.
        """
        visit = visit_of(request)
        visitor = _visitor_of(visit)
        lane = self.lanes[visitor.lane_for(wish.lane)]
        may_spend = visitor.scope.covers(Scope.SPEND)
        keepa = self._on_behalf(visit, visitor, lane, wish, max_tokens=None if may_spend else 0)
        try:
            if is_one_call:
                with suppress(NotRememberedError):
                    return await work(keepa.memory)
            return await self._patiently(request.receive, work(keepa))
        except MaxTokensError:
            if may_spend:
                raise
            raise _may_not_spend() from None

    async def spend_whole(
        self, request: Request, wish: Wish, work: Whole[R], take: Callable[[R], Awaitable[None]]
    ) -> None:
        """Do work of many calls, begun only if all of it can be paid for; `take` is given each result as it comes.

        Once begun, its parts wait as long as the request may take, so that no call that comes between undoes it.
        Raises KeepaheadError, Problem and ClientGoneError; a refusal tells what the whole may cost.
        """
        visit = visit_of(request)
        visitor = _visitor_of(visit)
        lane = self.lanes[visitor.lane_for(wish.lane)]
        keepa = self._on_behalf(visit, visitor, lane, wish)
        began = self.clock.now()

        async def carry_out() -> None:
            if work.cost.tokens_max:
                refused = await self._refusal(keepa, visitor, wish, work)
                if refused is not None:
                    free = self._on_behalf(visit, visitor, lane, wish, max_tokens=0)
                    for each in await _if_archived(work, free, refused):
                        await take(each)
                    return
            waited = (self.clock.now() - began).total_seconds()
            try:
                async for each in work.run(keepa, max(0.0, self.patience.request_seconds - waited)):
                    await take(each)
            finally:
                await keepa.end_work(work.name)

        await self._patiently(request.receive, carry_out())

    async def _refusal(self, keepa: OnBehalf, visitor: Visitor, wish: Wish, work: Whole[Any]) -> Exception | None:
        """Return why the whole cannot be paid for within the deadline, and keep a place for it; None if it can."""
        most = work.cost.tokens_max or 0
        if not visitor.scope.covers(Scope.SPEND):
            return _may_not_spend()
        if wish.max_tokens is not None and most > wish.max_tokens:
            return too_dear(None, most, wish.max_tokens)
        try:
            await keepa.foresee(work.name, most)
        except InsufficientTokensError as refused:
            return problem_of(refused, self.clock.now(), work.cost)
        except RefusedError as refused:
            return refused
        return None

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
            is_below_floor=visit.is_below_floor and not wish.deadline_seconds,
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
            ends[0].result()  # raises what was wrong with the rest of the request
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


async def _if_archived(work: Whole[R], keepa: OnBehalf, refused: Exception) -> list[R]:
    """Return all results if the archive has every part of them. Raises `refused` if it has not."""
    try:
        return [each async for each in work.run(keepa, None)]
    except KeepaheadError:
        raise refused from None


def _may_not_spend() -> Problem:
    return problem("not-allowed", "this key may not spend, and the archive does not have all of this")


async def _hung_up(receive: Receive) -> None:
    """Return when the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _visitor_of(visit: Visit) -> Visitor:
    if visit.visitor is None:
        raise NoKeyError
    return visit.visitor
