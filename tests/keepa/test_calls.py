"""Construction validates: a call that exists may be sent."""

import dataclasses
import json
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keepa.made_calls import TODAY, all_calls, item_calls

from keepahead.errors import InvalidCallError
from keepahead.keepa.calls import (
    ITEM_LIMITS,
    BestSellersCall,
    Call,
    CategoryCall,
    CategorySearchCall,
    DealCall,
    FinderCall,
    GraphImageCall,
    ItemCall,
    LightningDealCall,
    ProductCall,
    ProductSearchCall,
    SellerCall,
    SellerFinderCall,
    TokenCall,
    TopSellersCall,
    TrackingAddCall,
    TrackingCall,
    parse_call,
)

ASIN = "B0D8W1YVBX"
DEAL = {"domainId": 1, "priceTypes": [0]}
TRACKING = {"asin": ASIN, "mainDomainId": 1}


def code_of(make: Any, **options: Any) -> str:
    """Return the code with which the construction is refused."""
    with pytest.raises(InvalidCallError) as caught:
        make(**options)
    assert str(caught.value).endswith((".", "?"))
    return caught.value.code


@given(all_calls)
def test_round_trip(call: Call) -> None:
    """A call written as a raw request and parsed again is the same call."""
    assert parse_call(call.method, call.path, call.query(), call.body(), today=TODAY) == call


@given(all_calls)
def test_values(call: Call) -> None:
    """A call is hashable, cannot be changed, and never sends a key."""
    assert hash(call) == hash(dataclasses.replace(call, today=TODAY) if isinstance(call, BestSellersCall) else call)
    with pytest.raises((dataclasses.FrozenInstanceError, TypeError)):
        call.domain = 3  # pyright: ignore[reportAttributeAccessIssue]
    assert "key" not in call.query()
    assert all(isinstance(value, str) for value in call.query().values())
    assert (call.body() is not None) == (call.method == "POST")


@given(item_calls)
def test_narrowed(call: ItemCall) -> None:
    """A call narrowed to its own items is the same call; narrowed to some it keeps all its options."""
    assert call.narrowed(call.items) == call
    first = call.narrowed(call.items[:1])
    assert first.items == call.items[:1]
    assert first.narrowed(call.items) == call
    assert len(call.items) <= call.item_limit


@pytest.mark.parametrize(
    ("call", "path", "query"),
    [
        (TokenCall(), "/token", {}),
        (
            ProductCall(domain="US", asins=[ASIN], stats=90, only_live_offers=True, offers=20, code_limit=3, update=-1),
            "/product",
            {
                "domain": "1",
                "asin": ASIN,
                "stats": "90",
                "update": "-1",
                "code-limit": "3",
                "offers": "20",
                "only-live-offers": "1",
            },
        ),
        (
            ProductCall(domain=3, codes=[4006381000000, "12345678"]),
            "/product",
            {"domain": "3", "code": "4006381000000,12345678"},
        ),
        (
            ProductSearchCall(domain="de", term="tea", asins_only=False),
            "/search",
            {"type": "product", "domain": "3", "term": "tea", "asins-only": "0"},
        ),
        (CategorySearchCall(domain=1, term=" home "), "/search", {"type": "category", "domain": "1", "term": "home"}),
        (
            CategoryCall(domain=1, categories=[283155]),
            "/category",
            {"domain": "1", "category": "283155", "parents": "0"},
        ),
        (
            BestSellersCall(domain=1, category="283155", month=10, year=2026, today=TODAY),
            "/bestsellers",
            {"domain": "1", "category": "283155", "month": "10", "year": "2026"},
        ),
        (
            SellerCall(domain=1, sellers=["A2L77EE7U53NWQ"], storefront=True),
            "/seller",
            {"domain": "1", "seller": "A2L77EE7U53NWQ", "storefront": "1"},
        ),
        (TopSellersCall(domain="GB"), "/topseller", {"domain": "2"}),
        (LightningDealCall(domain=1), "/lightningdeal", {"domain": "1"}),
        (TrackingCall(type="listNames"), "/tracking", {"type": "listNames"}),
        (TrackingAddCall(trackings=[TRACKING], list_name="mine"), "/tracking", {"type": "add", "list": "mine"}),
        (DealCall(selection=DEAL), "/deal", {}),
        (
            SellerFinderCall(domain=1, selection={"perPage": 100}),
            "/sellerquery",
            {"domain": "1", "selection": '{"perPage":100}'},
        ),
        (
            GraphImageCall(
                domain=1, asin=ASIN, sales_rank=True, types=["0", "18"], line_width=1.5, color_buy_box="ff00aa"
            ),
            "/graphimage",
            {"domain": "1", "asin": ASIN, "salesrank": "1", "types": "0,18", "lw": "1.5", "cBB": "ff00aa"},
        ),
    ],
    ids=lambda value: type(value).__name__ if dataclasses.is_dataclass(value) else None,
)
def test_request(call: Call, path: str, query: dict[str, str]) -> None:
    """A call is written with Keepa's own path and parameter names, only what was set."""
    assert (call.path, call.query()) == (path, query)


