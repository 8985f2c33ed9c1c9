"""What an entry says on the page, and how the life of a call is told."""

from datetime import UTC, datetime, timedelta

import pytest

from keepahead.budget.entry import (
    Absorbed,
    Carried,
    Label,
    Lost,
    Observed,
    Refusal,
    Released,
    Reserved,
    Served,
    Settled,
)
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Reason
from keepahead.faces.dashboard.ledger_rows import LOOKS, chapters_of, facts_of, row_of, sentence_of
from keepahead.store.record import Line
from keepahead.store.rows import KINDS

T0 = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
LABEL = Label("f73rzke9gxq2xdckns9n", "product", "live", "nightly")


def at(seconds: float) -> datetime:
    """So long after the beginning."""
    return T0 + timedelta(seconds=seconds)


def meter(left: int) -> Meter:
    """A meter with so many tokens."""
    return Meter(T0, T0, T0, left, 20, 30_000)


RESERVED = Reserved(
    at=T0, label=LABEL, tokens=6, shape="product 3 products", balance=1_200, free=1_100, floor=10, lapses_at=at(480)
)
SETTLED = Settled(at=at(1.25), label=LABEL, tokens=8, reserved=6, meter=meter(1_192))
RELEASED = Released(at=at(2), label=LABEL, tokens=6, reason="no connection")
LOST = Lost(at=at(30), label=LABEL, tokens=1, reason="no answer", proven_after=at(31))
ABSORBED = Absorbed(at=at(90), label=LABEL, tokens=1, charged=1)
REFUSAL = Refusal(
    at=T0, label=LABEL, tokens=50, reason=Reason.NOT_IN_TIME, shape="bestsellers 1", balance=40, free=30, floor=10
)
SERVED = Served(at=T0, label=LABEL, tokens=3, shape="product 3 products", paid_by="f73aaaaaaaaaaaaaaaaa")
OBSERVED = Observed(at=T0, meter=meter(1_000), external_tokens=40)
CARRIED = Carried(at=T0, meter=meter(900), gap=0, yielded_at=None)
EVERY = (RESERVED, SETTLED, RELEASED, LOST, ABSORBED, REFUSAL, SERVED, OBSERVED, CARRIED)


def test_every_kind_has_a_look_and_a_sentence():
    """No kind of entry comes without words: a row with all its columns, and one plain sentence."""
    rows = [row_of(Line(number, entry), {}) for number, entry in enumerate(EVERY)]
    assert len({frozenset(row) for row in rows}) == 1
    assert all(row["kind"] and row["icon"] for row in rows)
    assert set(KINDS) <= LOOKS.keys()
    for entry in EVERY:
        words = sentence_of(entry)
        assert words[0].isupper() or words[0].isdigit()
        assert words.endswith(".")
        assert "None" not in words


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (RESERVED, "6 tokens were set aside. The balance was 1,200, of which 1,100 free; the floor was 10."),
        (SETTLED, "Keepa charged 8 tokens; 6 had been set aside. It left 1,192 in the bucket."),
        (LOST, "1 token counts as charged until"),
        (REFUSAL, "Not sent: the tokens would not have been there in time. It could have cost 50 tokens."),
        (SERVED, "Call f73aaaaaaaaaaaaaaaaa had paid for it."),
        (OBSERVED, "40 tokens spent by somebody else on this key. The bucket held 1,000 tokens."),
    ],
)
def test_sentences(entry, words):
    """A sentence says what it means, in words and figures."""
    assert words in sentence_of(entry)


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_of_a_refusal_has_words(reason):
    """Nobody has to know what not_in_time means."""
    refusal = Refusal(at=T0, label=LABEL, tokens=5, reason=reason, shape="x", balance=1, free=1, floor=1)
    assert reason not in sentence_of(refusal)
    assert reason not in str(row_of(Line(1, refusal), {})["why"])


def test_rows_say_what_was_asked():
    """What a call asked for stands beside each of its entries, and whether it cost more than was thought."""
    row = row_of(Line(7, SETTLED), {LABEL.call_id: "product 3 products"})
    assert row["asked"] == "product 3 products"
    assert row["why"] == "of 6 set aside, more than expected"
    assert (row["time"], row["tokens"], row["left"]) == ("2026-11-22 20:00:01", "8", "1,192")
    assert row_of(Line(7, SETTLED), {})["asked"] == "product"
    assert row_of(Line(8, OBSERVED), {})["kind"] == "spent by others"


@pytest.mark.parametrize(
    ("entries", "cost", "took"),
    [
        ([RESERVED], "not known yet", "it is under way"),
        ([RESERVED, SETTLED], "8 tokens, 2 more than was set aside", "1.25 s"),
        (
            [RESERVED, Settled(at=at(2), label=LABEL, tokens=6, reserved=6, meter=meter(1))],
            "6 tokens, as was",
            "2.00 s",
        ),
        ([RESERVED, Settled(at=at(2), label=LABEL, tokens=1, reserved=6, meter=meter(1))], "1 token, 5 less", "2.00 s"),
        ([RESERVED, RELEASED], "nothing", "2.00 s"),
        ([RESERVED, LOST], "not known yet", "30 s"),
        ([RESERVED, LOST, ABSORBED], "1 token, 5 less than was set aside", "90 s"),
        ([REFUSAL], "nothing", "0.00 s"),
        ([SERVED], "nothing", "0.00 s"),
    ],
)
def test_a_life(entries, cost, took):
    """What a call cost is told against what was set aside for it, and how long it took."""
    lines = [Line(number, entry) for number, entry in enumerate(entries)]
    facts = facts_of(lines, {})
    assert facts["Cost"].startswith(cost)
    assert facts["Took"] == took
    chapters = chapters_of(lines)
    assert len(chapters) == len(entries)
    assert chapters[0].after == ""
    assert all(chapter.after.endswith("later") for chapter in chapters[1:])
