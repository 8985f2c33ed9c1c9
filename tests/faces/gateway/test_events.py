"""Events: what happens is told once, in order, resumably, to all who listen; nobody holds anything up."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

import httpx2
import pytest
import uvicorn
from tests.gateway_house import GatewayHouse
from tests.house import ACCOUNT, run

from keepahead.budget.lane import LIVE
from keepahead.faces.gateway import feed as feeds
from keepahead.faces.gateway.feed import QUEUE, Event, Feed, Listener
from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.record import Filter


@dataclass
class Told:
    """One event as it came."""

    name: str = ""
    id: str | None = None
    data: dict = field(default_factory=dict)
    comment: str = ""


@asynccontextmanager
async def served(house: GatewayHouse) -> AsyncIterator[httpx2.AsyncClient]:
    """Put the house's gateway on a port; give a client with the key that reads."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(house.app, log_config=None, access_log=False, lifespan="off")
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn says it in no other way
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        try:
            async with httpx2.AsyncClient(
                base_url=url, headers={"X-API-Key": house.keys["read"]}, timeout=20
            ) as client:
                yield client
        finally:
            server.should_exit = True
            await task


@asynccontextmanager
async def following(client: httpx2.AsyncClient, query: str = "", **headers: str) -> AsyncIterator[AsyncIterator[Told]]:
    """Listen to the events."""
    async with client.stream("GET", f"/api/v1/events{query}", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield told_by(answer)


async def told_by(answer: httpx2.Response) -> AsyncIterator[Told]:
    """Yield the events of an answer."""
    told = Told()
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        match name:
            case "":
                if value:
                    told.comment = value
                elif told != Told():
                    yield told
                    told = Told()
            case "event":
                told.name = value
            case "id":
                told.id = value
            case "data":
                told.data = json.loads(value)
            case _:
                pass  # retry


async def entries(events: AsyncIterator[Told], count: int) -> list[Told]:
    """Return the next events that are entries."""
    found: list[Told] = []
    async with asyncio.timeout(15):
        async for each in events:
            if each.id is not None:
                found.append(each)
            if len(found) == count:
                return found
    raise AssertionError(found)


async def buy(house: GatewayHouse, *asins: str) -> None:
    """Pay for products."""
    await house.gateway._keepa.on_behalf_of("buyer", LIVE).products(asins or ["B0D8W1YVBX"], max_age=0)


def test_what_is_spent_is_told(tmp_path):
    """Who listens is told of each entry with its number as id, and of the balance; first of what stands."""

    async def main():
        async with GatewayHouse(tmp_path, balance=100).opened() as house:
            await buy(house)
            async with served(house) as client, following(client) as events:
                first = [await anext(events), await anext(events)]
                await buy(house, "B0D8W1YVBX", "B0F7XPYCSJ")
                paid = await entries(events, 2)
                return first, paid, await anext(events)

    first, paid, after = asyncio.run(main())
    assert [(each.name, each.id) for each in first] == [("balance", None), ("waiting", None)]
    assert first[0].data["balance"] == 99
    assert [each.name for each in paid] == ["reserved", "settled"]
    assert [each.id for each in paid] == [str(each.data["seq"]) for each in paid]
    assert (paid[1].data["tokens"], paid[1].data["shape"]) == (2, "product 2 products domain=1")
    assert (after.name, after.data["balance"]) == ("balance", 97)


@pytest.mark.parametrize("how", ["header", "query"])
def test_listening_is_resumed(tmp_path, how):
    """Who comes back with the last id gets all that was missed, once and in order, and then what is new."""

    async def main():
        async with GatewayHouse(tmp_path, balance=300).opened() as house, served(house) as client:
            async with following(client) as events:
                await buy(house)
                seen = await entries(events, 2)
            for _ in range(5):
                await buy(house)
            last = seen[-1].id
            headers = {"Last-Event-ID": last} if how == "header" else {}
            async with following(client, f"?after={last if how == 'query' else 0}", **headers) as events:
                missed = await entries(events, 10)
                await buy(house)
                seen += missed + await entries(events, 2)
            with house.books() as (_, record):
                return seen, [line.seq for line in record.lines(Filter(), limit=100)]

    seen, every = asyncio.run(main())
    numbers = [int(each.id) for each in seen]
    assert numbers == sorted(every)[:14]


def test_what_is_gone_is_a_gap(tmp_path):
    """Where entries were put away, and after a number that the ledger does not have, the first event says so."""

    async def main():
        async with GatewayHouse(tmp_path, balance=300).opened() as house, served(house) as client:
            for _ in range(4):
                await buy(house)
            database = open_database(house.database_url)
            assert Audit(database, ACCOUNT).fold(house.clock.now() + timedelta(hours=2)) > 0
            database.close()
            found = []
            for query in ("?after=1", "?after=1000000"):
                async with following(client, query) as events:
                    found += await entries(events, 1)
            return found

    put_away, ahead = asyncio.run(main())
    assert (put_away.name, ahead.name) == ("gap", "gap")
    assert put_away.id == ahead.id
    assert "put away" in put_away.data["reason"]
    assert "1000000" in ahead.data["reason"]


def test_gateways_see_each_other(tmp_path, url):
    """What another gateway on the same ledger spends is told here as well, on either database."""

    async def main():
        house = GatewayHouse(tmp_path, balance=300)
        house.database_url = url
        async with house.opened(), served(house) as client, following(client) as events:
            await anext(events)
            other = house.keepa(caller="other")
            await other.products(["B0D8W1YVBX"], max_age=0)
            await other.aclose()
            return await entries(events, 2)

    assert [each.data["caller"] for each in asyncio.run(main())] == ["other", "other"]


def test_hanging_up_leaves_nothing_behind(tmp_path, capsys):
    """When the last listener has hung up nobody reads the ledger for events any more; no task and no fault is left."""

    async def main():
        async with GatewayHouse(tmp_path, balance=300).opened() as house, served(house) as client:
            feed: Feed = house.app.state.feed
            before = asyncio.all_tasks()
            for _ in range(3):
                async with following(client) as events:
                    await anext(events)
                    assert feed.listeners
            async with asyncio.timeout(10):
                while feed.listeners or not feed._task.done():  # noqa: ASYNC110 - nobody is told
                    await asyncio.sleep(0.05)
            await client.aclose()
            left = asyncio.all_tasks() - before  # among them what watches and delivers, which ends with each look
            if left:
                await asyncio.wait(left, timeout=10)
            return [task for task in left if not task.done() and task is not asyncio.current_task()]

    assert asyncio.run(main()) == []
    said = "".join(capsys.readouterr())
    assert "request" in said
    assert "fault" not in said


def test_silence_is_broken(tmp_path):
    """Where nothing happens a comment comes from time to time, so that no proxy takes the line for dead."""

    async def main():
        async with GatewayHouse(tmp_path, rate=1, balance=60).opened() as house:
            await buy(house)
            feed: Feed = house.app.state.feed
            async with feed.listening(None) as events:
                began = house.clock.now()
                return [await anext(events) for _ in range(10)], house.clock.now() - began

    found, took = run(main())
    comments = [each for each in found if not each.name]
    assert len(comments) >= 5  # the rest is refill
    assert took < timedelta(seconds=feeds.HEARTBEAT_SECONDS * 10)


def test_draining_ends_the_streams(tmp_path):
    """When the gateway goes down its streams end, with a word."""

    async def main():
        house = GatewayHouse(tmp_path, balance=300)
        async with house.opened(), served(house) as client, following(client) as events:
            await anext(events)
            house.gateway.is_draining.set()
            async with asyncio.timeout(5):
                return [each async for each in events][-1]

    assert asyncio.run(main()).comment.startswith("the gateway is going down")


def test_nonsense_is_no_number(tmp_path):
    """An id that no event had is refused before the stream begins; so is one listener too many."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("read") as client:
            bad = [
                await client.get("/api/v1/events", headers={"Last-Event-ID": "x"}),
                await client.get("/api/v1/events?after=-1"),
            ]
            feed: Feed = house.app.state.feed
            feed.listeners = feeds.LISTENERS_MOST
            return bad, await client.get("/api/v1/events")

    bad, full = run(main())
    assert [each.status_code for each in bad] == [422, 422]
    assert (full.status_code, full.json()["type"]) == (503, "/problems/too-busy")
    assert "Retry-After" in full.headers


def test_who_is_too_slow_is_cut_off():
    """A listener that lets too many events wait gets those that do, a word, and no more; the others are not held up."""

    async def main():
        slow = Listener()
        for number in range(QUEUE + 10):
            slow.put(Event("settled", "{}", number))
        assert slow.is_over
        return [each async for each in slow.events()]

    found = run(main())
    assert [each.seq for each in found[:-1]] == list(range(QUEUE))
    assert (found[-1].name, found[-1].seq) == ("", None)
    assert "Last-Event-ID" in found[-1].data


def test_refill_and_waiting_are_told(tmp_path):
    """The balance is told at each refill though nothing is spent; who waits is told when it begins and when it ends."""

    async def main():
        async with GatewayHouse(tmp_path, balance=15).opened() as house:
            await buy(house)
            found: list[Event] = []
            feed: Feed = house.app.state.feed
            async with feed.listening(None) as events:
                task = asyncio.create_task(take(events, found))
                await asyncio.sleep(1)
                await buy(house, *(f"B00000{number:04}" for number in range(10)))
                await asyncio.sleep(130)
                task.cancel()
                return found, house.clock.now()

    async def take(events: AsyncIterator[Event], into: list[Event]) -> None:
        async for each in events:
            into.append(each)  # noqa: PERF401 - it is cancelled before it ends

    found, _ = run(main())
    waiting = [json.loads(each.data)["waiting_calls"] for each in found if each.name == "waiting"]
    assert [[call["tokens"] for call in calls] for calls in waiting] == [[], [10], []]
    balances = [json.loads(each.data)["balance"] for each in found if each.name == "balance"]
    assert balances[0] == 14
    assert balances[-2:] == [balances[-3] + 20, balances[-3] + 40]
    assert [each.name for each in found if each.seq is not None] == ["reserved", "settled"]
