"""Nothing that is said holds a key."""

import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead.faces.cli.streams import log_plainly
from keepahead.faces.redaction import redacted

KEEPA = "k" * 64
OURS = "kah" + "a" * 61
LETTERS = st.characters(
    categories=(), whitelist_characters="0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("the balance is 12", "the balance is 12"),
        (KEEPA, "[key]"),
        (f"got {OURS}, twice {OURS}.", "got [key], twice [key]."),
        (f"GET /{KEEPA}/x", "GET /[key]/x"),
        (f"url%3Fkey%3D{KEEPA}%26domain", "url%3Fkey%3D[key]%26domain"),
        ("url%3Fkey%3Dshort%26domain", "url%3Fkey%3D[key]%26domain"),
        ("GET /product?domain=1&key=short&asin=B0", "GET /product?domain=1&key=[key]&asin=B0"),
        ("GET /token?key=", "GET /token?key="),
        ("GET /token?KEY=a%20b HTTP/1.1", "GET /token?KEY=[key] HTTP/1.1"),
        ("?key=one&key=two", "?key=[key]&key=[key]"),
        ("monkey=banana", "monkey=banana"),
        ("{'x-api-key': 'abc', 'host': 'x'}", "{'x-api-key': '[key]', 'host': 'x'}"),
        ("X-API-Key: abc", "X-API-Key: [key]"),
        ("{'authorization': 'Bearer abc-_.~+/=='}", "{'authorization': 'Bearer [key]'}"),
        ("x" * 63, "x" * 63),
    ],
)
def test_keys_are_blotted_out(text, expected):
    """64 letters and digits, and whatever stands where a key belongs, are blotted out; the rest stays."""
    assert redacted(text) == expected
    assert redacted(expected) == expected


@given(st.text(), st.text(LETTERS, min_size=64, max_size=64), st.text())
def test_wherever_it_stands(before, key, after):
    """A key is blotted out whatever stands around it."""
    assert key not in redacted(before + key + after)


@given(
    st.sampled_from(["?key=", "&key=", " key=", " Bearer ", " X-API-Key: ", "%3Fkey%3D"]),
    st.text(LETTERS, min_size=9, max_size=80),
)
def test_of_any_length(place, key):
    """Where a key belongs, one of any length is blotted out."""
    assert key not in redacted(f"GET /product{place}{key} 200")


def test_logs_hold_no_key(capfd):
    """A line that somebody logs with a key in it is printed without."""
    log_plainly()
    logging.getLogger("keepahead").warning("sent %s", f"https://api.keepa.com/token?key={KEEPA}")
    assert capfd.readouterr().err == "warning: sent https://api.keepa.com/token?key=[key]\n"
