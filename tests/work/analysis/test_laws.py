"""Laws of an analysis: scores within 0 and 100, better inputs never make it worse, no product breaks it."""

from dataclasses import replace
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.work.analysis.evidence import evidence
from tests.work.analysis.made import GLASS, NOW, SERUM, product_of, recorded_body, steady

from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.fees import GIVEN, Returns, fees_of, returns_of
from keepahead.work.analysis.recommendation import Verdict, recommend
from keepahead.work.analysis.risk import risk_of
from keepahead.work.analysis.sales import sales_of
from keepahead.work.analysis.score import Score
from keepahead.work.analysis.thresholds import Bar, Ramp, Thresholds
from keepahead.work.analysis.velocity import velocity_of
from keepahead.work.analysis.verify import Expected, expected_of, verify

RULES = Thresholds()
ORDER = list(Verdict)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
JUNK = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | NUMBERS | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
FIELDS = sorted(
    ("csv", "stats", "lastUpdate", "trackingSince", "monthlySold", "fbaFees", "referralFeePercentage", "domainId",
     "title", "availabilityAmazon", "buyBoxSellerIdHistory", "buyBoxEligibleOfferCounts", "returnRate",
     "variableClosingFee", "productType", "categoryTree", "asin")
)  # fmt: skip


@st.composite
def damaged(draw: st.DrawFn) -> dict[str, Any]:
    """A recorded or a made-up product with fields dropped or turned into junk, inside its lists and objects too."""
    body = dict(draw(st.sampled_from([recorded_body(SERUM), recorded_body(GLASS), steady()])))
    for name in draw(st.lists(st.sampled_from(FIELDS), max_size=6)):
        if draw(st.booleans()):
            body.pop(name, None)
        else:
            body[name] = draw(JUNK)
    if isinstance(body.get("csv"), list) and draw(st.booleans()):
        body["csv"] = [draw(JUNK) if draw(st.integers(0, 9)) == 0 else each for each in body["csv"]]
    if isinstance(body.get("stats"), dict) and draw(st.booleans()):
        body["stats"] = {
            name: draw(JUNK) if draw(st.integers(0, 9)) == 0 else each for name, each in body["stats"].items()
        }
    return body


@given(body=damaged(), buying_price=st.none() | st.integers(0, 10**9))
def test_no_product_breaks_it(body, buying_price):
    """Whatever a product holds, the analysis is whole, its scores lie within 0 and 100, and it is JSON."""
    product = product_of({**body, "asin": "B000000001"})
    seen = analyse(product, now=NOW, buying_price=buying_price)
    for score in (seen.velocity, seen.risk):
        assert score.value is None or 0 <= score.value <= 100
        assert all(part.points is None or 0 <= part.points <= part.points_max for part in score.parts)
    assert seen.recommendation.reasons
    assert (seen.fees is None) == (seen.returns is None)
    msgspec.json.encode(seen)
    checked = verify(product, expected_of(seen), now=NOW)
    assert checked.differences == () or {each.what for each in checked.differences} == {"return"}
    assert msgspec.json.encode(checked)


@given(body=damaged())
def test_the_same_gives_the_same(body):
    """An analysis is a function of product and moment."""
    body = {**body, "asin": "B000000001"}
    assert analyse(product_of(body), now=NOW) == analyse(product_of(body), now=NOW)


@given(sold=st.lists(st.integers(1, 200_000), min_size=2, max_size=2))
def test_more_sales_are_faster(sold):
    """Of two products that differ in sales alone the one that sells more has no lower velocity."""
    slow, fast = (analyse(product_of(steady(monthlySold=each)), now=NOW) for each in sorted(sold))
    assert slow.velocity.value <= fast.velocity.value
    assert slow.own_sales <= fast.own_sales


@given(drops=st.lists(st.integers(0, 500), min_size=2, max_size=2), ninety=st.none() | st.integers(0, 1500))
def test_more_drops_are_more_sales(drops, ninety):
    """More rank drops never mean fewer sales or a lower velocity."""
    few, many = (sales_of(None, {30: each, 90: ninety}, RULES) for each in sorted(drops))
    assert few.likely <= many.likely
    rank = analyse(product_of(steady()), now=NOW).rank
    assert velocity_of(few, rank, RULES).value <= velocity_of(many, rank, RULES).value


