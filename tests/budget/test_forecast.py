"""What is told of the future: it errs on no side where nothing is spent, and counts refill in where something is."""

from dataclasses import replace

from tests.budget.makers import ORIGIN, at
from tests.budget.test_waiting import METER, lump

from keepahead.budget.account import Account, Reservation
from keepahead.budget.entry import Label
from keepahead.budget.forecast import floor_reached_at, points, reached_at

ACCOUNT = Account("a", METER)
HELD = Reservation(Label("call", "product", "live", "tests"), 30, opened_at=at(0), lapses_at=at(480_000))


def test_points_without_spending_are_the_projection():
    """Every point is the balance by projection, and at no pace both are the same."""
    found = list(points(ACCOUNT, ORIGIN, minutes=120, step=2, pace=0))
    assert [point.balance for point in found] == [METER.balance_at(point.at) for point in found]
    assert all(point.at_pace == point.balance for point in found)
    assert (found[0].at, found[-1].balance) == (ORIGIN, METER.capacity)


def test_spending_is_taken_off_and_refill_counted_in():
    """At a pace above the refill the points fall by the difference; what a full bucket cannot hold is not counted."""
    full = Account("a", replace(METER, tokens_left=1200))
    found = [point.at_pace for point in points(full, ORIGIN, minutes=10, step=1, pace=50)]
    assert found[:3] == [1200, 1150, 1120]
    assert found[-1] == 1150 - 9 * 30
    slow = [point.at_pace for point in points(full, ORIGIN, minutes=10, step=1, pace=5)]
    assert min(slow) == 1195


def test_an_amount_is_there_when_a_call_of_it_would_run():
    """Above the floor, beside what is held; never what the bucket cannot hold; 0 tokens need a positive balance."""
    assert reached_at(ACCOUNT, 30, 10, ORIGIN) == lump(2)
    assert reached_at(replace(ACCOUNT, reservations=(HELD,)), 30, 10, ORIGIN) == lump(3)
    assert reached_at(ACCOUNT, 1190, 10, ORIGIN) is not None
    assert reached_at(ACCOUNT, 1191, 10, ORIGIN) is None
    assert reached_at(ACCOUNT, 0, 0, ORIGIN) == ORIGIN
    assert reached_at(Account("a"), 1, 10, ORIGIN) is None


def test_the_floor_is_reached_where_refill_does_not_keep_up():
    """At once where the balance is there already, never at a pace that refill keeps up with."""
    rich = Account("a", replace(METER, tokens_left=310))
    assert floor_reached_at(rich, 10, ORIGIN, pace=50) == at(10 * 60_000)
    assert floor_reached_at(rich, 10, ORIGIN, pace=20) is None
    assert floor_reached_at(rich, 310, ORIGIN, pace=0) == ORIGIN
    assert floor_reached_at(Account("a"), 10, ORIGIN, pace=50) is None
