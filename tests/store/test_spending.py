"""Where the tokens went: by hour and group, the dearest calls, and how well their costs were foreseen."""

from datetime import timedelta

import pytest
from tests.store.makers import ask, at, meter

from keepahead.budget.entry import Settled
from keepahead.budget.rule import HOUR
from keepahead.store.audit import Audit
from keepahead.store.record import Filter, GroupBy, Record
from keepahead.store.spending import Spending, add

CALLS = 30


@pytest.fixture
def filled(ledger):
    """Calls over ten hours, every third dearer than it was thought to be, and somebody else on the same key."""
    ledger.observe(meter(0, 900), at(0))
    for number in range(CALLS):
        moment = number * 1200
        who, what = ("nightly", "product") if number % 3 else ("person", "search")
        verdict = ledger.reserve(ask(f"call{number:02}", 10, caller=who, endpoint=what), at(moment))
        assert verdict.__class__.__name__ == "Granted", verdict
        ledger.settle(f"call{number:02}", 12 if number % 3 == 0 else 5, meter(moment, 900, rate=200), at(moment))
    ledger.observe(meter(CALLS * 1200, 500, rate=200), at(CALLS * 1200))
    return ledger


@pytest.mark.parametrize("by", [GroupBy.ENDPOINT, GroupBy.CALLER, GroupBy.LANE])
@pytest.mark.parametrize("hours", [1, 6, 24])
def test_parts_add_up(database, filled, by, hours):
    """All parts together are the sums, in any length, and begin as days do; what was put away counts."""
    spending, record = Spending(database, "account"), Record(database, "account")
    parts = spending.parts(by, at(0), hours * HOUR)
    assert all(part.begins_at.hour % hours == 0 and part.begins_at.minute == 0 for part in parts)
    assert [part.begins_at for part in parts] == sorted(part.begins_at for part in parts)
    sums = record.sums(by, Filter(since=at(0)))
    for each in sums:
        own = [part for part in parts if part.group == each.group]
        assert sum(part.charged for part in own) == each.charged
        assert sum(part.external for part in own) == each.external
    assert sum(each.external for each in sums) > 0
    assert {part.group for part in parts} == {each.group for each in sums}
    assert Audit(database, "account").fold(at(6 * 3600)) > 0
    assert spending.parts(by, at(0), hours * HOUR) == parts
    assert record.sums(by, Filter(since=at(0))) == sums
    later = spending.parts(by, at(4 * 3600), HOUR)
    assert later == [part for part in spending.parts(by, at(0), HOUR) if part.begins_at >= at(4 * 3600)]


@pytest.mark.parametrize("by", list(GroupBy))
def test_full_hours_need_no_entry(database, filled, by):
    """The sums of full hours are those that their entries add up to, also where some are cut off at either end."""
    record = Record(database, "account")
    second = timedelta(microseconds=1)
    for since, until in ((None, None), (at(3600), None), (at(7200), at(5 * 3600)), (None, at(3600))):
        whole = record.sums(by, Filter(since=since, until=until))
        odd = Filter(since=since and since - second, until=until and until - second)  # nothing happens just then
        assert whole
        assert whole == record.sums(by, odd)


def test_dearest_and_estimates(database, filled):
    """The dearest come first; what was set aside stands beside what was charged, also where entries are added later."""
    spending, record = Spending(database, "account"), Record(database, "account")
    dearest = spending.dearest(at(0), 12, last_seq=record.last_seq())
    assert [line.entry.tokens for line in dearest] == [12] * 10 + [5] * 2
    by_caller = spending.estimates(GroupBy.CALLER, at(0), last_seq=record.last_seq())
    person, nightly = by_caller["person"], by_caller["nightly"]
    assert (person.calls, person.reserved, person.charged, person.exceeded, person.overage) == (10, 100, 120, 10, 20)
    assert (nightly.calls, nightly.reserved, nightly.charged, nightly.exceeded, nightly.overage) == (20, 200, 100, 0, 0)
    lines = record.after(0)
    assert add({}, GroupBy.CALLER, lines) == by_caller
    half = [line for line in lines if isinstance(line.entry, Settled)][7].seq
    first = spending.estimates(GroupBy.ENDPOINT, at(0), last_seq=half)
    assert sum(each.calls for each in first.values()) == 8
    rest = [line for line in lines if line.seq > half]
    assert add(first, GroupBy.ENDPOINT, rest) == add({}, GroupBy.ENDPOINT, lines)


def test_a_look_at_calls_is_bounded(database, filled):
    """Where there are more entries than one look takes in, it is told from when on they were seen."""
    lines = Record(database, "account").lines(Filter())
    spending = Spending(database, "account", look_most=9)
    assert spending.seen_since(at(0)) == lines[8].entry.at
    assert spending.seen_since(lines[3].entry.at) == lines[3].entry.at
    assert Spending(database, "account").seen_since(at(0)) == at(0)
