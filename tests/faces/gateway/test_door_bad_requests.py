"""What Keepa refuses is refused at the door, with the same status and form, and costs nothing."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.faces.gateway.door_house import ENVELOPE, DoorHouse, body_of, fields_of
from tests.keepa import made_calls

from keepahead.simulator.endpoints.routes import ROUTES

ASIN = "B000000001"
FINDER = {"rootCategory": [1]}
DEAL = {"domainId": 1, "priceTypes": [1]}
OURS = frozenset(("key", "method", "path", "content", "headers"))
"""Names that the helpers of these tests take themselves."""

MANY = ",".join(f"B{number:09}" for number in range(101))


@pytest.fixture(scope="module")
def door(tmp_path_factory) -> Iterator[DoorHouse]:
    """A gateway with plenty of tokens."""
    with DoorHouse(tmp_path_factory.mktemp("door"), rate=100_000, balance=1_000_000) as door:
        door.ask("/token")
        yield door


def _query(selection: object, **more: Any) -> dict[str, Any]:
    return {"domain": 1, "selection": json.dumps(selection), **more}


def _deal(**more: Any) -> dict[str, Any]:
    return {"selection": json.dumps({**DEAL, **more})}


BAD: list[tuple[str, dict[str, Any]]] = [
    ("/deals", {}),
    ("/finder", {"domain": 1}),
    ("/", {}),
    ("/product/x", {}),
    *(("/product", {"asin": ASIN, "domain": domain}) for domain in (0, 7, 13, -1, "x", "", "de")),
    ("/product", {"asin": ASIN}),
    ("/product", {"domain": 1}),
    ("/product", {"domain": 1, "asin": ASIN, "code": "123456789012"}),
    ("/product", {"domain": 1, "asin": MANY}),
    ("/product", {"domain": 1, "asin": f"{ASIN},,{ASIN}"}),
    ("/product", {"domain": 1, "code": ",".join(str(10**11 + number) for number in range(101)), "code-limit": 1}),
    *(("/product", {"domain": 1, "asin": ASIN, "offers": offers}) for offers in (0, 1, 19, 101, -5, "x", "2.5")),
    ("/product", {"domain": 1, "code": "123456789012", "offers": 0}),
    *(
        ("/product", {"domain": 1, "asin": ASIN, name: value})
        for name in ("history", "rating", "stock", "videos")
        for value in (2, -1, "x", "true")
    ),
    *(("/product", {"domain": 1, "asin": ASIN, "update": value}) for value in (-2, "x", "1.5")),
    *(("/product", {"domain": 1, "asin": ASIN, "days": value}) for value in (0, -1, "x")),
    *(("/product", {"domain": 1, "asin": ASIN, "stats": value}) for value in (-1, "x", "2020-01-01,x", "1,2,3")),
    ("/product", {"domain": 1, "code": "123456789012", "code-limit": 0}),
    ("/search", {"domain": 1, "term": "steel"}),
    ("/search", {"domain": 1, "type": "x", "term": "steel"}),
    ("/search", {"domain": 1, "type": 5, "term": "steel"}),
    ("/search", {"domain": 1, "type": "product"}),
    ("/search", {"domain": 1, "type": "product", "term": " "}),
    *(("/search", {"domain": 1, "type": "product", "term": "steel", "page": page}) for page in (-1, 10, "x")),
    ("/search", {"domain": 1, "type": "product", "term": "steel", "update": -1}),
    ("/search", {"domain": 1, "type": "category", "term": "ab"}),
    ("/search", {"domain": 1, "type": "category"}),
    ("/category", {"domain": 1}),
    ("/category", {"domain": 1, "category": "x"}),
    ("/category", {"domain": 1, "category": ",".join(map(str, range(1, 12)))}),
    ("/category", {"domain": 1, "category": 5, "parents": 7}),
    ("/query", {"domain": 1}),
    ("/query", {"domain": 1, "selection": "{"}),
    ("/query", {"domain": 1, "selection": "[]"}),
    ("/query", _query({})),
    ("/query", _query({"page": 0})),
    ("/query", _query({**FINDER, "perPage": 10})),
    ("/query", _query({**FINDER, "perPage": 10_001})),
    ("/query", _query({**FINDER, "perPage": "50"})),
    ("/query", _query({**FINDER, "page": -1})),
    ("/query", _query({**FINDER, "page": 100, "perPage": 100})),
    ("/query", _query({**FINDER, "sort": "x"})),
    ("/query", _query({**FINDER, "sort": [["title"]]})),
    ("/query", _query({**FINDER, "sort": [["title", "asc"]] * 4})),
    ("/query", _query({**FINDER, "current_NEW_gte": "5"})),
    ("/query", _query(FINDER, stats=3)),
    ("/deal", {}),
    ("/deal", {"selection": "x"}),
    ("/deal", _deal(domainId=7)),
    ("/deal", _deal(domainId=None)),
    ("/deal", _deal(page=67)),
    ("/deal", _deal(page=-1)),
    ("/deal", _deal(priceTypes=[])),
    ("/deal", _deal(priceTypes=[1, 2])),
    ("/deal", _deal(priceTypes=[4])),
    ("/deal", _deal(priceTypes=1)),
    ("/deal", _deal(dateRange=9)),
    ("/deal", _deal(sortType=9)),
    ("/deal", _deal(minRating="x")),
    ("/bestsellers", {"domain": 12, "category": "172282"}),
    ("/bestsellers", {"domain": 1}),
    *(("/bestsellers", {"domain": 1, "category": "172282", "range": days}) for days in (7, -30, "x")),
    ("/bestsellers", {"domain": 1, "category": "172282", "month": 5}),
    ("/bestsellers", {"domain": 1, "category": "172282", "month": 13, "year": 2025}),
    ("/bestsellers", {"domain": 1, "category": "172282", "month": 5, "year": 2026, "range": 30}),
    ("/bestsellers", {"domain": 1, "category": "172282", "month": 5, "year": 2026, "sublist": 1}),
    ("/bestsellers", {"domain": 1, "category": "172282", "range": 30, "sublist": 1}),
    ("/bestsellers", {"domain": 1, "category": "172282", "month": 5, "year": 2015}),
    ("/seller", {"domain": 1}),
    ("/seller", {"domain": 1, "seller": ",".join(f"A{number:09}" for number in range(101))}),
    ("/seller", {"domain": 1, "seller": "A1,A2", "storefront": 1}),
    ("/seller", {"domain": 1, "seller": "AAA111", "storefront": 1, "update": -1}),
    ("/sellerquery", {"domain": 1}),
    ("/sellerquery", _query({"perPage": 0})),
    ("/topseller", {"domain": 12}),
    ("/lightningdeal", {"domain": 1, "asin": ""}),
    ("/lightningdeal", {"domain": 1, "asin": f"{ASIN},B000000002"}),
    ("/lightningdeal", {"domain": 1, "asin": ASIN, "state": "x"}),
    ("/graphimage", {"domain": 1}),
    *(("/graphimage", {"domain": 1, "asin": ASIN, "width": width}) for width in (299, 1801, "x")),
    ("/graphimage", {"domain": 1, "asin": ASIN, "height": 1}),
    ("/tracking", {}),
    ("/tracking", {"type": "x"}),
    ("/tracking", {"type": "add"}),
    ("/tracking", {"type": "add", "tracking": "{"}),
    ("/tracking", {"type": "get"}),
    ("/tracking", {"type": "remove"}),
    ("/tracking", {"type": "webhook"}),
    ("/tracking", {"type": "webhook", "url": "nowhere"}),
    ("/tracking", {"type": "list", "list": "x" * 65}),
    ("/tracking", {"type": "list", "page": -1}),
    ("/tracking", {"type": "list", "perPage": 100_001}),
    ("/tracking", {"type": "notification", "since": -1}),
    ("/tracking", {"type": "notification", "revise": 2}),
]


def _id(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)[:60]


@pytest.mark.parametrize(("path", "params"), BAD, ids=_id)
def test_refused_as_by_keepa(door, path, params):
    """Status and form of a refusal are Keepa's own; the envelope tells the true balance, and that it was free."""
    straight = door.tell(path, **params)
    spent = door.house.truth().consumed
    answer = door.ask(path, **params)
    told = answer.json()
    assert answer.status_code == straight.status
    assert told.keys() == ENVELOPE | {"error"}
    if straight.body:
        assert told.keys() == fields_of(body_of(straight)).keys()
    assert told["error"].keys() == {"type", "message", "details"}
    assert told["tokensConsumed"] == 0
    assert door.house.truth().consumed == spent
    assert told["tokensLeft"] == door.house.truth().balance