def test_finder_method() -> None:
    """A short selection goes into the query, a long one or a posted one into the body; the call is the same."""
    short = FinderCall(domain=1, selection={"brand": ["ä"], "page": 2})
    assert (short.method, short.query()["selection"], short.body()) == ("GET", '{"brand":["ä"],"page":2}', None)
    assert (short.page, short.per_page) == (2, 50)
    posted = FinderCall(domain=1, selection={"page": 2, "brand": ["ä"]}, post=True)
    assert posted == short
    assert (posted.method, posted.query(), posted.body()) == ("POST", {"domain": "1"}, short.selection.encode())
    long = FinderCall(domain=1, selection={"title": "ä" * 330})  # six characters each once encoded
    assert (long.method, FinderCall(domain=1, selection={"title": "ä" * 325}).method) == ("POST", "GET")


def test_selection_is_canonical() -> None:
    """The order of keys does not matter, and what was given can change afterwards without harm."""
    given_selection = {"current_NEW_lte": 5, "brand": ["a"]}
    call = FinderCall(domain=1, selection=given_selection)
    given_selection["brand"].append("b")
    assert call == FinderCall(domain=1, selection='{"brand": ["a"], "current_NEW_lte": 5}')
    call.filters["brand"] = None
    assert call.filters == {"brand": ["a"], "current_NEW_lte": 5}


def test_unknown_filters() -> None:
    """Unknown filters are passed on, and named with the known one that they resemble."""
    finder = FinderCall(domain=1, selection={"curent_NEW_gte": "7", "xyzzy": 1})
    assert finder.unknown_filters == (("curent_NEW_gte", "current_NEW_gte"), ("xyzzy", None))
    assert 'did you mean "current_NEW_gte"' in finder.warnings[0]
    assert finder.warnings[1] == 'unknown filter "xyzzy" is passed on'
    assert DealCall(selection={**DEAL, "sortTyp": 4}).unknown_filters == (("sortTyp", "sortType"),)


@pytest.mark.parametrize(
    ("call", "warning"),
    [
        (ProductCall(domain=1, asins=[ASIN], stock=True), "stock without offers"),
        (ProductCall(domain=1, asins=[ASIN], only_live_offers=True), "only-live-offers without offers"),
        (ProductCall(domain=1, asins=[ASIN], rental=True), "rental has no effect"),
        (ProductCall(domain=1, asins=[ASIN], offers=20, buybox=True), "buybox is ignored"),
        (ProductSearchCall(domain=12, term="cafe"), "domain 12"),
        (DealCall(selection={**DEAL, "domainId": 12}), "domain 12"),
        (DealCall(selection={**DEAL, "dateRange": 4}), "dateRange 4"),
        (DealCall(selection={**DEAL, "titleSearch": "tea"}), "titleSearch has no effect without isFilterEnabled"),
        (DealCall(selection={**DEAL, "deltaRange": [1, 2]}), "deltaRange has no effect without isRangeEnabled"),
    ],
)
def test_warnings(call: Call, warning: str) -> None:
    """What is allowed but pointless or undocumented is said."""
    assert any(sentence.startswith(warning) for sentence in call.warnings)


