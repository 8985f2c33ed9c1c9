"""What runs in the simulated processes: programs that spend, each with keepahead's own client or gateway in it."""

import asyncio
import json
import random
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor, Future
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx2

from keepahead import AsyncKeepa
from keepahead.budget.ask import Ask
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.verdict import Verdict
from keepahead.errors import KeepaheadError
from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.settings import read_settings
from keepahead.keepa.steps import Send, Step
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.plan import plan_discovery
from keepahead.work.discovery.run import discover
from lab.clock import HostClock
from lab.laws.asked import ASKED, Asked
from lab.laws.delivered import demand_fitting, demand_named, demand_right
from lab.laws.places import WISH, Wish
from lab.network import SENDING, LabTransport, Network
from lab.process import PROCESS

KEY = "k" * 64
"""No real key: made up, of the right shape."""

ASINS = [f"B0{number:08}" for number in range(40)]
MANY = [f"B1{number:08}" for number in range(240)]
"""What only long lists ask for."""

CALLERS = ("importer", "website", "analyst")
ITEMS_OF_A_CALL = 100
CATEGORIES = (283155, 1000, 3760911)
SHOPS = (16310091, 468642)
"""Small ones: discoveries look into them."""

CALLS_OF_A_DISCOVERY = 6
"""The category, the candidates, and the details in chunks."""

SELLERS = ("A2L77EE7U53NWQ", "A1PA6795UKMFR9")
DEADLINE, DEADLINE_SECONDS = "30s", 30.0
"""So long people wait at the gateway for tokens."""

LAB = "the laboratory says"
"""What every fault of the database's is worded with."""

_FAILS_FOR = (LAB, "Keepa refused", "An unexpected error occurred.")
"""What a 500 says that is none of ours: a fault of the database's, one of Keepa's without words, one with its own."""

MOST_AGE_SECONDS = 1800.0


class Inline(Executor):
    """Does what is submitted as a step of the loop: the laboratory has no threads."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        """Have it done in a step of its own."""
        asyncio.get_running_loop().run_in_executor(None, lambda: fn(*args, **kwargs))
        return Future()


class Diary:
    """What became of everything that was asked for, by all programs of a run."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}
        self.surprises: list[str] = []
        self.waiting: dict[int, Asked] = {}
        self.asks: Callable[[Ask], None] = lambda _ask: None
        self.ended: Callable[[Asked, KeepaheadError | None], None] = lambda _asked, _error: None
        self.is_over = False
        self.longest_wait_seconds = 0.0

    def count(self, what: str) -> None:
        """Add one."""
        self.counts[what] = self.counts.get(what, 0) + 1


def listened_to(keepa: Any, diary: Diary) -> None:
    """Have it told what a client asks of its ledger: the rows do not say since when somebody waits who gets it all."""
    ledger = keepa._parts.ledger
    reserve = ledger.reserve

    def heard(ask: Ask, now: datetime) -> Verdict:
        diary.asks(ask)
        return reserve(ask, now)

    ledger.reserve = heard


def watch(step: Step) -> None:
    """Tell the network which call is sent: the request does not say."""
    if isinstance(step, Send):
        SENDING.set(step.call_id)


async def spend(
    network: Network, clock: HostClock, rng: random.Random, diary: Diary, *, url: str, lane: str, tasks: int
) -> None:
    """Be a program with a client of its own, and so many tasks that spend."""
    while not diary.is_over:
        keepa = AsyncKeepa(
            KEY,
            database_url=url,
            clock=clock,
            transport=LabTransport(network),
            lane=lane,
            caller=rng.choice(CALLERS),
            max_concurrency=rng.choice((1, 4, 8)),
            watch=watch,
        )
        keepa._threads = Inline()  # type: ignore[assignment]
        listened_to(keepa, diary)
        seeds = [rng.getrandbits(64) for _ in range(tasks)]
        try:
            async with (
                asyncio.timeout(rng.choice((None, None, rng.expovariate(1 / 600)))),
                asyncio.TaskGroup() as group,
            ):
                for seed in seeds:
                    group.create_task(_go_on_spending(keepa, random.Random(seed), diary, lane))
        except TimeoutError:
            diary.count("client opened anew")
        finally:
            await keepa.aclose(drain_seconds=60)


async def _go_on_spending(keepa: AsyncKeepa, rng: random.Random, diary: Diary, lane: str) -> None:
    while not diary.is_over:
        act, limits = _drawn(rng, lane), _limits(rng)
        asked = _asked_now(act.__name__, limits["max_wait_seconds"], limits["max_age"], lane)
        await _noted(diary, asked, _impatient(act(_in_whose_name(keepa, rng), rng, limits), rng))
        await asyncio.sleep(rng.expovariate(1 / rng.choice((0.2, 0.5, 5.0, 30.0))))


