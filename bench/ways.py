"""Three ways to send what a workday asks: ours, plainly, and that of the package keepa. All through one key.

Each program has a client of its own, as if it were a process. What a way charges to a program is told to `Bill`.
"""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

import httpx2
from tests.house import KEY, House

from bench import workday
from bench.workday import Discovery, Request, What
from keepahead import AsyncKeepa
from keepahead.keepa import plans, wire
from keepahead.keepa.calls import Call, CategoryCall
from keepahead.keepa.plans import Plan
from keepahead.keepa.steps import Got, Step
from keepahead.keepa.wire import Answer, Inbound

R = TypeVar("R")
Run = Callable[[Plan[Any]], Awaitable[Any]]
Bill = Counter[str]
"""Tokens by program."""

_DOMAIN = 1


class Way(Protocol):
    """A way to send requests."""

    bill: Bill

    async def asks(self, request: Request) -> bool:
        """Send what it takes; tell whether all that was asked for came."""
        ...

    async def aclose(self) -> None:
        """Close all clients."""
        ...


class Ours:
    """Each program has an AsyncKeepa and calls its methods; they share the ledger and the archive.

    With `default_ages` nobody says how fresh an answer must be.
    """

    def __init__(self, house: House, *, default_ages: bool = False) -> None:
        self.bill = Bill()
        self._clients = _Clients(house, self.bill)
        self._default_ages = default_ages

    async def asks(self, request: Request) -> bool:
        """Call the method for it."""
        keepa = await self._clients.of(request.who)
        age = None if self._default_ages else request.max_age
        match request.what:
            case Discovery() as what:  # the list is as fresh as its setting says, the details as the person does
                found = await keepa.find(what.selection, domain=_DOMAIN)
                asins = found.asins[: what.details]
                return len(await keepa.products(asins, domain=_DOMAIN, **what.options, max_age=age)) == len(asins) > 0
            case workday.Products(asins, options):
                return len(await keepa.products(asins, domain=_DOMAIN, **options, max_age=age)) == len(asins)
            case workday.BestSellers(category):
                return bool((await keepa.best_sellers(category, domain=_DOMAIN, max_age=age)).asins)
            case workday.Categories(ids):
                return len(await keepa.categories(ids, domain=_DOMAIN, max_age=age)) == len(ids)
            case workday.Sellers(ids, storefront):
                found = await keepa.sellers(ids, domain=_DOMAIN, storefront=storefront, max_age=age)
                return len(found) == len(ids)

    async def aclose(self) -> None:
        """Close all clients."""
        await self._clients.aclose()


class Plainly:
    """Every call is sent as asked, whole and at once; our ledger still sees to it that the tokens are there."""

    def __init__(self, house: House) -> None:
        self.bill = Bill()
        self._clients = _Clients(house, self.bill)

    async def asks(self, request: Request) -> bool:
        """Send its calls one after the other."""
        keepa = await self._clients.of(request.who)
        return await _by_plans(request.what, partial(_in_turn, lambda call: keepa.send(call, max_age=0)))

    async def aclose(self) -> None:
        """Close all clients."""
        await self._clients.aclose()


class AsKeepa:
    """The way of the package keepa, read off its version 1.6.0, over the transport of the house.

    Up to 100 products ride in one request of one query, categories go one by one, nothing is kept. It sends without
    looking at the balance; on a 429 it waits until it thinks that there are tokens, and asks again, without end. Its
    ten seconds of patience are left out, and one program may have several requests under way: both are in its favour.
    """

    def __init__(self, house: House) -> None:
        self.bill = Bill()
        self._clock = house.clock
        self._http = httpx2.AsyncClient(transport=house.transport(), base_url="http://keepa", timeout=None)

    async def asks(self, request: Request) -> bool:
        """Send its requests one after the other."""
        return await _by_plans(request.what, partial(_in_turn, partial(self._request, request.who), one_by_one=True))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _request(self, who: str, call: Call) -> Answer:
        out = wire.outbound(call)
        while True:
            asked_at = self._clock.now()
            reply = await self._http.request(out.method, out.path, params={"key": KEY, **out.query}, content=out.body)
            told = reply.json()
            if reply.status_code == httpx2.codes.OK:
                inbound = Inbound(reply.status_code, reply.content, asked_at, self._clock.now())
                self.bill[who] += told["tokensConsumed"]
                return wire.answer_or_error(call, inbound, wire.read(inbound), call_id="")
            assert reply.status_code == httpx2.codes.TOO_MANY_REQUESTS
            await self._clock.sleep_async(seconds_to_refill(told, self._clock.now()))


def seconds_to_refill(told: dict[str, Any], now: datetime) -> float:
    """Return how long the package keepa waits after a 429: to the next refill, and a minute for each lump it lacks."""
    milliseconds = max(0.0, told["timestamp"] + told["refillIn"] - now.timestamp() * 1000 + 1000)
    if told["tokensLeft"] < 0:
        milliseconds += -told["tokensLeft"] / told["refillRate"] * 60_000
    return milliseconds / 1000


async def _by_plans(what: What, run: Run) -> bool:
    """Send the calls that the methods of the clients would make of it, without the clients."""
    match what:
        case Discovery():
            found = await run(plans.find(what.selection, _DOMAIN, stats=False))
            asins = found.asins[: what.details]
            return len(await run(plans.products(asins, _DOMAIN, what.options))) == len(asins) > 0
        case workday.Products(asins, options):
            return len(await run(plans.products(asins, _DOMAIN, options))) == len(asins)
        case workday.BestSellers(category):
            return bool((await run(plans.best_sellers(category, _DOMAIN, {}))).asins)
        case workday.Categories(ids):
            return len(await run(plans.categories(ids, _DOMAIN, parents=False))) == len(ids)
        case workday.Sellers(ids, storefront):
            return len(await run(plans.sellers(ids, _DOMAIN, storefront=storefront))) == len(ids)


async def _in_turn(send: Callable[[Call], Awaitable[Answer]], plan: Plan[R], *, one_by_one: bool = False) -> R:
    calls = [part for call in plan.calls for part in _categories_apart(call)] if one_by_one else plan.calls
    return plan.result([await send(call) for call in calls])


def _categories_apart(call: Call) -> Sequence[Call]:
    if not isinstance(call, CategoryCall):
        return (call,)
    return [CategoryCall(categories=(number,), domain=call.domain) for number in call.categories]


class _Clients:
    """An AsyncKeepa for each program, made when it first asks."""

    def __init__(self, house: House, bill: Bill) -> None:
        self._house = house
        self._bill = bill
        self._open: dict[str, AsyncKeepa] = {}
        self._stack = AsyncExitStack()

    async def of(self, who: str) -> AsyncKeepa:
        if who not in self._open:
            keepa = self._house.keepa(caller=who, watch=partial(self._see, who))
            self._open[who] = keepa
            await self._stack.enter_async_context(keepa)
        return self._open[who]

    async def aclose(self) -> None:
        await self._stack.aclose()

    def _see(self, who: str, step: Step) -> None:
        if isinstance(step, Got):
            self._bill[who] += step.answer.tokens_consumed or 0
