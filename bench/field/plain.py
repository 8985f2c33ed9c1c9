"""A plain client for Keepa, as one writes it in an hour, and three ways to hold it back. Needs httpx2 and the limiter.

Nothing is kept and nothing is joined. On a 429 it reads the body, waits until the balance should be positive again and
asks again, at most ten times. Its time-out is so long that it is never met: half a minute of a machine that is held up
must not be charged to a limiter.
"""

import asyncio
import importlib.metadata
import json
import math
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import httpx2

from bench.field.terms import Item, Terms

_TRIES = 10
_TIMEOUT_SECONDS = 600.0
_PRICES = {"bestsellers": 50, "deal": 5, "query": 11}


class GaveUpError(Exception):
    """Keepa has said 429 too often, or something else that is no answer."""


class Gate(Protocol):
    """What holds a call back. `tokens` is its price on Keepa's list."""

    version: str

    def around_call(self, tokens: int) -> AbstractAsyncContextManager["Told"]:
        """Enter when the call may be made; leave when it is done."""
        ...

    async def before_request(self) -> None:
        """Wait for each request of a call, also one that comes after a 429."""
        ...

    def hears(self, envelope: Mapping[str, Any]) -> None:
        """Hear what an answer says of the bucket."""
        ...


class Told:
    """What a call has consumed, when it is known."""

    tokens = 0


class Plain:
    """The client behind a gate."""

    def __init__(self, terms: Terms, gate: Gate) -> None:
        self.version = gate.version
        self._key = terms.key
        self._gate = gate
        limits = httpx2.Limits(max_connections=None)
        self._http = httpx2.AsyncClient(base_url=terms.url, timeout=_TIMEOUT_SECONDS, limits=limits)

    async def asks(self, item: Item) -> bool:
        """Ask for an item; say whether it came whole."""
        match item["kind"]:
            case "product":
                return await self._products(item["asins"])
            case "best_sellers":
                told = await self._call("bestsellers", domain="1", category=str(item["category"]))
                return bool(told["bestSellersList"]["asinList"])
            case "deals":
                return "dr" in (await self._call("deal", selection=json.dumps(item["selection"])))["deals"]
            case _:
                found = await self._call("query", domain="1", selection=json.dumps(item["selection"]))
                return await self._products(found["asinList"])

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _products(self, asins: list[str]) -> bool:
        told = await self._call("product", domain="1", asin=",".join(asins), history="0")
        return {product["asin"] for product in told["products"]} == set(asins)

    async def _call(self, path: str, **query: str) -> dict[str, Any]:
        price = _PRICES.get(path) or query["asin"].count(",") + 1
        async with self._gate.around_call(price) as spent:
            for _ in range(_TRIES):
                await self._gate.before_request()
                answer = await self._http.get(path, params={"key": self._key, **query})
                told = answer.json()
                self._gate.hears(told)
                if answer.status_code == httpx2.codes.OK:
                    spent.tokens = told["tokensConsumed"]
                    return told
                if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                    raise GaveUpError(f"status {answer.status_code}")
                await asyncio.sleep(seconds_until(told, balance=1))
        raise GaveUpError("429 ten times")


def seconds_until(envelope: Mapping[str, Any], *, balance: int) -> float:
    """Return how long it is until the bucket holds so much, by what an answer says."""
    lumps = math.ceil((balance - envelope["tokensLeft"]) / envelope["refillRate"])
    return envelope["refillIn"] / 1000 + (lumps - 1) * 60 if lumps > 0 else 0.0


class Rhythm:
    """The throttle of the incident: so many requests a minute, in bursts up to 200, and the balance only afterwards.

    A local bucket that each request takes one from, whatever it costs. When an answer has said that less than ten are
    left, no further request leaves until the refill that it announced has come.
    """

    _BURST = 200
    _FLOOR = 10

    def __init__(self, terms: Terms) -> None:
        self.version = f"{terms.refill_rate} requests a minute"
        self._per_second = terms.refill_rate / 60
        self._requests = float(self._BURST)
        self._at = time.monotonic()
        self._closed_until = 0.0

    @asynccontextmanager
    async def around_call(self, tokens: int) -> AsyncGenerator[Told]:
        """Do nothing for a call: it counts requests."""
        _ = tokens
        yield Told()

    async def before_request(self) -> None:
        """Take one from the local bucket, once the balance is not known to be low."""
        while (seconds := self._seconds_to_wait()) > 0:  # noqa: ASYNC110 - while it sleeps, an answer may close it again
            await asyncio.sleep(seconds)
        self._requests -= 1

    def hears(self, envelope: Mapping[str, Any]) -> None:
        """Close until the refill when the balance is low."""
        if envelope["tokensLeft"] < self._FLOOR:
            until = time.monotonic() + seconds_until(envelope, balance=self._FLOOR)
            self._closed_until = max(self._closed_until, until)

    def _seconds_to_wait(self) -> float:
        now = time.monotonic()
        self._requests = min(self._BURST, self._requests + (now - self._at) * self._per_second)
        self._at = now
        return max(self._closed_until - now, (1 - self._requests) / self._per_second)


class _ByTokens:
    """A limiter that is told each call's price; its window is the least of whole minutes that holds the dearest."""

    def __init__(self, terms: Terms, package: str) -> None:
        self.version = importlib.metadata.version(package)
        self.minutes = math.ceil(terms.dearest_call / terms.refill_rate)
        self.limit = self.minutes * terms.refill_rate

    async def before_request(self) -> None:
        """Wait for nothing: the call has been paid for."""

    def hears(self, envelope: Mapping[str, Any]) -> None:
        """Hear nothing: these packages take no balance."""


class Pyrate(_ByTokens):
    """pyrate-limiter: its in-memory bucket, the price of a call as the weight."""

    def __init__(self, terms: Terms) -> None:
        from pyrate_limiter import Duration, Limiter, Rate  # noqa: PLC0415 - only its own child has to have it

        super().__init__(terms, "pyrate-limiter")
        self._limiter = Limiter(Rate(self.limit, Duration.MINUTE * self.minutes))

    @asynccontextmanager
    async def around_call(self, tokens: int) -> AsyncGenerator[Told]:
        """Acquire the price."""
        assert await self._limiter.try_acquire_async("keepa", weight=tokens)
        yield Told()


class TokenThrottle(_ByTokens):
    """token-throttle: its in-memory backend; the price is reserved, and what was not consumed refunded."""

    def __init__(self, terms: Terms) -> None:
        from token_throttle import (  # type: ignore[import-not-found]  # noqa: PLC0415 - only its own child has it
            MemoryBackendBuilder,
            PerModelConfig,
            Quota,
            RateLimiter,
            UsageQuotas,
        )

        super().__init__(terms, "token-throttle")
        quotas = UsageQuotas([Quota(metric="tokens", limit=self.limit, per_seconds=60 * self.minutes)])
        config = PerModelConfig(quotas=quotas, model_family="keepa")
        self._limiter = RateLimiter(config, backend=MemoryBackendBuilder())

    @asynccontextmanager
    async def around_call(self, tokens: int) -> AsyncGenerator[Told]:
        """Reserve the price, settle to what was consumed."""
        spent = Told()
        async with self._limiter.reserve({"tokens": tokens}, model="keepa", usage_on_error={"tokens": 0}) as held:
            yield spent
            held.set_actual_usage({"tokens": spent.tokens})
