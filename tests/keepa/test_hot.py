"""What is in memory is answered at once: on the event loop, without a thread, without the database, and on record."""

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from tests.house import ACCOUNT, KEY, House, run
from tests.keepa.test_client import lines

from keepahead import LedgerUnavailableError, ProductCall
from keepahead.budget.entry import Served
from keepahead.budget.lane import LIVE
from keepahead.faces.settings import KEEPA_URL, read_settings
from keepahead.faces.wiring import open_keepa
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.flight import RECALLED_AT_ONCE
from keepahead.keepa.on_behalf import NotRememberedError
from keepahead.keepa.steps import Found
from keepahead.keepa.tally import Tally
from keepahead.store.database import Database
from keepahead.store.memory import MEMORY_LIFE

RECORDED = "B0D8W1YVBX"
ASINS = [f"B0000000{number:02}" for number in range(100)]


@pytest.fixture
def house(tmp_path):
    """A house with tokens enough."""
    return House(tmp_path, balance=1200)


def hot(house: House, **more) -> AsyncKeepa:
    """Return a client of this house that remembers."""
    settings = read_settings(api_key=KEY, database_url=house.database_url)
    return open_keepa(settings, clock=house.clock, transport=house.transport(), memory_megabytes=30, **more)


def forbid(monkeypatch: pytest.MonkeyPatch, keepa: AsyncKeepa) -> None:
    """From now on neither the database nor a thread may be used."""

    def never(*_args, **_more):
        raise AssertionError

    for name in ("read", "write", "write_at_once", "write_in_few_trips"):
        monkeypatch.setattr(Database, name, never)
    monkeypatch.setattr(keepa._threads, "submit", never)


async def until(is_done: Callable[[], object]) -> None:
    """Wait for what a thread does, whose time is not the loop's."""
    deadline = time.monotonic() + 10
    while not is_done() and time.monotonic() < deadline:  # noqa: ASYNC110 - as said
        await asyncio.sleep(0)


def saved(house: House) -> int:
    """What the ledger says the archive has saved."""
    return sum(entry.tokens for entry in lines(house, Served))


def test_built_from_settings(house):
    """A client is built from settings that were read before, with the lane, clock, transport and watch given."""
    seen = []

    async def main():
        async with hot(house, lane="jobs", watch=seen.append) as keepa:
            assert (await keepa.products([RECORDED]))[0].paid_now
            return keepa.ledger.fingerprint, keepa.upstream_url, keepa.clock, (await keepa.status()).floor

    assert run(main()) == (ACCOUNT, KEEPA_URL, house.clock, 100)
    assert seen


def test_neither_thread_nor_database(house, monkeypatch):
    """Products, lists and raw answers that are in memory come without either, equal to those from the archive."""
    tally, steps = Tally(), []

    async def main():
        async with hot(house, watch=steps.append) as keepa:
            await keepa.products([RECORDED, *ASINS[:5]])
            await keepa.best_sellers(3760911)
            shop = keepa.on_behalf_of("shop", LIVE, tally=tally, max_age=3600)
            call = ProductCall(asins=(RECORDED,), domain=1)

            async def all_of_it():
                products = await shop.products([RECORDED, *ASINS[:5]])
                return (
                    [bytes(product.raw) for product in products],
                    (await shop.best_sellers(3760911)).asins,
                    (await shop.send(call)).body,
                )

            before = await all_of_it()
            with monkeypatch.context() as patch:
                forbid(patch, keepa)
                steps.clear()
                assert await all_of_it() == before
                assert len(steps) == 3

    run(main())
    assert {type(step) for step in steps} == {Found}
    assert house.truth().consumed == 56
    assert (tally.consumed, tally.saved, tally.answers) == (0, 2 * 57, 2 * 8)
    assert saved(house) == tally.saved
    assert {entry.label.caller for entry in lines(house, Served)} == {"shop"}


def test_from_memory_or_not_at_all(house):
    """Who asks the memory alone waits for nothing: all of it is there, or nothing is sent, counted or paid for."""
    tally = Tally()

    async def main():
        async with hot(house) as keepa:
            memory = keepa.on_behalf_of("shop", LIVE, tally=tally).memory
            with pytest.raises(NotRememberedError):
                await memory.products([RECORDED])
            assert (house.truth().consumed, tally.answers) == (0, 0)
            await keepa.products([RECORDED])
            with pytest.raises(NotRememberedError):
                await memory.products([RECORDED, *ASINS[:5]])
            with pytest.raises(NotRememberedError):
                await memory.products([RECORDED], max_age=0)
            [product] = await memory.products([RECORDED])
            return product.asin, product.paid_now

    assert run(main()) == (RECORDED, False)
    assert house.truth().consumed == 1
    assert (tally.consumed, tally.answers, tally.saved, saved(house)) == (0, 1, 1, 1)


