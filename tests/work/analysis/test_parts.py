"""The parts of an analysis, each by itself: fees, sales, Buy Box, ramps, season, recommendation."""

from datetime import timedelta
from math import cos, exp, pi

import pytest
from tests.work.analysis.made import AMAZON, DAY, NOW, NOW_MINUTES, OTHER, THIRD, product_of, steady, with_series

from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.series import Series
from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.competition import box_shares
from keepahead.work.analysis.fees import fees_of, returns_of
from keepahead.work.analysis.sales import bracket, sales_of
from keepahead.work.analysis.score import Part, shared, summed
from keepahead.work.analysis.season import season_of
from keepahead.work.analysis.thresholds import Ramp, Thresholds

RULES = Thresholds()


@pytest.mark.parametrize(
    ("sold", "ends"),
    [(50, (50, 99)), (100, (100, 199)), (900, (900, 999)), (1000, (1000, 1999)), (10_000, (10_000, 19_999)),
     (90_000, (90_000, 99_999)), (100_000, (100_000, None))],
)  # fmt: skip
def test_brackets(sold, ends):
    """Amazon's figure is the lower end of a bracket; the steps grow with it, and the last is open."""
    assert bracket(sold) == ends


def test_sales_by_drops():
    """Without Amazon's figure a month's sales are what the rank drops of 30 and of 90 days say, and open above."""
    sales = sales_of(None, {30: 12, 90: 60}, RULES)
    assert (sales.source, sales.low, sales.likely, sales.high) == ("rank drops", 12, 16.0, None)
    assert sales_of(0, {30: 12, 90: None}, RULES).likely == 12
    assert sales_of(None, {}, RULES).likely is None


def test_fees_as_keepa_tells_them():
    """20.00 at 15% and 4.00 of picking leave 13.00; bought at 6.50 it brings 100%."""
    fees = fees_of(2000, referral_percent=15.0, pick_and_pack=400, closing=None, thresholds=RULES)
    assert (fees.referral_fee, fees.pick_and_pack_fee, fees.closing_fee, fees.total, fees.left) == (
        300,
        400,
        0,
        700,
        1300,
    )
    returns = returns_of(fees, 650, RULES)
    assert (returns.profit, returns.roi, returns.break_even_price, returns.target_price) == (650, 1.0, 1300, 1000)
    assert returns.buying_price_source == "given"


def test_fees_that_are_assumed_say_so():
    """What Keepa does not tell is assumed by the settings, and marked."""
    fees = fees_of(2000, referral_percent=None, pick_and_pack=None, closing=180, thresholds=RULES)
    assert (fees.referral_source, fees.pick_and_pack_source) == ("assumed", "assumed")
    assert (fees.referral_fee, fees.pick_and_pack_fee, fees.closing_fee) == (300, 500, 180)
    returns = returns_of(fees, None, RULES)
    assert (returns.buying_price, returns.buying_price_source) == (1000, "assumed")


def test_vat_and_other_costs():
    """VAT is part of the price in Europe: 19 of 119; other costs go off as they are."""
    rules = Thresholds(vat_percent=19, other_cost=50)
    fees = fees_of(1190, referral_percent=10.0, pick_and_pack=300, closing=0, thresholds=rules)
    assert (fees.vat, fees.other_cost, fees.left) == (190, 50, 1190 - 119 - 300 - 190 - 50)


def test_the_least_referral_fee():
    """Amazon takes at least so much."""
    assert fees_of(100, referral_percent=8.0, pick_and_pack=0, closing=0, thresholds=RULES).referral_fee == 30


def test_box_shares():
    """Shares go by time within the window; times with nobody count for nobody."""
    holders = [
        (NOW - timedelta(days=200), OTHER),
        (NOW - timedelta(days=60), AMAZON),
        (NOW - timedelta(days=30), None),
        (NOW - timedelta(days=15), THIRD),
    ]
    assert box_shares(holders, until=NOW).by_seller == {OTHER: 0.4, AMAZON: 0.4, THIRD: 0.2}
    assert box_shares([], until=NOW) is None
    assert box_shares([(NOW - timedelta(days=300), None)], until=NOW) is None


def test_ramps():
    """A ramp gives nothing up to its start, all from its end on, and a straight line between, in both directions."""
    assert [Ramp(5, 20, 15).of(value) for value in (0, 5, 12.5, 20, 99)] == [0, 0, 7.5, 15, 15]
    assert [Ramp(180, 30, 10).of(value) for value in (400, 180, 105, 30, 0)] == [0, 0, 5, 10, 10]
    assert [Ramp(1, 1, 10).of(value) for value in (0.9, 1)] == [0, 10]


def test_scores_without_inputs():
    """A share counts what could be counted; a sum leaves out what is not known; nothing at all is no score."""
    known, unknown = Part("a", 10, 40, "a"), Part("b", None, 60, "b")
    assert shared([known, unknown]).value == 25
    assert shared([unknown]).value is None
    assert summed([known, unknown]).value == 10
    assert summed([Part("a", 90, 90, "a"), Part("b", 90, 90, "b")]).value == 100


