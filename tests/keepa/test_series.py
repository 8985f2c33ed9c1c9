"""Series: what holds when, and the same values as the package keepa reads."""

import gzip
import math
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path

import keepa.utils
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead import CsvType, Product, Series
from keepahead.keepa import points as memory
from keepahead.keepa.long_frames import pandas_frame, polars_frame
from keepahead.keepa.points import points, points_of
from keepahead.keepa.times import from_keepa_minutes as minute

RECORDINGS = Path(__file__).parent.parent / "data" / "recordings"
DAY = 1440


def recorded() -> list[Product]:
    """The recorded products, the big one and the small one."""
    body = gzip.decompress((RECORDINGS / "multi-asin-full-history-sanitized.json.gz").read_bytes())
    return [Product.of(msgspec.json.encode(each)) for each in msgspec.json.decode(body)["products"]]


PRODUCTS = recorded()
DAILY = Series.of(CsvType.NEW, 1, [0, 100, DAY, -1, 2 * DAY, 300, 3 * DAY, 200])


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.asin)
@pytest.mark.parametrize(("place", "name", "is_float"), keepa.utils.csv_indices)
def test_the_same_as_the_package_keepa(product, place, name, is_float):
    """For every type that both know the times and values are the same, one by one."""
    theirs = keepa.utils.parse_csv(product["csv"])
    series = product.series(CsvType(place))
    assert CsvType(place).name == name
    times, values = theirs.get(f"{name}_time", []), theirs.get(name, [])
    assert [when.replace(tzinfo=None) for when in series.times] == list(times)
    factor = 1 if not is_float else 10 if name == "RATING" else 100
    told = [None if np.isnan(value) or (value < 0 and place != 15) else round(value * factor) for value in values]
    assert series.values == told


@given(
    st.sampled_from([each for each in keepa.utils.csv_indices if each[0] != 15]),
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 10**7), st.integers(0, 5000)) | st.just((1, -1, -1))),
)
def test_any_series_as_the_package_keepa(kind, told):
    """Of any well-formed array both make the same; where only the shipping is unknown theirs subtracts a cent."""
    place, name, is_float = kind
    width = 3 if CsvType(place).has_shipping else 2
    at, flat = 0, []
    for step, *numbers in told:
        at += step
        flat += [at, *numbers[: width - 1]]
    csv = [None] * 36
    csv[place] = flat
    theirs = keepa.utils.parse_csv(csv)
    factor = 1 if not is_float else 10 if name == "RATING" else 100
    values = [None if np.isnan(each) or each < 0 else round(each * factor) for each in theirs.get(name, [])]
    series = Product(msgspec.json.encode({"csv": csv})).series(CsvType(place))
    assert series.values == values
    assert [when.replace(tzinfo=None) for when in series.times] == list(theirs.get(f"{name}_time", []))


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.asin)
@pytest.mark.parametrize("days", [30, 90, 180, 365])
def test_the_same_means_as_keepa(product, days):
    """Our means, weighted by time, are those in Keepa's statistics, which it cuts to whole numbers."""
    theirs = getattr(product.stats, f"avg{days}")
    for csv_type, series in product.every_series().items():
        if csv_type is not CsvType.EXTRA_INFO_UPDATES:
            ours, told = series.mean(days, until=product.last_update), theirs[csv_type]
            assert (ours is None) == (told is None)
            assert ours is None or abs(ours - told) < 1.5


@pytest.mark.parametrize("product", PRODUCTS, ids=lambda product: product.asin)
@pytest.mark.parametrize("days", [30, 90, 180, 365])
def test_the_same_gaps_as_keepa(product, days):
    """Our share of time without an offer is that in Keepa's statistics, which it rounds up."""
    theirs = getattr(product.stats, f"out_of_stock_percentage{days}")
    for csv_type in theirs:
        series = product.series(csv_type)
        if series:
            assert -0.01 <= theirs[csv_type] / 100 - series.gap_share(days, until=product.last_update) <= 0.0101


def test_what_holds_when():
    """A value holds from its time until the next one; before the first there is none."""
    assert [DAILY.at(minute(at)) for at in (-1, 0, 1439, 1440, 2880, 10**6)] == [None, 100, 100, None, 300, 200]
    assert (DAILY.current, len(DAILY), DAILY[0].value, DAILY[-1].value) == (200, 4, 100, 200)
    assert DAILY.values == [100, None, 300, 200]
    assert [point.at for point in DAILY] == DAILY.times
    assert all(when.tzinfo is UTC for when in DAILY.times)
    assert DAILY.gaps == [(minute(DAY), minute(2 * DAY))]
    assert Series.of(CsvType.NEW, 1, [5, -1, 6, -2]).gaps == [(minute(5), None)]
    with pytest.raises(ValueError, match="time zone"):
        DAILY.at(datetime(2026, 1, 1))  # noqa: DTZ001 - the point


