"""What is looked for in the ledger, in an address and back."""

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepahead.faces.dashboard.quest import Quest, read_quest
from keepahead.faces.ledger_documents import ENDPOINTS
from keepahead.store.rows import KINDS
from keepahead.store.search import Order

NOW = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
WORD = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z")), min_size=1, max_size=12)

quests = st.builds(
    Quest,
    text=st.lists(WORD, max_size=3).map(" ".join),
    kind=st.sampled_from(("", *KINDS)),
    caller=st.sampled_from(("", "nightly", "a & b=c", "Zoë <b>")),
    endpoint=st.sampled_from(("", *ENDPOINTS)),
    lane=st.sampled_from(("", "live", "jobs")),
    since=st.sampled_from(("", "6h", "2026-11-22 20:00")),
    order=st.sampled_from(list(Order)),
    place=st.none() | st.tuples(st.integers(-(2**62), 2**62), st.integers(0, 2**62)),
    call=st.sampled_from(("", "f73rzke9gx")),
)


@given(quests, st.booleans())
def test_there_and_back(quest, backwards):
    """An address holds all of it."""
    told = quest.at(quest.place, backwards=backwards) if quest.place else quest
    assert read_quest(dict(parse_qsl(told.query))) == told


@given(st.dictionaries(st.sampled_from([*Quest.__slots__, "before", "after"]), st.text(max_size=200)))
def test_any_address_is_read(query):
    """What makes no sense is left out, whatever somebody writes there."""
    quest = read_quest(query)
    assert quest.kind in {"", *KINDS}
    assert len(quest.text) <= 100
    assert read_quest(dict(parse_qsl(quest.query))) == quest


def test_moments():
    """Moments are lengths of time back, or dates; others are refused."""
    wanted = Quest(since="6h", until="2026-11-22 19:30", kind="settled").wanted(NOW)
    assert (wanted.since, wanted.until) == (NOW - timedelta(hours=6), NOW - timedelta(minutes=30))
    assert (wanted.kind, wanted.caller) == ("settled", None)
    with pytest.raises(ValueError, match="write a length of time back"):
        Quest(since="yesterday").wanted(NOW)


def test_another_quest_begins_at_its_first_page():
    """Whatever else is looked for, and in any other order, it begins anew."""
    deep = Quest(text="coffee").at((7, 8), backwards=True)
    assert deep.changed(kind="lost") == Quest(text="coffee", kind="lost")
    assert deep.sorted_by("tokens").order is Order.MOST
    assert deep.sorted_by("tokens").sorted_by("tokens").order is Order.LEAST
    assert deep.sorted_by("time").order is Order.OLDEST
    assert deep.sorted_by("time").place is None
    assert not Quest(order=Order.MOST).is_narrow
    assert deep.is_narrow
