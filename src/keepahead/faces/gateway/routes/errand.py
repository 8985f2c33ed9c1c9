"""A request that may spend: who asks, on what terms, and the one way from a route to a token."""

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any, Self, TypeVar

from fastapi import Depends
from starlette.requests import Request

from keepahead.faces.gateway.gateway import Gateway, Whole, Wish
from keepahead.faces.gateway.terms import Here, Wishes
from keepahead.keepa.on_behalf import OnBehalf

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Errand:
    """What a spending route is given."""

    request: Request
    gateway: Gateway
    wish: Wish

    @property
    def now(self) -> datetime:
        """The present."""
        return self.gateway.clock.now()

    def with_terms(self, **changed: Any) -> Self:
        """Return the same on other terms."""
        return replace(self, wish=replace(self.wish, **changed))

    async def spend(self, work: Callable[[OnBehalf], Coroutine[Any, Any, R]], *, is_one_call: bool = False) -> R:
        """Do work that may spend. Raises as Gateway.spend does."""
        return await self.gateway.spend(self.request, self.wish, work, is_one_call=is_one_call)

    async def spend_whole(self, work: Whole[R], take: Callable[[R], Awaitable[None]]) -> None:
        """Do work of many calls, all or nothing. Raises as Gateway.spend_whole does."""
        await self.gateway.spend_whole(self.request, self.wish, work, take)


async def errand(request: Request, gateway: Here, wish: Wishes) -> Errand:
    """Return what the request is about."""
    return Errand(request, gateway, wish)


Spending = Annotated[Errand, Depends(errand)]
