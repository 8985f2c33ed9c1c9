"""What calls cost, and how they are refused: sections 4, 7 and 10 of the protocol sheet."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.simulator.house import House, decode, open_house

from keepahead.simulator.catalogue.product import EXPLODING_CODE
from keepahead.simulator.endpoints.costs import Asked, Hidden, product_cost

PLAIN = Hidden(
    age=600, offers_age=None, stock_age=None, rating_age=None, offers_found=27, retrieval_works=True, has_parent=False
)
DAY = 1440


def but(**changed: Any) -> Hidden:
    """Return the plain product with something changed."""
    return Hidden(**{name: getattr(PLAIN, name) for name in PLAIN.__slots__} | changed)


@pytest.mark.parametrize(
    ("tokens", "asked", "hidden"),
    [
        (1, Asked(), PLAIN),
        (1, Asked(update=0), PLAIN),
        (2, Asked(update=0), but(age=59)),
        (12, Asked(offers=20), PLAIN),
        (18, Asked(offers=100), PLAIN),
        (18, Asked(offers=25), PLAIN),
        (60, Asked(offers=100), but(offers_found=100)),
        (6, Asked(offers=100), but(offers_found=1)),
        (5, Asked(offers=20), but(offers_found=0)),
        (1, Asked(offers=20), but(retrieval_works=False)),
        (0, Asked(offers=20, only_live=True), but(retrieval_works=False)),
        (5, Asked(offers=100), but(offers_age=59)),
        (18, Asked(offers=100), but(offers_age=60)),
        (5, Asked(offers=100, update=48), but(offers_age=20 * 60)),
        (18, Asked(offers=100, update=48), but(offers_age=100 * 60)),
        (18, Asked(offers=100, update=0), but(offers_age=0)),
        (2, Asked(rating=True), but(rating_age=13 * DAY)),
        (1, Asked(rating=True), but(rating_age=14 * DAY)),
        (1, Asked(rating=True), PLAIN),
        (4, Asked(rating=True, buybox=True), but(rating_age=0)),
        (3, Asked(buybox=True), PLAIN),
        (12, Asked(buybox=True, rating=True, offers=20), but(rating_age=0)),
        (12, Asked(stock=True, offers=20), PLAIN),
        (14, Asked(stock=True, offers=20), but(stock_age=6 * DAY)),
        (12, Asked(stock=True, offers=20), but(stock_age=7 * DAY)),
        (1, Asked(historical_variations=True), PLAIN),
        (2, Asked(historical_variations=True), but(has_parent=True)),
    ],
)
def test_product_prices(tokens: int, asked: Asked, hidden: Hidden) -> None:
    """A product costs what section 10.2 says, from properties that only Keepa knows."""
    assert product_cost(asked, hidden) == tokens


def test_plain_products(house: House) -> None:
    """A plain request costs one token for each product, duplicates counted once."""
    asins = house.some(30)
    assert house.cost("/product", asin=",".join(asins), domain=1) == 30
    assert house.cost("/product", asin=f"{asins[0]},{asins[0]}", domain=1) == 1


def test_offers_again_within_the_hour(house: House) -> None:
    """Offers that were fetched less than an hour ago cost a flat five; after that the full price again."""
    asin = next(asin for asin in house.some(40) if house.cost("/product", asin=asin, domain=1, offers=100) > 6)
    assert house.cost("/product", asin=asin, domain=1, offers=100) == 5
    house.clock.sleep(3700)
    assert house.cost("/product", asin=asin, domain=1, offers=100) in {1, 12, 18, 24, 30, 36}


def test_failed_retrievals(house: House) -> None:
    """For some products offers cannot be fetched now: one token, and offersSuccessful says so."""
    for asin in house.some(300):
        body = house.ask("/product", asin=asin, domain=1, offers=20, history=0)
        if body["tokensConsumed"] == 1:
            assert body["products"][0]["offersSuccessful"] is False
            return
    pytest.fail("every retrieval worked")


def test_refresh(house: House) -> None:
    """A product is refreshed by a request that finds it older than an hour, and update=0 then costs one more."""
    asin = house.some(1)[0]
    now = house.ask("/product", asin=asin, domain=1)["timestamp"] // 60_000 - 21_564_000
    body = house.ask("/product", asin=asin, domain=1, update=0)
    assert body["tokensConsumed"] == 2
    assert now - body["products"][0]["lastUpdate"] < 60


def test_unknown_asin(house: House) -> None:
    """An ASIN that Amazon does not know is answered with product type 4 and charged; update=-1 makes it free."""
    body = house.ask("/product", asin="B000000001", domain=1)
    assert (body["tokensConsumed"], body["products"][0]["productType"]) == (1, 4)
    body = house.ask("/product", asin="B000000001", domain=1, update=-1)
    assert (body["tokensConsumed"], body["products"]) == (0, [])


def test_codes(house: House) -> None:
    """A code leads to its products; an unknown one costs nothing; one explodes unless code-limit stops it."""
    asin = house.some(1)[0]
    ean = house.ask("/product", asin=asin, domain=1)["products"][0]["eanList"][0]
    found = house.ask("/product", code=ean, domain=1)
    assert asin in {product["asin"] for product in found["products"]}
    assert house.cost("/product", code="4006381000000", domain=1) == 0
    assert house.cost("/product", code=EXPLODING_CODE, domain=1, history=0) > 200
    assert house.cost("/product", code=EXPLODING_CODE, domain=1, code_limit=3) == 3


def test_flat_prices(house: House) -> None:
    """Lists, categories and lightning deals cost what section 7 says."""
    assert house.cost("/bestsellers", domain=1, category=283155) == 50
    assert house.cost("/bestsellers", domain=1, category=4711) == 0
    assert house.cost("/category", domain=1, category="283155,172282,1055398") == 1
    assert house.cost("/search", domain=1, type="category", term="coffee") == 1
    assert house.cost("/topseller", domain=1) == 50
    assert house.cost("/lightningdeal", domain=12) == 500
    assert house.cost("/lightningdeal", domain=1, asin="B000000001") == 1
    assert house.cost("/deal", {"domainId": 12, "priceTypes": [1], "page": 60}) == 5


def test_search_price(house: House) -> None:
    """A search costs ten for each page of ten results; without page up to four pages."""
    assert house.cost("/search", domain=12, type="product", term="coffee", asins_only=1) == 40
    assert house.cost("/search", domain=12, type="product", term="coffee", page=0, asins_only=1) == 10
    assert 10 <= house.cost("/search", domain=12, type="product", term="coffee", page=0, rating=1) <= 15
    assert 10 < house.cost("/search", domain=12, type="product", term="coffee", page=0, update=0) <= 20


def test_finder_price(house: House) -> None:
    """The finder costs 10 and 1 for every hundred returned; stats=1 adds 30 and 1 for every million matched."""
    some = {"rootCategory": [468642], "perPage": 101}
    assert house.cost("/query", some, domain=1) == 12
    assert house.cost("/query", some, domain=1, stats=1) == 43
    assert house.cost("/query", {"rootCategory": [4711]}, domain=1) == 10


def test_seller_prices(house: House) -> None:
    """A seller costs one, a storefront ten or one if nearly empty, a collection fifty; an unknown seller nothing."""
    numbers = house.simulator.catalogue.numbers
    shop, empty = numbers.seller_id(900), numbers.seller_id(4000)
    assert house.cost("/seller", domain=1, seller=f"{shop},{empty}") == 2
    assert house.cost("/seller", domain=1, seller=shop, storefront=1) == 10
    assert house.cost("/seller", domain=1, seller=empty, storefront=1) == 1
    assert house.cost("/seller", domain=1, seller="A000000000001", storefront=1) == 0
    assert house.cost("/seller", domain=1, seller=shop, storefront=1, update=0) in {50, 1}
    assert house.cost("/seller", domain=1, seller=shop, storefront=1, update=10_000) == 10


def test_graph_price(house: House) -> None:
    """An image costs one; the very same request within 90 minutes is free; no envelope comes back."""
    asin = house.some(1)[0]

    def consumed() -> int:
        before = house.simulator.truth().consumed
        reply = house.reply("/graphimage", domain=1, asin=asin, width=300, height=150)
        assert reply.headers["content-type"] == "image/png"
        assert reply.body[16:24] == (300).to_bytes(4, "big") + (150).to_bytes(4, "big")
        return house.simulator.truth().consumed - before

    assert [consumed(), consumed()] == [1, 0]
    house.clock.sleep(90 * 60)
    assert consumed() == 1


@pytest.mark.parametrize(
    ("status", "path", "query"),
    [
        (404, "/deals", {}),
        (404, "/finder", {}),
        (400, "/product", {"domain": 1}),
        (400, "/product", {"domain": 1, "asin": "B000000001", "code": "1"}),
        (405, "/product", {"domain": 7, "asin": "B000000001"}),
        (400, "/product", {"domain": "x", "asin": "B000000001"}),
        (405, "/product", {"domain": 1, "asin": ",".join(f"B0000{n:05d}" for n in range(101))}),
        (200, "/product", {"domain": 1, "asin": "B000000001", "offers": 10}),
        (400, "/product", {"domain": 1, "code": "1", "offers": 0}),
        (405, "/bestsellers", {"domain": 12, "category": 283155}),
        (400, "/bestsellers", {"domain": 1, "category": 283155, "month": 3}),
        (405, "/category", {"domain": 1, "category": ",".join("1" * 11)}),
        (400, "/query", {"domain": 1, "selection": "{}"}),
        (400, "/query", {"domain": 1, "selection": "{"}),
        (405, "/query", {"domain": 1, "selection": '{"rootCategory":[1],"perPage":49}'}),
        (405, "/query", {"domain": 1, "selection": '{"rootCategory":[1],"perPage":10000,"page":1}'}),
        (400, "/deal", {"selection": '{"domainId":1,"priceTypes":[1,2]}'}),
        (400, "/search", {"domain": 1, "type": "product"}),
        (400, "/search", {"domain": 1, "type": "category", "term": "a"}),
        (405, "/search", {"domain": 1, "type": "product", "term": "coffee", "page": 10}),
        (400, "/seller", {"domain": 1, "seller": "A1,A2", "storefront": 1}),
        (400, "/lightningdeal", {"domain": 1, "asin": ""}),
        (405, "/graphimage", {"domain": 1, "asin": "B000000001", "width": 100}),
        (400, "/tracking", {"type": "nothing"}),
    ],
)
def test_refusals(house: House, status: int, path: str, query: dict[str, object]) -> None:
    """A refused request costs nothing and says why; an unknown path has no envelope."""
    reply = house.reply(path, **query)
    assert reply.status == status
    if status == 404:
        assert reply.body == b""
        return
    body = decode(reply)
    assert body["error"]["type"] == "invalidParameter"
    assert (body["tokensConsumed"], body["tokensLeft"], body["refillRate"]) == (0, 60_000, 1000)


def test_unknown_names_are_ignored(house: House) -> None:
    """A parameter that Keepa does not know changes nothing and is charged all the same."""
    asin = house.some(1)[0]
    body = house.ask("/product", asin=asin, domain=1, only_live="x", colour="red")
    assert (body["tokensConsumed"], len(body["products"])) == (1, 1)


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**6) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=5,
)
NAME_WORDS = (
    "rootCategory page perPage sort title brand current_NEW_gte categories_include domainId priceTypes "
    "dateRange sortType minRating includeCategories currentRange isRangeEnabled isFilterEnabled asin "
    "mainDomainId updateInterval ttl thresholdValues notifyIf currentRating_gte sellerName"
)
NAMES = st.sampled_from(NAME_WORDS.split())


@settings(max_examples=150, deadline=None)
@given(
    path=st.sampled_from(["/query", "/deal", "/tracking", "/sellerquery"]),
    body=st.dictionaries(NAMES, SHAPES, max_size=5) | st.lists(SHAPES, max_size=3),
)
def test_any_body(path: str, body: object) -> None:
    """Whatever JSON arrives, Keepa answers with an envelope and a status of its own."""
    anyone = open_house(refill_rate=1000)
    reply = anyone.reply(path, body, domain=12, type="add")
    assert reply.status in {200, 400, 405}
    assert decode(reply)["refillRate"] == 1000
