"""A worker process of the faults: spends through keepahead until it is killed, and puts down each outcome at once.

It is forked from a server that has imported everything already, so that a killed one is replaced in some hundredths of
a second; it is a process of its own like any other.
"""

import asyncio
import itertools
import os
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from keepahead import AsyncKeepa, KeepaheadError
from keepahead.simulator import ScaledClock
from lab.faults.rights import obey_rights

ANSWERED = "answered"
STOP = "stop"
"""Workers end by themselves, once what is under way is done, when a file of this name lies beside their journals."""

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
BREATH_SECONDS = 0.05
"""Whoever was refused asks again after so long, in real time."""


@dataclass(frozen=True, slots=True)
class Order:
    """What a worker is told. It makes `at_once` calls at a time, each for one of so many `sizes` of products.

    `calls`: so many and no more; None: until it is killed. The time-out is in real seconds. Without `is_root` the
    rights of files hold for it even if root has started it.
    """

    key: str
    upstream_url: str
    database_url: str
    speed: float
    since: str
    journal: str
    caller: str
    seed: str = ""
    at_once: int = 4
    sizes: Sequence[int] = (1, 1, 3, 10, 30)
    calls: int | None = None
    ledger_timeout_seconds: float = 10
    is_root: bool = True


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one call ended: `answered` or the name of an error, what it was for, and after how many real seconds."""

    name: str
    asins: Sequence[str]
    seconds: float
    words: str = ""


def spend(order: Order) -> None:
    """Work until the order is done, or for good."""
    forget_settings()
    os.environ["KEEPAHEAD_LEDGER_TIMEOUT_SECONDS"] = str(order.ledger_timeout_seconds)
    if not order.is_root and os.geteuid() == 0:
        obey_rights()
    asyncio.run(_spend(order))


def forget_settings() -> None:
    """Let nothing hold but the order: forget what this machine sets."""
    for name in [name for name in os.environ if name.startswith(("KEEPA_", "KEEPAHEAD_"))]:
        del os.environ[name]


def clock_of(order: Order) -> ScaledClock:
    """Return the clock that all of a scene share."""
    return ScaledClock(order.speed, since=datetime.fromisoformat(order.since))


def read_journal(text: str) -> list[Outcome]:
    """Return the outcomes that a worker put down; a line that a kill cut off is none."""
    lines = [line.split("\t") for line in text.split("\n")[:-1]]
    return [Outcome(name, asins.split(","), float(seconds), words) for name, asins, seconds, words in lines]


async def _spend(order: Order) -> None:
    journal = os.open(order.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    rng = random.Random(order.seed)
    left = itertools.count() if order.calls is None else iter(range(order.calls))
    began = time.monotonic()
    try:
        keepa = AsyncKeepa(
            order.key,
            upstream_url=order.upstream_url,
            database_url=order.database_url,
            caller=order.caller,
            clock=clock_of(order),
        )
    except KeepaheadError as error:
        _put_down(journal, type(error).__name__, [], began, str(error))
        return
    async with keepa:
        await asyncio.gather(*(_call_on(keepa, order, rng, left, journal) for _ in range(order.at_once)))


async def _call_on(keepa: AsyncKeepa, order: Order, rng: random.Random, left: Iterator[int], journal: int) -> None:
    stop = Path(order.journal).with_name(STOP)
    for _ in left:
        if stop.exists():
            return
        asins = ["B0" + "".join(rng.choices(LETTERS, k=8)) for _ in range(rng.choice(order.sizes))]
        max_age = rng.choice((None, 0))  # with a look at the archive and without
        began = time.monotonic()
        try:
            await keepa.products(asins, max_age=max_age)
        except KeepaheadError as error:
            _put_down(journal, type(error).__name__, asins, began, str(error))
            await asyncio.sleep(BREATH_SECONDS)
        else:
            _put_down(journal, ANSWERED, asins, began)


def _put_down(journal: int, name: str, asins: Sequence[str], began: float, words: str = "") -> None:
    plain = words.replace("\n", " ").replace("\t", " ")
    line = f"{name}\t{','.join(asins)}\t{time.monotonic() - began:.3f}\t{plain}\n"
    os.write(journal, line.encode())
