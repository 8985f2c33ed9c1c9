"""The Keepa-compatible door: the same bytes as from Keepa, an envelope that is true, and a budget behind it."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from tests.faces.gateway.door_house import ENVELOPE, DoorHouse, body_of, items_of, payload_of
from tests.keepa import made_calls

from keepahead.keepa.calls import (
    Call,
    FinderCall,
    ProductCall,
    SellerFinderCall,
)

PLENTY = {"rate": 1_000_000, "balance": 50_000_000}


@pytest.fixture(scope="module")
def rich(tmp_path_factory) -> Iterator[DoorHouse]:
    """A gateway that never lacks tokens."""
    with DoorHouse(tmp_path_factory.mktemp("rich"), **PLENTY) as door:
        yield door


@pytest.fixture
def door(tmp_path) -> Iterator[DoorHouse]:
    """A gateway with 220 tokens, 20 a minute."""
    with DoorHouse(tmp_path, balance=220) as door:
        yield door


def _has_no_bound(call: Call) -> bool:
    return (
        (isinstance(call, ProductCall) and bool(call.codes) and call.code_limit is None)
        or (isinstance(call, FinderCall) and bool(call.stats))
        or (isinstance(call, SellerFinderCall) and call.per_page is None)
    )


@settings(max_examples=40)
@given(call=made_calls.all_calls)
def test_every_call_brings_the_bytes_of_keepa(rich, call):
    """Whatever is asked, the payload is byte for byte what Keepa itself answers; what has no bound is not sent."""
    if _has_no_bound(call):
        answer = rich.ask(call.path, method=call.method, content=call.body() or b"", **call.query())
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "unboundedCost"
        return
    before = rich.house.truth().consumed
    answer, straight = rich.ask_both(call, **{"X-Keepa-Max-Age": "0"})
    body = body_of(straight)
    assert answer.status_code == straight.status
    assert answer.headers["content-type"] == straight.headers["content-type"]
    assert payload_of(answer.content) == payload_of(body)
    if not body.startswith(b"\x89PNG"):
        told = answer.json()
        assert told["tokensConsumed"] == rich.house.truth().consumed - before
        assert told.keys() >= ENVELOPE


def _asked(door: DoorHouse) -> list[tuple[str, dict[str, object]]]:
    """Return one request of every path that is archived, all for what there is."""
    asins = door.some(3)
    selection = {"rootCategory": [172282], "perPage": 50}
    seller = door.ask("/topseller", domain=1).json()["sellerIdList"][0]
    return [
        ("/product", {"asin": ",".join(asins)}),
        ("/product", {"asin": asins[0], "stats": 90, "offers": 20, "history": 0}),
        ("/product", {"code": "1234567890123", "code-limit": 3}),
        ("/search", {"type": "product", "term": "steel", "page": 0}),
        ("/search", {"type": "product", "term": "steel", "asins-only": 1, "page": 0}),
        ("/search", {"type": "category", "term": "toys", "parents": 1}),
        ("/category", {"category": 0, "parents": 1}),
        ("/query", {"selection": json.dumps(selection)}),
        ("/deal", {"selection": json.dumps({"domainId": 1, "priceTypes": [1]})}),
        ("/bestsellers", {"category": "172282"}),
        ("/topseller", {}),
        ("/seller", {"seller": seller}),
        ("/seller", {"seller": seller, "storefront": 1}),
        ("/sellerquery", {"selection": json.dumps({"perPage": 10})}),
        ("/lightningdeal", {"asin": asins[1]}),
        ("/graphimage", {"asin": asins[1]}),
    ]


def test_the_archive_brings_the_same_bytes_for_nothing(rich):
    """Asked again within the age of the settings, the same payload comes, item by item, and costs nothing."""
    for path, params in _asked(rich):
        query = params if path == "/deal" else {"domain": 1, **params}
        first = rich.ask(path, **query)
        before = rich.house.truth().consumed
        again = rich.ask(path, **query)
        assert first.status_code == again.status_code == 200, path
        assert rich.house.truth().consumed == before, path
        assert items_of(again.content) == items_of(first.content), path
        assert again.headers["content-type"] == first.headers["content-type"]
        if path != "/graphimage":
            told = again.json()
            assert told.keys() == first.json().keys()
            assert (told["tokensConsumed"], told["tokensLeft"]) == (0, rich.house.truth().balance)


def test_the_ledger_agrees_with_keepa(rich):
    """After all of that the ledger knows to the token what was spent, and the envelope tells Keepa's balance."""
    rich.ask("/product", domain=1, asin=",".join(rich.some(3)), headers={"X-Keepa-Max-Age": "0"})
    left = rich.ask("/token").json()
    with rich.house.books() as (_, record):
        spent = record.today(rich.house.clock.now())
    assert spent.charged == rich.house.truth().consumed
    assert spent.unknown == spent.external == 0
    assert left["tokensLeft"] == rich.house.truth().balance
    assert (left["refillRate"], left["tokensConsumed"]) == (rich.house.truth().refill_rate, 0)


@pytest.mark.parametrize("path", ["/product", "/product/"])
def test_with_and_without_a_slash(door, path):
    """The package keepa writes a slash behind every path, others do not."""
    answer = door.ask(path, domain=1, asin=door.some(1)[0])
    assert [product["asin"] for product in answer.json()["products"]] == door.some(1)