def test_a_parameter_twice(door):
    """Which of the two Keepa would take nobody knows, so a call with both is not sent; what it ignores may be there."""
    asins = f"domain=1&asin={ASIN}&asin=B000000002"
    told = door.ask_raw("GET", "/product", asins)
    assert (told.status_code, told.json()["error"]["details"]) == (400, "given_twice")
    assert door.ask_raw("GET", "/product", f"domain=1&asin={ASIN}&x=1&x=2").headers["X-Keepa-Ignored"] == "x"
    assert door.ask_raw("GET", "/product", f"domain=1&domain=1&asin={ASIN}").status_code == 400


def test_other_methods(door):
    """Keepa takes GET and POST; anything else is refused in its form as well."""
    for method in ("PUT", "DELETE", "PATCH"):
        told = door.ask_raw(method, "/product", f"domain=1&asin={ASIN}")
        assert (told.status_code, told.headers["Allow"]) == (405, "GET, POST")
        assert told.json().keys() == ENVELOPE | {"error"}


def test_a_wrong_key(door):
    """A key that is not valid gets Keepa's own answer to one: HTTP 400 and nobody's bucket, all of it zero."""
    for key in ("", "x", "k" * 64):
        door.house.keys["wrong"] = key
        answer = door.ask("/product", key="wrong", domain=1, asin=ASIN)
        told = answer.json()
        assert answer.status_code == 400
        assert told.pop("error")["type"] == "invalidParameter"
        assert told.keys() == ENVELOPE
        assert not any(told.values())