@pytest.mark.parametrize(
    "stats",
    ["2015-10-20,2015-12-24", "1445299200000,1450915200000", "2015-10-20T10:00:00Z,2015-12-24 10:00", "0", "180"],
)
def test_stats_text(stats: str) -> None:
    """Stats are days, or two moments in Unix milliseconds or ISO 8601, and stay as they were written."""
    call = parse_call("GET", "product", {"domain": 1, "asin": ASIN, "stats": stats})
    assert call.query()["stats"] == stats


def test_stats_values() -> None:
    """In Python the two moments may be dates, datetimes, numbers or texts."""
    call = ProductCall(domain=1, asins=ASIN, stats=(date(2020, 1, 2), datetime(2021, 1, 2, tzinfo=UTC)))
    assert call.stats == ("2020-01-02", "2021-01-02T00:00:00+00:00")


def test_one_text_is_one_item() -> None:
    """A single ASIN given as a text is one ASIN, not ten letters; blanks around it are dropped."""
    assert ProductCall(domain=1, asins=f" {ASIN} ").asins == (ASIN,)


P: dict[str, Any] = {"domain": 1, "asins": [ASIN]}
S: dict[str, Any] = {"domain": 1, "term": "tea"}
B: dict[str, Any] = {"domain": 1, "category": "1", "today": TODAY}
G: dict[str, Any] = {"domain": 1, "asin": ASIN}