def test_a_part_from_the_archive(door):
    """Of 100 ASINs 70 are archived: 30 are paid for, and all stand in one answer in the order asked."""
    asins = door.some(100)
    door.ask("/product", domain=1, asin=",".join(asins[::10] + asins[40:]))
    asked = list(reversed(asins))
    answer = door.ask("/product", domain=1, asin=",".join(asked))
    told = answer.json()
    assert [product["asin"] for product in told["products"]] == asked
    assert told["tokensConsumed"] == 36 == int(answer.headers["X-Keepa-Tokens-Consumed"])
    assert told["tokensLeft"] == door.house.truth().balance == 220 - 100
    straight = body_of(door.tell("/product", domain=1, asin=",".join(asins)))
    assert items_of(answer.content) == items_of(straight)


def test_maps_of_a_part_from_the_archive(door):
    """Sellers and categories come together in one map as well, in the order asked."""
    sellers = door.ask("/topseller", domain=1).json()["sellerIdList"][:6]
    door.ask("/seller", domain=1, seller=",".join(sellers[3:]))
    told = door.ask("/seller", domain=1, seller=",".join(sellers)).json()
    assert list(told["sellers"]) == sellers
    assert told["tokensConsumed"] == 3
    roots = list(door.ask("/category", domain=1, category=0, parents=1).json()["categories"])[:4]
    door.ask("/category", domain=1, category=",".join(roots[2:]), parents=1)
    told = door.ask("/category", domain=1, category=",".join(roots), parents=1).json()
    assert list(told["categories"]) == roots
    assert told["categoryParents"] == {}
    assert told["tokensConsumed"] == 1


def test_each_rider_is_told_its_own_share(door):
    """Requests for single products that travel to Keepa together are each told one token and their own product."""
    asins = door.some(5)

    async def all_at_once() -> list[dict[str, object]]:
        told = await asyncio.gather(*(door.asking("/product", domain=1, asin=asin) for asin in asins))
        return [each.json() for each in told]

    told = door.run(all_at_once())
    assert [[product["asin"] for product in each["products"]] for each in told] == [[asin] for asin in asins]
    assert [each["tokensConsumed"] for each in told] == [1] * 5
    assert all(each.keys() >= ENVELOPE for each in told)
    charged = [line.consumed for line in door.house.truth().log if line.consumed]
    assert sum(charged) == 5
    assert len(charged) < 5  # the first waits for nobody, those who come meanwhile ride together


def test_the_tokens_come_from_the_ledger(door):
    """/token asks Keepa once, if nobody has ever heard of the bucket, and never again; it is free."""
    for _ in range(5):
        told = door.ask("/token/").json()
    assert door.house.truth().requests == 1
    assert (told["tokensLeft"], told["refillRate"], told["tokensConsumed"]) == (220, 20, 0)
    truth = door.house.truth()
    door.pass_time(told["refillIn"] / 1000)
    assert door.ask("/token").json()["tokensLeft"] == 240
    assert door.house.truth().requests == truth.requests


def test_what_keepa_ignores_is_dropped_and_named(door):
    """Keepa ignores parameters that it does not know; here a header says which those were."""
    answer = door.ask("/product", domain=1, asin=door.some(1)[0], only_live_offer=1, wait="true", X_n="ü")
    assert answer.json()["products"]
    assert answer.headers["X-Keepa-Ignored"] == "only-live-offer, wait, X-n"
    assert "X-Keepa-Ignored" not in door.ask("/product", domain=1, asin=door.some(1)[0]).headers


def test_post_where_there_is_no_json(door):
    """A POST with everything in the query is read like a GET, as Keepa does; others take their JSON from the body."""
    assert door.ask("/product", method="POST", content=b"x=1", domain=1, asin=door.some(1)[0]).json()["products"]
    selection = b'{"current_SALES_lte": 500, "perPage": 50}'
    posted = door.ask("/query", method="POST", content=selection, domain=1)
    got = door.ask("/query", domain=1, selection=selection.decode())
    assert payload_of(posted.content) == payload_of(got.content)
    assert got.json()["tokensConsumed"] == 0


def test_terms_in_headers(door):
    """Those who can send headers say how old, how dear, how late and in which lane, as under /api/v1/."""
    asin = door.some(1)[0]
    door.ask("/product", domain=1, asin=asin)
    fresh = door.ask("/product", domain=1, asin=asin, headers={"X-Keepa-Max-Age": "0"})
    assert fresh.json()["tokensConsumed"] == 1
    cheap = door.ask("/lightningdeal", domain=1, headers={"X-Keepa-Max-Tokens": "5"})
    assert (cheap.status_code, cheap.json()["error"]["type"]) == (400, "aboveMaxTokens")
    door.ask("/bestsellers", domain=1, category="172282", headers={"X-Keepa-Lane": "jobs"})
    late = door.ask("/product", domain=1, asin=",".join(door.some(50)), offers=20, headers={"X-Keepa-Deadline": "90s"})
    assert late.status_code == 429
    for name, value in (("Lane", "none"), ("Max-Tokens", "-1"), ("Max-Age", "x"), ("Deadline", "2030")):
        wrong = door.ask("/product", domain=1, asin=asin, headers={f"X-Keepa-{name}": value})
        assert wrong.status_code == 400, name
        assert wrong.json()["error"]["message"]


def test_a_deadline_waits_in_the_gateway(tmp_path):
    """With a deadline the gateway waits for the tokens itself, and no 429 is seen."""
    with DoorHouse(tmp_path, balance=12) as door:
        asins = ",".join(door.some(20))
        answer = door.ask("/product", domain=1, asin=asins, headers={"X-Keepa-Deadline": "90s"})
        assert len(answer.json()["products"]) == 20
        assert door.house.truth().lowest_balance >= 10
