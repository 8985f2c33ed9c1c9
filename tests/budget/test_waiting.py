"""Who waits, and what each can expect."""

from dataclasses import replace

from tests.budget.makers import ORIGIN, at

from keepahead.budget.account import Account
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.meter import GRACE_MS, TICK_MS, Meter
from keepahead.budget.ticket import TICKET_LIFE, Ticket
from keepahead.budget.waiting import waiting_of

METER = Meter(ORIGIN, ORIGIN, ORIGIN, 10, 20, 30_000)


def ticket(name: str, tokens: int, lane=LIVE, opened_ms: int = 0) -> Ticket:
    """A place in the queue."""
    return Ticket(
        name,
        "holder",
        lane.rank,
        lane.floor_of(1200),
        tokens,
        lane.patience,
        at(opened_ms),
        at(opened_ms) + TICKET_LIFE,
    )


def lump(number: int):
    """The moment of a lump."""
    return at(30_000 + GRACE_MS + (number - 1) * TICK_MS)


def test_each_expects_what_those_before_it_leave():
    """Live calls by age, then jobs; each can expect its tokens when all before it have had theirs, above its floor."""
    tickets = (ticket("jobs", 20, JOBS), ticket("second", 20, opened_ms=2), ticket("first", 40, opened_ms=1))
    found = waiting_of(Account("a", METER, tickets=tickets), at(10))
    assert [(each.call_id, each.lane, each.tokens) for each in found] == [
        ("first", "live", 40),
        ("second", "live", 20),
        ("jobs", "jobs", 20),
    ]
    assert [each.expected_at for each in found] == [
        lump(2),
        lump(3),
        lump(9),
    ]  # 50, 70, and 100 + 80 above a floor of 100
    assert found[0].since == at(1)


def test_what_never_comes_is_said():
    """Where nothing is refilled nobody can expect anything; a ticket that nobody renews does not wait."""
    still = replace(METER, flow_reduction_per_minute=20)
    account = Account("a", still, tickets=(ticket("one", 40),))
    assert [each.expected_at for each in waiting_of(account, at(10))] == [None]
    assert waiting_of(account, at(40_000)) == []
    assert waiting_of(Account("a"), at(0)) == []