@pytest.mark.parametrize(
    ("code", "make", "options"),
    [
        ("invalid_domain", ProductCall, {"domain": 7, "asins": [ASIN]}),
        ("invalid_domain", ProductCall, {"domain": True, "asins": [ASIN]}),
        ("missing_asin_or_code", ProductCall, {"domain": 1}),
        ("asin_and_code", ProductCall, {**P, "codes": ["12345678"]}),
        ("too_many_asins", ProductCall, {"domain": 1, "asins": [ASIN] * 101}),
        ("too_many_codes", ProductCall, {"domain": 1, "codes": ["12345678"] * 101}),
        ("invalid_asin", ProductCall, {"domain": 1, "asins": ["B0D8W1YVB"]}),
        ("invalid_asin", ProductCall, {"domain": 1, "asins": ["b0d8w1yvbx"]}),
        ("invalid_asin", ProductCall, {"domain": 1, "asins": [ASIN, ""]}),
        ("invalid_asin", ProductCall, {"domain": 1, "asins": [None]}),
        ("invalid_code", ProductCall, {"domain": 1, "codes": ["1234567"]}),
        ("invalid_code", ProductCall, {"domain": 1, "codes": ["123456789X"]}),
        ("invalid_stats", ProductCall, {**P, "stats": -1}),
        ("invalid_stats", ProductCall, {**P, "stats": True}),
        ("invalid_stats", ProductCall, {**P, "stats": ("2015-10-20", "x")}),
        ("invalid_stats", ProductCall, {**P, "stats": ("2015-10-20", "2015-13-24")}),
        ("invalid_stats", ProductCall, {**P, "stats": ("2015-10-20",)}),
        ("invalid_days", ProductCall, {**P, "days": 0}),
        ("invalid_code_limit", ProductCall, {**P, "code_limit": 0}),
        ("offers_not_integer", ProductCall, {**P, "offers": "20"}),
        ("offers_out_of_range", ProductCall, {**P, "offers": 0}),
        ("invalid_history", ProductCall, {**P, "history": 2}),
        ("invalid_rating", ProductCall, {**P, "rating": "yes"}),
        ("invalid_update", ProductSearchCall, {**S, "update": -1}),
        ("page_out_of_range", ProductSearchCall, {**S, "page": -1}),
        ("missing_term", ProductSearchCall, {**S, "term": "  "}),
        ("invalid_term", ProductSearchCall, {**S, "term": "\ud800"}),
        ("keyword_too_short", CategorySearchCall, {**S, "term": "tea tv"}),
        ("missing_category", CategoryCall, {"domain": 1, "categories": []}),
        ("too_many_categories", CategoryCall, {"domain": 1, "categories": range(1, 12)}),
        ("invalid_category", CategoryCall, {"domain": 1, "categories": [0, 1]}),
        ("invalid_category", CategoryCall, {"domain": 1, "categories": [-1]}),
        ("invalid_category", CategoryCall, {"domain": 1, "categories": [2**63]}),
        ("invalid_domain", BestSellersCall, {**B, "domain": "BR"}),
        ("invalid_category", BestSellersCall, {**B, "category": "1,2"}),
        ("invalid_range", BestSellersCall, {**B, "range_days": 60}),
        ("invalid_year", BestSellersCall, {**B, "month": 1, "year": 26}),
        ("month_and_year_required_together", BestSellersCall, {**B, "month": 1}),
        ("month_and_year_required_together", BestSellersCall, {**B, "year": 2026}),
        ("month_not_available", BestSellersCall, {**B, "month": 11, "year": 2026}),
        ("month_not_available", BestSellersCall, {**B, "month": 12, "year": 2026}),
        ("month_not_available", BestSellersCall, {**B, "month": 10, "year": 2023}),
        ("month_not_available", BestSellersCall, {**B, "month": 1, "year": 9999, "today": None}),
        ("range_excludes_month_year", BestSellersCall, {**B, "month": 1, "year": 2026, "range_days": 0}),
        ("sublist_excludes_range_month_year", BestSellersCall, {**B, "sublist": True, "year": 2026}),
        ("missing_seller", SellerCall, {"domain": 1, "sellers": []}),
        ("invalid_seller", SellerCall, {"domain": 1, "sellers": ["a seller"]}),
        ("too_many_sellers", SellerCall, {"domain": 1, "sellers": ["A2L77EE7U53NWQ"] * 101}),
        ("storefront_batch", SellerCall, {"domain": 1, "sellers": ["A2L", "A3L"], "storefront": True}),
        ("invalid_domain", TopSellersCall, {"domain": 12}),
        ("empty_asin", LightningDealCall, {"domain": 1, "asin": ""}),
        ("single_asin_only", LightningDealCall, {"domain": 1, "asin": f"{ASIN},{ASIN}"}),
        ("invalid_state", LightningDealCall, {"domain": 1, "state": "available"}),
        ("missing_state", LightningDealCall, {"domain": 1, "state": ""}),
        ("missing_asin", GraphImageCall, {**G, "asin": ""}),
        ("width_out_of_range", GraphImageCall, {**G, "width": 299}),
        ("height_out_of_range", GraphImageCall, {**G, "height": 1801}),
        ("invalid_width", GraphImageCall, {**G, "width": 300.5}),
        ("invalid_range", GraphImageCall, {**G, "range_days": 0}),
        ("invalid_types", GraphImageCall, {**G, "types": ["36"]}),
        ("invalid_lw", GraphImageCall, {**G, "line_width": 0}),
        ("invalid_lw", GraphImageCall, {**G, "line_width": float("nan")}),
        ("invalid_lw", GraphImageCall, {**G, "line_width": True}),
        ("invalid_cBackground", GraphImageCall, {**G, "color_background": "red"}),
        ("invalid_selection", DealCall, {"selection": []}),
        ("invalid_selection", DealCall, {"selection": "{"}),
        ("invalid_tracking", TrackingAddCall, {"trackings": "7"}),
        ("invalid_tracking", TrackingAddCall, {"trackings": '"x"'}),
        ("invalid_tracking", TrackingAddCall, {"trackings": [7]}),
        ("invalid_tracking", TrackingAddCall, {"trackings": [{**TRACKING, "ttl": float("inf")}]}),
        ("missing_tracking", TrackingAddCall, {"trackings": []}),
        ("too_many_trackings", TrackingAddCall, {"trackings": [TRACKING] * 3001}),
        ("list_name_too_long", TrackingAddCall, {"trackings": [TRACKING], "list_name": "x" * 65}),
        ("missing_list", TrackingAddCall, {"trackings": [TRACKING], "list_name": ""}),
        ("invalid_type", TrackingCall, {"type": "add"}),
        ("missing_asin", TrackingCall, {"type": "remove"}),
        ("missing_url", TrackingCall, {"type": "webhook"}),
        ("invalid_url", TrackingCall, {"type": "webhook", "url": "ftp://example.org"}),
        ("list_not_supported", TrackingCall, {"type": "webhook", "url": "https://example.org", "list_name": "a"}),
        ("unknown_parameter", TrackingCall, {"type": "removeAll", "asin": ASIN}),
        ("page_out_of_range", TrackingCall, {"type": "list", "page": -1}),
        ("perPage_out_of_range", TrackingCall, {"type": "list", "per_page": 0}),
        ("invalid_since", TrackingCall, {"type": "notification", "since": -1}),
    ],
)
def test_refused(code: str, make: Any, options: dict[str, Any]) -> None:
    """A parameter that Keepa would refuse or misread is refused on construction, with a stable code."""
    assert code_of(make, **options) == code


