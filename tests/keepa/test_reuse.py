"""What is paid for once is not paid for again: both clients, the archive and the simulator, on virtual time."""

import asyncio
import logging
import threading
from datetime import timedelta

import httpx2
import msgspec
import pytest
from sqlalchemy import select, update
from tests.house import KEY, START, Canned, House, run
from tests.keepa.envelopes import answer
from tests.keepa.test_client import lines

from keepahead import (
    AsyncKeepa,
    BadAnswerError,
    CategoryCall,
    InsufficientTokensError,
    InvalidCallError,
    KeepaUnreachable,
    LedgerUnavailableError,
    MaxTokensError,
    PartialResultError,
    ProductCall,
)
from keepahead.budget.entry import Released, Served, Settled
from keepahead.keepa import batch as batches
from keepahead.keepa import plans
from keepahead.keepa.contents import wanted
from keepahead.keepa.flight import PATIENCE
from keepahead.simulator import Faults, SteppedClock
from keepahead.store import tables
from keepahead.store.archive import UNREAD
from keepahead.store.database import open_database

RECORDED = "B0D8W1YVBX"
OTHER = "B0F7XPYCSJ"
ASINS = [f"B0000000{number:02}" for number in range(100)]
TOKEN = {"left": 1000, "consumed": 0}


@pytest.fixture
def house(tmp_path) -> House:
    """A house with a full bucket."""
    return House(tmp_path)


def paths(house: House) -> list[str]:
    """What was sent to Keepa, /token aside."""
    return [line.path.strip("/") for line in house.truth().log if "token" not in line.path]


def test_the_second_is_free(house):
    """Asked again within its age a product costs nothing, says when it was fetched, and the ledger says who paid."""

    async def main():
        async with house.keepa() as keepa:
            first = (await keepa.products([RECORDED], stats=90))[0]
            await house.clock.sleep_async(3600)
            second = (await keepa.products([RECORDED], stats=90))[0]
            status = await keepa.status()
        return first, second, status

    first, second, status = run(main())
    assert second.raw == first.raw
    assert (first.paid_now, second.paid_now, second.is_stale) == (True, False, False)
    assert second.fetched_at == first.fetched_at
    assert house.truth().consumed == 1
    assert status.saved_today == 1
    [served], [settled] = lines(house, Served), [entry for entry in lines(house, Settled) if entry.tokens]
    assert (served.tokens, served.paid_by, served.label.endpoint) == (1, settled.label.call_id, "product")


@pytest.mark.parametrize(
    ("max_age", "cost"), [(None, 1), (3600, 1), (timedelta(hours=2), 1), (3599, 2), (0, 2), (float("inf"), 1)]
)
def test_how_old_it_may_be(house, max_age, cost):
    """`max_age` in seconds or as a length of time; 0 always asks Keepa."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.products([OTHER])
            asked_at = (await keepa.products([OTHER]))[0].fetched_at
            await house.clock.sleep_async(3600 - (house.clock.now() - asked_at).total_seconds())
            await keepa.products([OTHER], max_age=max_age)

    run(main())
    assert house.truth().consumed == cost


@pytest.mark.parametrize("max_age", [-1, float("nan"), "soon", timedelta(seconds=-1)])
def test_an_age_that_is_none(house, max_age):
    """What is no age is refused before anything happens."""
    with house.keepa_sync(clock=SteppedClock(START)) as keepa, pytest.raises(InvalidCallError) as caught:
        keepa.products([OTHER], max_age=max_age)
    assert caught.value.code == "invalid_max_age"


def test_the_settings_say_how_old(house, monkeypatch):
    """The age of each endpoint is a setting; without an archive everything is paid for."""
    monkeypatch.setenv("KEEPAHEAD_MAX_AGE_PRODUCT", "10m")

    async def main(**more):
        async with house.keepa(**more) as keepa:
            await keepa.products([OTHER])
            await house.clock.sleep_async(599)
            await keepa.products([OTHER])
            await house.clock.sleep_async(2)
            await keepa.products([OTHER])

    run(main())
    assert house.truth().consumed == 2


def test_the_archive_can_be_off(house, monkeypatch):
    """With no room for it nothing is kept and nothing is looked for."""
    monkeypatch.setenv("KEEPAHEAD_ARCHIVE_MEGABYTES", "0")

    async def main():
        async with house.keepa() as keepa:
            for _ in range(2):
                await keepa.products([OTHER])

    run(main())
    assert house.truth().consumed == 2
    assert rows(house) == []


def test_a_wider_answer_serves(house):
    """An answer with statistics and rating serves a plain request; a plain one is paid for by who wants more."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.products([RECORDED])
            await keepa.products([RECORDED], stats=90)
            await keepa.products([RECORDED], history=False)
            await keepa.products([RECORDED], stats=30)

    run(main())
    assert len(paths(house)) == 3


