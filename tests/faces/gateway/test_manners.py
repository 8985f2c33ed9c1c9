"""What holds for every route: unknown parameters, methods, HEAD, and answers in lines."""

import asyncio
import json
from datetime import timedelta

import pytest
from starlette.routing import Match
from tests.gateway_house import GatewayHouse
from tests.gateway_walk import examples_of
from tests.gateway_wire import talk
from tests.house import run

from keepahead.faces.gateway.routes import products
from keepahead.faces.gateway.routes.remembered import RememberedRoute, ShortCut
from keepahead.simulator import Faults

LINES = "application/x-ndjson"


def own(house: GatewayHouse):
    """The operations of the gateway's own API."""
    return [each for each in examples_of(house.app.openapi()) if each.template.startswith("/api/")]


def test_a_mistyped_parameter_does_not_spend(tmp_path):
    """No operation takes a query parameter that it does not declare; the answer names the nearest that it does."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("admin") as client:
            for example in own(house):
                wrong = example._replace(params={**example.params, "max_token": 1})
                answer = await wrong.send(client)
                assert answer.status_code == 422, example.name
                told = answer.json()["errors"][0]
                assert (told["parameter"], told["code"]) == ("max_token", "unknown_parameter"), example.name
            assert house.truth().consumed == 0

    run(main())


def test_a_wrong_method_is_told_the_right_ones(tmp_path):
    """A method that does not work is 405, with all that do, HEAD wherever GET is; nothing is done."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client("admin") as client:
            methods: dict[str, set[str]] = {}
            for example in own(house):
                methods.setdefault(example.template, set()).add(example.method)
            for example in own(house):
                works = methods[example.template] | ({"HEAD"} if "GET" in methods[example.template] else set())
                for method in {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"} - works:
                    answer = await client.request(method, example.path)
                    assert answer.status_code == 405, (method, example.path)
                    assert works <= set(answer.headers["allow"].split(", "))
            assert house.truth().consumed == 0

    run(main())


def test_head_is_get_without_the_body(tmp_path):
    """HEAD answers with the status and the headers of GET, and no body."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            path = "/api/v1/categories?ids=0"
            got = await client.get(path)
            head = await client.head(path)
            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-type"] == got.headers["content-type"]
            assert head.headers["x-keepa-tokens-saved"] == "1"

    run(main())


@pytest.mark.parametrize(
    "query",
    [
        "page=1.0",
        "page=1_0",
        "page=%201",
        "page=",
        "page=67",
        "category=",
        "price=50..10",
        "price=1.999..2",
        "price=x",
        "range=year",
        "domain=7",
        "domain=amazon.xy",
        "lane=slow",
        "max_age=forever",
        "max_age=-1",
        "max_tokens=-1",
        "max_tokens=5.5",
        "deadline=soon",
        "deadline=2026-01-01",
        "on_refusal=maybe",
        "title=" + "x" * 201,
    ],
)
def test_what_is_no_value_is_refused(tmp_path, query):
    """A parameter that cannot be read is 422 with its name, and nothing is spent."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            answer = await client.get(f"/api/v1/deals?{query}")
            assert answer.status_code == 422, answer.text
            assert answer.json()["errors"][0]["parameter"].startswith(query.partition("=")[0])
            assert house.truth().consumed == 0

    run(main())


@pytest.mark.parametrize("where", ["/api/v1/{}", "/api/v1/products/{}", "/api/v1/budget?{}=1", "/api/v1/budget?key={}"])
def test_a_key_that_is_out_of_place_is_not_repeated(tmp_path, where):
    """Whoever puts his key where none belongs is refused without it: answers are kept in places where URLs are not."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            answer = await client.get(where.format(house.keys["spend"]))
            assert answer.status_code in {404, 422}
            assert house.keys["spend"][:40] not in answer.text

    run(main())


@pytest.mark.parametrize(
    ("path", "last"),
    [
        ("/api/v1/bestsellers/283155", {"place", "asin"}),
        ("/api/v1/deals", {"categories", "fetched_at", "archived", "stale"}),
        ("/api/v1/products/B0D8W1YVBX/series", {"kind", "at", "value"}),
        ("/api/v1/products?asins=B0D8W1YVBX,B000000000", {"missing", "complete", "tokens_consumed", "tokens_saved"}),
    ],
)
def test_long_answers_come_as_lines(tmp_path, path, last):
    """Whoever accepts NDJSON is given a document a line, from the same answer that others are given whole."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            assert (await client.get(path)).headers["content-type"] == "application/json"
            paid = house.truth().consumed
            answer = await client.get(path, headers={"Accept": LINES})
            assert answer.headers["content-type"] == LINES
            lines = [json.loads(line) for line in answer.text.splitlines()]
            assert len(lines) > 1
            assert lines[-1].keys() == last
            assert house.truth().consumed == paid

    run(main())


def test_a_thousand_products_come_call_by_call(tmp_path):
    """Products are streamed as Keepa gives them, a call of a hundred at a time; the unknown are named at the end."""

    async def main():
        slow = Faults(latency_seconds=(5.0, 5.0))
        async with GatewayHouse(tmp_path, rate=100).opened() as house, house.client() as client:
            listed = (await client.get("/api/v1/bestsellers/283155")).json()["asins"]
            house.simulator.faults = slow
            asins = [*listed[:150], "X000000000"]
            sent = await talk(house, "/api/v1/products", query=f"asins={','.join(asins)}", accept=LINES)
            bodies = [each for each in sent if each.message.get("body")]
            assert [json.loads(each.message["body"])["asin"] for each in bodies[:-1]] == asins[:150]
            *_, last = (json.loads(each.message["body"]) for each in bodies)
            assert last == {"missing": ["X000000000"], "complete": True, "tokens_consumed": 151, "tokens_saved": 0}
            assert b"x-keepa-tokens-consumed" not in dict(sent[0].message["headers"])  # nobody knew yet
            assert bodies[0].seconds < 6 < bodies[149].seconds

    run(main())


def test_a_refusal_in_the_middle_is_the_last_line(tmp_path):
    """Where the tokens end in the middle of a stream its last line is the problem, with since when they are there."""

    async def main():
        async with GatewayHouse(tmp_path, balance=210).opened() as house, house.client() as client:
            listed = (await client.get("/api/v1/bestsellers/283155")).json()["asins"][:300]
            query = {"asins": ",".join(listed)}
            assert (await client.get("/api/v1/products", params=query)).status_code == 503  # nothing of it is begun
            answer = await client.get("/api/v1/products", params=query, headers={"Accept": LINES})
            assert answer.status_code == 200
            *products, told = [json.loads(line) for line in answer.text.splitlines()]
            assert told["problem"]["type"] == "/problems/insufficient-tokens"
            assert "retry_at" in told["problem"]
            assert [each["asin"] for each in products] == listed[:100]
            assert house.truth().lowest_balance >= 10

    run(main())


def test_a_stream_keeps_to_max_tokens(tmp_path):
    """The calls of a stream share `max_tokens`: what would take them beyond it is refused in the last line."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            asins = ["B0D8W1YVBX", *(f"X{number:09}" for number in range(250))]
            query = {"asins": ",".join(asins), "max_tokens": 120}
            answer = await client.get("/api/v1/products", params=query, headers={"Accept": LINES})
            last = json.loads(answer.text.splitlines()[-1])
            assert last["problem"]["type"] == "/problems/above-max-tokens"
            assert last["tokens_consumed"] == house.truth().consumed == 100

    run(main())


def test_a_slow_reader_holds_nothing(tmp_path):
    """While a client takes its lines slowly no tokens are set aside for what it has not come to yet."""

    async def main():
        async with GatewayHouse(tmp_path, rate=100).opened() as house, house.client() as client:
            listed = (await client.get("/api/v1/bestsellers/283155")).json()["asins"][:300]
            query = f"asins={','.join(listed)}"
            reading = asyncio.create_task(
                talk(house, "/api/v1/products", query=query, accept=LINES, reads_after=1, hangs_up_after=60)
            )
            await asyncio.sleep(30)
            assert house.truth().consumed == 150
            with house.books() as (ledger, _):
                assert ledger.account().reservations == ()
            await reading
            assert house.truth().consumed == 150

    run(main())


def test_what_is_remembered_of_a_query_is_nothing_else(tmp_path):
    """A product's query that was read before is read the same for others: their product, their key, their faults."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client, house.client("read") as reader:
            query = "stats=90&history=false&max_tokens=5"
            listed = (await client.get("/api/v1/bestsellers/283155")).json()["asins"]
            for asin in (*listed[:3], listed[0]):
                answer = await client.get(f"/api/v1/products/{asin}?{query}")
                assert answer.json()["product"]["asin"] == asin
                assert answer.json()["product"]["stats"] is not None
            assert house.truth().consumed == 53
            assert (await reader.get(f"/api/v1/products/{listed[1]}?{query}")).status_code == 200
            assert (await reader.get(f"/api/v1/products/{listed[4]}?{query}")).status_code == 403
            assert (await client.get(f"/api/v1/products/{listed[4].lower()}?{query}")).status_code == 422
            assert (await client.get(f"/api/v1/products/{listed[4]}?{query}&stat=1")).status_code == 422
            assert (await client.get(f"/api/v1/products/{listed[4]}?{query}&lane=jobs")).status_code == 200
            assert house.truth().consumed == 54

    run(main())


def test_the_short_cut_is_for_what_is_known(tmp_path):
    """A good path whose query was read before goes past the other routes; everything else goes the whole way."""
    [short_cut] = [ShortCut(each) for each in products.quick.routes if isinstance(each, RememberedRoute)]
    query = "stats=1913&history=false"  # nobody else asks for that

    def leads(path: str, query: str, method: str = "GET") -> bool:
        scope = {"type": "http", "method": method, "path": path, "query_string": query.encode()}
        return short_cut.matches(scope)[0] is Match.FULL

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client() as client:
            assert not leads("/api/v1/products/B0D8W1YVBX", query)
            assert (await client.get(f"/api/v1/products/B0D8W1YVBX?{query}")).status_code == 200

    run(main())
    assert leads("/api/v1/products/B0D8W1YVBX", query)
    assert leads("/api/v1/products/B000000001", query)
    assert not leads("/api/v1/products/B0D8W1YVBX", f"{query}&stat=1")
    assert not leads("/api/v1/products/b0d8w1yvbx", query)
    assert not leads("/api/v1/products/discover", query)
    assert not leads("/api/v1/products/B0D8W1YVBX/analysis", query)
    assert not leads("/api/v1/products/B0D8W1YVBX", query, method="POST")


def test_a_deadline_is_not_remembered(tmp_path):
    """However it is written, a moment by which tokens must be there is read anew each time."""

    async def main():
        async with GatewayHouse(tmp_path, rate=1, balance=25).opened() as house, house.client() as client:
            at = (house.clock.now() + timedelta(seconds=90)).isoformat().replace("+00:00", "Z")
            query = f"buybox=true&%64eadline={at}"
            assert (await client.get(f"/api/v1/products/B0D8W1YVBX?{query}")).status_code == 200
            assert (await client.get("/api/v1/search", params={"term": "tea"})).status_code == 200
            await house.clock.sleep_async(80)
            began = house.clock.now()
            while house.truth().balance > 12:  # one too few for the next
                await client.get(f"/api/v1/products/X{house.truth().balance:09}")
            assert (await client.get(f"/api/v1/products/B000000001?{query}")).status_code == 503
            assert house.clock.now() - began < timedelta(seconds=15)

    run(main())