def ranks(months: int, of_month) -> Series:
    """A rank series with one value a day."""
    days = range(months * 31, -1, -1)
    flat = [
        number
        for day in days
        for number in (NOW_MINUTES - day * DAY, round(of_month((NOW - timedelta(days=day)), months * 31 - day)))
    ]
    return Series.of(CsvType.SALES, 1, flat)


def test_a_season_is_found():
    """A rank that is ten times better in December than in June is seasonal; December is among its best months."""
    wave = ranks(36, lambda at, _: 10_000 * exp(1.15 * cos(2 * pi * (at.month - 6) / 12)))
    season = season_of(wave, until=NOW, thresholds=RULES)
    assert season.is_seasonal
    assert season.strength > 0.95
    assert season.swing == pytest.approx(10, rel=0.1)
    assert 12 in season.best_months
    assert 6 not in season.best_months


def test_a_trend_is_no_season():
    """A product on its way up is not called seasonal, however far it comes."""
    rise = ranks(36, lambda _, day: 500_000 * exp(-day / 120))
    assert season_of(rise, until=NOW, thresholds=RULES).is_seasonal is False


def test_no_season_without_two_years():
    """With less than two whole years nothing is said of a season."""
    short = ranks(20, lambda at, _: 1000 * at.month)
    season = season_of(short, until=NOW, thresholds=RULES)
    assert (season.is_seasonal, season.strength, season.best_months) == (None, None, [])
    assert season.months < 24
    assert season_of(Series.of(CsvType.SALES, 1, []), until=NOW, thresholds=RULES).months == 0


def test_a_steady_product():
    """A product that moves nothing has no volatility, no stock-outs, no risk but that of its sellers."""
    seen = analyse(product_of(steady()), now=NOW, buying_price=600)
    assert (seen.volatility.price, seen.volatility.rank) == (0, 0)
    assert (seen.stock_outs.times, seen.stock_outs.share) == (0, 0)
    assert (seen.risk.value, seen.risk.reasons) == (0, ())
    assert seen.returns.roi == pytest.approx(7 / 6)
    assert seen.recommendation.verdict == "STRONG_BUY"
    assert seen.own_sales == pytest.approx(349.5 / 3)
    assert seen.missing == ()


def test_amazon_on_the_listing():
    """Amazon's share of the Buy Box is a risk in proportion; without shares its mere presence is one."""
    first = NOW_MINUTES - 400 * DAY
    half = steady(buyBoxSellerIdHistory=[str(first), OTHER, str(NOW_MINUTES - 45 * DAY), AMAZON], availabilityAmazon=0)
    seen = analyse(product_of(half), now=NOW)
    assert seen.competition.amazon_box_share == pytest.approx(0.5)
    assert seen.competition.amazon_in_stock
    assert seen.risk.parts[0].points == 40
    unknown = analyse(product_of(steady(buyBoxSellerIdHistory=None, availabilityAmazon=0)), now=NOW)
    assert unknown.risk.parts[0].points == RULES.risk_amazon_in_stock
    assert "not known" in unknown.risk.parts[0].because


def test_the_selling_price_is_what_one_can_count_on():
    """A price that has just jumped counts as its mean of 90 days; one that has just fallen counts as it is."""
    first, today = NOW_MINUTES - 400 * DAY, NOW_MINUTES - DAY
    jumped = with_series(csv18=[first, 2000, 0, today, 5000, 0])
    assert analyse(product_of(jumped), now=NOW).fees.selling_price == pytest.approx(2033, abs=1)
    fallen = with_series(csv18=[first, 2000, 0, today, 1500, 0])
    assert analyse(product_of(fallen), now=NOW).fees.selling_price == 1500


def test_nobody_offers_it():
    """When nobody offers it the price is missing, the mean stands in for selling, and both are said."""
    gone = NOW_MINUTES - 2 * DAY
    body = with_series(
        csv18=[NOW_MINUTES - 400 * DAY, 2000, 0, gone, -1, -1], csv1=[NOW_MINUTES - 400 * DAY, 2000, gone, -1]
    )
    seen = analyse(product_of(body), now=NOW)
    assert "price" in seen.missing
    assert seen.stock_outs.times == 1
    assert seen.fees.selling_price == 2000
    assert any("nobody offers it now" in note for note in seen.notes)


def test_nothing_is_known():
    """A product without any data gives an analysis that says what is missing and recommends nothing."""
    seen = analyse(product_of({"asin": "B000000001"}), now=NOW)
    assert seen.missing == ("price", "sales rank", "number of offers", "sales", "Buy Box holders")
    assert seen.fees is seen.returns is seen.velocity.value is seen.own_sales is None
    assert seen.recommendation.verdict == "SKIP"
    assert seen.recommendation.reasons == ("no price is known: there is nothing to recommend it by",)