def test_seventy_of_a_hundred(house):
    """A hundred of which thirty are there cost seventy, come in the order asked, and say which were paid for."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.products(ASINS[10:40])
            return await keepa.products(ASINS, max_tokens=70)

    products = run(main())
    assert [each.asin for each in products] == ASINS
    assert [each.paid_now for each in products] == [not 10 <= number < 40 for number in range(100)]
    assert house.truth().consumed == 100
    assert [entry.tokens for entry in lines(house, Served)] == [30]


def test_a_list_is_kept_whole(house):
    """Lists, searches, pages and pictures are kept as they are: the very same request is free for its time."""
    deals = {"domainId": 1, "priceTypes": [0], "dateRange": 1, "page": 0}

    async def main():
        async with house.keepa() as keepa:
            seller = (await keepa.top_sellers())[0]
            for _ in range(2):
                best = await keepa.best_sellers(3760911)
                found = await keepa.find({"rootCategory": [3760911], "perPage": 50})
                deal = await keepa.deals(deals)
                words = await keepa.search("serum", page=0)
                nodes = await keepa.search_categories("beauty")
                many = await keepa.find_sellers({"perPage": 100})
                flash = await keepa.lightning_deals(RECORDED)
                image = await keepa.graph_image(RECORDED, graph={"width": 400})
                node = await keepa.categories([3760911], parents=True)
                shop = await keepa.sellers([seller], storefront=True)
            await keepa.top_sellers()
            await keepa.categories([3760911])
            await keepa.sellers([seller])
            assert best.asins
            assert found.asins
            assert deal.deals
            assert words[0].title
            assert (words[0].paid_now, words[0].asin) == (False, words[0]["asin"])
            assert nodes
            assert many
            assert flash is not None
            assert image.startswith(b"\x89PNG")
            assert 3760911 in node
            assert shop[seller]["asinList"]
            await keepa.products([words[0].asin], history=True)  # what a search found is there by its ASIN

    run(main())
    assert len(paths(house)) == len(set(paths(house))) + 1  # /search is there for products and for categories


def test_categories_one_by_one(house):
    """Categories are kept one by one, with their parents where they were asked for; all roots are one item."""

    async def main():
        async with house.keepa() as keepa:
            roots = await keepa.categories([0])
            some = list(roots)[:3]
            await keepa.categories(some, parents=True)
            again = await keepa.categories(some[:2])
            raw = await keepa.send(CategoryCall(categories=some, domain=1, parents=True), max_age=60)
            assert await keepa.categories([0]) == roots
            return some, again, raw

    some, again, raw = run(main())
    assert list(again) == some[:2]
    assert raw.is_archived
    assert raw.json().keys() >= {"categories"}
    assert len(paths(house)) == 2


def test_raw_calls_are_live(house):
    """`send` asks Keepa, unless it is told an age; then all items come as one answer, or Keepa is asked for all."""
    call = ProductCall(asins=ASINS[:3], domain=1)

    async def main():
        async with house.keepa() as keepa:
            first = await keepa.send(call)
            second = await keepa.send(call)
            third = await keepa.send(call, max_age=60)
            fourth = await keepa.send(ProductCall(asins=ASINS[:4], domain=1), max_age=60)
            return first, second, third, fourth

    first, second, third, fourth = run(main())
    assert [each.is_archived for each in (first, second, third, fourth)] == [False, False, True, False]
    assert third.json() == {"products": second.json()["products"]}
    assert third.fetched_at == second.fetched_at
    assert third.tokens_consumed == 0
    assert house.truth().consumed == 3 + 3 + 4


def test_update_zero_is_live(house):
    """`update=0` asks Keepa in any case, and what it brought serves those who accept less."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.products([OTHER], update=0)
            await keepa.products([OTHER], update=0)
            return (await keepa.products([OTHER]))[0]

    assert not run(main()).paid_now
    assert len(paths(house)) == 2