def _in_whose_name(keepa: AsyncKeepa, rng: random.Random) -> Any:
    """Return the client, or the client on somebody else's terms."""
    return keepa if rng.random() < 0.8 else keepa.on_behalf_of(rng.choice(CALLERS), rng.choice((LIVE, JOBS)))


async def _impatient(work: Coroutine[Any, Any, Any], rng: random.Random) -> None:
    """Do it, or be cancelled in the middle of it."""
    if rng.random() > 0.1:
        await work
        return
    try:
        async with asyncio.timeout(rng.expovariate(1 / 3)):
            await work
    except TimeoutError:
        pass


def _asked() -> Asked:
    asked = ASKED.get()
    assert asked is not None
    return asked


def _asked_now(name: str, wait: float | None, age: float | None, lane: str = "live", calls: int = 1) -> Asked:
    asked = Asked(name, asyncio.get_running_loop().time(), wait, age, PROCESS.get(), lane, calls)
    ASKED.set(asked)
    return asked


async def _noted(diary: Diary, asked: Asked, work: Coroutine[Any, Any, Any]) -> None:
    loop, end = asyncio.get_running_loop(), None
    diary.waiting[id(asked)] = asked
    wish = Wish(asked.name, asked.at)
    WISH.set(wish)
    try:
        await work
    except KeepaheadError as error:
        diary.count(type(error).__name__)
        end = error
    except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
        diary.surprises.append(f"{asked.name}: {type(error).__name__}: {error}")
    else:
        diary.count("delivered")
    finally:
        wish.ended = loop.time()
        diary.waiting.pop(id(asked), None)
        diary.longest_wait_seconds = max(diary.longest_wait_seconds, loop.time() - asked.at)
        diary.ended(asked, end)


def _limits(rng: random.Random) -> dict[str, Any]:
    return {
        "max_wait_seconds": rng.choice((0, 0, 20, 120, 600, None, None)),
        "max_age": rng.choice((0, 60, MOST_AGE_SECONDS, MOST_AGE_SECONDS)),
        "on_refusal": rng.choice(("raise", "raise", "stale")),
    }


def _clock() -> HostClock:
    process = PROCESS.get()
    assert process is not None
    return process.clock


def _now() -> datetime:
    return _clock().now()


