"""Who is cancelled while a call is under way is free at once; what was paid for is booked and archived all the same."""

import asyncio
import gc
import logging
from datetime import timedelta

import httpx2
import pytest
from tests.house import KEY, Canned, House, run
from tests.keepa.envelopes import answer
from tests.keepa.test_client import lines
from tests.served import Served

from keepahead import AsyncKeepa
from keepahead.budget.entry import Lost, Released, Reserved, Settled
from keepahead.keepa.steps import Send
from keepahead.simulator import Faults

ASINS = [f"B0000000{number:02}" for number in range(100)]
CATEGORY = 3760911
LATENCY = Faults(latency_seconds=(5.0, 5.0))


@pytest.fixture
def house(tmp_path):
    """A house whose Keepa takes five seconds for each call."""
    return House(tmp_path, balance=1200, faults=LATENCY)


@pytest.fixture(autouse=True)
def no_noise(caplog):
    """Nothing is left to the event loop to complain of."""
    yield
    gc.collect()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


async def cancelled(task: "asyncio.Task[object]") -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def open_calls(house: House) -> tuple[int, int, int]:
    """What is reserved, what is lost, and how many wait."""
    with house.books() as (ledger, _):
        account = ledger.account()
    return account.reserved, account.unknown, len(account.tickets)


def test_the_answer_is_kept(house):
    """The canceller does not wait; the answer is booked and archived when it comes, and nobody pays for it again."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            task = asyncio.create_task(keepa.best_sellers(CATEGORY))
            await house.clock.sleep_async(2)
            before = house.clock.now()
            await cancelled(task)
            took = house.clock.now() - before
            held = open_calls(house)
            again = await keepa.best_sellers(CATEGORY)
            return took, held, again.asins

    took, held, asins = run(main())
    assert took < timedelta(seconds=0.5)
    assert held == (50, 0, 0)
    assert asins
    assert open_calls(house) == (0, 0, 0)
    assert house.truth().consumed == 50
    assert lines(house, Lost) == []


def test_a_deadline_is_a_cancellation(house):
    """A deadline around a method behaves the same."""

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(keepa.products(ASINS[:3]), 7)
            await house.clock.sleep_async(5)
            return [each.paid_now for each in await keepa.products(ASINS[:3])]

    assert run(main()) == [False] * 3
    assert house.truth().consumed == 3


def test_no_further_part_is_sent(tmp_path):
    """Of a long list the part under way comes to its end; what would have followed is neither sent nor waited for."""
    house = House(tmp_path, balance=60, faults=LATENCY)

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            task = asyncio.create_task(keepa.products(ASINS))
            await house.clock.sleep_async(2)
            await cancelled(task)
            await house.clock.sleep_async(1200)
            return len(await keepa.archived())

    assert run(main()) == 50
    assert house.truth().consumed == 50
    assert open_calls(house) == (0, 0, 0)
    assert len(lines(house, Reserved)) == 2, "the meter and the part"


def test_what_goes_wrong_in_the_background(house, caplog):
    """A call that fails after its caller has gone is booked as any other, and nobody but the log hears of it."""
    caplog.set_level(logging.INFO, "keepahead")

    class Slow(Canned):
        async def handle_async_request(self, request):
            await house.clock.sleep_async(5)
            return self.handle_request(request)

    rejected = answer(500, left=990, consumed=3, error={"type": "internal", "message": ""})
    canned = Slow(answer(left=1000, consumed=0), httpx2.ReadTimeout("slow"), httpx2.ConnectError("no"), rejected)

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.status()
            for number in range(3):
                task = asyncio.create_task(keepa.products(ASINS[number : number + 1], max_tokens=10))
                await house.clock.sleep_async(1)
                await cancelled(task)
                await house.clock.sleep_async(10)

    run(main())
    assert [entry.tokens for entry in lines(house, Lost)] == [1]
    assert [entry.tokens for entry in lines(house, Released)] == [1]
    assert [entry.tokens for entry in lines(house, Settled)] == [0, 3]
    assert caplog.text.count("whose caller had gone") == 3


def test_it_keeps_its_place(house):
    """A call in the background is still one of those under way, until it ends and no longer."""
    sent = []

    async def main():
        async with house.keepa(max_concurrency=1, watch=sent.append) as keepa:
            await keepa.status()
            first = asyncio.create_task(keepa.products(ASINS[:2]))
            await house.clock.sleep_async(1)
            await cancelled(first)
            began = house.clock.now()
            await keepa.products(ASINS[5:7])
            first_two = house.clock.now() - began
            await keepa.products(ASINS[7:9])
            return first_two, house.clock.now() - began

    first_two, all_three = run(main())
    assert timedelta(seconds=9) <= first_two < timedelta(seconds=10)
    assert timedelta(seconds=14) <= all_three < timedelta(seconds=15)
    assert sum(isinstance(step, Send) for step in sent) == 4


def test_others_wait_for_it(house):
    """Who wants the same meanwhile waits for what is under way; it wakes as soon as it is there."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            first = asyncio.create_task(keepa.products(ASINS[:2]))
            await house.clock.sleep_async(1)
            second = asyncio.create_task(keepa.products(ASINS[:2]))
            await house.clock.sleep_async(1)
            await cancelled(first)
            began = house.clock.now()
            await second
            return house.clock.now() - began

    assert run(main()) < timedelta(seconds=3.5)
    assert house.truth().consumed == 2