@given(
    prices=st.lists(st.integers(100, 100_000), min_size=2, max_size=2),
    costs=st.lists(st.integers(1, 50_000), min_size=2, max_size=2),
)
def test_return_goes_with_prices(prices, costs):
    """Selling for more never brings less; buying for more always brings a lower return."""
    cheap, dear = (
        fees_of(price, referral_percent=15.0, pick_and_pack=400, closing=0, thresholds=RULES)
        for price in sorted(prices)
    )
    low, high = sorted(costs)
    assert returns_of(cheap, low, RULES).profit <= returns_of(dear, low, RULES).profit
    assert (
        returns_of(dear, high, RULES).roi <= returns_of(dear, low, RULES).roi or returns_of(dear, low, RULES).profit < 0
    )
    assert returns_of(dear, max(1, dear.left), RULES).profit == 0 or dear.left < 1


def returns(roi: float) -> Returns:
    """A purchase with that return."""
    return Returns(100, GIVEN, round(roi * 100), roi, None, 0, 0)


UNIT = st.floats(0, 100)
ROI = st.floats(-1, 3)


@given(was=st.tuples(ROI, UNIT, UNIT), more=st.floats(0, 2), faster=UNIT, safer=UNIT, is_stale=st.booleans())
def test_better_is_never_worse(was, more, faster, safer, is_stale):
    """A better return, a higher velocity or a lower risk never makes the recommendation worse."""

    def verdict(roi: float, velocity: float, risk: float) -> int:
        found = recommend(returns(roi), Score(velocity, ()), Score(risk, ()), is_stale=is_stale, thresholds=RULES)
        return ORDER.index(found.verdict)

    roi, velocity, risk = was
    before = verdict(roi, velocity, risk)
    assert verdict(roi + more, velocity, risk) <= before
    assert verdict(roi, min(100, velocity + faster), risk) <= before
    assert verdict(roi, velocity, max(0, risk - safer)) <= before
    assert not is_stale or before >= ORDER.index(Verdict.CONSIDER)


@given(
    shares=st.lists(st.floats(0, 1), min_size=2, max_size=2),
    rivals=st.lists(st.integers(0, 90), min_size=2, max_size=2),
)
def test_more_competition_is_more_risk(shares, rivals):
    """More of the Buy Box for Amazon, or more rivals, never lowers the risk."""
    some, much = sorted(shares)
    few, many = sorted(rivals)
    calm = risk_of(evidence(amazon_box_share=some, rivals=few), RULES).value
    assert calm <= risk_of(evidence(amazon_box_share=much, rivals=few), RULES).value
    assert calm <= risk_of(evidence(amazon_box_share=some, rivals=many), RULES).value


@given(start=UNIT, full=UNIT, points=UNIT, values=st.lists(st.floats(-200, 200), min_size=2, max_size=2))
def test_ramps_are_monotone(start, full, points, values):
    """A ramp never leaves 0 and its points, and goes one way only."""
    ramp = Ramp(start, full, points)
    low, high = (ramp.of(value) for value in sorted(values))
    assert 0 <= min(low, high) <= max(low, high) <= points
    assert low <= high if full >= start else low >= high


@given(price=st.integers(1, 10**6), change=st.floats(-0.99, 5))
def test_what_is_unchanged_is_ok(price, change):
    """A product that did not change is OK; the further its price fell, the worse the outcome."""
    body = steady()
    body["csv"][18] = [body["csv"][18][0], price, 0]
    product = product_of(body)
    outcomes = ["OK", "CHANGED", "AVOID"]
    assert verify(product, Expected(price=price), now=NOW).outcome == "OK"
    before = verify(product, Expected(price=round(price * 1.1)), now=NOW).outcome
    earlier = verify(product, Expected(price=round(price * 2)), now=NOW).outcome
    assert outcomes.index(before) <= outcomes.index(earlier)
    assert verify(product, Expected(price=max(1, round(price * (1 + change)))), now=NOW).compared == ("price",)


def test_bars_stand_in_order():
    """A recommendation may not ask for less than the one below it."""
    assert replace(RULES, buy=Bar(0.2, 40, 50)).buy.roi == 0.2
