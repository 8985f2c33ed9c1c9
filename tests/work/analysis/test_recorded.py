"""Analyses of the recorded products, held against what Keepa itself worked out."""

from datetime import timedelta

import msgspec
import pytest
from tests.work.analysis.made import GLASS, NOW, SERUM, recorded, recorded_body

from keepahead.keepa.csv_types import CsvType
from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.competition import box_shares
from keepahead.work.analysis.figures import WINDOWS, figures_of
from keepahead.work.analysis.recommendation import Verdict

KINDS = (CsvType.NEW, CsvType.SALES, CsvType.COUNT_NEW, CsvType.BUY_BOX_SHIPPING, CsvType.LISTPRICE)


@pytest.mark.parametrize("asin", [SERUM, GLASS])
@pytest.mark.parametrize("kind", KINDS)
def test_means_are_keepas(asin, kind):
    """The mean of each window is what Keepa's statistics say, cut to a whole number as Keepa does."""
    product = recorded(asin)
    figures = figures_of(product.series(kind), None, {}, until=product.last_update)
    for days in WINDOWS:
        told = getattr(product.stats, f"avg{days}")[kind]
        if told is not None:
            assert figures.mean(days) == pytest.approx(told, abs=max(1.01, told * 0.001))


@pytest.mark.parametrize("asin", [SERUM, GLASS])
def test_stock_outs_are_keepas(asin):
    """The share of the time without an offer is Keepa's, to a percent."""
    product = recorded(asin)
    for kind in (CsvType.AMAZON, CsvType.NEW):
        figures = figures_of(product.series(kind), None, {}, until=product.last_update)
        for days in WINDOWS:
            told = getattr(product.stats, f"out_of_stock_percentage{days}")[kind]
            assert figures.days[days].gap_share * 100 == pytest.approx(told, abs=1.01)


def test_buy_box_shares_are_keepas():
    """Who had the Buy Box, and how long, is what Keepa says of the same 180 days."""
    product = recorded(SERUM)
    holders = [(each.at, each.seller_id) for each in product.buy_box_sellers]
    shares = box_shares(holders, until=product.last_update, days=180).by_seller
    told = recorded_body(SERUM)["stats"]["buyBoxStats"]
    assert set(shares) == set(told)
    for seller, share in shares.items():
        assert share * 100 == pytest.approx(told[seller]["percentageWon"], abs=0.5)


def test_the_serum():
    """The serum: much sold, one seller keeps the Buy Box, and the data is half a year old, which is said."""
    seen = analyse(recorded(SERUM), now=NOW, buying_price=550)
    assert (seen.price.source, seen.price.current, seen.rank.current, seen.offers.current) == (
        "BUY_BOX_SHIPPING", 1499, 23, 5,
    )  # fmt: skip
    assert (seen.sales.low, seen.sales.high, seen.sales.drops_30, seen.sales.drops_365) == (100_000, None, 35, 424)
    assert (seen.competition.offers_fba, seen.competition.offers_fbm, seen.competition.fba_share) == (3, 2, 0.6)
    assert (seen.competition.amazon_in_stock, seen.competition.amazon_box_share) == (False, 0.0)
    assert seen.competition.leader_share == pytest.approx(0.953, abs=0.001)
    assert (seen.fees.referral_fee, seen.fees.pick_and_pack_fee, seen.fees.left) == (225, 409, 865)
    assert (seen.returns.profit, seen.returns.roi) == (315, pytest.approx(0.573, abs=0.001))
    assert seen.recommendation.verdict is Verdict.CONSIDER
    assert "BUY asks for fresh data" in seen.recommendation.reasons
    assert seen.age_days > 190
    assert seen.notes[0].startswith("all counts back from 2026-05-10, when Keepa last looked, 197 days ago")
    assert seen.missing == ()


def test_the_glass():
    """The glass: no Buy Box was recorded and the rank is gone; both are named as missing, and nothing is made up."""
    seen = analyse(recorded(GLASS), now=NOW)
    assert (seen.price.source, seen.price.current, seen.rank.current) == ("NEW", 2599, None)
    assert seen.missing == ("sales rank", "Buy Box holders")
    assert seen.competition.amazon_box_share is seen.competition.leader is None
    assert seen.competition.offers_source == "COUNT_NEW_FBA"
    assert (seen.sales.low, seen.sales.high, seen.sales.likely) == (300, 399, 349.5)
    assert seen.returns.buying_price_source == "assumed"
    assert any("include shipping since February 2026" in note for note in seen.notes)
    assert any("season" in note for note in seen.notes)


@pytest.mark.parametrize("asin", [SERUM, GLASS])
def test_the_moment_is_keepas_when_that_is_older(asin):
    """However late one asks, all counts back from Keepa's last look; asked earlier, from then."""
    product = recorded(asin)
    late, later = analyse(product, now=NOW), analyse(product, now=NOW + timedelta(days=99))
    assert late.as_of == later.as_of == product.last_update
    assert late.price == later.price
    early = product.last_update - timedelta(days=60)
    assert analyse(product, now=early).as_of == early


def test_without_histories():
    """Without histories the means and the current values come from Keepa's statistics, and that is said."""
    body = {name: value for name, value in recorded_body(SERUM).items() if name not in {"csv", "buyBoxSellerIdHistory"}}
    seen = analyse(recorded(SERUM, csv=None, buyBoxSellerIdHistory=None), now=NOW)
    assert "csv" not in body
    assert (seen.price.source, seen.price.current, seen.price.mean(90)) == ("stats", 1499, 1805)
    assert seen.price.days[90].deviation is None
    assert seen.sales.drops_30 == 35
    assert seen.competition.box_source == "buyBoxStats"
    assert seen.competition.leader_share == pytest.approx(0.9766, abs=0.001)
    assert any("no price history" in note for note in seen.notes)


def test_an_analysis_is_json():
    """An analysis is a JSON document: every score with its parts, their reasons and their inputs."""
    told = msgspec.json.decode(msgspec.json.encode(analyse(recorded(SERUM), now=NOW)))
    assert told["recommendation"]["verdict"] == "CONSIDER"
    for score in ("velocity", "risk"):
        for part in told[score]["parts"]:
            assert set(part) == {"name", "points", "points_max", "because", "inputs"}
            assert part["because"]
    assert told["price"]["days"]["90"]["low"] == 1499
