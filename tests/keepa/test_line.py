"""Waiting in line: one asks, the others sleep, and nobody is forgotten."""

import asyncio
from datetime import timedelta

from tests.house import START, House, run

from keepahead.keepa.line import Line
from keepahead.keepa.rhythm import Rhythm
from keepahead.keepa.steps import Step, Wait
from keepahead.simulator import Faults


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