def rows(house: House) -> list:
    """What lies in the archive: item, contents, call."""
    database = open_database(house.database_url)
    columns = tables.answers.c
    with database.read() as connection:
        found = connection.execute(select(columns.item, columns.contents, columns.call_id)).all()
    database.close()
    return found


def test_offers_that_failed_are_no_offers(house):
    """An answer whose offers could not be collected serves those who want none, and nobody else."""
    body = {"asin": RECORDED, "offersSuccessful": False, "offers": []}
    canned = Canned(
        answer(**TOKEN),
        answer(consumed=1, products=[body]),
        answer(consumed=6, ms=2_000_000_000_000, products=[{**body, "offersSuccessful": True}]),
    )

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.products([RECORDED], offers=20)
            assert not (await keepa.products([RECORDED]))[0].paid_now
            assert (await keepa.products([RECORDED], offers=20))[0].paid_now
            assert not (await keepa.products([RECORDED], offers=20))[0].paid_now
            assert not (await keepa.products([RECORDED], buybox=True))[0].paid_now

    run(main())
    assert len(rows(house)) == 1  # the wider took the place of the narrower


def test_nothing_of_an_error_is_kept(house):
    """Answers that carry an error, and what is no list of products, are not archived."""
    canned = Canned(
        answer(**TOKEN),
        answer(products=[{"asin": RECORDED}], error={"type": "x", "message": "partly", "details": ""}),
        answer(ms=2_000_000_000_000, products=None),
    )

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.products([RECORDED])
            await keepa.products([RECORDED])

    run(main())
    assert rows(house) == []


@pytest.mark.parametrize("payload", [{"products": [{"asin": 7}]}, {"products": {"asin": RECORDED}}])
def test_what_cannot_be_read_is_kept_unread(house, payload):
    """An answer that was paid for and cannot be split is kept under its call, and serves nobody."""
    canned = Canned(answer(**TOKEN), answer(**payload), answer(ms=2_000_000_000_000, products=[{"asin": RECORDED}]))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            with pytest.raises(BadAnswerError):
                await keepa.products([RECORDED])
            return await keepa.products([RECORDED])

    assert run(main())[0].paid_now
    assert sorted(contents == UNREAD for _, contents, _ in rows(house)) == [False, True]


def test_a_list_that_cannot_be_read(house):
    """A list of another shape is found out when it is read: it is put away, and Keepa is asked again."""
    canned = Canned(
        answer(**TOKEN),
        answer(consumed=50, bestSellersList="none today"),
        answer(consumed=50, ms=2_000_000_000_000, bestSellersList={"asinList": [RECORDED]}),
    )

    async def main():
        async with house.keepa(transport=canned) as keepa:
            with pytest.raises(BadAnswerError):
                await keepa.best_sellers(1)
            return await keepa.best_sellers(1)

    assert run(main()).asins == (RECORDED,)
    assert sum(contents == UNREAD for _, contents, _ in rows(house)) == 1


def test_damaged_bytes_are_fetched_again(house):
    """A damaged item costs once more, and only that one."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.products(ASINS[:3])
            with keepa._parts.ledger.database.write() as connection:
                of = tables.answers.c.item == ASINS[1]
                connection.execute(update(tables.answers).where(of).values(body=b"junk"))
            return await keepa.products(ASINS[:3])

    assert [each.paid_now for each in run(main())] == [False, True, False]
    assert house.truth().consumed == 4


def test_a_simulator_is_not_keepa(house):
    """What one upstream said serves no other; another key of the same upstream is served."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.products([OTHER])
        async with house.keepa(upstream_url="http://127.0.0.1:9", clock=house.clock) as keepa:
            assert (await keepa.products([OTHER]))[0].paid_now

    run(main())
    assert house.truth().consumed == 2


def test_two_keys_share(tmp_path):
    """What one key paid for serves another of the same upstream."""
    house = House(tmp_path)

    async def main():
        async with house.keepa() as keepa:
            await keepa.products([OTHER])
        other = AsyncKeepa("j" * 64, database_url=house.database_url, clock=house.clock, transport=house.transport())
        async with other as keepa:
            return (await keepa.products([OTHER]))[0].paid_now

    assert run(main()) is False


# Single flight


