"""What is spent through the gateway is set aside first, settled after, and told to whoever asked."""

import asyncio
from typing import Any

import httpx2
import pytest
from tests.gateway_house import GatewayHouse
from tests.gateway_walk import examples_of, spends
from tests.gateway_wire import talk
from tests.house import run

from keepahead.budget.entry import Reserved, Settled
from keepahead.simulator import Faults
from keepahead.store.record import Filter

SLOW = Faults(latency_seconds=(20.0, 20.0))


class Seen(httpx2.AsyncBaseTransport):
    """The way to Keepa, which looks into the ledger whenever something is sent."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, house: "WatchedHouse") -> None:
        self._inner = inner
        self._house = house
        self._under_way = 0

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/token":
            return await self._inner.handle_async_request(request)
        self._under_way += 1
        with self._house.books() as (ledger, _):
            held = [each for each in ledger.account().reservations if not each.is_unknown]
        self._house.held.append((request.url.path, len(held), self._under_way, sum(each.tokens for each in held)))
        try:
            return await self._inner.handle_async_request(request)
        finally:
            self._under_way -= 1


class WatchedHouse(GatewayHouse):
    """Notes what is set aside whenever something is sent: path, reservations, requests under way, tokens."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.held: list[tuple[str, int, int, int]] = []

    def transport(self) -> Any:
        return Seen(super().transport(), self)


def test_every_route_reserves_settles_and_tells(tmp_path):
    """Of each request: tokens are set aside before it is sent, and ledger, headers and Keepa agree on what it cost."""

    async def main():
        async with WatchedHouse(tmp_path, rate=200).opened() as house, house.client() as client:
            document, told = house.app.openapi(), 0
            for example in examples_of(document):
                if not spends(document, example):
                    continue
                before, asked = house.truth(), len(house.held)
                answer = await example.send(client)
                assert answer.status_code in {200, 404}, (example.name, answer.text)
                told += int(answer.headers["x-keepa-tokens-consumed"])
                truth = house.truth()
                assert truth.requests - before.requests - (before.requests == 0) == len(house.held) - asked
                assert truth.consumed == told, example.name
                assert int(answer.headers["x-keepa-tokens-left"]) == truth.balance
            assert all(reservations == under_way for _, reservations, under_way, _ in house.held)
            assert {path for path, *_ in house.held} >= {"/product", "/bestsellers", "/deal", "/query", "/search"}
            with house.books() as (ledger, record):
                account = ledger.account()
                entries = [line.entry for line in record.lines(Filter(), limit=1000)]
            assert account.reservations == ()
            assert sum(entry.tokens for entry in entries if isinstance(entry, Settled)) == told
            assert {entry.label.caller for entry in entries if isinstance(entry, Reserved)} == {"spend"}

    run(main())


def test_a_client_that_hangs_up_loses_no_paid_answer(tmp_path):
    """Who goes away while Keepa answers finds the answer in the archive when he comes back; it is paid for once."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            await slow_down(house, client)
            await talk(house, "/api/v1/products/B0D8W1YVBX/series", hangs_up_after=10)
            await asyncio.sleep(60)
            assert house.truth().consumed == 2
            answer = await client.get("/api/v1/products/B0D8W1YVBX/series")
            assert (answer.status_code, answer.json()["archived"]) == (200, True)
            assert house.truth().consumed == 2
            with house.books() as (ledger, _):
                assert ledger.account().reservations == ()

    run(main())


def test_whoever_waits_in_line_leaves_it_when_he_hangs_up(tmp_path):
    """A request that waits for tokens gives its ticket back when its client has gone, and nothing is sent for it."""

    async def main():
        async with GatewayHouse(tmp_path, balance=12).opened() as house:
            await talk(house, "/api/v1/bestsellers/283155", query="deadline=140s", hangs_up_after=30)
            await asyncio.sleep(120)
            assert house.truth().consumed == 0
            with house.books() as (ledger, _):
                assert ledger.account().tickets == ()

    run(main())


def test_a_request_has_its_time_and_no_more(tmp_path):
    """What takes longer than a request may is 504, problem and all; what was sent is archived, and paid for once."""

    async def main():
        async with GatewayHouse(tmp_path).opened(request_seconds=5) as house, house.client() as client:
            await slow_down(house, client)
            late = await client.get("/api/v1/products/B0D8W1YVBX")
            assert (late.status_code, late.json()["type"]) == (504, "/problems/took-too-long")
            await asyncio.sleep(60)
            again = await client.get("/api/v1/products/B0D8W1YVBX")
            assert (again.status_code, house.truth().consumed) == (200, 2)

    run(main())


def test_a_deadline_waits_and_then_gives_up(tmp_path):
    """With a deadline a request waits for its tokens; with too near a one it is told since when they are there."""

    async def main():
        async with GatewayHouse(tmp_path, balance=12).opened() as house, house.client() as client:
            near = await client.get("/api/v1/bestsellers/283155", params={"deadline": "30s"})
            assert near.status_code == 503
            assert "retry_at" in near.json()
            far = await client.get("/api/v1/bestsellers/283155", params={"deadline": "140s"})
            assert (far.status_code, house.truth().consumed) == (200, 50)
            beyond = await client.get("/api/v1/bestsellers/283155", params={"deadline": "1h"})
            assert (beyond.status_code, beyond.json()["errors"][0]["parameter"]) == (422, "deadline")

    run(main())


async def slow_down(house: GatewayHouse, client: httpx2.AsyncClient) -> None:
    """Have the bucket known, for 1 token, then let every answer of Keepa's take 20 seconds."""
    assert (await client.get("/api/v1/categories?ids=0")).status_code == 200
    house.simulator.faults = SLOW


@pytest.mark.parametrize(
    ("path", "query", "headers"),
    [
        ("/api/v1/search", "term=tea&deadline=140s", ()),
        ("/keepa/search", "domain=1&type=product&term=tea&page=0", ((b"x-keepa-deadline", b"140s"),)),
    ],
)
def test_who_owes_a_body_is_told_so(tmp_path, path, query, headers):
    """Whoever announced a body that never comes is told 408 while he waits for tokens, and spends nothing."""

    async def main():
        async with GatewayHouse(tmp_path, rate=5, balance=14).opened() as house:
            sent = await talk(house, path, query=query, headers=headers, owes_body=True)
            assert sent[0].message["status"] == 408
            assert sent[0].seconds < 30
            assert house.truth().consumed == 0

    run(main())
