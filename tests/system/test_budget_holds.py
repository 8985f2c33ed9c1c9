"""The whole product against the simulator: the balance stays above the floor, and no token lies idle."""

import asyncio
import itertools
import os
import random
import re
import signal
import subprocess
import sys

import httpx2
import pytest
from tests.house import KEY, House, run
from tests.system.workload import mixed

from keepahead import AsyncKeepa, KeepaheadError
from keepahead.simulator import Faults, Outsider, ScaledClock
from keepahead.store.audit import Audit

FLOOR = 10


@pytest.mark.parametrize("seed", range(4))
def test_fifty_tasks(tmp_path, seed):
    """Fifty tasks with mixed calls from 220 tokens at 20 a minute: never below the floor, 95% of the refill used."""
    house = House(tmp_path, balance=220, seed=seed, faults=Faults(latency_seconds=(0.05, 4.0)))
    rng = random.Random(seed)

    async def main():
        async with house.keepa() as keepa:
            await asyncio.gather(*(mixed(rng)(keepa) for _ in range(50)))
            return await keepa.status()

    status = run(main())
    truth = house.truth()
    assert truth.lowest_balance >= FLOOR
    assert truth.refused_429 == 0
    assert (status.balance, status.reserved, status.unknown) == (truth.balance, 0, 0)
    assert truth.consumed >= 0.95 * (220 - FLOOR + truth.refilled)


@pytest.mark.parametrize("seed", range(4))
def test_with_every_fault(tmp_path, seed):
    """With lost, late and broken answers and somebody else on the key: never below the floor less what he took."""
    faults = Faults(
        latency_seconds=(0.05, 2.0),
        storm_percent=3,
        error_percent=3,
        drop_percent=3,
        refuse_percent=3,
        late_percent=10,
        html_percent=2,
        truncated_percent=2,
        zero_envelope_percent=2,
    )
    house = House(tmp_path, balance=220, seed=seed, faults=faults, outsider=Outsider(tokens_per_minute=2))
    rng = random.Random(seed)

    async def one(keepa: AsyncKeepa) -> bool:
        try:
            await mixed(rng)(keepa)
        except KeepaheadError:
            return False
        return True

    async def main():
        async with house.keepa() as keepa:
            ended = await asyncio.gather(*(one(keepa) for _ in range(50)))
            house.simulator.faults = Faults()
            house.simulator.outsider = None
            await house.clock.sleep_async(400)
            await keepa.products(["B0D8W1YVBX"])
            return ended, await keepa.status()

    ended, status = run(main())
    truth = house.truth()
    assert truth.lowest_balance >= FLOOR - truth.consumed_by_outsider
    assert sum(ended) >= 25
    assert (status.balance, status.reserved, status.unknown) == (truth.balance, 0, 0)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("rates", [(60, 250, 1000), (60, 5, 20)])
def test_a_rate_change(tmp_path, seed, rates):
    """A changed plan is learned from the next answer; a downgrade costs at most the lump that did not come."""
    house = House(tmp_path, balance=220, seed=seed)
    rng = random.Random(seed)

    async def change() -> None:
        for rate in rates:
            await house.clock.sleep_async(300)
            house.simulator.set_refill_rate(rate, KEY)

    async def main():
        async with house.keepa() as keepa:
            await asyncio.gather(change(), *(mixed(rng)(keepa) for _ in range(40)))
            return await keepa.status()

    status = run(main())
    falls = [earlier - later for earlier, later in itertools.pairwise((20, *rates))]
    assert house.truth().lowest_balance >= FLOOR - max(0, *falls)
    assert status.balance == house.truth().balance


def test_clients_share_one_ledger(tmp_path):
    """Five clients with ledgers of their own on one file behave as one."""
    house = House(tmp_path, balance=220)
    rng = random.Random(5)

    async def main():
        clients = [house.keepa(caller=f"client {number}") for number in range(5)]
        await asyncio.gather(*(mixed(rng)(clients[number % 5]) for number in range(50)))
        for client in clients:
            await client.aclose()

    run(main())
    truth = house.truth()
    assert truth.lowest_balance >= FLOOR
    assert truth.consumed >= 0.95 * (220 - FLOOR + truth.refilled)
    with house.books() as (ledger, _):
        assert Audit(ledger.database, ledger.fingerprint).verify().drifts == ()


def test_fifty_tasks_against_the_served_simulator(tmp_path):
    """The same over real connections, against `keepahead simulate`, with a minute passing in a second."""
    speed = 60
    command = [sys.executable, "-m", "keepahead", "simulate", "--port", "0", "--balance", "220", "--speed", str(speed)]
    server = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})
    try:
        assert server.stderr is not None
        url = next(found[0] for line in server.stderr if (found := re.search(r"http://127\.0\.0\.1:\d+", line)))
        rng = random.Random(9)

        async def main() -> dict:
            async with AsyncKeepa(
                KEY, upstream_url=url, database_url=f"sqlite:///{tmp_path}/served.db", clock=ScaledClock(speed)
            ) as keepa:
                await asyncio.gather(*(mixed(rng)(keepa) for _ in range(50)))
            async with httpx2.AsyncClient(base_url=url) as control:
                return (await control.get("/_simulator/truth", params={"key": KEY})).json()

        truth = asyncio.run(main())
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=30)
    assert server.returncode == 0
    assert truth["lowest_balance"] >= FLOOR
    assert truth["consumed"] >= 0.95 * (220 - FLOOR + truth["refilled"])
