"""Several ledgers on one database: one queue, one bell, one set of rules, whoever writes."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.makers import ask, at, meter

from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.rule import Freeze, Limit
from keepahead.budget.verdict import Granted, Later, Reason, Refused
from keepahead.store.ledger import Ledger
from keepahead.store.rulebook import Rulebook


@pytest.fixture
def other(database) -> Ledger:
    """A second user of the same account, with a memory of its own."""
    return Ledger(database, "account")


def test_each_sees_what_the_other_wrote(ledger, other):
    """A ledger that remembers the account is never wrong about it: somebody else's grant counts."""
    ledger.observe(meter(0, 100), at(0))
    for number in range(4):
        asked = ask(f"c{number}", 20)
        assert isinstance((ledger, other)[number % 2].reserve(asked, at(1)), Granted)
    assert isinstance(ledger.reserve(ask("c4", 20), at(1)), Later)
    assert isinstance(other.reserve(ask("c5", 10), at(1)), Granted)
    assert (ledger.account().free_at(at(1)), ledger.account().reserved) == (10, 90)


def test_the_queue_is_one(ledger, other):
    """A call of one process does not overtake an older one of another, and a lane goes before age."""
    ledger.observe(meter(0, 10), at(0))
    assert isinstance(ledger.reserve(ask("jobs", 20, lane=JOBS, opened_at=at(1)), at(1)), Later)
    assert isinstance(ledger.reserve(ask("old", 40, opened_at=at(2)), at(2)), Later)
    assert isinstance(other.reserve(ask("young", 20, opened_at=at(3)), at(3)), Later)
    other.observe(meter(4, 55), at(4))
    assert isinstance(other.reserve(ask("young", 20, opened_at=at(3)), at(5)), Later)
    assert isinstance(ledger.reserve(ask("old", 40, opened_at=at(2)), at(5)), Granted)
    assert {ticket.call_id for ticket in ledger.account().tickets} == {"jobs", "young"}


def test_what_delays_nobody_passes(ledger, other):
    """A lump may hold more than the first in line waits for: that much may pass, in whatever process."""
    ledger.observe(meter(0, 10), at(0))
    later = ledger.reserve(ask("big", 30, opened_at=at(2)), at(2))
    assert isinstance(later, Later)
    assert later.room == 10  # two lumps of 20 for 30
    ledger.observe(meter(31, 30), at(31))
    assert isinstance(other.reserve(ask("small", 10, opened_at=at(3)), at(31)), Granted)
    assert isinstance(other.reserve(ask("more", 1, opened_at=at(3)), at(31)), Later)


def test_jobs_come_forward_in_time(ledger, other):
    """After its lane's patience the oldest jobs call stands before newer live calls."""
    lane = replace(JOBS, patience=timedelta(seconds=60))
    ledger.observe(meter(0, 100), at(0))
    assert isinstance(ledger.reserve(ask("jobs", 20, lane=lane, opened_at=at(0), holder=ledger.holder), at(0)), Later)
    ledger.renew(at(0))
    ledger.renew(at(25))
    ledger.renew(at(50))
    assert isinstance(other.reserve(ask("before", 30, opened_at=at(55)), at(55)), Granted)
    assert isinstance(other.reserve(ask("after", 60, opened_at=at(61)), at(61)), Later)


def test_tickets_live_as_long_as_their_holder(ledger, other):
    """One renewal keeps all places of a client; a client that is gone loses all of its own."""
    ledger.observe(meter(0, 10), at(0))
    for holder, names in ((ledger, "ab"), (other, "cd")):
        for name in names:
            holder.reserve(ask(name, 30, holder=holder.holder), at(1))
    other.renew(at(1))
    other.renew(at(25))
    ledger.observe(meter(40, 10), at(40))
    ledger.reserve(ask("e", 30, opened_at=at(40)), at(40))
    assert {ticket.call_id for ticket in ledger.account().tickets} == {"c", "d", "e"}


def test_the_bell(ledger, other):
    """It rings when tokens are given back while somebody waits; not for a meter that says what was known."""
    ledger.observe(meter(0, 60), at(0))
    ledger.reserve(ask("a", 50), at(1))
    later = other.reserve(ask("b", 50), at(1))
    assert isinstance(later, Later)
    assert not other.has_rung(later.heard)
    other.reserve(ask("c", 5), at(1))
    assert not other.has_rung(later.heard)
    ledger.observe(meter(1.5, 60), at(1.5))
    assert not other.has_rung(later.heard)
    ledger.release("a", "not sent", at(2))
    assert other.has_rung(later.heard)


def test_the_bell_rings_when_the_plan_changes(ledger, other):
    """Who waits has reckoned with how fast tokens came: when they come faster he looks again."""
    ledger.observe(meter(0, 10, rate=5), at(0))
    later = other.reserve(ask("a", 50), at(1))
    assert isinstance(later, Later)
    ledger.observe(meter(2, 10, rate=60), at(2))
    assert other.has_rung(later.heard)
    sooner = other.reserve(ask("a", 50), at(2))
    assert isinstance(sooner, Later)
    assert sooner.wait_seconds < later.wait_seconds / 5


def test_the_bell_is_heard(ledger, other, database):
    """On PostgreSQL it wakes a listener in another process or host; SQLite has none, there one looks."""
    rung = threading.Event()
    stop = other.listen(rung.set)
    try:
        if not database.locks_rows:
            assert other.look_again_seconds <= 1
            return
        assert rung.wait(10)  # once for the new connection
        rung.clear()
        ledger.observe(meter(0, 60), at(0))
        ledger.reserve(ask("a", 50), at(1))
        other.reserve(ask("b", 50), at(1))
        assert not rung.wait(0.2)
        ledger.settle("a", 10, meter(2, 50), at(2))
        assert rung.wait(10)
    finally:
        stop()


