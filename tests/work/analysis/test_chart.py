"""The chart: what is drawn where, gaps that stay gaps, and a document that holds nothing else."""

import json
from datetime import timedelta

import pytest
import vl_convert
from tests.work.analysis.made import DAY, GLASS, NOW, NOW_MINUTES, SERUM, product_of, recorded, steady, with_series

from keepahead.work.analysis.chart import Line, document, gaps, steps
from keepahead.work.analysis.pictures import picture_of


def at(days_ago: int):
    """A moment so many days ago."""
    return NOW - timedelta(days=days_ago)


POINTS = [(at(9), 5), (at(7), None), (at(4), 6), (at(2), 7)]


def test_a_line_ends_where_a_gap_begins():
    """Each piece is drawn to where its last value ends; between the pieces nothing is."""
    assert steps(POINTS, NOW) == [
        [(at(9), 5), (at(7), 5)],
        [(at(4), 6), (at(2), 7), (NOW, 7)],
    ]
    assert gaps(POINTS, NOW) == [(at(7), at(4))]
    assert gaps([*POINTS, (at(1), None)], NOW) == [(at(7), at(4)), (at(1), NOW)]
    assert steps([], NOW) == gaps([], NOW) == []


def test_the_period():
    """The period is as asked for; it ends with Keepa's last look, and begins no earlier than the first point."""
    serum = recorded(SERUM)
    picture = picture_of(serum, now=NOW, days=90)
    assert (picture.until, picture.since) == (serum.last_update, serum.last_update - timedelta(days=90))
    whole = picture_of(serum, now=NOW, days=None)
    assert f"{whole.since:%Y-%m}" == "2024-09"
    assert "14 Sep 2024 to 10 May 2026" in whole.subtitle
    assert all(line.points[0][0] >= picture.since for line in picture.prices)


def test_what_is_drawn():
    """Prices that there were, the Buy Box first, with what they are now; the rank on a reversed axis of its own."""
    picture = picture_of(recorded(SERUM), now=NOW, days=365)
    assert [line.name for line in picture.prices] == ["Buy Box", "New"]
    drawn = document(picture)
    price, rank = drawn["vconcat"]
    assert price["layer"][-1]["encoding"]["y"]["axis"]["title"] == "price, USD"
    assert {row["line"] for row in price["data"]["values"]} == {"Buy Box  14.99", "New  14.99"}
    assert rank["layer"][1]["encoding"]["y"]["scale"]["reverse"]
    assert rank["layer"][1]["encoding"]["y"]["axis"]["values"] == [1, 10, 100, 1000, 10_000]
    assert drawn["title"]["text"].startswith("EQQUALBERRY Vitamin Illuminating Serum")
    assert "url" not in json.dumps(drawn)


def test_yen_have_no_cents():
    """Prices are in the currency of the marketplace: yen are whole."""
    drawn = document(picture_of(product_of(steady(domainId=5)), now=NOW, days=365))
    axis = drawn["vconcat"][0]["layer"][-1]["encoding"]["y"]["axis"]
    assert (axis["title"], axis["format"]) == ("price, JPY", ",.0f")
    assert drawn["vconcat"][0]["data"]["values"][0]["value"] == 2000


@pytest.mark.parametrize(("series", "panels"), [({"csv3": None}, 1), ({"csv18": None, "csv1": None}, 1), ({}, 2)])
def test_a_part_that_is_not_there(series, panels):
    """Without a rank, or without a price, the other has the whole room."""
    assert len(document(picture_of(product_of(with_series(**series)), now=NOW, days=365))["vconcat"]) == panels


def test_nothing_to_draw():
    """A product without a price and a rank makes an empty picture."""
    assert picture_of(product_of({"asin": "B000000001"}), now=NOW, days=365).is_empty
    old = with_series(csv1=None, csv18=None, csv3=[NOW_MINUTES - 400 * DAY, 7, NOW_MINUTES - 390 * DAY, -1])
    assert picture_of(product_of(old), now=NOW, days=30).is_empty


@pytest.mark.parametrize("asin", [SERUM, GLASS])
def test_it_can_be_drawn(asin):
    """Both recorded products become pictures of 1200 by 700, to a few pixels."""
    png = vl_convert.vegalite_to_png(document(picture_of(recorded(asin), now=NOW, days=365)), vl_version="6.4")
    assert png.startswith(b"\x89PNG")
    assert int.from_bytes(png[16:20]) == pytest.approx(1200, abs=20)
    assert int.from_bytes(png[20:24]) == pytest.approx(700, abs=20)


def test_many_points_are_thinned():
    """Of a very long series the picture keeps lows, highs and gaps, and no more points than it can show."""
    values = [None if n % 1000 == 999 else 100 + n % 7 for n in range(50_000)]
    values[12_345], values[23_456] = 1, 9_999
    line = Line("rank", tuple((NOW - timedelta(minutes=len(values) - n), value) for n, value in enumerate(values)))
    picture = picture_of(product_of(steady()), now=NOW, days=365)
    drawn = document(type(picture)(**{**{name: getattr(picture, name) for name in picture.__slots__}, "rank": line}))
    rows = drawn["vconcat"][1]["data"]["values"]
    assert len(rows) < 20_000
    assert {1, 9_999} <= {row["value"] for row in rows}
    assert len({row["piece"] for row in rows}) == 50
