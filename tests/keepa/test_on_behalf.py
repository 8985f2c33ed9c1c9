"""One client for many callers: each on its own terms, all through one account, one archive, one set of connections."""

import asyncio
from datetime import timedelta

import pytest
from tests.house import ACCOUNT, House, run
from tests.keepa.test_client import lines

from keepahead import InsufficientTokensError, InvalidCallError, MaxTokensError
from keepahead.budget.entry import Served, Settled
from keepahead.budget.lane import JOBS, LIVE
from keepahead.faces.settings import KEEPA_URL
from keepahead.keepa.calls import ProductCall
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.run import check_categories, known_to_fit

ASINS = [f"B0000000{number:02}" for number in range(100)]


@pytest.fixture
def house(tmp_path):
    """A house with tokens enough."""
    return House(tmp_path, balance=1200)


def charged(house: House) -> list[tuple[str, str, int]]:
    """Who was charged, in which lane, for how much."""
    paid = (entry for entry in lines(house, Settled) if entry.tokens)
    return [(entry.label.caller, entry.label.lane, entry.tokens) for entry in paid]


def test_each_is_charged_in_its_own_name(house):
    """What somebody asks for is booked in the name and the lane given; the client keeps its own."""

    async def main():
        async with house.keepa(caller="gateway") as keepa:
            await keepa.on_behalf_of("shop", LIVE).products(ASINS[:2])
            await keepa.on_behalf_of("crawler", JOBS).products(ASINS[:2])
            await keepa.products(ASINS[2:5])

    run(main())
    assert charged(house) == [("shop", "live", 2), ("gateway", "live", 3)]
    [served] = lines(house, Served)
    assert (served.label.caller, served.label.lane, served.tokens) == ("crawler", "jobs", 2)
    assert house.truth().consumed == 5


def test_the_floor_of_its_lane(house):
    """`status` answers with the floor of the lane, and the lane's floor is kept."""

    async def main():
        async with house.keepa() as keepa:
            careful = keepa.on_behalf_of("crawler", JOBS, max_wait_seconds=0)
            floors = [(await each.status()).floor for each in (keepa, careful)]
            for number in range(0, 1100, 100):
                await keepa.products([f"B1{each:08}" for each in range(number, number + 100)])
            with pytest.raises(InsufficientTokensError) as refused:
                await careful.products(ASINS[:50])
            return floors, refused.value.floor

    assert run(main()) == ([10, 100], 100)


def test_a_method_overrides_the_defaults(house):
    """Defaults hold where a method says nothing; what it says goes before, but never beyond the tokens allowed."""

    async def main():
        async with house.keepa() as keepa:
            shop = keepa.on_behalf_of("shop", LIVE, max_tokens=1, max_age=3600)
            with pytest.raises(MaxTokensError):
                await shop.products(ASINS[:2])
            for more in (None, 5):
                with pytest.raises(MaxTokensError):
                    await shop.products(ASINS[:2], max_tokens=more)
            await shop.products(ASINS[:1])
            raw = await shop.send(ProductCall(asins=(ASINS[0],), domain=1))
            await shop.products(ASINS[:1], max_age=0)
            return raw.is_archived

    assert run(main()) is True
    assert house.truth().consumed == 2


def test_defaults_are_checked(house):
    """A name or a default that cannot be is refused when it is given, not with the first call."""

    async def main():
        async with house.keepa() as keepa:
            with pytest.raises(InvalidCallError):
                keepa.on_behalf_of(" ", LIVE)
            with pytest.raises(InvalidCallError):
                keepa.on_behalf_of("shop", LIVE, max_wait_seconds="soon")  # pyright: ignore[reportArgumentType]

    run(main())


def test_callers_do_not_ride_together(house):
    """Two callers who ask for single products at once pay for their own, each in its own call."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            callers = [keepa.on_behalf_of(name, LIVE) for name in ("one", "other") for _ in range(3)]
            await asyncio.gather(*(each.products([asin]) for each, asin in zip(callers, ASINS, strict=False)))

    run(main())
    assert sorted(charged(house)) == [("one", "live", 3), ("other", "live", 3)]


def test_discovery_takes_it(house):
    """What works with a client works on behalf of somebody too: the archive is the same, the bill is theirs."""
    criteria = Criteria(domain=1, category=3760911)

    async def main():
        async with house.keepa() as keepa:
            shop = keepa.on_behalf_of("shop", LIVE)
            await check_categories(shop, criteria, {})
            await keepa.products(ASINS[:3])
            archived = await shop.archived(max_age=timedelta(hours=1))
            return (
                archived,
                await known_to_fit(shop, criteria, house.clock),
                shop.quote(ProductCall(asins=(ASINS[0],), domain=1)),
            )

    archived, fitting, cost = run(main())
    assert {each.asin for each in archived} == set(ASINS[:3])
    assert (fitting, cost.tokens_max) == ([], 1)


def test_what_a_face_may_see(house):
    """A client shows its ledger, its clock and where it sends to."""

    async def main():
        async with house.keepa() as keepa:
            assert (keepa.clock, keepa.upstream_url) == (house.clock, KEEPA_URL)
            return keepa.ledger.fingerprint

    assert run(main()) == ACCOUNT
