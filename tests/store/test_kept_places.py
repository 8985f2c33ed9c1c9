"""Kept places are rows like other tickets: seen by every process, redeemed by any, gone when their time is over."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.makers import ask, at, meter

from keepahead.budget.ask import Ask
from keepahead.budget.decide import APPOINTMENT_GRACE
from keepahead.budget.verdict import Granted, Later, Refused
from keepahead.keepa.call_id import appointment_of
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger

GRACE = APPOINTMENT_GRACE.total_seconds()


@pytest.fixture
def other(database) -> Ledger:
    """A second user of the same account, with a memory of its own."""
    return Ledger(database, "account")


def visit(what: str, tokens: int, seconds: float, **more) -> Ask:
    """The wish of somebody who does not wait but comes back."""
    asked = ask(f"{what}{seconds}", tokens, opened_at=at(seconds), deadline=at(seconds), **more)
    kept = timedelta(minutes=10)
    return replace(asked, keeps_place_for=kept, appointment=appointment_of("tests", "live", what))


def told(verdict) -> float:
    """In how many seconds a refused one shall come back."""
    assert isinstance(verdict, Refused)
    assert verdict.ticket is not None
    assert verdict.wait_seconds is not None
    return verdict.wait_seconds


def test_a_place_is_kept_across_processes(ledger, other, url):
    """Whoever asks meanwhile, in whatever process, stands behind it; another process than the first one redeems it."""
    ledger.observe(meter(0, 20), at(0))
    moment = told(ledger.reserve(visit("a", 30, 0), at(0)))
    assert moment == 30.1
    assert told(other.reserve(visit("b", 20, 1), at(1))) == pytest.approx(30.1 + 60.3 - 1)
    assert isinstance(other.reserve(ask("w", 20, opened_at=at(2)), at(2)), Later)
    again = open_database(url)
    try:
        third = Ledger(again, "account")
        third.renew(at(31))
        assert isinstance(third.reserve(ask("x", 10, opened_at=at(31)), at(31)), Later)
        assert isinstance(third.reserve(visit("a", 30, 31), at(31)), Granted)
    finally:
        again.close()
    assert [each.call_id for each in ledger.account().tickets if each.is_kept] == [visit("b", 20, 0).appointment]


def test_who_comes_too_early_keeps_the_place(ledger, other):
    """Asked again too early it is refused with the same moment, and not moved behind those who came in between."""
    ledger.observe(meter(0, 10), at(0))
    first = told(ledger.reserve(visit("a", 20, 0), at(0)))
    second = told(other.reserve(visit("b", 20, 1), at(1)))
    assert second + 1 > first
    assert told(other.reserve(visit("a", 20, 10), at(10))) == pytest.approx(first - 10)
    assert isinstance(ledger.reserve(visit("a", 20, first), at(first)), Granted)
    assert isinstance(ledger.reserve(visit("b", 20, second + 1), at(second + 1)), Granted)
    assert ledger.account().tickets == ()


def test_nobody_renews_a_kept_place(ledger, other):
    """It is over at its moment and a little later, however long its process lives; then others have the tokens."""
    ledger.observe(meter(0, 10), at(0))
    moment = told(ledger.reserve(visit("a", 20, 0, holder=ledger.holder), at(0)))
    for seconds in (10, 20, 30, 40):
        ledger.renew(at(seconds))
    assert isinstance(other.reserve(visit("b", 20, moment), at(moment + GRACE - 1)), Refused)
    assert isinstance(other.reserve(visit("b", 20, moment), at(moment + GRACE)), Granted)


def test_who_waits_takes_over_the_place(ledger, other):
    """The same asked with time to wait stands where the place was kept, and there is one ticket, not two."""
    ledger.observe(meter(0, 10), at(0))
    told(ledger.reserve(visit("a", 40, 0), at(0)))
    assert isinstance(other.reserve(ask("w", 20, opened_at=at(1)), at(1)), Later)
    patient = replace(visit("a", 40, 2), deadline=None)
    assert isinstance(other.reserve(patient, at(2)), Later)
    places = {ticket.call_id: ticket.opened_at for ticket in ledger.account().tickets}
    assert places == {"w": at(1), patient.label.call_id: at(0)}


def test_without_a_wish_nothing_is_kept(ledger):
    """Who asks for no place, or comes back under no name, leaves no trace in the queue."""
    ledger.observe(meter(0, 10), at(0))
    for plain in (replace(visit("a", 20, 0), keeps_place_for=timedelta()), replace(visit("b", 20, 0), appointment="")):
        refused = ledger.reserve(plain, at(0))
        assert isinstance(refused, Refused)
        assert refused.ticket is None
    assert ledger.account().tickets == ()


def test_work_that_comes_back_for_what_is_still_held(ledger, other):
    """A call that is charged and not answered yet counts twice for a moment: whoever was told now waits for its end."""
    ledger.observe(meter(0, 10), at(0))
    work = visit("work", 20, 0)
    assert told(ledger.foresee(work, at(0), strictly=True)) == 30.1
    ledger.observe(meter(20, 60), at(20))
    assert isinstance(other.reserve(ask("c", 30, opened_at=at(20)), at(20)), Granted)
    ledger.observe(meter(31, 50), at(31))
    for seconds in (31, 41, 51):
        later = other.foresee(visit("work", 20, seconds), at(seconds), strictly=True)
        assert isinstance(later, Later)
    other.settle("c", 30, meter(52, 50), at(52))
    assert other.foresee(visit("work", 20, 52), at(52), strictly=True) is None


def test_work_and_its_parts(ledger, other):
    """What was foreseen and let in is kept for its parts, before those who come later; the rest is free a minute on."""
    ledger.observe(meter(0, 100), at(0))
    work = visit("work", 80, 0)
    assert ledger.foresee(work, at(0), strictly=True) is None
    assert isinstance(other.reserve(visit("b", 50, 1), at(1)), Refused)
    part = replace(visit("work", 50, 2), is_part=True)
    assert isinstance(other.reserve(part, at(2)), Granted)
    assert [ticket.tokens for ticket in ledger.account().tickets if ticket.call_id == work.appointment] == [30]
    two_calls = replace(visit("work", 30, 3), is_part=True)
    assert other.foresee(two_calls, at(3)) is None
    assert isinstance(other.foresee(replace(two_calls, tokens_max=50), at(3)), Refused)
    assert [ticket.tokens for ticket in ledger.account().tickets if ticket.call_id == work.appointment] == [30]
    refused = ledger.foresee(visit("more", 60, 3), at(3), strictly=True)
    assert isinstance(refused, Refused)
    assert refused.ticket is not None
    assert refused.ticket.tokens == 60
