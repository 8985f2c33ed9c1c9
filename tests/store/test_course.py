"""The past of the balance: thinned out by the database, nothing that matters lost, and no slower with more entries."""

import random
import sqlite3
from datetime import timedelta

import pytest
from tests.store.makers import ask, at, meter
from tests.store.test_ledger import act

from keepahead.budget.entry import Refusal, Reserved
from keepahead.store.course import COUNTED_MOST, Course, Past
from keepahead.store.record import Filter, Record

SPAN = timedelta(seconds=20 * 400)


@pytest.fixture
def busy(ledger):
    """A ledger on which everything has happened, an entry every 20 seconds or so."""
    random.seed(11)
    ledger.observe(meter(-500, 480), at(-500))
    ledger.observe(meter(-90, 500), at(-90))
    for number in range(400):
        act(ledger, number)
        if number % 7 == 0:
            now = at(number * 20)
            ledger.reserve(ask(f"r{number}", 5_000, opened_at=now), now)  # can never be: refused
    return ledger


@pytest.mark.parametrize("stretches", [1, 7, 40, 5_000])
def test_every_stretch_tells_its_lowest_and_its_newest(busy, database, stretches):
    """Compared with all entries one by one: what is told of a stretch is its lowest and newest, of every kind."""
    found = Course(database, "account").read(at(0), at(0) + SPAN, stretches=stretches)
    entries = [line.entry for line in Record(database, "account").after(0, Filter(until=at(0) + SPAN), limit=10_000)]
    metered = [each for each in entries if getattr(each, "meter", None)]
    assert found.readings[0].at == at(-90)
    width = SPAN / stretches
    for number in range(stretches):
        begins, ends = at(0) + number * width, at(0) + (number + 1) * width
        inside = [each for each in metered if begins <= each.at < ends]
        told = [each for each in found.readings if begins <= each.at < ends]
        if not inside:
            assert told == []
            continue
        assert told[-1].meter == inside[-1].meter
        assert 1 <= len(told) <= 2
        if width <= timedelta(minutes=2):
            assert min(each.meter.tokens_left for each in told) == min(each.meter.tokens_left for each in inside)
        reserved = [each for each in entries if isinstance(each, Reserved) and begins <= each.at < ends]
        held = [each for each in found.held if begins <= each.at < ends]
        assert [each.tokens for each in held] == [each.balance - each.free + each.tokens for each in reserved[-1:]]
        refused = [each for each in entries if isinstance(each, Refusal) and begins <= each.at < ends]
        assert [(each.at, each.calls) for each in found.refused if begins <= each.at < ends] == [
            (each.at, len(refused)) for each in refused[-1:]
        ]


def test_what_is_not_there(ledger, database):
    """A ledger without entries has no past, and one account knows nothing of another's."""
    assert Course(database, "account").read(at(0), at(3600), stretches=60) == Past([], [], [])
    ledger.observe(meter(10, 500), at(10))
    assert Course(database, "another").read(at(0), at(3600), stretches=60) == Past([], [], [])
    assert [each.at for each in Course(database, "account").read(at(3600), at(7200), stretches=60).readings] == [at(10)]


def test_refusals_are_counted_so_far(ledger, database):
    """Who is refused and asks on at once costs no more than a hundred looks."""
    ledger.observe(meter(0, 5), at(0))
    for number in range(COUNTED_MOST + 20):
        ledger.reserve(ask(f"c{number}", 5_000, opened_at=at(1)), at(1 + number / 1000))
    (refused,) = Course(database, "account").read(at(0), at(3600), stretches=1).refused
    assert refused.calls == COUNTED_MOST


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
def test_more_entries_cost_nothing(ledger, database, url):
    """The database does the same work for a week however many entries lie in it, refusals and archived answers too."""
    ledger.observe(meter(0, 1000), at(0))
    steps = []
    for turn in range(2):
        for number in range(200 + 2_000 * turn):
            now = at(600 + turn + number / 10_000)
            ledger.reserve(ask(f"{turn}-{number}", 5_000 if number % 2 else 1, opened_at=now), now)
            if not number % 2:
                ledger.settle(f"{turn}-{number}", 0, meter(600, 900), now)
        steps.append(_steps(database, lambda: Course(database, "account").read(at(0), at(604_800), stretches=336)))
    assert steps[1] < 1.2 * steps[0]


def _steps(database, work) -> int:
    """How many thousand steps SQLite's machine takes for it."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    with database.read() as connection:
        raw = connection.connection.driver_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(count, 1_000)
    work()
    raw.set_progress_handler(None, 0)
    return steps
