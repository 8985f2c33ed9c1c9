"""From raw requests to calls: whatever comes in, a call or an InvalidCallError comes out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead.errors import InvalidCallError
from keepahead.keepa.calls import (
    Call,
    DealCall,
    FinderCall,
    LightningDealCall,
    ProductCall,
    TokenCall,
    TrackingAddCall,
    TrackingCall,
    parse_as_keepa,
    parse_call,
)

ASIN = "B0D8W1YVBX"
KEY = "k" * 64
PATHS = """token product bestsellers deal category search query seller sellerquery topseller lightningdeal tracking
    graphimage""".split()  # noqa: SIM905 - a long list
NAMES = """domain asin code stats update history rating days code-limit offers only-live-offers stock type term page
    selection category range month year sublist seller storefront state tracking list since url perPage width types lw
    cNew key""".split()  # noqa: SIM905 - a long list

scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.text(st.characters(), max_size=8)
    | st.sampled_from(("0", "1", "20", ASIN, "product", "add", "list", "US", "[]", "{}", "\ud800"))
)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8) | st.sampled_from(NAMES), inner),
    max_leaves=8,
)
SELECTION_NAMES = """page perPage sort title brand rootCategory current_NEW_gte isHazMat domainId priceTypes dateRange
    sortType minRating deltaRange deltaPercentRange warehouseConditions titleSearch asin mainDomainId updateInterval
    thresholdValues metaData""".split()  # noqa: SIM905 - a long list
selections = st.dictionaries(st.sampled_from(SELECTION_NAMES), json_values)
bodies = st.none() | st.binary(max_size=20) | json_values | selections | st.lists(selections, max_size=3)


def code_of(*request: Any) -> str:
    """Return the code with which the raw request is refused."""
    with pytest.raises(InvalidCallError) as caught:
        parse_call(*request)
    return caught.value.code


def outcome(*request: Any) -> Call | InvalidCallError:
    """Return the call, or the error with which the raw request is refused."""
    try:
        return parse_call(*request)
    except InvalidCallError as error:
        return error


@given(
    method=st.sampled_from(("GET", "POST", "get", "PUT")) | scalars,
    path=st.sampled_from(PATHS) | scalars,
    params=st.dictionaries(st.sampled_from(NAMES) | scalars, json_values, max_size=6),
    body=bodies,
)
def test_any_request(method: Any, path: Any, params: Any, body: Any) -> None:
    """Nothing but InvalidCallError is raised, and its message can be printed."""
    call = outcome(method, path, params, body)
    if isinstance(call, InvalidCallError):
        assert str(call).encode()
        assert call.code
    else:
        assert call == parse_call(call.method, call.path, call.query(), call.body())


@given(st.sampled_from(("deal", "query", "tracking")), st.binary() | st.text(st.characters()) | selections)
def test_any_body(path: str, body: Any) -> None:
    """A body of any bytes, text or JSON gives a call or InvalidCallError."""
    params = {"deal": {}, "query": {"domain": 1}, "tracking": {"type": "add"}}[path]
    assert str(outcome("POST", path, params, body)).encode()


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100_000,
        b'{"a":' * 100_000,
        '{"brand":NaN}',
        '{"brand":1e999}',
        b"\xff\xfe",
        "{",
        f'{{"a":{"9" * 5000}}}',
    ],
)
def test_hostile_json(body: bytes | str) -> None:
    """Deep nesting, NaN, infinite and huge numbers and broken text are refused as what they are."""
    assert code_of("POST", "query", {"domain": 1}, body) == "invalid_selection"


def test_deep_objects() -> None:
    """Already decoded JSON may not be nested without end either."""
    nested: Any = {}
    nested["a"] = nested
    assert code_of("POST", "query", {"domain": 1}, nested) == "invalid_selection"


@pytest.mark.parametrize(
    ("method", "path", "params", "wrong", "nearest"),
    [
        (
            "GET",
            "product",
            {"domain": 1, "asin": ASIN, "offers": 20, "only_live_offers": 1},
            "only_live_offers",
            "only-live-offers",
        ),
        ("GET", "product", {"domian": 1, "asin": ASIN}, "domian", "domain"),
        ("GET", "product", {"domain": 1, "asin": ASIN, "code_limit": 1}, "code_limit", "code-limit"),
        ("GET", "category", {"domain": 1, "category": 1, "zzz": 1}, "zzz", None),
        ("GET", "tracking", {"type": "list", "per_page": 1}, "per_page", "perPage"),
        ("GET", "deal", {"domain": 1, "selection": "{}"}, "domain", None),
        ("GET", "search", {"type": "category", "domain": 1, "term": "tea", "page": 0}, "page", None),
    ],
)
def test_unknown_parameter(
    method: str, path: str, params: dict[str, str | int], wrong: str, nearest: str | None
) -> None:
    """Keepa ignores an unknown parameter and charges all the same, so it is refused with the nearest right name."""
    with pytest.raises(InvalidCallError) as caught:
        parse_call(method, path, params)
    error = caught.value
    assert (error.code, error.parameter, error.nearest) == ("unknown_parameter", wrong, nearest)
    assert f'"{wrong}"' in str(error)
    assert str(error).endswith("Keepa ignores unknown parameters and charges all the same.")
    assert nearest is None or f'did you mean "{nearest}"?' in str(error)


@pytest.mark.parametrize(
    ("path", "nearest"),
    [
        ("/deals", "/deal"),
        ("finder", "/query"),
        ("products", "/product"),
        ("best_sellers", "/bestsellers"),
        ("/Product", "/product"),
        ("/product/", "/product"),
        ("nothing-like-it", None),
        ("", None),
        (f"lightningdeal?key={KEY}", None),
    ],
)
def test_unknown_path(path: str, nearest: str | None) -> None:
    """A wrong path is refused with the nearest right one; a query inside the path is never dropped silently."""
    with pytest.raises(InvalidCallError) as caught:
        parse_call("GET", path, {"domain": 1})
    assert (caught.value.code, caught.value.nearest) == ("unknown_path", nearest)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("request_parts", "code"),
    [
        (("POST", "product", {"domain": 1, "asin": ASIN}), "method_not_allowed"),
        (("DELETE", "token", {}), "method_not_allowed"),
        (("POST", "tracking", {"type": "list"}), "method_not_allowed"),
        (("POST", "sellerquery", {"domain": 1}, "{}"), "method_not_allowed"),
        (("GET", "query", {"domain": 1}, "{}"), "unexpected_body"),
        (("POST", "query", {"domain": 1, "selection": "{}"}, "{}"), "invalid_selection"),
        (("POST", "query", {"domain": 1}), "missing_selection"),
        (("POST", "deal", {}, b" "), "missing_selection"),
        (("POST", "deal", {}, b"[]"), "invalid_selection"),
        (("GET", "query", {"domain": 1, "selection": 7}), "invalid_selection"),
        (("GET", "tracking", {"type": "add"}), "missing_tracking"),
        (("POST", "tracking", {"type": "add"}, 7), "invalid_tracking"),
        (("GET", "tracking", {"type": 7}), "invalid_type"),
        (("GET", "search", {"type": " "}), "missing_type"),
        (("GET", "topseller", {"domain": "US"}), "invalid_domain"),
        (("GET", "topseller", {"domain": " "}), "missing_domain"),
        (("GET", "topseller", {"domain": 10**30}), "invalid_domain"),
        (("GET", "product", {"domain": 1, "asin": ASIN, "stats": "many"}), "invalid_stats"),
        (("GET", "product", {"domain": 1, "asin": ASIN, "history": "true"}), "invalid_history"),
        (("GET", "product", {"domain": 1, "asin": ASIN, "only-live-offers": 2}), "invalid_only_live_offers"),
        (("GET", "product", {"domain": 1, "asin": f"{ASIN},"}), "invalid_asin"),
        (("GET", "product", {"domain": 1, "asin": ASIN, 7: 1}), "unknown_parameter"),
        (("GET", "product", {"domain": 1, "asin": ASIN, "x" * 60: 1}), "unknown_parameter"),
        (("GET", "graphimage", {"domain": 1, "asin": ASIN, "lw": "thick"}), "invalid_lw"),
    ],
)
def test_refused(request_parts: tuple[Any, ...], code: str) -> None:
    """What is wrong with the form of a request has a code of its own."""
    assert code_of(*request_parts) == code


def test_key_is_dropped() -> None:
    """The key is accepted, is not part of the call, and is in no message."""
    call = parse_call("GET", "/product", {"key": KEY, "domain": "1", "asin": ASIN})
    assert KEY not in repr(call)
    assert call == ProductCall(domain=1, asins=[ASIN])
    with pytest.raises(InvalidCallError) as caught:
        parse_call("GET", "/product", {"key": KEY, "domain": KEY, "asin": KEY})
    assert KEY not in str(caught.value)
    assert parse_call("GET", "token", {"key": KEY}) == TokenCall()


def test_json_from_anywhere() -> None:
    """The JSON may come in the query or the body, as bytes, text or decoded; the call is the same."""
    text = '{"domainId": 1, "priceTypes": [0]}'
    wanted = DealCall(selection={"domainId": 1, "priceTypes": [0]})
    for body in (text, text.encode(), {"domainId": 1, "priceTypes": [0]}):
        assert parse_call("POST", "deal", {}, body) == wanted
    assert parse_call("GET", "deal", {"selection": text}) == wanted
    assert parse_call("POST", "deal", {"selection": text}) == wanted
    finder = parse_call("post", "query", {"domain": 1}, '{"brand":["a"]}')
    assert isinstance(finder, FinderCall)
    assert finder.method == "POST"
    tracking = f'{{"asin":"{ASIN}","mainDomainId":1}}'
    for body in (tracking, f"[{tracking}]".encode()):
        call = parse_call("POST", "tracking", {"type": "add"}, body)
        assert isinstance(call, TrackingAddCall)
        assert call.trackings == (tracking,)


def test_blanks_around_values() -> None:
    """Blanks around a value are dropped."""
    assert parse_call("GET", "lightningdeal", {"domain": " 1 ", "asin": f" {ASIN} "}) == LightningDealCall(
        domain=1, asin=ASIN
    )


def test_as_keepa_reads_it():
    """Read as Keepa does, unknown parameters are named and left out, and so is what is empty and need not be there."""
    given = {"domain": "1", "asin": ASIN, "key": KEY, "only_live_offers": "1", "history": "", "wait": "x"}
    call, ignored = parse_as_keepa("GET", "product", given)
    assert call == ProductCall(domain=1, asins=(ASIN,))
    assert ignored == ("only_live_offers", "wait")
    assert parse_as_keepa("GET", "tracking", {"type": "get", "asin": ASIN, "page": "1"}) == (
        TrackingCall(type="get", asin=ASIN),
        ("page",),
    )
    assert parse_as_keepa("POST", "product", {"domain": "1", "asin": ASIN}, b"x=1")[0] == call
    with pytest.raises(InvalidCallError):
        parse_as_keepa("GET", "lightningdeal", {"domain": "1", "asin": ""})  # without it: all of them, for 500 tokens


def test_as_keepa_reads_json():
    """The JSON of a POST is its body; a GET has none."""
    selection = b'{"title": "x"}'
    for path in ("query", "sellerquery"):
        posted, _ = parse_as_keepa("POST", path, {"domain": "1"}, selection)
        got, _ = parse_as_keepa("GET", path, {"domain": "1", "selection": selection.decode()}, b"{}")
        assert posted == got
    with pytest.raises(InvalidCallError):
        parse_as_keepa("POST", "query", {"domain": "1", "selection": "{}"}, selection)


@given(
    st.sampled_from(("GET", "POST")),
    st.sampled_from(PATHS) | st.text(max_size=5),
    st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=5), st.text(max_size=8) | st.sampled_from(("1", ASIN))),
    st.binary(max_size=20),
)
def test_as_keepa_never_fails_otherwise(method, path, params, body):
    """Whatever comes in, a call that parse_call accepts as well or an InvalidCallError comes out."""
    try:
        call, ignored = parse_as_keepa(method, path, params, body)
    except InvalidCallError:
        return
    assert parse_call(call.method, call.path, call.query(), call.body()) == call
    assert not set(ignored) & call.query().keys()


def test_the_range_of_today_goes_with_anything():
    """range=0 is what best sellers are without it: the package keepa sends it always, beside sublist too."""
    call = parse_call("GET", "bestsellers", {"domain": "1", "category": "5", "range": "0", "sublist": "1"})
    assert call.query()["sublist"] == "1"
