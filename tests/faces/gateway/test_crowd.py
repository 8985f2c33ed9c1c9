"""Twenty programs of mixed kinds hammer one gateway for ten virtual minutes, from a balance of 220 at 20 a minute."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx2
from tests.gateway_house import GatewayHouse
from tests.house import ACCOUNT, run
from tests.system.workload import asins

from keepahead.keepa.calls import TokenCall
from keepahead.store.audit import Audit
from keepahead.store.database import open_database

FLOOR = 10
MINUTES = 10
LATE_SECONDS = 5.0
"""Programs come back a little late."""

Path = Callable[[random.Random], str]


def one(rng: random.Random) -> str:
    """One product."""
    return asins(rng, 1)[0]


OWN: tuple[Path, ...] = (
    *[lambda rng: f"/api/v1/products/{one(rng)}"] * 20,
    lambda rng: f"/api/v1/products/{one(rng)}?rating=true&buybox=true",
    lambda rng: f"/api/v1/products/{one(rng)}/series?kinds=NEW",
    lambda rng: f"/api/v1/products?asins={','.join(asins(rng, 4))}",
    lambda rng: f"/api/v1/search?term=word{rng.randrange(1000)}",
    lambda rng: f"/api/v1/sellers/A{rng.randrange(10**12, 10**13)}",
    lambda _: "/api/v1/bestsellers/3760911?max_age=0",
)
DOOR: tuple[Path, ...] = (
    lambda rng: f"/keepa/product/?domain=1&asin={','.join(asins(rng, 3))}",
    lambda rng: f"/keepa/search?domain=1&type=product&page=0&term=word{rng.randrange(1000)}",
    lambda rng: f"/keepa/product?domain=1&offers=20&asin={one(rng)}",
    lambda rng: f"/keepa/category?domain=1&category={rng.randrange(10**6, 10**7)}&parents=0",
)


class Program:
    """One program: asks, and when it is refused comes back when it was told to."""

    def __init__(self, house: GatewayHouse, client: httpx2.AsyncClient, number: int) -> None:
        self._house = house
        self._client = client
        self._rng = random.Random(number)
        self._paths = DOOR if number % 3 == 0 else OWN
        self.seen: Counter[str] = Counter()

    async def work(self, until: datetime) -> None:
        """Ask until the end."""
        while self._house.clock.now() < until:
            path = self._rng.choice(self._paths)(self._rng)
            answer = await self._client.get(path)
            refusals = 0
            while answer.status_code in {429, 503}:
                told_at, kept = self._told(answer)
                if told_at > until:
                    return
                assert not (refusals and kept), (path, answer.text)
                late = self._rng.uniform(0, LATE_SECONDS)
                await asyncio.sleep((told_at - self._house.clock.now()).total_seconds() + late)
                answer = await self._client.get(path)
                refusals += kept
            self.seen["came back"] += refusals
            assert answer.status_code in {200, 404}, (path, answer.status_code, answer.text[:300])
            self.seen["answered"] += 1

    def _told(self, answer: httpx2.Response) -> tuple[datetime, bool]:
        """Return when to come back, and whether the tokens will surely be there."""
        told = answer.json()
        if answer.status_code == 429:
            assert told["tokensLeft"] < 200
            now = datetime.fromtimestamp(told["timestamp"] / 1000, self._house.clock.now().tzinfo)
            return now + timedelta(milliseconds=told["refillIn"]), True
        assert told["required"]["max"] + told["floor"] - told["free"] == told["missing"] or told["missing"] == 0
        return datetime.fromisoformat(told["retry_at"]), "kept_until" in told


def test_crowd(tmp_path):
    """Never below the floor, whoever comes back when he was told to is answered, and every token agrees."""

    async def main() -> tuple[Counter[str], Any]:
        async with GatewayHouse(tmp_path, rate=20, balance=220).opened(keep_place="20m") as house:
            until = house.clock.now() + timedelta(minutes=MINUTES)
            keys = [house.make_key("spend", name=f"program {number}") for number in range(20)]
            programs = [Program(house, house.client(key), number) for number, key in enumerate(keys)]
            await asyncio.gather(*(program.work(until) for program in programs))
            seen = sum((program.seen for program in programs), Counter())
            async with house.keepa() as keepa:
                await keepa.send(TokenCall())
            truth = house.truth()
            with house.books() as (ledger, _):
                account = ledger.account()
                assert (account.reserved, account.unknown) == (0, 0)
                assert account.meter is not None
                assert account.meter.tokens_left == truth.balance
            database = open_database(house.database_url)
            assert Audit(database, ACCOUNT).verify().drifts == ()
            database.close()
            return seen, truth

    seen, truth = run(main())
    assert truth.lowest_balance >= FLOOR
    assert seen["answered"] >= 30
    assert seen["came back"] >= 10
