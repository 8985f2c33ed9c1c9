"""Keepa's minutes and Unix milliseconds against aware datetimes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead.keepa.times import from_keepa_minutes, from_unix_ms, to_keepa_minutes

aware = st.datetimes(timezones=st.sampled_from((UTC, timezone(timedelta(hours=9)))))


def test_published_example() -> None:
    """A Keepa minute is a Unix minute less 21564000 (sheet section 6)."""
    minutes = 8_000_000
    assert from_keepa_minutes(minutes) == datetime.fromtimestamp((minutes + 21_564_000) * 60, UTC)
    assert from_keepa_minutes(0) == datetime(2011, 1, 1, tzinfo=UTC)
    assert from_keepa_minutes(-1) == datetime(2010, 12, 31, 23, 59, tzinfo=UTC)


def test_unix_milliseconds() -> None:
    """Milliseconds are kept exactly."""
    assert from_unix_ms(1_700_000_000_123) == datetime(2023, 11, 14, 22, 13, 20, 123_000, tzinfo=UTC)


@given(st.integers(-(10**9), 10**9))
def test_round_trip(minutes: int) -> None:
    """Minutes become a moment and the same minutes again."""
    assert to_keepa_minutes(from_keepa_minutes(minutes)) == minutes


@given(aware)
def test_rounds_down(moment: datetime) -> None:
    """A moment belongs to the minute that has begun, in any time zone."""
    minutes = to_keepa_minutes(moment)
    assert 0 <= (moment - datetime(2011, 1, 1, tzinfo=UTC)).total_seconds() - minutes * 60 < 60


@given(st.integers())
def test_any_number(number: int) -> None:
    """A number outside the years 1 to 9999 is a ValueError, never an OverflowError."""
    for convert in (from_keepa_minutes, from_unix_ms):
        try:
            assert convert(number).tzinfo is UTC
        except ValueError as error:
            assert "outside the years" in str(error)  # noqa: PT017


@pytest.mark.parametrize("number", [10**12, -(10**12), 10**400])
def test_out_of_range(number: int) -> None:
    """Far too large numbers are refused with a clear sentence."""
    with pytest.raises(ValueError, match="Keepa minutes lie outside the years 1 to 9999"):
        from_keepa_minutes(number)


def test_naive() -> None:
    """A moment without a time zone is refused."""
    with pytest.raises(ValueError, match="has no time zone"):
        to_keepa_minutes(datetime(2020, 1, 1))  # noqa: DTZ001
