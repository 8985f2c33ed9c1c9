"""Nothing spends but what may: every route of the gateway, walked; below the floor, with every kind of key."""

import ast
from datetime import datetime, timedelta
from itertools import count, islice
from pathlib import Path

import httpx2
import pytest
from tests.gateway_house import GatewayHouse
from tests.gateway_walk import Example, examples_of, spends
from tests.house import run

from keepahead.faces import gateway
from keepahead.faces.gateway.problems import KINDS, MEDIA_TYPE
from keepahead.store.record import Filter

ROOM = Path(gateway.__file__).parent
BUILDERS = {"gateway.py", "assembly.py"}
"""The modules that may know the client that spends on its own behalf."""


def spending(house: GatewayHouse, **instead: str) -> list[Example]:
    """The examples that may cost something; there are some, or the test would hold nothing."""
    document = house.app.openapi()
    found = [each for each in examples_of(document, **instead) if spends(document, each)]
    assert len(found) > 15
    return found


def refused(answer: httpx2.Response) -> dict:
    """The problem document of an answer."""
    assert answer.headers["content-type"] == MEDIA_TYPE, answer.text
    told = answer.json()
    assert told["type"].removeprefix("/problems/") in KINDS
    assert told["status"] == answer.status_code
    return told


def test_below_the_floor_no_route_spends(tmp_path):
    """Whatever is asked while the balance is below the floor, Keepa charges nothing, and whatever could is refused."""

    async def main():
        async with GatewayHouse(tmp_path, balance=5).opened() as house, house.client("admin") as client:
            document = house.app.openapi()
            for example in examples_of(document):
                answer = await example.send(client)
                if spends(document, example):
                    assert answer.status_code == 503, example.name
                    assert refused(answer)["type"] == "/problems/insufficient-tokens"
                else:
                    assert answer.status_code < 500, example.name
                assert answer.headers.get("x-keepa-tokens-consumed", "0") == "0", example.name
            assert house.truth().consumed == 0

    run(main())


def test_below_the_floor_the_guard_lets_through_what_costs_nothing(tmp_path):
    """The archive and free routes answer; a refusal is one entry in the ledger, and nothing is set aside for it."""
    asin, other = "B0D8W1YVBX", "B0F7XPYCSJ"

    async def main():
        async with GatewayHouse(tmp_path, balance=12).opened() as house, house.client() as client:
            first = await client.get(f"/api/v1/products/{asin}")
            assert (first.status_code, first.headers["x-keepa-tokens-left"]) == (200, "11")
            await client.get("/api/v1/products/B000000000")
            with house.books() as (_, record):
                before = len(record.lines(Filter()))
            again = await client.get(f"/api/v1/products/{asin}")
            both = await client.get(f"/api/v1/products?asins={asin},{other}")
            free = await client.get(f"/api/v1/estimate?request=/product?domain=1%26asin={other}")
            waits = await client.get(f"/api/v1/products/{other}?deadline=90s")
            with house.books() as (_, record):
                kinds = [line.entry.__class__.__name__ for line in record.lines(Filter())][: -before or None]
            return [each.status_code for each in (again, both, free, waits)], kinds

    statuses, kinds = run(main())
    assert statuses == [200, 503, 200, 200]
    assert kinds.count("Refusal") == 1
    assert kinds.count("Reserved") == 1  # for the one that waited


def test_a_503_says_all_and_its_retry_at_is_true(tmp_path):
    """A refusal tells what there is, what is needed and since when it will be there; asked then, it is granted."""

    async def main():
        async with GatewayHouse(tmp_path, rate=100, balance=10).opened() as house, house.client() as client:
            strangers = (f"X{number:09}" for number in count())
            for each in spending(house):
                example = each._replace(params={**each.params, "max_age": 0})
                answer = await example.send(client)
                assert answer.status_code == 503, (example.name, answer.text)
                told = refused(answer)
                assert told["required"]["min"] <= told["required"]["likely"] <= told["required"]["max"]
                assert (told["balance"], told["free"], told["floor"]) == (10, 10, 10)
                assert told["missing"] == told["required"]["max"]
                now, at = house.clock.now(), datetime.fromisoformat(told["retry_at"])
                assert timedelta() < at - now <= timedelta(seconds=int(answer.headers["retry-after"]))
                await house.clock.sleep_async((at - now).total_seconds())
                again = await example.send(client)
                assert again.status_code in {200, 404}, (example.name, again.text)
                spent = int(again.headers["x-keepa-tokens-consumed"])
                assert told["required"]["min"] <= spent <= told["required"]["max"], example.name
                await house.clock.sleep_async(61)  # so long what it did not need is kept for it
                surplus = islice(strangers, house.truth().balance - 10)
                assert (await client.get("/api/v1/products", params={"asins": ",".join(surplus)})).is_success
            assert house.truth().lowest_balance == 10

    run(main())


