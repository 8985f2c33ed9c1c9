"""Bodies to objects: lazily, byte for byte, and whatever shape the lists come in."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keepa.envelopes import envelope

from keepahead import BadAnswerError, BestSellersCall, ProductCall
from keepahead.keepa import objects, wire
from keepahead.keepa.objects import Product
from keepahead.keepa.wire import Answer, Inbound

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


def answered(body: bytes, call=None) -> Answer:
    """An answer with that body."""
    inbound = Inbound(200, body, NOW, NOW)
    return Answer(call or ProductCall(asins=["B0D8W1YVBX"], domain=1), 200, body, wire.read(inbound), NOW, "id")


def answer(**payload) -> Answer:
    """An answer with that payload."""
    return answered(msgspec.json.encode(envelope(**payload)))


@pytest.mark.parametrize("name", ["B0D8W1YVBX-full", "B0F7XPYCSJ-full", "multi-asin-full-history-sanitized"])
def test_recorded_products_survive(name):
    """A recorded product keeps its bytes, and every field of it is there under Keepa's name."""
    body = gzip.decompress((RECORDINGS / f"{name}.json.gz").read_bytes())
    told = msgspec.json.decode(body)["products"]
    products = objects.products([answered(body)])
    assert [dict(product) for product in products] == told
    assert [product.asin for product in products] == [each["asin"] for each in told]
    assert all(product.raw in body for product in products)
    assert [len(product) for product in products] == [len(each) for each in told]


def test_recorded_figures():
    """What a person sees first of a recorded product is what Keepa recorded last."""
    body = gzip.decompress((RECORDINGS / "B0D8W1YVBX-full.json.gz").read_bytes())
    product = objects.products([answered(body)])[0]
    series = product["csv"]
    assert product.current(1) == series[1][-1]
    assert product.current(3) == series[3][-1]
    assert product.current(18) == series[18][-2] + series[18][-1]
    assert product.current(5) is None
    assert product.current(99) is None
    assert (product.domain, product.title[:12]) == (1, "EQQUALBERRY ")


def test_nothing_is_decoded_before_it_is_asked_for():
    """Splitting a body into products decodes none of them; the first look does, once."""
    product = objects.products([answer(products=[{"asin": "B0D8W1YVBX", "title": "x"}])])[0]
    assert set(product._known) == {Product.places, Product.domain_id}
    assert repr(product) == "<Product B0D8W1YVBX, 33 bytes>"
    assert product.title == product["title"] == "x"
    assert product["asin"] is product["asin"]


def test_objects_are_equal_by_their_bytes():
    """Two objects are the same when Keepa sent the same."""
    one, two, other = Product(b'{"a":1}'), Product(b'{"a":1}'), Product(b'{"a":2}')
    assert one == two
    assert one != other
    assert len({one, two, other}) == 2
    assert one != {"a": 1}
    assert repr(objects.Deal(b"{}")) == "<Deal, 2 bytes>"


def test_prices_that_are_not_there():
    """-1 and -2 are no prices; a triple without shipping gives its price; statistics answer without the series."""
    csv: list = [None] * 36
    csv[0], csv[1], csv[18], csv[7] = [1, -1], [1, -2], [1, 500, -1], [1, -1, -1]
    product = Product(msgspec.json.encode({"csv": csv}))
    assert [product.current(index) for index in (0, 1, 18, 7, 2)] == [None, None, 500, None, None]
    bare = Product(msgspec.json.encode({"csv": None, "stats": {"current": [700, -1]}}))
    assert [bare.current(index) for index in (0, 1, 2)] == [700, None, None]
    assert Product(b"{}").current(0) is None
    assert (Product(b"{}").title, Product(b"{}").domain) == ("", 0)


def test_an_object_that_cannot_be_read():
    """An object that is no JSON object is an error of ours that keeps the bytes."""
    with pytest.raises(BadAnswerError) as caught:
        Product(b"[1, 2]").get("title")
    assert caught.value.body == b"[1, 2]"


def test_best_sellers_lie_in_either_place():
    """The list may lie in its own object or at the top level; no list is an empty one."""
    call = BestSellersCall(category="1", domain=3)
    nested = envelope(bestSellersList={"asinList": ["A"], "categoryId": 5, "domainId": 3, "lastUpdate": 8_000_000})
    listed = objects.best_sellers([answered(msgspec.json.encode(nested), call)])
    assert (listed.asins, listed.category, listed.domain) == (("A",), 5, 3)
    assert listed.updated_at == datetime(2026, 3, 18, 13, 20, tzinfo=UTC)
    flat = objects.best_sellers([answered(msgspec.json.encode(envelope(asinList=["B"])), call)])
    assert (flat.asins, flat.category, flat.domain, flat.updated_at) == (("B",), 0, 3, None)
    assert objects.best_sellers([answered(msgspec.json.encode(envelope()), call)]).asins == ()


def test_empty_payloads():
    """What Keepa did not find is an empty result, never an exception."""
    nothing = [answer()]
    assert objects.products(nothing) == objects.searched(nothing) == objects.lightning_deals(nothing) == []
    assert objects.categories(nothing) == objects.sellers(nothing) == {}
    assert objects.seller_ids(nothing) == objects.trackings(nothing) == objects.notifications(nothing) == []
    assert objects.deals(nothing).deals == ()
    assert objects.found(nothing).asins == ()


def test_big_category_numbers():
    """Keepa's largest category id does not fit a double; it comes through whole."""
    big = 9223372036854775807
    page = answer(
        deals={
            "dr": [{"asin": "A", "rootCat": big}],
            "categoryIds": [big],
            "categoryNames": ["?"],
            "categoryCount": [1],
        }
    )
    deals = objects.deals([page])
    assert deals.category_counts == {big: 1}
    assert deals.deals[0]["rootCat"] == big
    assert list(objects.categories([answer(categories={str(big): {"catId": big}, "odd": {}})])) == [big]


@given(
    st.dictionaries(
        st.sampled_from(
            ["products", "asinList", "deals", "categories", "sellers", "bestSellersList", "searchInsights"]
        ),
        st.none() | st.integers() | st.text() | st.lists(st.none() | st.integers() | st.text()) | st.just({}),
    )
)
def test_any_payload(payload):
    """Payloads of any shape are read or refused as unreadable; nothing else is raised."""
    given_answers = [answer(**payload)]
    for result in (
        objects.products,
        objects.found,
        objects.deals,
        objects.categories,
        objects.sellers,
        objects.best_sellers,
    ):
        try:
            result(given_answers)
        except BadAnswerError as error:
            assert error.body  # noqa: PT017 - both outcomes are right