def test_a_long_list_takes_a_thread(house, monkeypatch):
    """A long list does not hold up the event loop: it is looked up in a thread, though all of it is in memory."""

    async def main():
        async with hot(house) as keepa:
            names = [f"B1{number:08}" for number in range(RECALLED_AT_ONCE + 1)]
            await keepa.products(names)
            with monkeypatch.context() as patch:
                forbid(patch, keepa)
                assert len(await keepa.products(names[1:])) == RECALLED_AT_ONCE
                with pytest.raises(AssertionError):
                    await keepa.products(names)
            return {each.paid_now for each in await keepa.products(names)}

    assert run(main()) == {False}


def test_what_is_not_all_there(house):
    """Of what is not all in memory the rest comes from the archive or from Keepa; who wants it fresh has it fresh."""

    async def main():
        async with house.keepa() as other:
            await other.products(ASINS[5:8])
        async with hot(house) as keepa:
            await keepa.products(ASINS[:5])
            mixed = await keepa.products(ASINS[:10])
            fresh = await keepa.products(ASINS[:2], max_age=0)
            wider = await keepa.products(ASINS[:2], stats=90)
            return [[each.paid_now for each in some] for some in (mixed, fresh, wider)]

    assert run(main()) == [[False] * 8 + [True] * 2, [True] * 2, [True] * 2]
    assert house.truth().consumed == 3 + 5 + 2 + 2 + 2


def test_as_old_as_it_may_be(house):
    """What grows too old in memory is paid for again; what others have fetched is found after a minute."""

    async def main():
        async with hot(house) as keepa, house.keepa() as other:
            first = (await keepa.products(ASINS[:1], max_age=30))[0]
            await house.clock.sleep_async(29)
            same = (await keepa.products(ASINS[:1], max_age=30))[0]
            await house.clock.sleep_async(2)
            newer = (await other.products(ASINS[:1], max_age=30))[0]
            still = (await keepa.products(ASINS[:1]))[0]
            await house.clock.sleep_async(MEMORY_LIFE.total_seconds())
            found = (await keepa.products(ASINS[:1]))[0]
            return [each.fetched_at for each in (first, same, newer, still, found)]

    first, same, newer, still, found = run(main())
    assert first == same == still < newer == found
    assert house.truth().consumed == 2


def test_the_ledger_is_away(house, monkeypatch, caplog):
    """What is in memory is answered though the ledger is away; what that saved gets on record when it is back."""
    flushed_by = []

    async def main():
        async with hot(house) as keepa:
            await keepa.products(ASINS[:1])
            flush = keepa.ledger.flush

            def gone() -> None:
                flushed_by.append(threading.current_thread())
                raise LedgerUnavailableError("gone")

            monkeypatch.setattr(keepa.ledger, "flush", gone)
            for _ in range(3):
                await keepa.products(ASINS[:1])
                await house.clock.sleep_async(11)
            await until(lambda: flushed_by)
            monkeypatch.setattr(keepa.ledger, "flush", flush)

    run(main())
    assert flushed_by
    assert threading.main_thread() not in flushed_by
    assert "not on record yet" in caplog.text
    assert saved(house) == 3


def test_what_is_answered_gets_on_record(house):
    """Though every answer comes from memory, what it saved is in the ledger ten seconds later."""

    async def main():
        async with hot(house) as keepa:
            await keepa.products(ASINS[:1])
            for _ in range(4):
                await keepa.products(ASINS[:1])
                await house.clock.sleep_async(9)
            await until(lambda: saved(house))
            return saved(house)

    assert 0 < run(main()) <= 4
    assert saved(house) == 4


def test_the_account_as_it_was_seen(house, monkeypatch):
    """`seen` is the account after the last step of this process, without a look at the database."""

    async def main():
        async with hot(house) as keepa:
            assert keepa.ledger.seen() is None
            await keepa.products(ASINS[:20])
            with monkeypatch.context() as patch:
                forbid(patch, keepa)
                seen = keepa.ledger.seen()
            assert seen is not None
            assert seen == keepa.ledger.account()
            return seen.balance_at(house.clock.now())

    assert run(main()) == 1180


def test_the_others_are_seen_when_one_looks(house):
    """What another process spends is seen with the next step, and `account` is such a step; an older one never wins."""

    async def main():
        async with hot(house) as keepa, house.keepa() as other:
            await keepa.products(ASINS[:20])
            await other.products(ASINS[20:40])
            assert keepa.ledger.seen().balance_at(house.clock.now()) == 1180
            await keepa.status()
            return keepa.ledger.seen().balance_at(house.clock.now() + timedelta())

    assert run(main()) == 1160