def test_cancelled_while_it_waits(tmp_path):
    """Who waits for tokens, or for a place, gives up both at once."""
    house = House(tmp_path, rate=1, balance=40, faults=LATENCY)

    async def main():
        async with house.keepa(max_concurrency=1) as keepa:
            await keepa.status()
            running = asyncio.create_task(keepa.products(ASINS[:10]))
            await house.clock.sleep_async(1)
            for_a_place = asyncio.create_task(keepa.products(ASINS[10:20]))
            await house.clock.sleep_async(1)
            await cancelled(for_a_place)
            await running
            for_tokens = asyncio.create_task(keepa.best_sellers(CATEGORY))
            await house.clock.sleep_async(1)
            waiting = open_calls(house)
            await cancelled(for_tokens)
            return waiting, open_calls(house)

    assert run(main()) == ((0, 0, 1), (0, 0, 0))
    assert house.truth().consumed == 10


# Closing


@pytest.mark.parametrize(("drain", "lost"), [(0, 50), (1, 50), (60, 0)])
def test_closing_gives_it_time(house, drain, lost):
    """Closing waits so long for what is in the background and no longer; what has not come by then counts as lost."""

    async def main():
        keepa = house.keepa()
        await keepa.status()
        task = asyncio.create_task(keepa.best_sellers(CATEGORY))
        await house.clock.sleep_async(2)
        await cancelled(task)
        before = house.clock.now()
        await keepa.aclose(drain)
        return house.clock.now() - before

    took = run(main())
    assert open_calls(house) == (0, lost, 0)
    assert took < timedelta(seconds=min(drain, 3) + 0.5)
    assert [entry.reason for entry in lines(house, Lost)] == ["interrupted"] * bool(lost)


def test_the_close_itself_is_cancelled(house):
    """A close that is cut short ends what is in the background, and closes."""

    async def main():
        keepa = house.keepa()
        await keepa.status()
        task = asyncio.create_task(keepa.best_sellers(CATEGORY))
        await house.clock.sleep_async(1)
        await cancelled(task)
        closing = asyncio.create_task(keepa.aclose(60))
        await house.clock.sleep_async(1)
        await cancelled(closing)
        with pytest.raises(RuntimeError, match="closed"):
            await keepa.status()

    run(main())
    assert open_calls(house) == (0, 50, 0)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_the_event_loop_ends(house, is_cancelled):
    """With the event loop everything ends: what was under way, in the background or not, counts as lost."""
    keepa = house.keepa()

    async def main():
        await keepa.status()
        task = asyncio.create_task(keepa.best_sellers(CATEGORY))
        await house.clock.sleep_async(2)
        if is_cancelled:
            await cancelled(task)

    run(main())
    assert open_calls(house) == (0, 50, 0)
    run(keepa.aclose(10))
    assert [entry.reason for entry in lines(house, Lost)] == ["interrupted"]


# Batches


def test_a_rider_is_cancelled(house):
    """Who leaves a batch under way takes nothing from the others; what was meant for him is archived."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            tasks = [asyncio.create_task(keepa.products([asin])) for asin in ASINS[:4]]
            await house.clock.sleep_async(1)
            await cancelled(tasks[0])
            await cancelled(tasks[2])
            got = [(await task)[0].asin for task in (tasks[1], tasks[3])]
            return got, [each.paid_now for each in await keepa.products(ASINS[:4])]

    assert run(main()) == ([ASINS[1], ASINS[3]], [False] * 4)
    assert house.truth().consumed == 4


def test_all_riders_are_cancelled(house):
    """A batch under way that everybody has left is brought to its end."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            tasks = [asyncio.create_task(keepa.products([asin])) for asin in ASINS[:4]]
            await house.clock.sleep_async(1)
            before = house.clock.now()
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            took = house.clock.now() - before
            await house.clock.sleep_async(5)
            return took, [each.paid_now for each in await keepa.products(ASINS[:4])]

    took, paid = run(main())
    assert took < timedelta(seconds=0.5)
    assert paid == [False] * 4
    assert house.truth().consumed == 4


def test_all_riders_are_cancelled_in_the_queue(tmp_path):
    """A batch that waits for tokens and that everybody has left is not paid for."""
    house = House(tmp_path, balance=11, rate=1)

    async def main():
        async with house.keepa() as keepa:
            await keepa.products(ASINS[:1])
            tasks = [asyncio.create_task(keepa.products([asin])) for asin in ASINS[1:4]]
            await house.clock.sleep_async(5)
            waiting = open_calls(house)
            await cancelled(tasks[1])
            still = open_calls(house)
            await cancelled(tasks[0])
            await cancelled(tasks[2])
            gone = open_calls(house)
            await house.clock.sleep_async(600)
            return [waiting, still, gone]

    assert run(main()) == [(0, 0, 1), (0, 0, 1), (0, 0, 0)]
    assert house.truth().consumed == 1


# A real socket


def test_over_a_real_connection(tmp_path):
    """The same over HTTP: the canceller is free at once, the bytes come, and the connection is of use afterwards."""
    served = Served("--rate", "20", "--balance", "1200", "--latency", "1")

    async def main():
        async with AsyncKeepa(
            KEY, upstream_url=served.url, database_url=f"sqlite:///{tmp_path / 'l.db'}", clock=served.clock
        ) as keepa:
            await keepa.status()
            loop = asyncio.get_running_loop()
            task = asyncio.create_task(keepa.products(ASINS[:5]))
            while not keepa.ledger.account().reserved:  # noqa: ASYNC110 - it is on its way any moment
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.1)
            before = loop.time()
            await cancelled(task)
            took = loop.time() - before
            again = await keepa.products(ASINS[:5])
            more = await keepa.products(ASINS[5:6])
            return took, [each.paid_now for each in again], more[0].paid_now

    try:
        took, paid, more = asyncio.run(main())
        assert took < 0.5
        assert (paid, more) == ([False] * 5, True)
        assert served.truth(KEY)["consumed"] == 6
    finally:
        served.kill()