names = st.sampled_from(
    """domain asin code type term category selection seller offers stats update days page range list tracking url
    code-limit storefront width history month year""".split()  # noqa: SIM905 - a long list
)
values = (
    st.sampled_from((ASIN, "1", "0", "-1", "20", "product", "category", "172282", "add", "list", "get", "{}", "[]", ""))
    | st.sampled_from((json.dumps(FINDER), json.dumps(DEAL), "1,2", "steel", "%", "+5", "\0", "999999999999999999999"))
    | st.text(max_size=12)
)
queries = st.dictionaries(names | st.text(max_size=8), values, max_size=6)
spoilt = st.builds(lambda call, wrong: (call.endpoint, {**call.query(), **wrong}), made_calls.all_calls, queries)
paths = st.sampled_from((*ROUTES, "", "x", "product/", "/product")) | st.text(max_size=6)
bodies = st.binary(max_size=40) | st.sampled_from((json.dumps(FINDER).encode(), json.dumps([]).encode()))


@settings(max_examples=250)
@given(method=st.sampled_from(("GET", "POST")), asked=st.tuples(paths, queries) | spoilt, body=bodies)
@example("GET", ("product", {"domain": "1", "asin": ASIN, "days": "+5"}), b"")
@example("POST", ("query", {"domain": "1"}), json.dumps(FINDER).encode())
def test_nothing_is_spent_on_what_keepa_refuses(door, method, asked, body):
    """Whatever comes, the door answers in Keepa's form, never with a fault; what Keepa refuses costs nothing."""
    path, query = asked
    params = {name: value for name, value in query.items() if name not in OURS}
    before = door.house.truth().consumed
    answer = door.ask(f"/{quote(path)}", method=method, content=body, **params)
    spent = door.house.truth().consumed - before
    assert answer.status_code < 500
    if answer.headers["content-type"] == "image/png":
        return
    assert answer.json().keys() >= ENVELOPE
    assert answer.json()["tokensConsumed"] == spent
    if spent:
        straight = door.tell(f"/{path}", method=method, content=body, **params)
        assert straight.status == 200
        assert fields_of(body_of(straight)).keys() - {"error"} - ENVELOPE


@settings(max_examples=150)
@given(
    query=st.binary(max_size=60), path=st.sampled_from(("product", "tracking", "deal", "")), body=st.binary(max_size=30)
)
def test_any_bytes_in_the_query(door, query, path, body):
    """A query of any bytes is read or refused, in Keepa's form."""
    text = "".join(f"%{sign:02x}" if sign <= 32 or sign >= 127 or sign == ord("#") else chr(sign) for sign in query)
    answer = door.ask_raw("POST", f"/{path}", text, body)
    assert answer.status_code < 500
    assert answer.json().keys() >= ENVELOPE