F: dict[str, Any] = {"current_NEW_gte": 1}


@pytest.mark.parametrize(
    ("code", "selection"),
    [
        ("no_filter", {}),
        ("no_filter", {"page": 0, "sort": [], "brand": [], "title": "", "isHazMat": None}),
        ("invalid_current_NEW_gte", {"current_NEW_gte": "1000"}),
        ("invalid_current_NEW_gte", {"current_NEW_gte": True}),
        ("invalid_isHazMat", {"isHazMat": "true"}),
        ("invalid_isLowest90_NEW", {"isLowest90_NEW": 1}),
        ("invalid_title", {"title": ["a"]}),
        ("too_many_title_keywords", {"title": "a " * 51}),
        ("invalid_rootCategory", {"rootCategory": ["Books"]}),
        ("invalid_productType", {"productType": [True]}),
        ("too_many_array_entries", {"rootCategory": [1] * 51}),
        ("invalid_page", {**F, "page": "0"}),
        ("page_out_of_range", {**F, "page": -1}),
        ("invalid_perPage", {**F, "perPage": 50.0}),
        ("perPage_out_of_range", {**F, "perPage": 10_001}),
        ("paging_beyond_10000", {**F, "page": 200}),
        ("invalid_sort", {**F, "sort": "current_NEW"}),
        ("invalid_sort", {**F, "sort": [["current_NEW", "up"]]}),
        ("invalid_sort", {**F, "sort": ["current_NEW"]}),
        ("too_many_sort_fields", {**F, "sort": [["title", "asc"]] * 4}),
        ("invalid_sort_field", {**F, "sort": [["current_NEW_lte", "asc"]]}),
        ("invalid_selection", {**F, "x": {"y": b"no JSON"}}),
        ("invalid_selection", {**F, "x": 2**63}),
        ("invalid_selection", {**F, "\ud800": 1}),
        ("invalid_selection", {**F, 7: 1}),
        ("invalid_selection", {**F, "x": "\ud800"}),
    ],
)
def test_finder_refused(code: str, selection: dict[str, Any]) -> None:
    """A known filter with a value that Keepa would ignore, and paging out of reach, are refused."""
    assert code_of(FinderCall, domain=1, selection=selection) == code


def test_finder_accepts() -> None:
    """Single values for lists, quoted numbers in lists (Keepa's website writes them) and null are let through."""
    chosen = {"rootCategory": 283155, "productType": ["0"], "brand": "Lego", "isHazMat": None, "current_NEW_gte": 1.5}
    assert FinderCall(domain=1, selection=chosen).filters == chosen


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("missing_domain", {"domainId": None}),
        ("invalid_domain", {"domainId": "1"}),
        ("invalid_domain", {"domainId": 7}),
        ("priceTypes_exactly_one", {"priceTypes": 0}),
        ("priceTypes_exactly_one", {"priceTypes": []}),
        ("invalid_priceTypes", {"priceTypes": ["0"]}),
        ("priceTypes_not_deal_relevant", {"priceTypes": [34]}),
        ("page_out_of_range", {"page": -1}),
        ("invalid_page", {"page": "1"}),
        ("page_beyond_10000", {"page": 67}),
        ("invalid_dateRange", {"dateRange": 5}),
        ("invalid_sortType", {"sortType": 0}),
        ("minRating_out_of_range", {"minRating": -2}),
        ("invalid_minRating", {"minRating": 4.5}),
        ("too_many_categories", {"excludeCategories": [1] * 501}),
        ("invalid_includeCategories", {"includeCategories": ["Books"]}),
        ("invalid_warehouseConditions", {"warehouseConditions": [6]}),
        ("invalid_deltaRange", {"deltaRange": [1]}),
        ("invalid_currentRange", {"currentRange": 5}),
        ("deltaPercentRange_out_of_range", {"deltaPercentRange": [5, 100]}),
        ("invalid_isRangeEnabled", {"isRangeEnabled": 1}),
        ("too_many_title_keywords", {"titleSearch": "a " * 51}),
    ],
)
def test_deal_refused(code: str, changes: dict[str, Any]) -> None:
    """The rules of the deal request hold inside its JSON."""
    assert code_of(DealCall, selection={**DEAL, **changes}) == code


