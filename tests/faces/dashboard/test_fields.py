"""What is written into forms: read as it is meant, or refused with how to write it."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.house import KEY

from keepahead.faces.dashboard.fields import (
    read_balance,
    read_caller,
    read_caller_or_none,
    read_moment,
    read_requests,
    read_tokens,
    read_words,
)

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("read", "text", "meant"),
    [
        (read_tokens, "", None),
        (read_tokens, " 0 ", 0),
        (read_tokens, "1,200", 1200),
        (read_balance, "", None),
        (read_balance, "-31", -31),
        (read_balance, "200", 200),
        (read_requests, " ", None),
        (read_requests, "60", 60),
        (read_caller, " nightly ", "nightly"),
        (read_caller_or_none, " ", None),
        (read_caller_or_none, "web", "web"),
        (lambda text: read_words(text, 20), f"a\nb {KEY}", "a b [key]"),
        (lambda text: read_moment(text, NOW), "2026-11-22T20:01", NOW + timedelta(minutes=1)),
    ],
)
def test_meant(read, text, meant):
    """What can be used is read."""
    assert read(text) == meant


@pytest.mark.parametrize(
    ("read", "text", "advice"),
    [
        *((read_tokens, text, "such as 0 or 500") for text in ("-1", "1.5", "many", "1e3", "٣", "9" * 10, "-")),
        *((read_balance, text, "such as 200") for text in ("--1", "-", "all")),
        *((read_requests, text, "from 1 to 1,000,000") for text in ("0", "1000001", "-1", "few")),
        *((read_caller, text, "1 to 100 printable") for text in ("", " ", "a" * 101, "a\tb")),
        (read_caller, KEY, "looks like a key"),
        (lambda text: read_words(text, 5), "sixsix", "in 5 characters; these are 6"),
        *((lambda text: read_moment(text, NOW), text, "choose a day") for text in ("", "soon", "2026-13-01T00:00")),
        (lambda text: read_moment(text, NOW), "2026-11-22T20:00", "has passed"),
        (lambda text: read_moment(text, NOW), "2999-01-01T00:00", "100 years"),
    ],
)
def test_refused(read, text, advice):
    """What cannot be used is refused, with how to write it."""
    with pytest.raises(ValueError, match=advice):
        read(text)