async def one_product(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Look up one, mostly one that many want."""
    asin, began = rng.choice(ASINS[: rng.choice((4, 40))]), _now()
    _asked().items = frozenset((asin,))
    demand_right(await keepa.products(asin, **limits), [asin], began, limits["max_age"])


async def few_products(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Look up some together, sometimes with options that cost more."""
    options: dict[str, Any] = rng.choice(({}, {}, {"stats": 90}, {"rating": True}, {"buybox": True}))
    asins, began = rng.sample(ASINS, rng.choice((2, 3, 8, 20))), _now()
    demand_right(await keepa.products(asins, **options, **limits), asins, began, limits["max_age"])


async def long_list(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Look up a list that takes more than one call, however long that takes."""
    asins = rng.sample(MANY, rng.choice((101, 150, 230)))
    _asked().wait_seconds, _asked().calls = None, -(-len(asins) // ITEMS_OF_A_CALL)
    await keepa.products(asins, **{**limits, "max_wait_seconds": None})


async def discovery(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Search by a plan: all of it can be paid for, or nothing of it is sent."""
    criteria = Criteria(
        domain=1, category=rng.choice(SHOPS), rank=(rng.choice((1, 50)), 800), max_results=rng.choice((1, 5, 60))
    )
    clock = _clock()
    plan = plan_discovery(criteria, now=clock.now(), road=rng.choice(("finder", "best-sellers")))
    asked = _asked()
    asked.wait_seconds, asked.calls = None, CALLS_OF_A_DISCOVERY
    asked.age_seconds = None  # it counts from each of its calls
    demand_fitting(plan, await discover(keepa, plan, clock, max_age=limits["max_age"]))


async def with_offers(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Look up with offers: dear, and cheaper than its bound more often than not."""
    await keepa.products(rng.sample(ASINS, rng.choice((1, 2))), offers=20, **limits)


async def list_of_best(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Ask for a list that costs 50 and cannot be divided."""
    await keepa.best_sellers(rng.choice(CATEGORIES), domain=1, **limits)


async def sellers(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Ask for sellers."""
    await keepa.sellers(list(SELLERS[: rng.choice((1, 2))]), **limits)


async def categories(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Ask for a category."""
    await keepa.categories([rng.choice(CATEGORIES)], **limits)


async def status(keepa: AsyncKeepa, rng: random.Random, limits: dict[str, Any]) -> None:
    """Ask how the account stands."""
    _ = rng, limits
    _asked().wait_seconds = None  # it waits for the first meter, however long that takes
    await keepa.status()


_ACTS = (
    (one_product, 10),
    (few_products, 6),
    (with_offers, 2),
    (list_of_best, 2),
    (sellers, 1),
    (categories, 1),
    (status, 1),
)


def _drawn(rng: random.Random, lane: str) -> Callable[..., Coroutine[Any, Any, None]]:
    if lane == "jobs" and rng.random() < 0.08:
        return rng.choice((long_list, discovery))
    acts, weights = zip(*_ACTS, strict=True)
    return rng.choices(acts, weights)[0]


async def serve(network: Network, clock: HostClock, rng: random.Random, diary: Diary, *, url: str, users: int) -> None:
    """Be a gateway with people and programs before it, on its own API and at the Keepa-compatible door."""
    settings = read_settings(api_key=KEY, database_url=url)
    opened = open_gateway(settings, is_open=True, clock=clock, transport=LabTransport(network))
    keepa: Any = opened.app.state.gateway._keepa
    keepa._threads = Inline()
    keepa._parts = replace(keepa._parts, watch=watch)
    listened_to(keepa, diary)
    seeds = [rng.getrandbits(64) for _ in range(users)]
    async with opened.app.router.lifespan_context(opened.app):
        transport = httpx2.ASGITransport(opened.app)
        async with (
            httpx2.AsyncClient(transport=transport, base_url="http://localhost", timeout=None) as client,
            asyncio.TaskGroup() as group,
        ):
            for seed in seeds:
                group.create_task(_go_on_asking(client, random.Random(seed), diary))


async def _go_on_asking(client: httpx2.AsyncClient, rng: random.Random, diary: Diary) -> None:
    while not diary.is_over:
        path, query = _request(rng)
        told: list[float] = []
        for _ in range(3):
            asked = _asked_now(path, 120.0, query.get("max_age"))
            asked.shares_for_seconds = DEADLINE_SECONDS
            await _noted(diary, asked, _impatient(_get(client, path, query, diary, told), rng))
            if not told or rng.random() < 0.3:
                break
            await asyncio.sleep(told.pop())  # whoever comes when he was told finds his tokens kept
        await asyncio.sleep(rng.expovariate(1 / rng.choice((1.0, 10.0, 60.0))))


async def _get(client: httpx2.AsyncClient, path: str, query: dict[str, Any], diary: Diary, told: list[float]) -> None:
    answer = await client.get(path, params=query)
    diary.count(f"HTTP {answer.status_code}")
    if answer.headers.get("Retry-After", "").isdigit():
        told.append(min(600.0, float(answer.headers["Retry-After"])))
    if answer.status_code >= 500 and not _is_excused(path, answer):
        diary.surprises.append(f"{path}: HTTP {answer.status_code}: {answer.text[:200]}")
    json.loads(answer.content)
    if answer.status_code == 200:
        demand_named(path, query, answer.text)


def _is_excused(path: str, answer: httpx2.Response) -> bool:
    """Tell whether it may fail so: Keepa's own language has but 500 for what is lost, or for a ledger that is away.

    And a 500 of Keepa's is handed on.
    """
    if path.startswith("/keepa/") and answer.status_code == 500:
        kind = answer.json()["error"]["type"]
        return kind in {"outcomeUnknown", "badAnswer"} or (
            kind == "internalError" and any(told in answer.text for told in _FAILS_FOR)
        )
    return answer.status_code in {502, 503, 504}


def _request(rng: random.Random) -> tuple[str, dict[str, Any]]:
    asin = rng.choice(ASINS[: rng.choice((4, 40))])
    return rng.choice(
        (
            (f"/api/v1/products/{asin}", {"max_age": rng.choice((0, 60, 1800)), "deadline": DEADLINE}),
            ("/keepa/product", {"key": KEY, "domain": 1, "asin": asin}),
            (f"/api/v1/bestsellers/{rng.choice(CATEGORIES)}", {}),
            ("/api/v1/budget", {}),
        )
    )


async def look(network: Network, clock: HostClock, *, url: str) -> None:
    """Be a program that buys one product and goes: its answer brings the newest meter."""
    keepa = AsyncKeepa(
        KEY, database_url=url, clock=clock, transport=LabTransport(network), caller="auditor", watch=watch
    )
    keepa._threads = Inline()  # type: ignore[assignment]
    try:
        await keepa.products(ASINS[0], max_age=0, max_wait_seconds=None)
    finally:
        await keepa.aclose()