def test_a_limit_holds_across_processes(ledger, other, database):
    """A caller's tokens of the hour are counted over all processes, those held as well; it begins anew in time."""
    rules = Rulebook(database, "account")
    ledger.observe(meter(0, 1000), at(0))
    rules.limit(Limit(caller="ann", tokens_per_hour=50))
    assert isinstance(ledger.reserve(ask("a", 30, caller="ann"), at(1)), Granted)
    ledger.settle("a", 25, meter(2, 975), at(2))
    assert isinstance(other.reserve(ask("b", 20, caller="ann"), at(3)), Granted)
    refused = other.reserve(ask("c", 10, caller="ann", deadline=at(60)), at(4))
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.window and refused.window.spent) == (Reason.CALLER_LIMIT, 45)
    later = ledger.reserve(ask("c", 10, caller="ann"), at(4))
    assert isinstance(later, Later)
    assert later.ticket is None
    assert later.wait_seconds == 3596
    assert isinstance(other.reserve(ask("d", 10, caller="bob"), at(4)), Granted)
    assert isinstance(ledger.reserve(ask("e", 5, caller="ann"), at(4)), Granted)
    (ann, bob) = rules.callers(at(5))
    assert (ann.name, ann.spent_hour, ann.spent_day, ann.held) == ("ann", 25, 25, 25)
    assert (bob.name, bob.limit, bob.held) == ("bob", None, 10)
    assert rules.unlimit("ann")
    assert not rules.unlimit("ann")
    assert isinstance(other.reserve(ask("g", 60, caller="ann"), at(5)), Granted)
    rules.limit(Limit(caller="ann", tokens_per_hour=50))
    assert isinstance(ledger.reserve(ask("f", 20, caller="ann"), at(3600)), Granted)


def test_a_freeze_holds_across_processes(ledger, other, database):
    """A freeze is seen by every process with its next decision, and refuses with its own words."""
    rules = Rulebook(database, "account")
    ledger.observe(meter(0, 100), at(0))
    assert isinstance(other.reserve(ask("a", 11), at(1)), Granted)
    freeze = rules.freeze(Freeze(freeze_id=0, words="only small calls tonight", made_at=at(2), above=10, until=at(60)))
    for number, holder in enumerate((ledger, other)):
        refused = holder.reserve(ask(f"b{number}", 11), at(3))
        assert isinstance(refused, Refused)
        assert refused.freeze == freeze
        assert refused.wait_seconds == 57
    assert isinstance(other.reserve(ask("c", 10), at(3)), Granted)
    assert [each.words for each in rules.freezes(at(3))] == ["only small calls tonight"]
    assert isinstance(ledger.reserve(ask("d", 11), at(60)), Granted)
    assert rules.freezes(at(60)) == []
    assert not rules.thaw(freeze.freeze_id)  # it is over and gone


def test_a_freeze_until_a_balance_ends_for_good(ledger, database):
    """Once the balance has been there the freeze is over, though the balance falls again."""
    rules = Rulebook(database, "account")
    ledger.observe(meter(0, 40), at(0))
    rules.freeze(Freeze(freeze_id=0, words="wait", made_at=at(0), endpoints=("product",), until_balance=60))
    assert isinstance(ledger.reserve(ask("a", 5), at(1)), Refused)
    assert isinstance(ledger.reserve(ask("s", 5, endpoint="search"), at(1)), Granted)
    ledger.settle("s", 5, meter(2, 60), at(2))
    assert isinstance(ledger.reserve(ask("b", 5), at(3)), Granted)
    ledger.settle("b", 5, meter(4, 30), at(4))
    assert isinstance(ledger.reserve(ask("c", 5), at(5)), Granted)


def test_somebody_else_is_on_record(ledger, other):
    """What he took is an entry of its own and stands in the day's sums; our own late answers are not his."""
    ledger.observe(meter(0, 100), at(0))
    for name, holder in (("a", ledger), ("b", other)):
        assert isinstance(holder.reserve(ask(name, 20, lane=LIVE), at(1)), Granted)
    ledger.settle("a", 20, meter(3, 60), at(3))  # b has run as well, its answer is under way
    other.settle("b", 20, meter(2, 80), at(4))
    assert ledger.account().gap == 0
    other.observe(meter(10, 53), at(10))
    assert ledger.account().gap == 0
    assert ledger.account().meter == meter(10, 53)


def test_who_dies_in_the_queue_is_swept_out(ledger, other):
    """The others need not come to the end of their own wait: the next renewal takes the dead place out and rings."""
    ledger.observe(meter(0, 20), at(0))
    ledger.reserve(ask("dead", 1000, holder=ledger.holder, opened_at=at(0)), at(0))
    later = other.reserve(ask("small", 30, holder=other.holder, opened_at=at(1)), at(1))
    assert isinstance(later, Later)
    assert later.wait_seconds > 3000
    for seconds in (1, 12, 23):
        other.renew(at(seconds))
    assert not other.has_rung(later.heard)
    other.renew(at(34))
    assert other.has_rung(later.heard)
    later = other.reserve(ask("small", 30, holder=other.holder, opened_at=at(1)), at(34))
    assert isinstance(later, (Later, Granted))
    assert getattr(later, "wait_seconds", 0) < 60
