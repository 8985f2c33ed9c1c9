"""Whoever was told when to come back gets his tokens then: through the client, on virtual time."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.house import START, House, run

from keepahead import AsyncKeepa, InsufficientTokensError, KeepaError
from keepahead.budget.lane import JOBS
from keepahead.simulator import Faults, SteppedClock

ASINS = [f"B0000000{number:02}" for number in range(100)]
KEEPS = timedelta(minutes=30)


async def refused(ask: Callable[[], Awaitable[object]]) -> tuple[float, datetime]:
    """Ask, and return what the refusal says: when to come back, and until when the place is kept."""
    with pytest.raises(InsufficientTokensError) as caught:
        await ask()
    assert caught.value.wait_seconds is not None
    assert caught.value.kept_until is not None
    return caught.value.wait_seconds, caught.value.kept_until


@pytest.mark.parametrize(("apart", "late"), [(0, 0.0), (1, 0.0), (1, 14.0)])
def test_twenty_come_back_when_they_were_told(tmp_path, apart, late):
    """Of twenty who do not wait each gets what he asked for on his second try, punctual or a little late."""
    house = House(tmp_path, balance=0)
    served: list[int] = []

    async def one(keepa: AsyncKeepa, number: int) -> None:
        def ask() -> Awaitable[object]:
            asins = ASINS[number * 5 : number * 5 + 5]
            return keepa.products(asins, max_wait_seconds=0, max_age=0, keeps_place_for=KEEPS)

        await house.clock.sleep_async(number * apart)
        seconds, until = await refused(ask)
        assert until > house.clock.now() + timedelta(seconds=seconds + 14)
        await house.clock.sleep_async(seconds + late)
        await ask()
        served.append(number)

    async def main() -> None:
        async with house.keepa(caller="ann") as ann, house.keepa(caller="bob") as bob, asyncio.TaskGroup() as group:
            for number in range(20):
                group.create_task(one((ann, bob)[number % 2], number))

    run(main())
    assert sorted(served) == list(range(20))
    assert house.truth().consumed == 100
    assert house.truth().lowest_balance >= 0


def test_who_waits_meanwhile_does_not_take_it(tmp_path):
    """Others who ask, and wait for whatever comes, stand behind the kept place; so do single products in one batch."""
    house = House(tmp_path, balance=20)

    async def main() -> None:
        async with house.keepa() as keepa, asyncio.TaskGroup() as group:

            def ask() -> Awaitable[object]:
                return keepa.products(ASINS[:20], max_wait_seconds=0, max_age=0, keeps_place_for=KEEPS)

            seconds, _ = await refused(ask)
            for asin in ASINS[20:60]:
                group.create_task(keepa.products([asin], max_age=0))
            group.create_task(keepa.products(ASINS[60:], max_age=0))
            await house.clock.sleep_async(seconds)
            before = house.clock.now()
            await ask()
            assert house.clock.now() - before < timedelta(seconds=5)

    run(main())
    assert house.truth().consumed == 100


def test_a_list_of_many_calls_is_kept_as_a_whole(tmp_path):
    """Two lists that need several calls each come back at their moments, one behind the other, and get all of it."""
    house = House(tmp_path, balance=0, rate=60)
    long = [f"B{number:09}" for number in range(400)]

    async def one(keepa: AsyncKeepa, number: int) -> int:
        def ask() -> Awaitable[object]:
            mine = long[number * 200 : number * 200 + 200]
            return keepa.products(mine, max_wait_seconds=0, max_age=0, keeps_place_for=KEEPS)

        await house.clock.sleep_async(number)
        seconds, _ = await refused(ask)
        await house.clock.sleep_async(seconds)
        await ask()
        return number

    async def main() -> list[int]:
        async with house.keepa() as keepa:
            return list(await asyncio.gather(one(keepa, 0), one(keepa, 1)))

    assert run(main()) == [0, 1]
    assert house.truth().consumed == 400


def test_work_that_is_foreseen(tmp_path):
    """Work of calls not yet known is refused behind those who wait, and let in, with its parts, at the moment told."""
    house = House(tmp_path, balance=0)

    async def one(keepa: AsyncKeepa, number: int) -> None:
        shape = f"this scan: number {number}"

        def enter() -> Awaitable[None]:
            return keepa.foresee(shape, 40, max_wait_seconds=0, keeps_place_for=KEEPS)

        await house.clock.sleep_async(number)
        with pytest.raises(InsufficientTokensError, match=r"^this scan may cost up to 40 tokens"):
            await enter()
        seconds, _ = await refused(enter)
        await house.clock.sleep_async(seconds)
        await enter()
        for part in range(4):
            asins = ASINS[number * 40 + part * 10 :][:10]
            await keepa.products(asins, max_wait_seconds=0, max_age=0, keeps_place_for=KEEPS, work=shape)
            await house.clock.sleep_async(2)

    async def main() -> None:
        async with house.keepa() as keepa:
            await asyncio.gather(one(keepa, 0), one(keepa, 1))
            with pytest.raises(InsufficientTokensError, match="allow a longer wait: it takes about 100 min"):
                await keepa.foresee("this", 2_000, max_wait_seconds=0)
            await keepa.foresee("this", 2_000, max_wait_seconds=7_200)
            with pytest.raises(InsufficientTokensError):
                await keepa.foresee("this", 2_000, max_wait_seconds=3_600)

    run(main())
    assert house.truth().consumed == 80


def test_a_job_is_promised_nothing(tmp_path):
    """In a lane before which others go a refusal tells when the tokens are there, but not that they are kept."""
    house = House(tmp_path, balance=105)

    async def main() -> None:
        async with house.keepa() as keepa:
            job = keepa.on_behalf_of("night", JOBS, max_wait_seconds=0, keeps_place_for=KEEPS)
            with pytest.raises(InsufficientTokensError, match="unless calls of a better lane come before") as caught:
                await job.search("tea", page=0)
            assert caught.value.kept_until is None
            assert caught.value.wait_seconds is not None
            await house.clock.sleep_async(caught.value.wait_seconds)
            await keepa.products(ASINS[:40], max_wait_seconds=0)  # a live call
            with pytest.raises(InsufficientTokensError):
                await job.search("tea", page=0)

    run(main())


def test_foresee_blocks_too(tmp_path):
    """The blocking client has the same door; without keeps_place_for it keeps nothing."""
    house = House(tmp_path, balance=30, clock=SteppedClock(START))
    with house.keepa_sync() as keepa:
        keepa.foresee("this", 20, max_wait_seconds=0)
        with pytest.raises(InsufficientTokensError) as caught:
            keepa.foresee("this", 21, max_wait_seconds=0)
        assert caught.value.kept_until is None
        with house.books() as (ledger, _):
            assert ledger.account().tickets == ()


def test_what_is_kept_for_a_list_is_given_up_when_it_ends(tmp_path):
    """A list that fails half-way keeps nothing for the calls that it does not make any more, with either client."""
    many = [f"B00000{number:04}" for number in range(300)]
    terms: dict[str, Any] = {"max_wait_seconds": 0, "max_age": 0, "keeps_place_for": KEEPS}

    async def at_once(house: House) -> None:
        async with house.keepa(max_concurrency=1) as keepa:
            await keepa.status()
            house.simulator.faults = Faults(error_percent=100)
            with pytest.raises(KeepaError):
                await keepa.products(many, **terms)

    (tmp_path / "async").mkdir()
    (tmp_path / "sync").mkdir()
    house = House(tmp_path / "async", balance=900)
    stepped = House(tmp_path / "sync", balance=900, clock=SteppedClock(START))
    run(at_once(house))
    with stepped.keepa_sync() as keepa:
        keepa.status()
        stepped.simulator.faults = Faults(error_percent=100)
        with pytest.raises(KeepaError):
            keepa.products(many, **terms)
    for each in (house, stepped):
        with each.books() as (ledger, _):
            assert ledger.account().tickets == ()