def test_figures_of_a_time():
    """Figures are weighted by time, and a gap counts for nothing but the share of gaps."""
    until = minute(5 * DAY)  # a day of 100, a day of nothing, a day of 300, two days of 200
    assert DAILY.mean(100, until=until) == 200
    assert DAILY.mean(2.5, until=until) == (0.5 * 300 + 2 * 200) / 2.5
    assert (DAILY.low(100, until=until), DAILY.high(100, until=until)) == (100, 300)
    assert (DAILY.low(1, until=until), DAILY.high(3, until=until)) == (200, 300)
    assert DAILY.gap_share(100, until=until) == 0.2
    assert DAILY.deviation(100, until=until) == math.sqrt((100**2 + 100**2) / 4)
    assert (DAILY.drops(100, until=until), DAILY.drops(1, until=until)) == (1, 0)
    assert DAILY.mean(1, until=minute(-5)) is DAILY.deviation(1, until=minute(-5)) is None
    assert DAILY.gap_share(1, until=minute(-5)) == 1
    assert DAILY.mean(math.inf, until=until) == 200


def test_resampling():
    """A resampled series has the value at each step, the last one not after the end."""
    step = timedelta(hours=12)
    assert DAILY.resample(step, since=minute(0), until=minute(2 * DAY)) == [100, 100, None, None, 300]
    assert DAILY.resample(step, since=minute(1), until=minute(0)) == []
    with pytest.raises(ValueError, match="longer"):
        DAILY.resample(timedelta(), since=minute(0), until=minute(1))


def test_shipping():
    """The shipping is part of the price; where only it is not known the price stands alone."""
    series = Series.of(CsvType.BUY_BOX_SHIPPING, 5, [1, 1000, 200, 2, 900, -1, 3, -1, -1])
    assert (series.values, series.shippings) == ([1200, 900, None], [200, None, None])
    assert str(series.money_at(minute(1))) == "1200 JPY"
    assert series.money_at(minute(3)) is None
    assert PRODUCTS[0].series(CsvType.SALES).money_at(minute(8_000_000)) is None


def test_signed_values():
    """Where Keepa logs how many offers it fetched a negative number is a number."""
    assert Series.of(CsvType.EXTRA_INFO_UPDATES, 1, [1, -2, 2, 3]).values == [-2, 3]


def test_a_series_is_a_value():
    """Series are equal by what they hold, can be keys, can be pickled, cannot be changed."""
    same = Series.of(CsvType.NEW, 1, DAILY.flat.tolist())
    assert same == DAILY == pickle.loads(pickle.dumps(DAILY))  # noqa: S301 - our own bytes
    assert len({same, DAILY, Series.of(CsvType.USED, 1, [])}) == 2
    with pytest.raises(TypeError):
        DAILY.flat[0] = 5
    assert repr(DAILY) == "<NEW, 4 points until 2011-01-04 00:00>"


@given(st.lists(st.integers(-3, 10**8) | st.none() | st.floats(allow_nan=False) | st.text(max_size=3)))
def test_both_ways_of_reading(told):
    """With numpy and without it any array gives the same points."""
    raw = msgspec.json.encode(told)
    slow = memory._read_one_by_one(raw, 2)
    fast = memory._read_at_once(raw, 2, np) if told else None
    assert fast is None or fast.tolist() == slow.tolist()


def test_long_arrays_are_read_at_once():
    """A sound long array takes the fast way, and one with anything else in it does not."""
    sound = msgspec.json.encode(list(range(2000)))
    assert memory._read_at_once(sound, 2, np).tolist() == list(range(2000)) == points(sound, 2).tolist()
    for odd in (
        b"[1,2,3.5]",
        b'[1,"2"]',
        b"[1,null]",
        b"[[1,2]]",
        b"[2,1,1,1]",
        b"[1,99999999999999999999]",
        b"[1,1e3]",
    ):
        assert memory._read_at_once(odd, 2, np) is None


def test_points_beyond_reason():
    """Points out of order are put in order; those cut short, beyond the calendar or beyond reason are left out."""
    assert points_of([5, 1, 3, 2, 4], 2).tolist() == [3, 2, 5, 1]
    assert points_of([2**60, 1, 3, 2, 4, 2**60], 2).tolist() == [3, 2]
    assert points(b"[18446744073709551615,1,3,2]", 2).tolist() == [3, 2]


def test_frames():
    """Frames of numpy, polars and pandas hold what the series holds."""
    series = PRODUCTS[0].series(CsvType.BUY_BOX_SHIPPING)
    times, values = series.to_numpy()
    assert [None if math.isnan(each) else each for each in values.tolist()] == series.values
    assert [when.replace(tzinfo=UTC) for when in times.tolist()] == series.times
    frame = series.to_polars()
    assert frame["value"].to_list() == series.values
    assert frame["shipping"].to_list() == series.shippings
    assert frame["at"].to_list() == series.times
    other = series.to_pandas()
    assert [when.to_pydatetime() for when in other.index] == series.times
    assert other["value"].fillna(-1).tolist() == [-1 if each is None else each for each in series.values]
    assert other["shipping"].fillna(-1).tolist() == [-1 if each is None else each for each in series.shippings]
    assert DAILY.to_polars().columns == ["at", "value"]


def test_whole_batches():
    """A long frame holds each point of each series, under its ASIN and the name of its type."""
    points_told = [
        (product.asin, csv_type.name, *point)
        for product in PRODUCTS
        for csv_type, series in product.every_series().items()
        for point in series
    ]
    frame = polars_frame(PRODUCTS)
    assert frame.select("asin", "csv_type", "at", "value", "shipping").rows() == points_told
    assert len(pandas_frame(PRODUCTS)) == len(frame)
    assert polars_frame(PRODUCTS, [CsvType.NEW])["csv_type"].unique().to_list() == ["NEW"]
    assert polars_frame([]).columns == list(pandas_frame([]).columns) == frame.columns
