"""Discoveries through the gateway: planned whole, begun only if payable, told as they go, partial if need be."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from tests.gateway_house import GatewayHouse
from tests.gateway_wire import talk
from tests.house import ACCOUNT, run

from keepahead.budget.rule import Limit
from keepahead.simulator import Faults
from keepahead.store.database import open_database
from keepahead.store.rulebook import Rulebook

SLOW = Faults(latency_seconds=(5.0, 5.0))
LINES = "application/x-ndjson"
WANTED = {"rank": [1, 20_000], "max_results": 5}
PATH = "/api/v1/products/discover"


class Failing(GatewayHouse):
    """A house whose way to Keepa breaks at one path, from the so manyth request on."""

    path, after = "/product", 0

    def transport(self) -> Any:
        return _Broken(super().transport(), self)


class _Broken(httpx2.AsyncBaseTransport):
    def __init__(self, inner: httpx2.AsyncBaseTransport, house: Failing) -> None:
        self._inner = inner
        self._house = house

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path == self._house.path:
            self._house.after -= 1
            if self._house.after < 0:
                raise httpx2.ConnectError("cut off", request=request)
        return await self._inner.handle_async_request(request)


def lines_of(answer: httpx2.Response) -> list[Any]:
    """The lines of a streamed answer."""
    assert answer.headers["content-type"] == LINES
    return [json.loads(line) for line in answer.text.splitlines()]


def test_a_body_a_query_and_a_stream_find_the_same(tmp_path):
    """The same criteria as JSON, as a query and as a stream give the same products; only the first costs."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            first = (await client.post(PATH, json=WANTED)).json()
            paid = house.truth().consumed
            assert first["complete"] is True
            assert len(first["products"]) == 5
            assert first["found"]["asins"] == [each["asin"] for each in first["products"]]
            query = {"rank": "1..20000", "max_results": "5"}
            assert (await client.get(PATH, params=query)).json()["products"] == first["products"]
            told = lines_of(await client.get(PATH, params=query, headers={"Accept": LINES}))
            assert told[0] == {"plan": first["plan"]}
            assert [line["product"] for line in told[1:-1]] == first["products"]
            assert told[-1]["found"] == first["found"]
            assert house.truth().consumed == paid

    run(main())


@pytest.mark.parametrize("accept", ["application/json", LINES])
def test_nothing_is_begun_that_cannot_be_paid_for_whole(tmp_path, accept):
    """Where the first call would fit and the whole would not, nothing is sent; the answer tells what it takes."""

    async def main():
        async with GatewayHouse(tmp_path, balance=30).opened() as house, house.client(accept=accept) as client:
            plan = (await client.post(PATH, json={**WANTED, "plan_only": True})).json()
            cost = plan["plan"]["cost"]
            assert plan["forecast"]["paid_in_seconds"] > 0
            answer = await client.post(PATH, json=WANTED)
            assert answer.status_code == 503
            bounds = {bound: cost[f"tokens_{bound}"] for bound in ("min", "likely", "max")}
            assert answer.json()["required"] == bounds
            assert bounds["max"] > 20
            assert house.truth().consumed == 0

    run(main())


def test_what_was_begun_waits_for_who_came_between(tmp_path):
    """A discovery that was admitted is carried out, although somebody else spends what it would have needed."""

    async def main():
        async with GatewayHouse(tmp_path, balance=34).opened() as house, house.client() as client:
            assert (await client.get("/api/v1/categories?ids=0")).status_code == 200
            most = (await client.post(PATH, json={**WANTED, "plan_only": True})).json()["plan"]["cost"]["tokens_max"]
            assert house.truth().balance == 10 + most
            house.simulator.faults = SLOW
            discovery = asyncio.create_task(client.post(PATH, json=WANTED))
            await asyncio.sleep(2)
            await client.get("/api/v1/search?term=coffee")
            answer = await discovery
            assert (answer.status_code, answer.json()["complete"]) == (200, True)
            assert house.truth().lowest_balance >= 10

    run(main())


def test_products_are_told_as_they_are_found(tmp_path):
    """The lines of a discovery go out call by call, not at its end."""

    async def main():
        async with GatewayHouse(tmp_path, faults=SLOW).opened() as house:
            query = "category=283155&stars=4.5..5&max_results=5&road=best-sellers"
            sent = await talk(house, PATH, query=query, accept=LINES)
            at = [round(each.seconds) for each in sent if b'"product"' in each.message.get("body", b"")[:10]]
            assert len(at) == 5
            assert at[0] < at[-1] < sent[-1].seconds + 1
            assert sent[0].message["status"] == 200

    run(main())