@pytest.mark.parametrize("max_wait", [None, 0, 5])
def test_one_call_for_all(tmp_path, max_wait):
    """Fifty tasks that want the same list share one call, even with tokens for one only; one pays, all are named."""
    house = House(tmp_path, balance=65, faults=Faults(latency_seconds=(2.0, 2.0)))

    async def main():
        async with house.keepa(max_wait_seconds=max_wait) as keepa, house.keepa(max_wait_seconds=max_wait) as second:
            await keepa.status()
            every = [each.best_sellers(3760911) for each in (keepa, second) for _ in range(25)]
            return await asyncio.gather(*every)

    every = run(main())
    assert all(each.asins == every[0].asins for each in every)
    assert house.truth().consumed == 50
    served = lines(house, Served)
    [paid] = [entry.label.call_id for entry in lines(house, Settled) if entry.tokens]
    assert len(served) == 49
    assert {entry.paid_by for entry in served} == {paid}
    assert house.clock.now() - START < timedelta(seconds=30)


def test_overlapping_lists(tmp_path):
    """Two who want lists that overlap pay for each product once."""
    house = House(tmp_path, faults=Faults(latency_seconds=(2.0, 2.0)))

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            return await asyncio.gather(keepa.products(ASINS[:60]), keepa.products(ASINS[40:]))

    first, second = run(main())
    assert [each.asin for each in first] == ASINS[:60]
    assert [each.asin for each in second] == ASINS[40:]
    assert house.truth().consumed == 100


def test_the_first_fails(house):
    """If the first cannot reach Keepa the second goes on, and pays."""
    gate = asyncio.Event()

    class Gated(Canned):
        async def handle_async_request(self, request):
            if len(self.requests) == 1:
                self.requests.append(request)
                gate.set()
                await asyncio.sleep(3)
                raise httpx2.ConnectError("gone")
            return self.handle_request(request)

    canned = Gated(answer(**TOKEN), answer(consumed=50, bestSellersList={"asinList": [RECORDED]}))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            first = asyncio.create_task(keepa.best_sellers(1))
            await gate.wait()
            second = asyncio.create_task(keepa.best_sellers(1))
            with pytest.raises(KeepaUnreachable):
                await first
            return await second

    assert run(main()).asins == (RECORDED,)
    assert [entry.tokens for entry in lines(house, Released)] == [50]
    assert [entry.tokens for entry in lines(house, Settled) if entry.tokens] == [50]