@pytest.mark.parametrize(
    ("code", "changes"),
    [
        ("missing_asin", {"asin": ""}),
        ("invalid_asin", {"asin": "b0d8w1yvbx"}),
        ("invalid_asin", {"asin": 7}),
        ("missing_domain", {"mainDomainId": None}),
        ("updateInterval_out_of_range", {"updateInterval": -1}),
        ("invalid_updateInterval", {"updateInterval": "1"}),
        ("invalid_ttl", {"ttl": "1"}),
        ("invalid_expireNotify", {"expireNotify": 1}),
        ("invalid_metaData", {"metaData": 1}),
        ("metaData_too_long", {"metaData": "x" * 501}),
        ("invalid_thresholdValues", {"thresholdValues": {}}),
        ("invalid_notifyIf", {"notifyIf": [1]}),
        ("invalid_domain", {"notifyIf": [{"domain": 7, "csvType": 0}]}),
        ("invalid_csvType", {"thresholdValues": [{"domain": 1, "csvType": -1}]}),
    ],
)
def test_tracking_refused(code: str, changes: dict[str, Any]) -> None:
    """The rules of a tracking hold for each one that is added."""
    assert code_of(TrackingAddCall, trackings=[TRACKING, {**TRACKING, **changes}]) == code


@pytest.mark.parametrize(("page", "code"), [("0", "page_out_of_range"), (0, "perPage_out_of_range")])
def test_seller_finder_refused(page: object, code: str) -> None:
    """The seller finder needs a page and a page size that make sense; more is not documented."""
    selection = {"page": -1} if page == "0" else {"perPage": page}
    assert code_of(SellerFinderCall, domain=1, selection=selection) == code
    assert SellerFinderCall(domain=1, selection={}).per_page is None


def test_months() -> None:
    """36 months back is the oldest best-seller list, last month the newest."""
    for month, year in ((11, 2023), (10, 2026)):
        assert BestSellersCall(domain=1, category="1", month=month, year=year, today=TODAY).month == month


def test_deal_domain() -> None:
    """A deal call knows its domain from its selection."""
    assert DealCall(selection=DEAL).domain == 1


def test_item_limits() -> None:
    """The limits by which batches are split are Keepa's."""
    assert dict(ITEM_LIMITS) == {
        "asins": 100,
        "codes": 100,
        "categories": 10,
        "sellers": 100,
        "storefronts": 1,
        "trackings": 1000,
        "trackings_hard": 3000,
    }
    assert SellerCall(domain=1, sellers=["A2L"], storefront=True).item_limit == 1


@given(st.text(max_size=40), st.integers())
def test_key_is_never_shown(text: str, number: int) -> None:
    """A text as long as a key is never repeated in a message."""
    key = f"k3y{number}".ljust(64, "x") + text
    for options in ({"asins": [key]}, {"asins": [ASIN], "stats": key}, {"asins": [ASIN], "domain": key}):
        with pytest.raises(InvalidCallError) as caught:
            ProductCall(**{"domain": 1, **options})
        assert key not in str(caught.value)


def test_body_is_json() -> None:
    """A body is JSON in UTF-8: trackings as an array, each as it was given."""
    call = TrackingAddCall(trackings=[{**TRACKING, "metaData": "ä"}, json.dumps(TRACKING)])
    body = call.body()
    assert body is not None
    assert json.loads(body) == [{**TRACKING, "metaData": "ä"}, TRACKING]
