"""What one request cost: all tallies add up to what Keepa charged, and to what the ledger says was saved."""

import asyncio
from datetime import timedelta

import httpx2
import pytest
from tests.house import START, Canned, House, run
from tests.keepa.envelopes import answer
from tests.keepa.test_client import lines

from keepahead import KeepaRejected, OutcomeUnknown, PartialResultError
from keepahead.budget.entry import Lost, Served, Settled
from keepahead.budget.lane import LIVE
from keepahead.keepa.calls import ProductCall
from keepahead.keepa.tally import Tally

RECORDED = "B0D8W1YVBX"
ASINS = [f"B0000000{number:02}" for number in range(100)]
TOKEN = {"left": 1000, "consumed": 0}


@pytest.fixture
def house(tmp_path):
    """A house with tokens enough."""
    return House(tmp_path, balance=1200)


def saved(house: House) -> int:
    """What the ledger says the archive has saved."""
    return sum(entry.tokens for entry in lines(house, Served))


def test_paid_and_saved(house):
    """What is paid for is consumed, what the archive has is saved; the oldest answer tells how old all is."""
    first, second, raw = Tally(), Tally(), Tally()

    async def main():
        async with house.keepa() as keepa:
            await keepa.on_behalf_of("shop", LIVE, tally=first).products(ASINS[:30], stats=90)
            await house.clock.sleep_async(600)
            await keepa.on_behalf_of("shop", LIVE, tally=second).products(ASINS[:50], stats=90)
            call = ProductCall(asins=tuple(ASINS[:50]), domain=1, stats=90)
            await keepa.on_behalf_of("shop", LIVE, tally=raw, max_age=timedelta(hours=1)).send(call)

    run(main())
    assert (first.consumed, first.saved, first.answers) == (30, 0, 1)
    assert (second.consumed, second.saved, second.answers) == (20, 30, 31)
    assert (raw.consumed, raw.saved, raw.answers) == (0, 50, 1)
    assert first.oldest is not None
    assert START <= first.oldest == second.oldest == raw.oldest <= START + timedelta(minutes=1)
    assert second.saved + raw.saved == saved(house)
    assert first.consumed + second.consumed == house.truth().consumed


def test_several_requests_add_up(house):
    """One tally may stand for several calls."""
    tally = Tally()

    async def main():
        async with house.keepa() as keepa:
            shop = keepa.on_behalf_of("shop", LIVE, tally=tally)
            await shop.products(ASINS[:3])
            await shop.best_sellers(3760911)
            await shop.graph_image(RECORDED)
            await shop.products(ASINS[:3])

    run(main())
    assert (tally.consumed, tally.saved, tally.answers) == (54, 3, 6)
    assert house.truth().consumed == 54


def test_what_was_dearer_then(house):
    """No more is saved than it would cost now; the shares of the items add up to it."""
    tally = Tally()

    async def main():
        async with house.keepa() as keepa:
            await keepa.products(ASINS[:7], offers=20)
            await keepa.on_behalf_of("shop", LIVE, tally=tally).products(ASINS[:7])

    run(main())
    assert (tally.consumed, tally.saved) == (0, 7)
    assert saved(house) == 7


def test_riders_bear_their_own_share(house):
    """In a batch each bears what is his; who wants what another wants already bears nothing."""
    tallies = [Tally() for _ in range(12)]

    async def main():
        async with house.keepa() as keepa:
            await keepa.products(ASINS[:2], stats=90)
            wanted = [*ASINS[:9], *ASINS[6:9]]
            await asyncio.gather(
                *(
                    keepa.on_behalf_of("shop", LIVE, tally=tally).products([asin], stats=90)
                    for tally, asin in zip(tallies, wanted, strict=True)
                )
            )

    run(main())
    assert [(tally.consumed, tally.saved) for tally in tallies[:6]] == [(0, 1)] * 2 + [(1, 0)] * 4
    assert [one.consumed + other.consumed for one, other in zip(tallies[6:9], tallies[9:], strict=True)] == [1, 1, 1]
    assert sum(tally.consumed for tally in tallies) == house.truth().consumed - 2
    assert sum(tally.saved for tally in tallies) == saved(house) == 2
    assert {tally.answers for tally in tallies} == {1}


def test_a_batch_that_is_lost(house):
    """What a lost answer may have cost is shared by those who waited for it."""
    tallies = [Tally() for _ in range(5)]
    canned = Canned(answer(**TOKEN), httpx2.ReadTimeout("nothing"))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.status()
            return await asyncio.gather(
                *(
                    keepa.on_behalf_of("shop", LIVE, tally=tally).products([asin])
                    for tally, asin in zip(tallies, [*ASINS[:4], ASINS[0]], strict=True)
                ),
                return_exceptions=True,
            )

    ended = run(main())
    assert {type(each) for each in ended} == {OutcomeUnknown}
    assert sorted(tally.consumed for tally in tallies) == [0, 1, 1, 1, 1]
    assert {tally.consumed for tally in tallies[1:4]} == {1}
    assert [entry.tokens for entry in lines(house, Lost)] == [4]


def test_failures_count(house):
    """What Keepa charged for an error, and what a lost answer may have cost, is consumed; in part of a result too."""
    whole, part = Tally(), Tally()
    more = [f"B1{number:08}" for number in range(10)]
    rejected = answer(500, left=900, consumed=2, error={"type": "internal", "message": ""})
    goods = answer(products=[{"asin": asin} for asin in ASINS], consumed=100)
    canned = Canned(answer(**TOKEN), rejected, goods, httpx2.ReadTimeout("nothing"))

    async def main():
        async with house.keepa(transport=canned, max_concurrency=1) as keepa:
            await keepa.status()
            with pytest.raises(KeepaRejected):
                await keepa.on_behalf_of("shop", LIVE, tally=whole).products(ASINS[:3])
            with pytest.raises(PartialResultError) as partial:
                await keepa.on_behalf_of("shop", LIVE, tally=part).products([*ASINS, *more])
            assert isinstance(partial.value.cause, OutcomeUnknown)

    run(main())
    assert (whole.consumed, whole.answers, whole.oldest) == (2, 0, None)
    assert (part.consumed, part.answers) == (110, 1)
    assert [entry.tokens for entry in lines(house, Settled)][1:] == [2, 100]


def test_a_refusal_costs_nothing(tmp_path):
    """What was refused cost nothing; what stood in for it is stale, and saved what the ledger says."""
    house = House(tmp_path, rate=1, balance=15)
    stale, partly = Tally(), Tally()

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            await keepa.products(ASINS[:4])
            await house.clock.sleep_async(7 * 3600)
            await keepa.best_sellers(3760911)
            await keepa.on_behalf_of("shop", LIVE, tally=stale, on_refusal="stale").products(ASINS[:4])
            with pytest.raises(PartialResultError):
                await keepa.on_behalf_of("shop", LIVE, tally=partly, on_refusal="stale").products(ASINS[2:8])

    run(main())
    assert (stale.consumed, stale.saved, stale.answers, stale.is_stale) == (0, 4, 4, True)
    assert (partly.consumed, partly.saved, partly.answers, partly.is_stale) == (0, 2, 2, True)
    assert saved(house) == 6