def test_a_dead_one_is_waited_for_so_long(house):
    """Whoever has died with a lease is waited for until it lapses; by one with a deadline only for a while."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            began = house.clock.now()
            archive = keepa._parts.archive
            of = wanted(ProductCall(asins=ASINS[:2], domain=1))
            archive.claim(of, began, began, "dead", began + timedelta(minutes=8))
            await keepa.products(ASINS[:1], max_wait_seconds=0)
            hurried = house.clock.now() - began
            await keepa.products(ASINS[1:2])
            return hurried, house.clock.now() - began

    hurried, patient = run(main())
    assert PATIENCE <= hurried < PATIENCE + timedelta(seconds=5)
    assert timedelta(minutes=8) <= patient < timedelta(minutes=8, seconds=5)
    assert house.truth().consumed == 2


def test_a_lease_that_grew_old_in_the_queue(tmp_path):
    """What is sent minutes after it was leased, since one client sends only so much at a time, is still paid once."""
    house = House(tmp_path, faults=Faults(latency_seconds=(100.0, 100.0)))

    async def main():
        async with house.keepa(max_concurrency=1) as busy, house.keepa() as other:
            every = [busy.best_sellers(3760911, range_days=days) for days in (0, 30, 90, 180)]
            every += [busy.best_sellers(3760911, variations=yes) for yes in (True, False)]
            await asyncio.gather(*every, other.best_sellers(3760911, variations=False))

    run(main())
    assert house.truth().consumed == 6 * 50


def test_waiting_for_tokens_stands_in_nobodys_way(tmp_path):
    """Who waits for tokens holds no lease: another with a lower floor pays, and the one that waited pays nothing."""
    house = House(tmp_path, rate=1, balance=15)

    async def main():
        async with house.keepa(lane="jobs") as jobs, house.keepa() as live:
            await live.status()
            patient = asyncio.create_task(jobs.products(ASINS[:2]))
            await house.clock.sleep_async(5)
            await live.products(ASINS[:2], max_wait_seconds=0)
            return await patient, house.clock.now() - START

    products, took = run(main())
    assert [each.paid_now for each in products] == [False, False]
    assert house.truth().consumed == 2
    assert took < timedelta(minutes=1)
    with house.books() as (ledger, _):
        assert ledger.account().tickets == ()


def test_a_cancelled_first(house):
    """If the first is cancelled before it has sent, its lease is free at once."""

    async def main():
        async with house.keepa(pace=1) as keepa:
            await keepa.products([OTHER])
            first = asyncio.create_task(keepa.best_sellers(3760911))
            await house.clock.sleep_async(1)
            first.cancel()
            await asyncio.wait([first])
            database = keepa._parts.ledger.database
            with database.read() as connection:
                assert connection.execute(select(tables.leases)).all() == []

    run(main())


# Stale when broke


def test_stale_when_broke(tmp_path, caplog):
    """For want of tokens whatever there is will do: it is marked, and the log says so."""
    house = House(tmp_path, rate=1, balance=15)

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            await keepa.products(ASINS[:4])
            await house.clock.sleep_async(7 * 3600)
            await keepa.best_sellers(3760911)
            with pytest.raises(InsufficientTokensError):
                await keepa.products(ASINS[:4])
            with pytest.raises(MaxTokensError):
                await keepa.products(ASINS[:4], max_tokens=1)
            return [
                await keepa.products(ASINS[:4], on_refusal="stale"),
                await keepa.products(ASINS[:4], on_refusal="stale", max_tokens=0),
                await keepa.products(ASINS[:1], on_refusal="stale", max_age=0),
                await keepa.products(ASINS[:1], on_refusal="stale", update=0),
            ]

    caplog.set_level(logging.WARNING, "keepahead")
    every = run(main())
    for products in every:
        assert {(each.is_stale, each.paid_now) for each in products} == {(True, False)}
        assert products[0].fetched_at < START + timedelta(minutes=10)
    assert [each.asin for each in every[0]] == ASINS[:4]
    assert "for want of tokens" in caplog.text


def test_stale_in_part(tmp_path):
    """What there is comes with the refusal for the rest; if there is nothing the refusal stands alone."""
    house = House(tmp_path, rate=1, balance=15)

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            await keepa.products(ASINS[:2])
            await house.clock.sleep_async(7 * 3600)
            await keepa.best_sellers(3760911)
            with pytest.raises(PartialResultError) as caught:
                await keepa.products(ASINS[:5], on_refusal="stale")
            with pytest.raises(InsufficientTokensError):
                await keepa.products(ASINS[2:5], on_refusal="stale")
            with pytest.raises(InvalidCallError):
                await keepa.products(ASINS[2:5], on_refusal="give up")
            return caught.value

    error = run(main())
    assert [each.asin for each in error.results] == ASINS[:2]
    assert error.missing == tuple(ASINS[2:5])
    assert isinstance(error.cause, InsufficientTokensError)


def test_stale_from_an_archive_that_is_away(house, monkeypatch):
    """If the archive is away when stale answers are looked for, what was paid for before comes with the refusal."""
    canned = Canned(answer(**TOKEN), answer(products=[{"asin": ASINS[0]}]), answer(429))

    async def main():
        async with house.keepa(transport=canned, max_wait_seconds=0, max_concurrency=1) as keepa:
            archive = keepa._parts.archive
            look, looks = archive.look, []

            def once(*args):
                looks.append(args)
                if len(looks) > 1:
                    raise LedgerUnavailableError("gone")
                return look(*args)

            monkeypatch.setattr(archive, "look", once)
            with pytest.raises(PartialResultError) as caught:
                await keepa.products([*ASINS, RECORDED], on_refusal="stale")
            return caught.value

    error = run(main())
    assert isinstance(error.cause, InsufficientTokensError)
    assert [(each.asin, each.paid_now) for each in error.results] == [(ASINS[0], True)]


def test_stale_lists(tmp_path):
    """Lists are taken stale as well."""
    house = House(tmp_path, balance=65)

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            first = await keepa.best_sellers(3760911)
            await house.clock.sleep_async(3 * 3600)
            return first, await keepa.best_sellers(3760911, on_refusal="stale", max_tokens=10)

    first, second = run(main())
    assert first == second
    assert house.truth().consumed == 50


# Batching


def test_singles_ride_together(house):
    """Single products that are asked for at about the same time ride in one call; each gets its own."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            return await asyncio.gather(*(keepa.products([asin]) for asin in [*ASINS, *ASINS[:5]]))

    every = run(main())
    assert [[each.asin for each in products] for products in every] == [[asin] for asin in [*ASINS, *ASINS[:5]]]
    assert paths(house) == ["product"]
    assert house.truth().consumed == 100