def test_a_read_only_key_has_the_archive_and_nothing_else(tmp_path):
    """What is archived is given to a key that may only read; whatever would cost is 403, and costs nothing."""

    async def main():
        async with GatewayHouse(tmp_path, rate=200).opened() as house:
            async with house.client("read") as reader:
                for example in spending(house):
                    assert refused(await example.send(reader))["type"] == "/problems/not-allowed", example.name
                assert house.truth().consumed == 0
            async with house.client("spend") as spender, house.client("read") as reader:
                for example in spending(house):
                    first = await example.send(spender, accept="application/json")
                    if "verify" in example.template or first.status_code == 404:
                        continue  # a verification asks Keepa; that something is unknown is not archived everywhere
                    paid = house.truth().consumed
                    second = await example.send(reader)
                    assert second.status_code == 200, (example.name, second.text)
                    assert house.truth().consumed == paid

    run(main())


def test_a_cap_of_no_tokens_is_the_archive(tmp_path):
    """max_tokens=0 spends nothing anywhere, and says that more would be needed."""

    async def main():
        async with GatewayHouse(tmp_path, rate=200).opened() as house, house.client() as client:
            for example in spending(house):
                capped = example._replace(params={**example.params, "max_tokens": 0})
                told = refused(await capped.send(client))
                assert told["type"] == "/problems/above-max-tokens", example.name
                assert told["tokens_max"] > told["max_tokens"] == 0
            assert house.truth().consumed == 0

    run(main())


@pytest.mark.parametrize("key", [None, "kah" + "x" * 61], ids=["none", "unknown"])
def test_nobody_comes_in_without_a_key(tmp_path, key):
    """Without a good key no operation of the API answers anything but 401, spending or not."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house, house.client(key) as client:
            for example in examples_of(house.app.openapi()):
                if example.template.startswith("/api/"):
                    answer = await example.send(client)
                    assert answer.status_code in {401, 429}, example.name
            assert house.truth().requests == 0

    run(main())


def test_only_the_gateway_itself_holds_the_client():
    """No module of this room but the two that build it names the client that spends, a transport, or `_keepa`."""
    forbidden = {
        "AsyncKeepa",
        "Keepa",
        "_keepa",
        "AsyncHTTPTransport",
        "SimulatorTransport",
        "AsyncClient",
        "open_keepa",
    }
    for path in ROOM.rglob("*.py"):
        if str(path.relative_to(ROOM)) in BUILDERS:
            continue
        tree = ast.parse(path.read_text())
        named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
        named |= {each.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for each in node.names}
        assert not named & forbidden, path


def test_every_spending_operation_is_documented(tmp_path):
    """Every operation has a summary, a description, an example of its answer, and the problems that it may give."""

    async def main():
        async with GatewayHouse(tmp_path).opened() as house:
            document = house.app.openapi()
            for example in spending(house):
                operation = document["paths"][example.template][example.method.lower()]
                assert operation["summary"], example.name
                assert operation["description"], example.name
                assert {"200", "401", "403", "422", "429", "502", "503", "504"} <= operation["responses"].keys()
                for told in operation["responses"].values():
                    for media_type, content in told["content"].items():
                        assert "schema" in content, example.name
                        assert media_type.startswith("image/") or "ndjson" in media_type or "example" in content

    run(main())


def test_stale_answers_come_with_the_reason(tmp_path):
    """Below the floor too, who takes stale answers is told of the rest what it lacks, and when it will be there."""

    async def main():
        async with GatewayHouse(tmp_path, rate=1, balance=12).opened() as house, house.client() as client:
            asins = "B0D8W1YVBX,B0CHX1W1XY"
            assert (await client.get("/api/v1/products", params={"asins": asins})).status_code == 200
            assert house.truth().balance == 10
            query = {"asins": f"{asins},B000000001", "on_refusal": "stale"}
            answer = await client.get("/api/v1/products", params=query)
            told = answer.json()
            assert [each["asin"] for each in told["products"]] == ["B0D8W1YVBX"]  # the other is unknown
            assert told["problem"]["type"] == "/problems/insufficient-tokens"
            assert "retry_at" in told["problem"]
            await house.clock.sleep_async(1)
            with house.books() as (_, record):
                assert int(answer.headers["x-keepa-tokens-saved"]) == record.today(house.clock.now()).saved == 2

    run(main())
