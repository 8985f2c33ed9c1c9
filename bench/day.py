"""Sends a virtual day of work in one way, and counts what came of it."""

import asyncio
import statistics
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from tests.house import House, run

from bench.ways import AsKeepa, Ours, Plainly, Way
from bench.workday import SEED, Request
from keepahead.simulator import Faults, LoopClock

REFILL_RATE = 10
"""Tokens a minute: about 14,400 a day and a full bucket of 600 at midnight. Enough for the day, not for its peaks."""

MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)
LATENCY_SECONDS = (0.5, 4.0)

WAYS: Mapping[str, Callable[[House], Way]] = {
    "ours": Ours,
    "ours, default ages": partial(Ours, default_ages=True),
    "plainly": Plainly,
    "keepa": AsKeepa,
}


@dataclass(frozen=True, slots=True)
class Spent:
    """What came of a day. Waits are in virtual minutes, from the asking to the answer."""

    way: str
    requests: int
    answered: int
    tokens: int
    by_kind: Mapping[str, int]
    calls: int
    refused_429: int
    wait_p50: float
    wait_p95: float
    lowest_balance: int

    @property
    def tokens_per_answer(self) -> float:
        """Tokens for each request that was answered in full."""
        return self.tokens / max(1, self.answered)


def spend_day(way: str, day: Sequence[Request], folder: Path) -> Spent:
    """Send a day's requests, each at its time, whatever becomes of those before it."""
    place = folder / way.replace(" ", "-").replace(",", "")
    place.mkdir()
    return run(_spend(way, day, place))


async def _spend(name: str, day: Sequence[Request], folder: Path) -> Spent:
    clock = LoopClock(None, MIDNIGHT)
    house = House(folder, rate=REFILL_RATE, faults=Faults(latency_seconds=LATENCY_SECONDS), seed=SEED, clock=clock)
    way = WAYS[name](house)
    minutes: list[float] = []
    answered = 0

    async def ask(request: Request) -> None:
        nonlocal answered
        due = MIDNIGHT + request.at
        await clock.sleep_async((due - clock.now()).total_seconds())
        came = await way.asks(request)
        answered += came
        minutes.append((clock.now() - due).total_seconds() / 60)

    clock.now()  # the day begins
    try:
        async with asyncio.TaskGroup() as group:
            for request in day:
                group.create_task(ask(request))
    finally:
        await way.aclose()
    truth = house.truth()
    assert sum(way.bill.values()) == truth.consumed
    cuts = statistics.quantiles(minutes, n=20, method="inclusive")
    return Spent(
        way=name,
        requests=len(day),
        answered=answered,
        tokens=truth.consumed,
        by_kind=_by_kind(day, way.bill),
        calls=truth.requests,
        refused_429=truth.refused_429,
        wait_p50=cuts[9],
        wait_p95=cuts[18],
        lowest_balance=truth.lowest_balance,
    )


def _by_kind(day: Sequence[Request], bill: Counter[str]) -> Mapping[str, int]:
    kinds = {request.who: request.kind for request in day}
    spent = dict.fromkeys((request.kind for request in day), 0)
    for who, tokens in bill.items():
        spent[kinds[who]] += tokens
    return spent
