"""Clients that are closed, left, or carried elsewhere: a clear error, and no token set aside for good."""

import asyncio
import threading
import time

import pytest
from tests.house import START, Canned, House, run
from tests.keepa.envelopes import answer

from keepahead import AsyncKeepa, KeepaheadError
from keepahead.keepa.flow import Send
from keepahead.simulator import Faults, SteppedClock

ASINS = [f"B0{number:08}" for number in range(100)]


def held(house: House) -> int:
    """Tokens that are set aside for calls which have not ended, or whose answer was lost."""
    with house.books() as (ledger, _):
        return ledger.account().reserved + ledger.account().unknown


def test_closed_async(tmp_path):
    """A closed client says so, whatever is asked of it."""
    house = House(tmp_path)

    async def main():
        keepa = house.keepa()
        await keepa.products(ASINS[:1])
        await keepa.aclose()
        for again in (keepa.products(ASINS[:1]), keepa.status()):
            with pytest.raises(RuntimeError, match="closed"):
                await again
        await keepa.aclose()

    run(main())
    assert held(house) == 0


def test_closed_sync(tmp_path):
    """The same for the blocking client: nothing is set aside, nothing counts as sent."""
    house = House(tmp_path, clock=SteppedClock(START))
    keepa = house.keepa_sync()
    keepa.products(ASINS[:1])
    keepa.close()
    for again in (lambda: keepa.products(ASINS[:1]), keepa.status):
        with pytest.raises(RuntimeError, match="closed"):
            again()
    keepa.close()
    assert held(house) == 0


def test_closed_under_way(tmp_path):
    """Closing ends every call: those that wait give back what they hold, those that were sent are counted."""
    house = House(tmp_path, balance=220, faults=Faults(latency_seconds=(5, 5)))

    async def main():
        keepa = house.keepa()
        calls = [asyncio.create_task(keepa.products(ASINS)) for _ in range(12)]
        await asyncio.sleep(7)
        await keepa.aclose()
        ended = await asyncio.wait_for(asyncio.gather(*calls, return_exceptions=True), 60)
        assert all(isinstance(end, list | KeepaheadError | RuntimeError) for end in ended)
        assert any(isinstance(end, RuntimeError) for end in ended)

    run(main())
    with house.books() as (ledger, _):
        assert ledger.account().reserved == 0
        assert ledger.account().tickets == ()


def test_another_event_loop(tmp_path):
    """A client that is carried to a second event loop says so before anything is set aside."""
    house = House(tmp_path)
    keepa = house.keepa()
    run(keepa.products(ASINS[:1]))
    with pytest.raises(RuntimeError, match="another event loop"):
        run(keepa.products(ASINS[:1]))
    run(keepa.aclose())
    assert held(house) == 0


@pytest.mark.parametrize("kind", ["async", "sync"])
def test_a_watcher_that_fails(tmp_path, kind):
    """What a watcher raises ends the call at once with nothing held."""
    house = House(tmp_path, clock=SteppedClock(START) if kind == "sync" else None)

    def watch(step) -> None:
        if isinstance(step, Send) and step.tokens:
            raise ZeroDivisionError

    async def main():
        async with house.keepa(watch=watch) as keepa:
            await keepa.products(ASINS[:1])

    def blocking() -> None:
        with house.keepa_sync(watch=watch) as keepa:
            keepa.products(ASINS[:1])

    with pytest.raises(ZeroDivisionError) as caught:
        blocking() if kind == "sync" else run(main())
    assert held(house) == 1, caught  # the watcher saw it on its way out: nobody can say


def test_nobody_spins_for_a_meter(tmp_path):
    """Tasks that may not wait for tokens do wait for the first meter, but not by asking without pause."""
    steps = []
    canned = Canned(answer(left=1000, consumed=0), *[answer(products=[]) for _ in range(20)])

    class Slow(Canned):
        async def handle_async_request(self, request):
            await asyncio.sleep(2)
            return self.handle_request(request)

    house = House(tmp_path)

    async def main():
        async with house.keepa(transport=Slow(*canned.answers), watch=steps.append, max_wait_seconds=0) as keepa:
            await asyncio.gather(*(keepa.products([asin]) for asin in ASINS[:20]), return_exceptions=True)

    run(main())
    assert len(steps) < 20 * 60


def test_many_short_lives(tmp_path):
    """Clients that are closed leave no thread behind."""
    house = House(tmp_path)
    before = threading.active_count()

    async def main():
        for _ in range(10):
            async with house.keepa() as keepa:
                assert isinstance(keepa, AsyncKeepa)
                await keepa.status()

    run(main())
    deadline = time.monotonic() + 5
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() <= before
