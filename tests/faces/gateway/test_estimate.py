"""Estimates: what anything would cost, and when it could run; free, for everybody, below the floor as well."""

import httpx2
import pytest
from tests.gateway_house import GatewayHouse
from tests.house import Canned, run

from keepahead.budget.lane import LIVE

PRODUCT = "/product?domain=1&asin=B0D8W1YVBX"


def estimate(tmp_path, *wishes: dict | str, balance: int = 174, key: str = "read", lane: str = "live", **settings):
    """Return what each wish is estimated at: a text is asked by GET; and what really happened to the bucket."""

    async def main():
        async with GatewayHouse(tmp_path, balance=balance).opened(**settings) as house, house.client(key) as client:
            found, query = [], {"lane": lane}
            for wish in wishes:
                if isinstance(wish, str):
                    found.append(await client.get("/api/v1/estimate", params={"request": wish, **query}))
                else:
                    found.append(await client.post("/api/v1/estimate", json=wish, params=query))
            return found, house.truth()

    return run(main())


def test_every_way_to_ask_gives_the_same(tmp_path):
    """A raw request by path, URL or parts, and a product by its ASIN, are estimated alike; a key is dropped."""
    key = "k" * 64
    found, truth = estimate(
        tmp_path,
        PRODUCT,
        f"{PRODUCT}&key={key}",
        {"path": PRODUCT},
        {"url": f"https://api.keepa.com{PRODUCT}&key={key}"},
        {"path": "/product", "query": {"domain": 1, "asin": "B0D8W1YVBX", "key": key}},
        {"url": "https://api.keepa.com/product", "query": {"domain": "1", "asin": "B0D8W1YVBX"}},
        {"product": "B0D8W1YVBX"},
    )
    assert [answer.status_code for answer in found] == [200] * 7
    told = [answer.json() for answer in found]
    assert all(each["call"] == told[0]["call"] for each in told)
    assert all(each["cost"]["tokens_max"] == 1 for each in told)
    assert all(key not in answer.text for answer in found)
    assert (truth.requests, truth.consumed) == (1, 0)  # the free /token, once


def test_what_costs_more_says_why(tmp_path):
    """Options count, and the reasons are told; a POST with a body is estimated as well."""
    found, _ = estimate(
        tmp_path,
        {"product": "B0D8W1YVBX", "options": {"offers": 20, "stats": 90, "domain": "DE"}},
        {"method": "POST", "path": "/query?domain=1", "body": {"rootCategory": 283155, "perPage": 50, "page": 0}},
        {"path": "/product", "query": {"domain": 1, "code": "0123456789012"}},
    )
    offers, finder, codes = (answer.json() for answer in found)
    assert offers["cost"]["tokens_max"] > 6
    assert offers["call"]["query"]["domain"] == "3"
    assert offers["cost"]["because"]
    assert finder["cost"]["tokens_max"] == 11
    assert (codes["cost"]["tokens_max"], codes["runs"]["verdict"], codes["leaves"]["least"]) == (
        None,
        "unbounded",
        None,
    )


@pytest.mark.parametrize(
    ("request_", "balance", "lane", "verdict"),
    [
        (PRODUCT, 174, "live", "now"),
        ("/token", 0, "live", "now"),
        (PRODUCT, 5, "live", "later"),
        ("/bestsellers?domain=1&category=283155", 120, "jobs", "later"),
        ("/lightningdeal?domain=1", 174, "live", "later"),
        ("/product?domain=1&offers=100&asin=" + ",".join(f"B00000{n:04}" for n in range(100)), 174, "live", "in_parts"),
    ],
)
def test_when_it_could_run(tmp_path, request_, balance, lane, verdict):
    """Now, later at a moment that is told, or in parts: as the budget stands, and by the floor of the lane."""
    (answer,), truth = estimate(tmp_path, request_, balance=balance, lane=lane)
    told = answer.json()["runs"]
    assert told["verdict"] == verdict
    assert (told["at"] is not None) == (verdict in {"now", "later"})
    assert (told["wait_seconds"] or 0) > 0 or verdict != "later"
    assert truth.consumed == 0


def test_never_is_said_with_its_reason(tmp_path):
    """What the bucket can never hold above the floor can never run, and the reason is told."""
    (answer,), _ = estimate(tmp_path, "/lightningdeal?domain=1", floor=800)
    assert answer.json()["runs"]["verdict"] == "never"
    assert "500" in answer.json()["runs"]["why"]


