"""Several programs ask one gateway for anything, at random, while everything goes wrong: what it promises, it keeps."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any

import httpx2
import pytest
from tests.gateway_house import GatewayHouse
from tests.house import ACCOUNT, KEY, run

from keepahead.budget.entry import Entry, Lost, Reserved, Served, Settled
from keepahead.budget.rule import Freeze, Limit
from keepahead.simulator import Faults, Outsider
from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.keyring import Keyring
from keepahead.store.rulebook import Rulebook

FLOOR = 10
MINUTES = 8
TROUBLE = Faults(
    latency_seconds=(0.05, 2.0),
    storm_percent=3,
    error_percent=3,
    drop_percent=3,
    refuse_percent=3,
    late_percent=8,
    html_percent=1,
    truncated_percent=2,
    zero_envelope_percent=2,
)
POOL = [f"B0{number:08d}" for number in range(40)]
"""Few products, so that the archive often has some of them."""

HOURLY = 60
"""Tokens that the caller `limited` may spend in an hour."""


def some(rng: random.Random, most: int) -> str:
    """Return some ASINs."""
    return ",".join(rng.sample(POOL, rng.randint(1, most)))


OWN: tuple[Callable[[random.Random], tuple[str, dict[str, Any]]], ...] = (
    lambda rng: (f"/api/v1/products/{rng.choice(POOL)}", {}),
    lambda rng: (f"/api/v1/products/{rng.choice(POOL)}", {"update": 0}),
    lambda rng: (f"/api/v1/products/{rng.choice(POOL)}", {"offers": 20, "buybox": "true"}),
    lambda rng: (f"/api/v1/products/{rng.choice(POOL)}/analysis", {}),
    lambda rng: (f"/api/v1/products/{rng.choice(POOL)}/verify", {"price": "9.99"}),
    lambda rng: (f"/api/v1/products/{rng.choice(POOL)}/series", {"kinds": "NEW"}),
    lambda rng: ("/api/v1/products", {"asins": some(rng, 12)}),
    lambda rng: ("/api/v1/products", {"asins": some(rng, 6), "rating": "true"}),
    lambda rng: ("/api/v1/search", {"term": f"word{rng.randrange(20)}"}),
    lambda rng: (f"/api/v1/sellers/A{rng.randrange(10**12, 10**12 + 9)}", {}),
    lambda rng: ("/api/v1/products/discover", {"category": 283155, "max_results": rng.randint(1, 6)}),
    lambda _: ("/api/v1/products/discover", {"category": 283155, "sort": "any", "max_results": 3}),
    lambda _: ("/api/v1/bestsellers/3760911", {}),
    lambda _: ("/api/v1/budget", {}),
)
DOOR: tuple[Callable[[random.Random], tuple[str, dict[str, Any]]], ...] = (
    lambda rng: ("/keepa/product", {"domain": 1, "asin": some(rng, 12)}),
    lambda rng: ("/keepa/product", {"domain": 1, "asin": some(rng, 5), "update": 0}),
    lambda rng: ("/keepa/product", {"domain": 1, "asin": some(rng, 3), "stats": 90, "rating": 1}),
    lambda _: ("/keepa/product", {"domain": 1, "code": "9780786222728", "code-limit": 3}),
    lambda rng: ("/keepa/search", {"domain": 1, "type": "product", "term": f"word{rng.randrange(20)}", "page": 0}),
    lambda rng: ("/keepa/seller", {"domain": 1, "seller": f"A{rng.randrange(10**12, 10**12 + 9)}"}),
    lambda _: ("/keepa/bestsellers", {"domain": 1, "category": 3760911}),
    lambda _: ("/keepa/token", {}),
)


def terms(rng: random.Random, *, own: bool) -> dict[str, Any]:
    """Return terms at random, as parameters; the door takes them as headers."""
    told: dict[str, Any] = {}
    if rng.random() < 0.25:
        told["max_age"] = rng.choice(("0", "60s", "30d"))
    if rng.random() < 0.25:
        told["max_tokens"] = rng.choice((0, 1, 3, 10, 60))
    if rng.random() < 0.3:
        told["deadline"] = rng.choice(("1s", "20s", "90s"))
    if rng.random() < 0.2:
        told["lane"] = rng.choice(("live", "jobs"))
    if own and rng.random() < 0.2:
        told["on_refusal"] = "stale"
    return told


class Program:
    """One program with its key: asks at random, and adds up what it is told that it cost and saved, cost by lane."""

    def __init__(self, house: GatewayHouse, name: str, key: str, seed: int) -> None:
        self._client = house.client(key)
        self._rng = random.Random(f"{name}{seed}")
        self.name = name
        self.lane = "jobs" if name == "night" else "live"
        self.cost: Counter[str] = Counter()
        self.saved = 0
        self.statuses: Counter[int] = Counter()
        self.is_revoked = False

    async def work(self, seconds: float) -> None:
        """Ask for so long."""
        end = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < end:
            await asyncio.sleep(self._rng.uniform(0, 12))
            was_revoked = self.is_revoked
            status = await (self._ask_own() if self._rng.random() < 0.6 else self._ask_door())
            assert not was_revoked or status in {400, 401}
            self.statuses[status] += 1

    async def _ask_own(self) -> int:
        path, query = self._rng.choice(OWN)(self._rng)
        wished = {} if path == "/api/v1/budget" else terms(self._rng, own=True)
        headers = {"Accept": "application/x-ndjson"} if self._rng.random() < 0.1 else {}
        answer = await self._client.get(path, params={**query, **wished}, headers=headers)
        if "x-keepa-tokens-consumed" in answer.headers:
            told = tuple(int(answer.headers[f"x-keepa-tokens-{name}"]) for name in ("consumed", "saved"))
        else:
            last = json.loads(answer.text.splitlines()[-1])
            told = last["tokens_consumed"], last["tokens_saved"]
        self._take(answer, wished, *told)
        return answer.status_code

    async def _ask_door(self) -> int:
        path, query = self._rng.choice(DOOR)(self._rng)
        wished = terms(self._rng, own=False)
        headers = {f"X-Keepa-{name.replace('_', '-')}": str(value) for name, value in wished.items()}
        answer = await self._client.get(path, params=query, headers=headers)
        consumed, saved = (int(answer.headers[f"x-keepa-tokens-{name}"]) for name in ("consumed", "saved"))
        assert answer.json()["tokensConsumed"] == consumed, (path, query, wished, answer.text)
        self._take(answer, wished, consumed, saved)
        return answer.status_code

    def _take(self, answer: httpx2.Response, wished: dict[str, Any], consumed: int, saved: int) -> None:
        assert not answer.text.startswith('{"type":"/problems/internal"'), answer.text
        assert KEY not in answer.text
        assert consumed <= wished.get("max_tokens", consumed), (answer.url, wished, answer.text)
        self.cost[wished.get("lane") or self.lane] += consumed
        self.saved += saved


def lines_of(house: GatewayHouse) -> list[Entry]:
    """Return all entries."""
    with house.books() as (_, record):
        return [line.entry for line in record.after(0, limit=1_000_000)]


def counted(entries: Iterable[Entry], caller: str, lane: str) -> int:
    """Return what the ledger says that somebody's calls cost, those that were lost at their most.

    Not what it holds although Keepa said in so many words that it charged nothing: an envelope that is all zero.
    """
    return sum(
        entry.tokens
        for entry in entries
        if isinstance(entry, Settled | Lost)
        and (entry.label.caller, entry.label.lane) == (caller, lane)
        and not (isinstance(entry, Lost) and entry.reason == "HTTP 400 without a meter")
    )


def saved(entries: Iterable[Entry], caller: str) -> int:
    """Return what the ledger says that the archive saved somebody."""
    return sum(entry.tokens for entry in entries if isinstance(entry, Served) and entry.label.caller == caller)


def prove(house: GatewayHouse, programs: Sequence[Program]) -> None:
    """Compare what everybody was told with the ledger, and the ledger with the simulator."""
    truth, entries = house.truth(), lines_of(house)
    assert truth.lowest_balance >= FLOOR - truth.consumed_by_outsider
    for program in programs:
        for lane in ("live", "jobs"):
            assert program.cost[lane] == counted(entries, program.name, lane), (program.name, lane)
        assert program.saved == saved(entries, program.name), program.name
    reserved = [entry for entry in entries if isinstance(entry, Reserved) and entry.tokens]
    assert all(entry.free - entry.tokens >= entry.floor for entry in reserved)
    assert not [entry for entry in reserved if entry.label.caller == "read"]
    settled = sum(entry.tokens for entry in entries if isinstance(entry, Settled))
    lost = sum(entry.tokens for entry in entries if isinstance(entry, Lost))
    assert settled <= truth.consumed <= settled + lost
    database = open_database(house.database_url)
    assert Audit(database, ACCOUNT).verify().drifts == ()
    database.close()


@pytest.mark.parametrize(
    ("seed", "rate", "balance"),
    [(0, 20, 220), (1, 1, 60)],
)
def test_promises(tmp_path, seed, rate, balance):
    """Never below the floor, every cost told as it is booked, nothing spent by who may not, nothing lost."""
    outsider = Outsider(tokens_per_minute=rate / 10)
    house = GatewayHouse(tmp_path, rate=rate, balance=balance, seed=seed, faults=TROUBLE, outsider=outsider)

    async def main() -> list[Program]:
        async with house.opened(keep_place="20m"):
            keys = {name: house.make_key("spend", name=name) for name in ("one", "two", "limited", "revoked")}
            keys["night"] = house.make_key("spend", name="night", lane="jobs")
            keys["read"] = house.keys["read"]
            database = open_database(house.database_url)
            Rulebook(database, ACCOUNT).limit(Limit(caller="limited", tokens_per_hour=HOURLY))
            programs = [Program(house, name, key, seed) for name, key in keys.items()]
            work = [asyncio.create_task(program.work(60 * MINUTES)) for program in programs]
            await asyncio.sleep(60)
            Keyring(database, ACCOUNT).revoke("revoked", house.clock.now())
            await asyncio.sleep(3)
            programs[3].is_revoked = True
            await asyncio.sleep(200)
            now = house.clock.now()
            freeze = Freeze(freeze_id=0, words="a break", made_at=now, above=5, until=now + timedelta(minutes=1))
            Rulebook(database, ACCOUNT).freeze(freeze)
            await asyncio.gather(*work)
            database.close()
            return programs

    programs = run(main())
    prove(house, programs)
    seen = sum((program.statuses for program in programs), Counter[int]())
    assert seen.total() > 200
    assert seen[200] > 30
    assert sum(program.cost.total() for program in programs) > 10
