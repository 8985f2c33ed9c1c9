"""Waiting in line: one asks, the others sleep, and nobody is forgotten."""

import asyncio
from datetime import timedelta

from tests.house import ACCOUNT, START, House, run

from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.rule import Limit
from keepahead.keepa.line import Line, Told
from keepahead.keepa.rhythm import Rhythm
from keepahead.keepa.steps import Pause, Step, Steps, Wait
from keepahead.simulator import Faults
from keepahead.store.rulebook import Rulebook


def place(number: int, rank: int = 0) -> tuple:
    """The place of one who asked so many seconds after the start."""
    return (rank, START + timedelta(seconds=number), str(number))


def test_only_the_first_wakes_by_the_clock():
    """The first sleeps its time; those behind sleep on until it leaves."""
    woken: list[int] = []

    async def wait(line: Line, number: int, seconds: float) -> None:
        await line.wait(place(number), seconds, None)
        woken.append(number)

    async def main():
        line = Line(asyncio.sleep)
        tasks = [asyncio.create_task(wait(line, number, 10)) for number in (2, 1, 3)]
        await asyncio.sleep(5)
        assert woken == []
        await asyncio.sleep(10)
        assert woken in ([2], [1], [1, 2], [2, 1])  # 2 came first, and was first at that time
        line.leave(place(1))
        line.leave(place(2))
        await asyncio.sleep(0.1)
        assert max(woken) == 3
        await asyncio.gather(*tasks)

    run(main())


def test_lanes_before_age():
    """A live call that comes later stands before a job that waits already."""

    async def main():
        line = Line(asyncio.sleep)
        job = asyncio.create_task(line.wait(place(1, rank=1), 5, None))
        await asyncio.sleep(1)
        live = asyncio.create_task(line.wait(place(2, rank=0), 100, None))
        await asyncio.sleep(10)
        assert job.done()  # it was first when it lay down
        behind = asyncio.create_task(line.wait(place(1, rank=1), 5, None))
        await asyncio.sleep(20)
        assert not behind.done()
        line.leave(place(2, rank=0))
        await asyncio.sleep(0.1)
        assert behind.done()
        live.cancel()

    run(main())


def test_a_deadline_wakes_anybody():
    """Who stands behind still wakes at the deadline, to be told no."""

    async def main():
        line = Line(asyncio.sleep)
        first = asyncio.create_task(line.wait(place(1), 1000, None))
        await asyncio.sleep(0)
        await line.wait(place(2), 5, deadline_seconds=30)
        assert asyncio.get_running_loop().time() == 30
        first.cancel()

    run(main())


def test_past_the_deadline_nobody_spins():
    """Who may not wait, but for a meter that another brings, sleeps until then instead of asking without pause."""

    async def main():
        line = Line(asyncio.sleep)
        first = asyncio.create_task(line.wait(place(1), 1000, None))
        await asyncio.sleep(0)
        await line.wait(place(2), 0.25, deadline_seconds=0)
        assert asyncio.get_running_loop().time() == 0.25
        first.cancel()

    run(main())


def test_the_rhythm_survives_a_clock_put_back():
    """Moments given out before the clock was put back by an hour do not hold everybody up for an hour."""
    rhythm = Rhythm(60)
    assert [rhythm.take(START) for _ in range(3)] == [0, 1, 2]
    assert rhythm.take(START - timedelta(hours=1)) == 0
    assert rhythm.take(START - timedelta(hours=1)) == 1


def test_a_nudge_wakes_the_first():
    """Tokens that are given back wake the first at once."""

    async def main():
        line = Line(asyncio.sleep)
        first = asyncio.create_task(line.wait(place(1), 1000, None))
        await asyncio.sleep(3)
        line.nudge()
        await first
        assert asyncio.get_running_loop().time() == 3

    run(main())


def test_those_who_wait_for_the_first_meter_do_not_wake_each_other(tmp_path):
    """While the first meter takes 2 s to come, those who wait for it look 4 times a second, not oftener."""
    house = House(tmp_path, faults=Faults(latency_seconds=(2.0, 2.0)))
    waits: list[Step] = []

    def watch(step: Step) -> None:
        if isinstance(step, Wait):
            waits.append(step)
            assert len(waits) <= 3 * 2 * 4 + 3, "they wake each other"

    async def main():
        async with house.keepa(watch=watch) as keepa:
            await asyncio.gather(*(keepa.status() for _ in range(4)))

    run(main())
    assert waits


def test_whom_the_ledger_has_first_is_brought_forward():
    """Once the first hears that a job stands before it, that one asks at once, and then watches for all."""

    async def main():
        line, now = Line(asyncio.sleep), asyncio.get_running_loop().time
        job, live = place(1, rank=1), place(2)
        first = asyncio.create_task(line.wait(live, 5, None))
        await asyncio.sleep(0)
        waiting = asyncio.create_task(line.wait(job, 5, None))
        assert not await first
        first = asyncio.create_task(line.wait(live, 5, None, 50, Told(first="1")))
        assert await waiting
        assert now() == 5
        assert not await line.wait(job, 5, None)
        assert now() == 10
        assert not first.done()
        line.leave(job)
        await first
        assert now() == 10

    run(main())


def test_who_waits_for_what_others_fetch_stands_in_nobodys_way(tmp_path):
    """A call that was the first, and then waits for an answer of others, leaves the watch to the next."""

    async def main():
        async with House(tmp_path).keepa() as keepa:
            first = asyncio.create_task(keepa._drive(iter_of(Wait(5, 5, 1, "", place(1)), Pause(120)), []))
            await asyncio.sleep(1)
            await keepa._drive(iter_of(Wait(10, 10, 1, "", place(2))), [])
            assert asyncio.get_running_loop().time() < 20
            assert not first.done()
            first.cancel()

    run(main())


def test_who_waits_for_a_limit_of_its_own_stands_in_nobodys_way(tmp_path):
    """A caller that has used up its hour does not hold up the others of the same client until the next one."""
    house = House(tmp_path, balance=70)

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            with house.books() as (ledger, _):
                Rulebook(ledger.database, ACCOUNT).limit(Limit(caller="limited", tokens_per_hour=50))
            limited = keepa.on_behalf_of("limited", LIVE)
            await limited.best_sellers(283155, domain=1)
            waiting = asyncio.create_task(limited.best_sellers(1000, domain=1))
            await asyncio.sleep(1)
            await keepa.best_sellers(3760911, domain=1)
            assert asyncio.get_running_loop().time() < 4 * 60
            await waiting
            assert asyncio.get_running_loop().time() >= 3600

    run(main())


def test_a_job_whose_patience_is_over_is_woken_by_live_calls_of_its_own_client(tmp_path):
    """It stands first in the ledger and has all it needs after 24 minutes; the live call of the same client lets it."""
    house = House(tmp_path, rate=5, balance=10)

    async def main():
        now = asyncio.get_running_loop().time
        async with house.keepa() as keepa:
            job = asyncio.create_task(keepa.on_behalf_of("worker", JOBS).best_sellers(283155, domain=1))
            await asyncio.sleep(16 * 60)
            live = asyncio.create_task(keepa.best_sellers(1000, domain=1))
            await job
            assert now() < 25 * 60
            await live

    run(main())


def iter_of(*steps: Step) -> Steps:
    """A flow of these steps."""
    for step in steps:  # noqa: UP028 - a tuple cannot be told anything
        yield step
