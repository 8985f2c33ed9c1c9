"""What calls cost: every published vector, and a second, naive model of the same section of the protocol sheet."""

import json
import math
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.keepa.made_calls import all_calls, item_calls

from keepahead.budget.cost import Cost, sum_costs
from keepahead.errors import InvalidCallError
from keepahead.keepa.calls import (
    Call,
    CategoryCall,
    CategorySearchCall,
    FinderCall,
    ItemCall,
    ProductCall,
    SellerFinderCall,
    TokenCall,
    parse_call,
)
from keepahead.keepa.costs import ENDPOINT_COSTS, quote, unbounded_parameter

TODAY = date(2026, 11, 22)  # the day that the vectors are relative to
VECTORS = json.loads((Path(__file__).parents[1] / "data" / "cost-vectors.json").read_bytes())
MISSPELLED = "product_misspelled_only_live_offers"

# Likely costs that follow a recorded answer, not a rule.
RECORDED = {
    "product_offers_20_rating_live_15",
    "product_offers_20_batch_50",
    "product_offers_20_stock_batch_25",
    "product_offers_kitchen_sink",
    "product_codes_10_limit_2_offers_40_stock",
}


def body_of(vector: dict[str, Any]) -> Any:
    """Return the body; a repeated item gets an ASIN of its own each time."""
    body = vector.get("body")
    if isinstance(body, dict) and "$repeat" in body:
        return [{**body["item"], "asin": f"B{number:09d}"} for number in range(body["$repeat"])]
    return body


@pytest.mark.parametrize("vector", [pytest.param(vector, id=vector["name"]) for vector in VECTORS])
def test_vector(vector: dict[str, Any]) -> None:
    """The bounds and the error codes are exactly those of the vector."""
    params = dict(vector["params"])
    if vector["name"] == MISSPELLED:  # the vector takes Keepa's view (ignored and charged); we refuse it
        with pytest.raises(InvalidCallError) as caught:
            parse_call(vector["method"], vector["path"], params)
        assert (caught.value.code, caught.value.nearest) == ("unknown_parameter", "only-live-offers")
        del params["only_live_offers"]
    if "error" in vector:
        with pytest.raises(InvalidCallError) as caught:
            parse_call(vector["method"], vector["path"], params, body_of(vector), today=TODAY)
        assert caught.value.code == vector["error"].partition(":")[0]
        return
    assume = vector.get("assume", {})
    call = parse_call(vector["method"], vector["path"], params, body_of(vector), today=TODAY)
    cost = quote(call, total_results=assume.get("totalResults"), found=assume.get("found", assume.get("resultsFound")))
    assert {"min": cost.tokens_min, "max": cost.tokens_max} == vector["bounds"]
    if not assume and vector["name"] not in RECORDED:
        assert cost.tokens_likely == vector["expected_typical"]
    assert cost.is_bounded or unbounded_parameter(call)


def model(call: Call) -> tuple[float, float]:
    """Return the bounds of the raw request behind `call`, straight from section 7 of the sheet."""
    query, body = call.query(), json.loads(call.body() or "null")
    on = {name for name, value in query.items() if value == "1"}
    update = query.get("update")
    match call.endpoint, query.get("type"):
        case "product", _:
            offers = int(query.get("offers", 0))
            pages = math.ceil(offers / 10)
            buybox = 2 if "buybox" in on and not offers else 0
            most = (6 * pages if offers else 1) + buybox
            most += ("rating" in on) + 2 * ("stock" in on) + ("historical-variations" in on) + (update == "0")
            least = (0 if offers and "only-live-offers" in on else 1) + buybox
            if "code" in query:
                limit = float(query.get("code-limit", "inf"))
                return 0, len(query["code"].split(",")) * limit * most
            asins = query["asin"].split(",")
            return 0 if update == "-1" else len(set(asins)) * least, len(asins) * most
        case "search", "product":
            products = 10 if "page" in query else 40
            return 0, products + 5 * ("rating" in on) + products * (update == "0")
        case "query", _:
            selection = body or json.loads(query["selection"])
            page = math.ceil(selection.get("perPage", 50) / 100)
            return (40, math.inf) if "stats" in on else (10, 10 + page)
        case "sellerquery", _:
            page = json.loads(query["selection"]).get("perPage")
            return 10, math.inf if page is None else 10 + math.ceil(page / 100)
        case "seller", _:
            sellers = len(query["seller"].split(","))
            return 0, sellers * (50 if update is not None else 10 if "storefront" in on else 1)
        case "tracking", "add":
            return 0, len(body)
        case "lightningdeal", _:
            return (1, 1) if "asin" in query else (500, 500)
        case endpoint, _:
            flat = {"deal": (5, 5), "bestsellers": (0, 50), "topseller": (50, 50), "graphimage": (0, 1)}
            return flat.get(endpoint, (0, 0) if endpoint in ("token", "tracking") else (1, 1))


