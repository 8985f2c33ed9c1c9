"""What an alert says: the figure, the trend, who spent and what to do, HTML of no markup but ours."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from tests.work.alerts.letters import AT, alert, picture

from keepahead.work.alerts.alert import Balance, Severity, Spender
from keepahead.work.alerts.message import TEST, message_of

TEXT = """\
critical: 18 tokens are left; critical is below 20

Since 15:45 UTC (2 s ago).

At 15:45 UTC
Balance  18 of 1,200 tokens
Free     8, and the floor is 10
Refill   20 a minute, next at 15:45 UTC (in 38 s)
Pace     36.0 tokens a minute are spent
Floor    reached at 15:50 UTC (in 5 min) at this pace
Full     at 16:44 UTC (in 59 min) if nothing more is spent
Waiting  3 calls

Balance in the hour before
14:45      220  ███████████████████████
14:53      220  ███████████████████████
15:02      220  ███████████████████████
15:10      225  ████████████████████████
15:19      225  ████████████████████████
15:27      170  ██████████████████
15:36      120  █████████████
15:45       18  ██

Who spent most in that hour
discovery            212  most on query
nightly              150  most on bestsellers
(somebody else)       40

What to do
- Forbid what is dear until the balance is back: keepahead freeze add --above 10 --until-balance 100
- Limit who spends most: keepahead callers limit discovery --per-hour 100

To hear nothing of this for a while: keepahead alerts silence critical --for 2h
"""

OURS = {"html", "head", "meta", "body", "p", "b", "br", "pre", "span", "ul", "li"}
WORDS = st.text(max_size=60)


class Seen(HTMLParser):
    """The elements and the words of a document."""

    def __init__(self, document: str) -> None:
        super().__init__()
        self.elements: set[str] = set()
        self.words = ""
        self.feed(document)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.elements.add(tag)

    def handle_endtag(self, tag: str) -> None:
        self.words += "\n" if tag == "li" else ""

    def handle_data(self, data: str) -> None:
        self.words += data


def squeezed(words: str) -> str:
    """Return the words with single blanks between."""
    return " ".join(words.split())


def test_what_a_message_says():
    """The whole text of a critical alert: figure, since when, pace, trend, spenders, what to do."""
    told = message_of(alert(), AT + timedelta(seconds=2))
    assert told.subject == "[keepahead] critical: 18 tokens are left; critical is below 20"
    assert told.text == TEXT


def test_a_headline_that_no_mail_can_carry():
    """Line breaks and signs that mean something to a mail server or a terminal do not come through."""
    headline = "Keepa said:\r\nBcc: a@example.com\u2028\x00\x1b[31m\ud800 \u202ered"
    told = message_of(replace(alert(), headline=headline), AT)
    assert told.subject == "[keepahead] critical: Keepa said: Bcc: a@example.com [31m red"
    assert told.text.splitlines()[0] == "critical: Keepa said: Bcc: a@example.com [31m red"
    told.html.encode()


def test_html_says_the_same():
    """The HTML has every word of the text, in the same order, and loads nothing from anywhere."""
    told = message_of(alert(), AT + timedelta(seconds=2))
    plain = re.sub(r"^- ", "", told.text, flags=re.MULTILINE)
    assert squeezed(Seen(told.html).words) == squeezed(plain)
    assert not re.search(r"src=|href=|url\(|https?:", told.html)


def test_when_it_is_over():
    """The end says how long it lasted, and offers no silence for what has ended."""
    over = alert(is_over=True, began_at=AT - timedelta(minutes=17), headline="62 tokens are left", advice=())
    told = message_of(over, AT)
    assert told.subject == "[keepahead] over: 62 tokens are left"
    assert "It began at 15:28 UTC and ended at 15:45 UTC, after 17 min." in told.text
    assert "silence" not in told.text
    assert "What to do" not in told.text


def test_a_late_message_says_so():
    """What waited for a mail server tells when it was written, and counts from the moment it is read."""
    told = message_of(alert(), AT + timedelta(hours=9))
    late = "This message is late: it was written at 2026-11-26 15:45 UTC (9 h 0 min ago), and could not be sent before."
    assert late in told.text
    assert "Floor    reached at 2026-11-26 15:50 UTC (8 h 55 min ago) at this pace" in told.text
    assert "late" not in message_of(alert(), AT + timedelta(minutes=1)).text


def test_what_nobody_knows_is_left_out():
    """A balance that nobody has seen is said to be so; parts without lines are not there."""
    empty = picture(balance=None, trend=(), spenders=())
    told = message_of(alert(picture=empty, advice=()), AT).text
    assert "Balance  nobody has seen it yet" in told
    assert "hour" not in told.replace("for 2h", "")
    assert "What to do" not in told


def test_a_test_message():
    """A test is called one, whatever its severity, and offers no silence."""
    told = message_of(alert(rule=TEST, severity=Severity.WARNING, headline="this address works"), AT)
    assert told.subject == "[keepahead] test: this address works"
    assert "silence" not in told.text
    assert "Since" not in told.text


def test_a_balance_below_zero_has_no_bar():
    """Zero and less have no bar, and the least balance above has one."""
    trend = (Balance(AT - timedelta(minutes=2), 900), Balance(AT - timedelta(minutes=1), 1), Balance(AT, -31))
    lines = message_of(alert(picture=picture(trend=trend)), AT).text.splitlines()
    assert "15:44        1  █" in lines
    assert "15:45      -31" in lines


@given(name=WORDS, endpoint=WORDS, headline=WORDS, advice=WORDS)
def test_names_are_never_markup(name, endpoint, headline, advice):
    """Whatever a caller is called, the HTML has no element of its own, and the subject is one line."""
    shown = picture(spenders=(Spender(f"<script>{name}", endpoint, 5),))
    told = message_of(alert(headline=f"<img src=x>{headline}", advice=(f"<a href=x>{advice}",), picture=shown), AT)
    seen = Seen(told.html)
    assert seen.elements <= OURS
    assert f"<script>{name}".split()[0] in seen.words
    assert len(told.subject.splitlines()) == 1
    assert len(told.subject) <= 150


@given(
    balances=st.lists(st.integers(-100_000, 100_000), max_size=70),
    away=st.timedeltas(timedelta(days=-400), timedelta(days=400)),
)
def test_any_trend_at_any_time(balances, away):
    """Any trend has at most eight bars, its last balance among them; a clock that jumped breaks nothing."""
    trend = tuple(Balance(AT + timedelta(minutes=index), tokens) for index, tokens in enumerate(balances))
    told = message_of(alert(picture=picture(trend=trend)), AT + away).text
    bars = re.findall(r"^\d\d:\d\d +(-?[\d,]+)(?:  (█+))?$", told, re.MULTILINE)
    assert len(bars) == (min(8, len(balances)) if len(balances) > 1 else 0)
    if bars:
        assert bars[-1][0] == f"{balances[-1]:,}"
        assert max(len(bar) for _, bar in bars) <= 24
