"""Entries found page by page: in every order, by every word, and never by looking at all of a long record."""

from itertools import pairwise

import pytest
from tests.store.makers import ask, at, meter

from keepahead.budget.entry import Settled
from keepahead.store.ledger import Ledger
from keepahead.store.record import Filter, Record
from keepahead.store.search import Order, Search


@pytest.fixture
def filled(ledger, database):
    """A ledger in which calls of two callers and endpoints cost 1 to 12 tokens, one was refused, and somebody spent."""
    ledger.observe(meter(0, 500), at(0))
    left = 500
    for number in range(1, 13):
        who, what = ("nightly", "product") if number % 2 else ("Person", "search")
        ledger.reserve(ask(f"call{number:02}", 12, caller=who, endpoint=what), at(number))
        left -= number
        ledger.settle(f"call{number:02}", number, meter(number, left), at(number))
    ledger.reserve(ask("refused", 9_999, caller="nightly"), at(20))
    ledger.observe(meter(21, left - 30), at(21))
    return Record(database, "account").lines(Filter(), limit=1000)


def all_of(search: Search, wanted: Filter, text: str, order: Order, size: int):
    """Every line that paging on gives, and the same in reverse from paging back."""
    page = search.page(wanted, text, order, size=size)
    assert page.previous is None
    there = [list(page.lines)]
    while page.next:
        page = search.page(wanted, text, order, size=size, place=page.next)
        there.append(list(page.lines))
    back = [there[-1]]
    while page.previous:
        page = search.page(wanted, text, order, size=size, place=page.previous, backwards=True)
        back.insert(0, list(page.lines))
    return [line for lines in there for line in lines], [line for lines in back for line in lines]


@pytest.mark.parametrize("look_most", [7, 1000])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_pages_by_time_hold_every_entry_once(database, filled, size, look_most):
    """On and back, from either end, with a filter or words or without: each entry once, and in its order."""
    search = Search(database, "account", look_most=look_most)
    wanted = {
        (Filter(), ""): filled,
        (Filter(kind="settled"), ""): [line for line in filled if isinstance(line.entry, Settled)],
        (Filter(since=at(3), until=at(9)), ""): [line for line in filled if at(3) <= line.entry.at < at(9)],
        (Filter(), "nightly"): [line for line in filled if "nightly" in repr(line.entry)],
    }
    for (which, text), lines in wanted.items():
        for order, expected in ((Order.NEWEST, list(lines)), (Order.OLDEST, list(reversed(lines)))):
            there, back = all_of(search, which, text, order, size)
            assert there == expected, (which, text, order)
            assert back == expected, (which, text, order)


@pytest.mark.parametrize("size", [1, 4, 100])
def test_pages_by_tokens(database, filled, size):
    """In the order of tokens each entry comes once as well; what somebody else spent counts as his."""
    search = Search(database, "account")
    there, back = all_of(search, Filter(), "", Order.MOST, size)
    assert there == back
    assert sorted(line.seq for line in there) == sorted(line.seq for line in filled)
    tokens = [getattr(line.entry, "tokens", getattr(line.entry, "external_tokens", 0)) for line in there]
    assert tokens == sorted(tokens, reverse=True)
    assert tokens[:2] == [9_999, 30]
    least, _ = all_of(search, Filter(), "", Order.LEAST, size)
    assert least == list(reversed(there))


def test_order_of_tokens_is_one_of_the_newest(database, filled):
    """Where there are more than is looked at, the order is that of the newest, and the page says from when on."""
    page = Search(database, "account", look_most=5).page(Filter(), order=Order.MOST)
    assert {line.seq for line in page.lines} == {line.seq for line in filled[:5]}
    assert page.looked_to == filled[4].entry.at
    assert page.next is None
    older = Search(database, "account", look_most=5).page(Filter(until=filled[4].entry.at), order=Order.MOST)
    assert older.looked_to is not None
    assert older.looked_to < page.looked_to


def test_words(database, filled):
    """Each word must be there, in the entry or in what its call asked for; large or small, and signs as they are."""

    def found(text: str, kind: str | None = None):
        return {line.seq for line in Search(database, "account").page(Filter(kind=kind), text, size=1000).lines}

    assert found("person") == found("PERSON search") == {each.seq for each in filled if "Person" in repr(each.entry)}
    assert found("a test", "settled") == {each.seq for each in filled if isinstance(each.entry, Settled)}, (
        "what was asked stands in the reserved entry only"
    )
    assert len(found("call07")) == 2
    assert len(found("CALL07 settled")) == 1
    assert found("person nightly") == found("c_ll07") == found("%") == found("'") == found("\\") == set()
    assert found("  ") == {each.seq for each in filled}


def test_a_call_is_found_by_its_id(database, filled):
    """The whole id of a call gives its entries, in either order, however far back they lie; filters hold."""
    search = Search(database, "account", look_most=3)
    newest = search.page(Filter(), "call01")
    assert [line.entry.label.call_id for line in newest.lines] == ["call01", "call01"]
    assert (newest.next, newest.looked_to) == (None, None)
    assert search.page(Filter(), "call01", Order.OLDEST).lines == list(reversed(newest.lines))
    assert len(search.page(Filter(kind="settled"), "call01").lines) == 1
    assert search.page(Filter(), "call0").looked_to is not None


def test_a_look_ends(database, filled):
    """Who looks for what is not there learns how far was looked, and may look on to the end."""
    search = Search(database, "account", look_most=10)
    page, looks = search.page(Filter(), "nowhere"), [None]
    while page.next:
        assert page.lines == []
        assert page.looked_to is not None
        looks.append(page.looked_to)
        page = search.page(Filter(), "nowhere", place=page.next)
    assert page.looked_to is None
    assert len(looks) == 1 + len(filled) // 10
    assert all(later > earlier for later, earlier in pairwise(looks[1:]))


def test_newer_entries_are_counted(database, ledger, filled):
    """As many as match, and none that was there."""
    search, last = Search(database, "account"), filled[0].seq
    assert search.newer(Filter(), "", last) == 0
    ledger.reserve(ask("late", 5, caller="nightly"), at(30))
    assert search.newer(Filter(), "", last) == 1
    assert search.newer(Filter(caller="nightly"), "LATE", last) == 1
    assert search.newer(Filter(caller="Person"), "", last) == search.newer(Filter(), "early", last) == 0


def test_accounts_are_searched_apart(database, filled):
    """Nothing of another account is found."""
    Ledger(database, "another").observe(meter(0, 77), at(0))
    other = Search(database, "another")
    assert len(other.page(Filter()).lines) == len(other.page(Filter(), order=Order.MOST).lines) == 1
    assert other.page(Filter(), "call01").lines == []
    assert other.newer(Filter(), "", 0) == 1
