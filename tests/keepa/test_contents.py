"""Which archived answer serves which request: a wider one a narrower request, never the other way round."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keepa.made_calls import all_calls

from keepahead.keepa.calls import (
    BestSellersCall,
    CategoryCall,
    DealCall,
    FinderCall,
    ProductCall,
    SellerCall,
    TokenCall,
    TrackingCall,
)
from keepahead.keepa.contents import (
    CategoryContents,
    ProductContents,
    SellerContents,
    contents_of,
    demanded_age,
    read,
    replaces,
    wanted,
)

ASIN = "B0D8W1YVBX"

options = st.fixed_dictionaries(
    {},
    optional={
        "stats": st.sampled_from([30, 90, 180, ("2026-01-01", "2026-02-01")]),
        "update": st.sampled_from([-1, 0, 1, 24, 48]),
        "history": st.booleans(),
        "days": st.sampled_from([1, 30, 90, 10_000]),
        "rating": st.booleans(),
        "offers": st.sampled_from([20, 25, 40, 100]),
        "only_live_offers": st.booleans(),
        "buybox": st.booleans(),
        "stock": st.booleans(),
        "videos": st.booleans(),
        "aplus": st.booleans(),
        "historical_variations": st.booleans(),
    },
)
calls = options.map(lambda chosen: ProductCall(asins=[ASIN], domain=1, **chosen))
products = calls.map(contents_of)
sellers = st.builds(SellerContents, storefront=st.booleans(), hours=st.sampled_from([0, 24, 1000]))
categories = st.builds(CategoryContents, parents=st.booleans())
any_contents = st.one_of(products, sellers, categories)


@given(any_contents)
def test_an_answer_serves_its_own_request(contents):
    """Reflexive: what was fetched for a request serves the same request; and its text says it all."""
    assert contents.covers(contents)
    endpoint = {ProductContents: "product", SellerContents: "seller", CategoryContents: "category"}[type(contents)]
    assert read(endpoint, contents.text) == contents


@given(any_contents, any_contents, any_contents)
def test_what_serves_a_server_serves(widest, middle, narrow):
    """Transitive: what covers an answer covers all that this one covers."""
    if widest.covers(middle) and middle.covers(narrow):
        assert widest.covers(narrow)


@given(products, products)
def test_the_narrower_never_serves_the_wider(one, other):
    """Of two that differ, at most one serves the other; only_live_offers and days narrow, all else widens."""
    if one != other:
        assert not (one.covers(other) and other.covers(one))


def test_all_of_it_serves_a_plain_request():
    """An answer with everything serves a plain request; a plain one serves nothing that asks for more."""
    plain = contents_of(ProductCall(asins=[ASIN], domain=1))
    full = contents_of(ProductCall(asins=[ASIN], domain=1, stats=90, offers=20, rating=True))
    assert full.covers(plain)
    assert not plain.covers(full)


@pytest.mark.parametrize(
    ("wide", "narrow"),
    [
        ({}, {"history": False}),
        ({}, {"days": 90}),
        ({"days": 90}, {"days": 30}),
        ({"stats": 90}, {}),
        ({"offers": 40}, {"offers": 20}),
        ({"offers": 20}, {"offers": 20, "only_live_offers": True}),
        ({"offers": 20}, {"buybox": True}),
        ({"update": 0}, {}),
        ({}, {"update": 24}),
        ({"update": 24}, {"update": -1}),
        ({"offers": 20, "stock": True}, {"offers": 20}),
        *[({name: True}, {}) for name in ("rating", "buybox", "videos", "aplus", "historical_variations")],
    ],
)
def test_wider_and_narrower(wide, narrow):
    """Each option by itself: the wider serves, the narrower does not."""
    one, other = (contents_of(ProductCall(asins=[ASIN], domain=1, **chosen)) for chosen in (wide, narrow))
    assert one.covers(other)
    assert not other.covers(one)


@pytest.mark.parametrize(
    ("one", "other"),
    [({"stats": 90}, {"stats": 30}), ({"days": 30, "stats": 90}, {}), ({"offers": 20}, {"rating": True})],
)
def test_neither_serves_the_other(one, other):
    """Another window of statistics, or each with something of its own; offers do not bring the `reviews` of rating."""
    first, second = (contents_of(ProductCall(asins=[ASIN], domain=1, **chosen)) for chosen in (one, other))
    assert not first.covers(second)
    assert not second.covers(first)


def test_what_a_newer_program_wrote_serves_nothing():
    """Contents with a field that this program does not know, and what is no contents at all, serve nothing."""
    for text in ('{"holograms":true}', "unread", "", "[]", '{"history":3}'):
        assert read("product", text) is None
        assert not wanted(ProductCall(asins=[ASIN], domain=1, history=False)).serves(text)
    assert read("hologram", "{}") is None


def test_what_is_never_archived():
    """Trackings and the meter are never looked for."""
    assert wanted(TokenCall()) is None
    assert wanted(TrackingCall(type="list")) is None


@given(all_calls)
def test_every_call_has_its_place(call):
    """Every call has a place in the archive or none; equal calls have the same, and it serves them."""
    of = wanted(call)
    if of is None:
        assert call.endpoint in {"token", "tracking"}
        return
    assert of.serves(of.contents)
    assert (of.endpoint, len(of.items) > 0) == (call.endpoint, True)
    assert all(len(item) <= 120 for item in of.items)


def test_one_list_one_place():
    """The same selection by GET and by POST, and in another order of its keys, is the same page."""
    by_get = FinderCall(selection={"rootCategory": [1], "perPage": 50}, domain=1)
    by_post = FinderCall(selection={"perPage": 50, "rootCategory": [1]}, domain=1, post=True)
    assert wanted(by_get).items == wanted(by_post).items
    assert wanted(by_get).items != wanted(FinderCall(selection={"perPage": 50, "rootCategory": [2]}, domain=1)).items
    deal = DealCall(selection={"domainId": 3, "priceTypes": [0], "dateRange": 1, "page": 0})
    assert wanted(deal).domain == 3
    assert (
        wanted(BestSellersCall(category="1", domain=1)).items != wanted(BestSellersCall(category="2", domain=1)).items
    )


def test_codes_are_no_asins():
    """A call by codes has a place as a whole: nobody says which of its products belongs to which code."""
    of = wanted(ProductCall(codes=["4006381000000"], domain=1, code_limit=1))
    assert of.items == ("code=4006381000000&code-limit=1",)
    assert not of.serves(contents_of(ProductCall(asins=[ASIN], domain=1)).text)


def test_update_is_a_demand():
    """`update` says how old an archived answer may be; -1 and nothing say nothing."""
    ages = {update: demanded_age(ProductCall(asins=[ASIN], domain=1, update=update)) for update in (None, -1, 0, 1, 48)}
    assert ages == {
        None: None,
        -1: None,
        0: timedelta(),
        1: timedelta(hours=1),
        48: timedelta(hours=48),
    }
    assert demanded_age(BestSellersCall(category="1", domain=1)) is None
    huge = ProductCall(asins=[ASIN], domain=1, update=2**31 - 1)
    assert demanded_age(huge) > timedelta(days=10_000)


def test_what_replaces_what():
    """A wider answer makes the narrower useless, of the same endpoint, and never what cannot be read."""
    plain = contents_of(ProductCall(asins=[ASIN], domain=1)).text
    full = contents_of(ProductCall(asins=[ASIN], domain=1, stats=90)).text
    assert replaces("product", full, plain)
    assert not replaces("product", plain, full)
    assert not replaces("product", full, "unread")
    assert not replaces("bestsellers", "", "")


def test_sellers_and_categories():
    """A storefront serves a plain seller; a category with its parents serves one without."""
    front = contents_of(SellerCall(sellers=["A2L77EE7U53NWQ"], domain=1, storefront=True))
    plain = contents_of(SellerCall(sellers=["A2L77EE7U53NWQ"], domain=1))
    assert front.covers(plain)
    assert not plain.covers(front)
    assert not front.covers(contents_of(SellerCall(sellers=["A2L77EE7U53NWQ"], domain=1, storefront=True, update=24)))
    parents = contents_of(CategoryCall(categories=["1"], domain=1, parents=True))
    assert parents.covers(contents_of(CategoryCall(categories=["1"], domain=1)))
    assert not parents.covers(plain)