def test_what_is_wanted_already_takes_no_place():
    """A full batch takes whoever wants what somebody in it wants: nobody pays twice for it."""
    every = [ProductCall(asins=[asin], domain=1) for asin in ASINS]
    batch = batches.Batch()
    batch.calls.extend(every)
    assert batch.takes(every[0])
    assert not batch.takes(ProductCall(asins=["B100000000"], domain=1))


def test_more_than_fit(house):
    """More than a hundred fill another call."""
    asins = [*ASINS, *(f"B1000000{number:02}" for number in range(30))]

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            await asyncio.gather(*(keepa.products([asin]) for asin in asins))

    run(main())
    assert len(paths(house)) == 2


def test_who_does_not_ride(house):
    """Other options, another domain, later than a few milliseconds, a limit to the tokens: calls of their own."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            first = asyncio.gather(
                keepa.products([ASINS[0]]),
                keepa.products([ASINS[1]], stats=90),
                keepa.products([ASINS[2]], domain=3),
                keepa.products([ASINS[3]], max_tokens=1),
                keepa.products([ASINS[4]], max_tokens=1),
                keepa.products([ASINS[5]], max_wait_seconds=60),
            )
            await house.clock.sleep_async(0.01)
            await asyncio.gather(first, keepa.products([ASINS[6]]))

    run(main())
    assert len(paths(house)) == 7


def test_a_refusal_is_each_ones_own(tmp_path):
    """Where the tokens do not suffice for all, those for whom they do are served; each hears of its own tokens."""
    house = House(tmp_path, rate=1, balance=15)

    async def main():
        async with house.keepa(max_wait_seconds=0) as keepa:
            await keepa.status()
            return await asyncio.gather(*(keepa.products([asin]) for asin in ASINS[:10]), return_exceptions=True)

    ended = run(main())
    refused = [each for each in ended if isinstance(each, InsufficientTokensError)]
    assert len(refused) == 5
    assert {each.tokens_max for each in refused} == {1}
    assert house.truth().consumed == 5


def test_who_is_served_waits_for_nobody(tmp_path):
    """Where tokens suffice for some of a batch these have theirs at once; who rides on with the rest waits."""
    house = House(tmp_path, rate=1, balance=20)
    took: dict[str, timedelta] = {}

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()

            async def one(asin):
                await keepa.products([asin])
                took[asin] = house.clock.now() - START

            await asyncio.gather(*map(one, ASINS[:12]))

    run(main())
    assert sorted(each > timedelta(seconds=5) for each in took.values()) == [False] * 10 + [True] * 2, took
    assert house.truth().consumed == 12


def test_what_keepa_does_not_have(house):
    """Who rides along and is not delivered gets nothing; the others get theirs."""
    canned = Canned(answer(**TOKEN), answer(products=[{"asin": ASINS[0]}]))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.status()
            return await asyncio.gather(keepa.products([ASINS[0]]), keepa.products([ASINS[1]]))

    there, missing = run(main())
    assert ([each.asin for each in there], missing) == ([ASINS[0]], [])


def test_one_of_a_batch_is_cancelled(house):
    """Who is cancelled before the call has left is not paid for; if all are, nothing is."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            tasks = [asyncio.create_task(keepa.products([asin])) for asin in ASINS[:3]]
            await house.clock.sleep_async(0.004)
            tasks[1].cancel()
            await asyncio.wait(tasks)
            both = [asyncio.create_task(keepa.products([asin])) for asin in ASINS[5:7]]
            await house.clock.sleep_async(0.004)
            for each in both:
                each.cancel()
            await asyncio.wait(both)
            return [task.cancelled() for task in tasks]

    assert run(main()) == [False, True, False]
    assert house.truth().consumed == 2


def test_nobody_gets_on_what_is_given_up(house):
    """Who asks in the very moment in which the last of a batch is cancelled rides in another, and is served."""

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            first = asyncio.create_task(keepa.products(ASINS[:1]))
            await house.clock.sleep_async(0.004)
            first.cancel()
            [(batch, *_)] = keepa._batches._open.values()
            while batch.calls:  # noqa: ASYNC110 - in this very moment
                await asyncio.sleep(0)
            rider = keepa._rides(plan, plan.calls, keepa._parts.terms)
            paid, failure, _ = await keepa._batches.ride(rider, keepa._parts.terms)
            return paid, failure, (await asyncio.gather(first, return_exceptions=True))[0]

    plan = plans.products(ASINS[1:2], 1, {})
    paid, failure, ended = run(main())
    assert (len(paid), failure) == (1, None)
    assert isinstance(ended, asyncio.CancelledError)
    assert house.truth().consumed == 1