@given(all_calls)
def test_model(call: Call) -> None:
    """A second model, written from the sheet over the raw request, finds the same bounds."""
    cost = quote(call)
    least, most = model(call)
    assert (cost.tokens_min, math.inf if cost.tokens_max is None else cost.tokens_max) == (least, most)


@given(all_calls, st.none() | st.integers(0, 10**9), st.none() | st.integers(0, 1))
def test_order(call: Call, total_results: int | None, found: int | None) -> None:
    """The least is never above the likely, the likely never above the most, and every number has a reason."""
    cost = quote(call, total_results=total_results, found=found)
    assert 0 <= cost.tokens_min <= cost.tokens_likely
    assert cost.tokens_max is None or cost.tokens_likely <= cost.tokens_max
    assert cost.because
    assert set(call.warnings) <= set(cost.because)
    assert cost.is_bounded or unbounded_parameter(call)


@given(item_calls, st.integers(1, 40))
def test_parts(call: ItemCall, size: int) -> None:
    """A call split into parts never costs more in sum than the whole; only categories have a price for each call."""
    items = call.items
    parts = [quote(call.narrowed(items[start : start + size])) for start in range(0, len(items), size)]
    whole = quote(call)
    if isinstance(call, CategoryCall):
        assert all(part.tokens_max == whole.tokens_max for part in parts)
    elif whole.tokens_max is None:
        assert not sum_costs(parts).is_bounded
    else:
        assert (sum_costs(parts).tokens_max or 0) <= whole.tokens_max


def test_duplicates() -> None:
    """Whether Keepa charges a repeated ASIN is unknown: at least the different ones, at most all."""
    cost = quote(ProductCall(domain=1, asins=["B000000001", "B000000001", "B000000002"], buybox=True))
    assert (cost.tokens_min, cost.tokens_likely, cost.tokens_max) == (6, 6, 9)
    assert "3 products, 2 of them different" in cost.because


def test_because() -> None:
    """The reasons are plain sentences."""
    cost = quote(ProductCall(domain=1, asins=["B000000001"], offers=20))
    assert cost.because == ("1 product", "offers=20: up to 2 pages of 6 tokens per product")
    assert quote(TokenCall()).because == ("0 per call",)


def test_categories_not_found() -> None:
    """Categories that Keepa may not know may be free."""
    for call in (CategoryCall(domain=1, categories=[1]), CategorySearchCall(domain=1, term="tea")):
        assert (quote(call).tokens_min, quote(call, found=0).tokens_min, quote(call, found=1).tokens_min) == (1, 0, 1)


def test_known_total() -> None:
    """A known number of matches bounds the finder's stats, and nothing else."""
    stats = FinderCall(domain=1, selection={"brand": ["a"]}, stats=True)
    assert [quote(stats, total_results=total).tokens_max for total in (0, 1, 1_000_000, 1_000_001)] == [41, 42, 42, 43]
    plain = FinderCall(domain=1, selection={"brand": ["a"]})
    assert quote(plain, total_results=10**9) == quote(plain)


def test_unbounded_parameter() -> None:
    """The parameter that would bound a call is named."""
    assert unbounded_parameter(ProductCall(domain=1, codes=["12345678"])) == "code-limit"
    assert unbounded_parameter(FinderCall(domain=1, selection={"brand": ["a"]}, stats=True)) == "stats"
    assert unbounded_parameter(SellerFinderCall(domain=1, selection={})) == "perPage"


def test_table() -> None:
    """Each row of the table is in order and names its unit and its section."""
    for price in ENDPOINT_COSTS.values():
        assert 0 <= price.tokens_min <= price.tokens_likely <= price.tokens_max
        assert price.unit
        assert price.section


@pytest.mark.parametrize("bounds", [(-1, 0, 0), (2, 1, 3), (0, 4, 3), (2, 1, None)])
def test_invariants(bounds: tuple[int, int, int | None]) -> None:
    """A cost that is out of order cannot be made."""
    with pytest.raises(ValueError, match="a cost needs"):
        Cost(*bounds)


@given(st.lists(all_calls, max_size=5))
def test_sums(several: list[Call]) -> None:
    """Costs add up one by one, and one without a bound takes it from the sum."""
    costs = [quote(call) for call in several]
    total = sum_costs(costs)
    assert total.tokens_min == sum(cost.tokens_min for cost in costs)
    assert total.tokens_likely == sum(cost.tokens_likely for cost in costs)
    assert total.is_bounded == all(cost.is_bounded for cost in costs)
    assert not total.is_bounded or total.tokens_max == sum(cost.tokens_max or 0 for cost in costs)
    assert len(set(total.because)) == len(total.because)