@pytest.mark.parametrize("accept", ["application/json", LINES])
def test_what_was_paid_for_is_given_with_what_went_wrong(tmp_path, accept):
    """A part that fails makes the answer incomplete, not an error: 200, what was found, what is missing, and why."""

    async def main():
        house = Failing(tmp_path)
        async with house.opened(), house.client(accept=accept) as client:
            answer = await client.post(PATH, json=WANTED)
            assert answer.status_code == 200
            told = answer.json() if accept != LINES else lines_of(answer)[-1]
            assert told["complete"] is False
            assert told["problem"]["type"] == "/problems/keepa-unreachable"
            assert len(told["missing"]) == 5
            assert told["found"]["candidates"] >= 5

    run(main())


def test_what_fails_before_anything_is_found_is_an_error(tmp_path):
    """Where nothing was found yet the answer is the problem itself; a stream, which has begun, ends with it."""

    async def main():
        house = Failing(tmp_path)
        house.path = "/query"
        async with house.opened(), house.client() as client:
            answer = await client.post(PATH, json=WANTED)
            assert (answer.status_code, answer.json()["type"]) == (502, "/problems/keepa-unreachable")
            told = lines_of(await client.post(PATH, json=WANTED, headers={"Accept": LINES}))
            assert [*map(list, told)] == [["plan"], ["problem", "tokens_consumed", "tokens_saved"]]
            assert told[-1]["problem"] == answer.json()

    run(main())


def test_niches_are_all_or_nothing_too(tmp_path):
    """Niches are ranked below a category where all of it can be paid for, and planned for nothing."""

    async def main():
        wanted = {"category": 283155, "max_niches": 1, "sample": 2}
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            plan = await client.post("/api/v1/niches/discover", json={**wanted, "plan_only": True})
            assert plan.json()["plan"]["cost"]["tokens_max"] > 0
            assert house.truth().consumed == 0
            found = (await client.post("/api/v1/niches/discover", json=wanted)).json()
            assert [len(each["sample"]) for each in found["niches"]] == [2]
            assert house.truth().consumed <= plan.json()["plan"]["cost"]["tokens_max"]

    run(main())


@pytest.mark.parametrize(
    ("body", "culprit"),
    [
        ({**WANTED, "rnak": [1, 2]}, "rnak"),
        ({"rank": [1, 2.5]}, "rank"),
        ({"rank": "1..2"}, "rank"),
        ({"rank": [5, 1]}, "rank"),
        ({**WANTED, "max_results": True}, "max_results"),
        ({**WANTED, "max_results": 10_001}, "max_results"),
        ({**WANTED, "domain": "amazon.xy"}, "domain"),
        ({**WANTED, "with_rating": 1}, "with_rating"),
        ({**WANTED, "road": "best-sellers"}, "road"),
    ],
)
def test_a_body_that_is_wrong_is_refused_by_name(tmp_path, body, culprit):
    """Unknown fields, wrong types, contradictions: 422 that names the field, and nothing is spent."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            answer = await client.post(PATH, json=body)
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["parameter"].startswith(culprit)
            assert house.truth().consumed == 0

    run(main())


def test_a_limit_is_foreseen(tmp_path):
    """What its caller may not spend in this hour is not begun: of a discovery or a long list nothing is bought."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            database = open_database(house.database_url)
            limited = Limit(caller="spend", tokens_per_hour=15)
            Rulebook(database, ACCOUNT).limit(limited)
            refused = await client.post(PATH, json=WANTED)
            assert (refused.status_code, refused.json()["type"]) == (429, "/problems/caller-limit")
            Rulebook(database, ACCOUNT).limit(replace(limited, tokens_per_hour=120))
            asins = ",".join(f"X{number:09}" for number in range(121))
            refused = await client.get("/api/v1/products", params={"asins": asins})
            assert (refused.status_code, refused.json()["type"]) == (429, "/problems/caller-limit")
            assert house.truth().consumed == 0
            assert (await client.post(PATH, json=WANTED)).status_code == 200
            database.close()

    run(main())
