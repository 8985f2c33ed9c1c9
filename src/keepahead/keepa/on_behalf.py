"""One client for many callers: each has its own terms, and shares everything else."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol, TypeVar, Unpack

from keepahead.budget.cost import Cost
from keepahead.budget.status import Status
from keepahead.keepa import plans
from keepahead.keepa.async_methods import AsyncMethods
from keepahead.keepa.calls import Call
from keepahead.keepa.costs import quote
from keepahead.keepa.objects import Product
from keepahead.keepa.plans import Domain, Plan, ProductOptions, SpendOptions
from keepahead.keepa.tally import Tally
from keepahead.keepa.terms import Terms
from keepahead.keepa.wire import Answer

R = TypeVar("R")


class NotRememberedError(Exception):
    """Not all that was asked for is in memory."""


class Payer(Protocol):
    """The client that does the work, on whosever terms."""

    async def run_on(self, terms: Terms, plan: Plan[R], options: Mapping[str, Any], tally: Tally | None = None) -> R:
        """Carry out a plan; `options` go before `terms`. What it cost goes into `tally`."""
        ...

    def recall_on(self, terms: Terms, plan: Plan[R], options: Mapping[str, Any], tally: Tally | None = None) -> R:
        """Answer a plan from memory alone, on the spot. Raises NotRememberedError where not all of it is there."""
        ...

    async def status_on(self, terms: Terms) -> Status:
        """Return the account with the floor of the lane of these terms."""
        ...

    async def foresee_on(self, terms: Terms, shape: str, tokens_max: int, options: Mapping[str, Any]) -> None:
        """Refuse work that cannot all be paid for in time."""
        ...

    def age_on(self, terms: Terms, call: Call) -> timedelta:
        """Return how old an archived answer to the call may be on these terms."""
        ...

    async def end_work_on(self, terms: Terms, shape: str) -> None:
        """Give up what is still kept for work."""
        ...

    async def archived_on(self, terms: Terms, domain: Domain, most: int, options: Mapping[str, Any]) -> list[Product]:
        """Return archived products that would do."""
        ...


class OnBehalf(AsyncMethods):
    """A client on the terms of one caller. It needs no closing, and lives as long as the client it came from."""

    __slots__ = ("_keepa", "_only_recalls", "_tally", "_terms")

    def __init__(self, keepa: Payer, terms: Terms, tally: Tally | None = None, *, only_recalls: bool = False) -> None:
        self._keepa = keepa
        self._terms = terms
        self._tally = tally
        self._only_recalls = only_recalls

    def __repr__(self) -> str:
        return f"<OnBehalf of {self._terms.caller} in the lane {self._terms.lane.name}: {self._keepa!r}>"

    @property
    def memory(self) -> "OnBehalf":
        """The same, but its spending methods wait for nothing: they answer from memory, or raise NotRememberedError."""
        return OnBehalf(self._keepa, self._terms, self._tally, only_recalls=True)

    async def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        return await self._keepa.status_on(self._terms)

    async def archived(
        self, *, domain: Domain = 1, most: int = 1_000, **options: Unpack[ProductOptions]
    ) -> list[Product]:
        """Return archived products that would do for these options, the newest first; costs nothing, saves nothing."""
        return await self._keepa.archived_on(self._terms, domain, most, options)

    async def foresee(self, shape: str, tokens_max: int, **options: Unpack[SpendOptions]) -> None:
        """Refuse work that cannot all be paid for in time, before its first call; see AsyncMethods."""
        await self._keepa.foresee_on(self._terms, shape, tokens_max, options)

    def age_for(self, call: Call) -> timedelta:
        """Return how old an archived answer to the call may be; none where nothing is kept of it."""
        return self._keepa.age_on(self._terms, call)

    async def relay(self, call: Call) -> tuple[Answer, ...]:
        """Return the raw answers to the parts of any call: what the archive has, and what is bought, all or nothing."""
        return await self._run(plans.relayed(call), {})

    async def end_work(self, shape: str) -> None:
        """Give up what is still kept for work that `foresee` let in and that has ended; else it is kept for 60 s."""
        await self._keepa.end_work_on(self._terms, shape)

    def quote(self, call: Call) -> Cost:
        """Return the bounds of what the call may cost, in tokens. Sends nothing."""
        return quote(call)

    async def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R:
        options = self._within(options)
        if self._only_recalls:
            return self._keepa.recall_on(self._terms, plan, options, self._tally)
        return await self._keepa.run_on(self._terms, plan, options, self._tally)

    def _within(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the options with `max_tokens` at most what these terms still allow: all methods share that."""
        most = self._terms.max_tokens
        if most is None:
            return options
        left = most if self._tally is None else max(0, most - self._tally.consumed)
        asked = options.get("max_tokens")
        return {**options, "max_tokens": left if asked is None else min(asked, left)}