def test_threads_ride_together(tmp_path):
    """Threads of the blocking client ride together as well."""
    house = House(tmp_path, clock=SteppedClock(START))
    gate = threading.Barrier(20)
    got: dict[str, list[str]] = {}

    with house.keepa_sync() as keepa:
        keepa.status()
        # The clock only jumps: the leader must be held until the others have come.
        sleep = keepa._batches._sleep

        def wait_for_all(seconds: float) -> None:
            while len(next(iter(keepa._batches._open.values())).calls) < 20:
                pass
            sleep(seconds)

        keepa._batches._sleep = wait_for_all

        def one(asin: str) -> None:
            gate.wait()
            got[asin] = [each.asin for each in keepa.products([asin])]

        threads = [threading.Thread(target=one, args=(asin,)) for asin in ASINS[:20]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert got == {asin: [asin] for asin in ASINS[:20]}
    assert paths(house) == ["product"]


def test_a_leader_that_is_interrupted(tmp_path, monkeypatch):
    """A Ctrl-C at the moment in which a batch is begun leaves no batch behind that others would wait for."""
    house = House(tmp_path, clock=SteppedClock(START))

    class Interrupts(list):
        def append(self, call: object) -> None:
            super().append(call)
            if len(self) == 1:
                raise KeyboardInterrupt

    class Interrupted(batches._Shared):
        def __init__(self) -> None:
            super().__init__()
            monkeypatch.undo()
            self.calls = Interrupts()

    with house.keepa_sync() as keepa:
        keepa.status()
        monkeypatch.setattr(batches, "_Shared", Interrupted)
        with pytest.raises(KeyboardInterrupt):
            keepa.products(ASINS[:1])
        got: list[object] = []
        thread = threading.Thread(target=lambda: got.extend(keepa.products(ASINS[:1])), daemon=True)
        thread.start()
        thread.join(10)
        assert len(got) == 1


def test_blocking_reuse(tmp_path):
    """The blocking client is served by the archive like the other."""
    house = House(tmp_path, clock=SteppedClock(START))
    with house.keepa_sync() as keepa:
        keepa.products(ASINS[:30])
        products = keepa.products(ASINS)
        house.clock.sleep(7 * 3600)
        stale = keepa.products(ASINS, on_refusal="stale", max_tokens=0)
    assert [each.paid_now for each in products] == [False] * 30 + [True] * 70
    assert all(each.is_stale for each in stale)
    assert house.truth().consumed == 100


# The archive in trouble


def test_an_answer_is_delivered_even_if_it_cannot_be_kept(house, monkeypatch, caplog):
    """If the archive cannot be written a paid answer comes all the same, and the log says that it may cost again."""

    def gone(*_args, **_more) -> None:
        raise LedgerUnavailableError("gone")

    async def main():
        async with house.keepa() as keepa:
            monkeypatch.setattr(keepa._parts.archive, "keep", gone)
            return await keepa.products([OTHER])

    caplog.set_level(logging.WARNING, "keepahead")
    assert run(main())[0].paid_now
    assert "costs again" in caplog.text


def test_what_cannot_be_looked_up_is_not_paid_for(house, monkeypatch):
    """If the archive cannot be read nothing is sent: it might be there."""

    def gone(*_args, **_more) -> None:
        raise LedgerUnavailableError("gone")

    async def main():
        async with house.keepa() as keepa:
            await keepa.status()
            for name in ("claim", "look"):
                monkeypatch.setattr(keepa._parts.archive, name, gone)
                with pytest.raises(LedgerUnavailableError):
                    await keepa.products([OTHER])

    run(main())
    assert house.truth().consumed == 0


def test_the_key_is_not_archived(house):
    """Should Keepa repeat the key, it does not get into the archive."""
    canned = Canned(answer(**TOKEN), answer(products=[{"asin": OTHER, "title": f"key={KEY}"}]))

    async def main():
        async with house.keepa(transport=canned) as keepa:
            await keepa.products([OTHER])
            return (await keepa.products([OTHER]))[0]

    product = run(main())
    assert not product.paid_now
    assert msgspec.json.decode(product.raw)["title"] == "key=***"
