"""Values as people write them, and words as people read them."""

from datetime import UTC, datetime, timedelta

import pytest
import typer

from keepahead.faces.cli.results import title
from keepahead.faces.cli.streams import clean
from keepahead.faces.cli.values import listed, moment, price_range, seconds_range, whole_range
from keepahead.faces.words import money, span, tokens

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "read"),
    [(None, (None, None)), ("1..20", (1, 20)), ("5..5", (5, 5)), ("10..", (10, None)), ("..7", (None, 7))],
)
def test_ranges(text, read):
    """Both ends are included, and either may be left out."""
    assert whole_range(text, "--rank") == read


@pytest.mark.parametrize(
    "text", ["", "..", "5", "1-5", "-1..5", "a..b", "1...5", "1e3..2e3", "1..2..3", "9" * 13 + ".."]
)
def test_what_is_no_range(text):
    """Anything else is a usage error that names the option."""
    with pytest.raises(typer.BadParameter) as caught:
        whole_range(text, "--rank")
    assert "'--rank'" in caught.value.format_message()


def test_prices_are_in_the_main_unit():
    """Dollars become cents; yen stay yen."""
    assert price_range("9.99..50", "--price", 1) == (999, 5000)
    assert price_range("0.1..", "--price", 3) == (10, None)
    assert price_range("1000..2000", "--price", 5) == (1000, 2000)
    assert money(999, 1) == "9.99"
    assert money(123_456, 5) == "123,456"
    assert money(-1, 1) is None


@pytest.mark.parametrize(("text", "ago"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("1d", 86400), ("1w", 604800)])
def test_ages(text, ago):
    """An age is that long before now."""
    assert moment(text, "--since", NOW) == NOW - timedelta(seconds=ago)


def test_moments():
    """A time without a zone is local; a zone counts."""
    assert moment("2026-11-22T10:00+02:00", "--since", NOW) == datetime(2026, 11, 22, 8, 0, tzinfo=UTC)
    local = moment("2026-11-22 10:00", "--since", NOW)
    assert local == datetime(2026, 11, 22, 10, 0).astimezone()
    assert moment(None, "--since", NOW) is None
    with pytest.raises(typer.BadParameter):
        moment("999999999w", "--since", NOW)


def test_seconds():
    """A latency is a range or one number."""
    assert seconds_range("0.2..1.5", "--latency") == (0.2, 1.5)
    assert seconds_range("3", "--latency") == (3.0, 3.0)


def test_files_that_are_no_text(tmp_path):
    """A file that is no UTF-8 text, or too large, is a usage error."""
    path = tmp_path / "list"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(typer.BadParameter, match="no text"):
        listed(None, str(path))
    with path.open("wb") as file:
        file.truncate(10_000_001)
    with pytest.raises(typer.BadParameter, match="10 MB"):
        listed(None, str(path))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(None, "never"), (0.4, "0 s"), (42, "42 s"), (150, "2 min"), (7500, "2 h 5 min"), (400_000, "5 d")],
)
def test_spans(seconds, words):
    """A length of time is told in the unit that fits."""
    assert span(seconds) == words


def test_words():
    """One token is singular, entities are letters, and control characters are blanks."""
    assert (tokens(1), tokens(1200)) == ("1 token", "1,200 tokens")
    assert title("Salt &amp; Pepper") == "Salt & Pepper"
    assert title(None) == ""
    assert clean("a\x1b[2J\r\n\tb") == "a [2J b"