def test_what_the_archive_has_costs_nothing(tmp_path):
    """The archive's part is told with its age, and only the rest is to be paid; what is older than max_age is none."""

    async def main():
        async with GatewayHouse(tmp_path, balance=174).opened() as house, house.client("spend") as client:
            await house.gateway._keepa.on_behalf_of("person", LIVE).products(["B0D8W1YVBX"])
            await house.clock.sleep_async(600)
            paths = ["/product?domain=1&asin=B0D8W1YVBX,B0F7XPYCSJ", PRODUCT]
            found = [await client.get("/api/v1/estimate", params={"request": path}) for path in paths]
            found.append(await client.get("/api/v1/estimate", params={"request": PRODUCT, "max_age": "5m"}))
            with house.books() as (_, record):
                return [each.json() for each in found], record.today(house.clock.now()).saved

    (both, one, fresh), saved = run(main())
    assert (both["archived"]["held"], both["archived"]["items"]) == (1, 2)
    assert (both["cost"]["tokens_max"], both["archived"]["to_pay"]["tokens_max"]) == (2, 1)
    assert both["archived"]["oldest"] is not None
    assert (one["archived"]["to_pay"]["tokens_max"], one["runs"]["verdict"]) == (0, "now")
    assert (fresh["archived"]["held"], fresh["archived"]["to_pay"]["tokens_max"]) == (0, 1)
    assert saved == 0  # looking is not using


def test_work_of_many_calls_is_estimated(tmp_path):
    """A discovery and niches are planned as they would be carried out: road, steps, cost, and when all can be paid."""
    criteria = {"domain": "US", "category": 283155, "rank": [1, 20000], "max_results": 5}
    found, truth = estimate(
        tmp_path,
        {"discover": criteria},
        {"niches": {"category": 283155, "max_niches": 2, "sample": 2}},
        {"discover": {**criteria, "max_results": 300}},
        {"discover": {**criteria, "rank": [20000, 1]}},
    )
    discover, niches, large, wrong = found
    assert discover.json()["plan"]["road"]
    assert discover.json()["cost"]["tokens_max"] > 5
    assert (discover.json()["runs"]["verdict"], discover.json()["leaves"]["least"] > 10) == ("now", True)
    assert niches.json()["plan"]["root"] == 283155
    assert (large.json()["runs"]["verdict"], large.json()["runs"]["at"] is None) == ("later", False)
    assert wrong.status_code == 422
    assert truth.consumed == 0


@pytest.mark.parametrize("key", ["read", "spend", "admin"])
def test_it_is_free_below_the_floor(tmp_path, key):
    """Every key may ask, with nothing left to spend."""
    (answer,), truth = estimate(tmp_path, PRODUCT, balance=-5, key=key)
    assert (answer.status_code, answer.json()["runs"]["verdict"]) == (200, "later")
    assert truth.consumed == 0


def test_it_is_estimated_though_keepa_is_away(tmp_path):
    """Where nobody has seen the bucket yet and Keepa cannot be asked, the cost is known all the same."""

    async def main():
        away = Canned(httpx2.ConnectError("nobody there"))
        async with GatewayHouse(tmp_path).opened(transport=away) as house, house.client("read") as client:
            return await client.get("/api/v1/estimate", params={"request": PRODUCT})

    told = run(main()).json()
    assert (told["cost"]["tokens_max"], told["runs"]["verdict"]) == (1, "unknown")
    assert (told["account"], told["leaves"]) == (None, None)


BAD = [
    ({}, "body"),
    ({"path": "/product", "product": "B0D8W1YVBX"}, "body"),
    ({"product": "B0D8W1YVBX", "query": {}}, "body"),
    ({"product": "nonsense"}, "asin"),
    ({"product": "B0D8W1YVBX", "options": {"offer": 20}}, "options"),
    ({"product": "B0D8W1YVBX", "options": {"offers": 5}}, "offers"),
    ({"product": "B0D8W1YVBX", "discover": {"category": 1}}, "body"),
    ({"discover": {"rank": "1..20"}}, "discover.rank"),
    ({"niches": {"rank": [1, 10]}}, "category"),
    ({"path": "/produkt"}, "path"),
    ({"path": "/product?domain=1&domain=2&asin=B0D8W1YVBX"}, "request"),
    ({"path": PRODUCT, "query": {"domain": 1}}, "request"),
    ({"path": "/product?domain=1&nonsense=1&asin=B0D8W1YVBX"}, "nonsense"),
    ({"path": "http://[", "method": "GET"}, "request"),
    ({"path": "http://[", "query": {}}, "request"),
    ({"path": "/query?domain=1", "method": "PUT"}, "method"),
    ({"surprise": 1, "path": PRODUCT}, "surprise"),
]


def test_nonsense_is_named(tmp_path):
    """What cannot be sent to Keepa is not estimated: the wrong parameter is named, nothing is asked."""
    found, truth = estimate(tmp_path, *(wish for wish, _ in BAD))
    assert [answer.status_code for answer in found] == [422] * len(BAD)
    assert [answer.json()["errors"][0]["parameter"] for answer in found] == [name for _, name in BAD]
    assert truth.requests == 0
