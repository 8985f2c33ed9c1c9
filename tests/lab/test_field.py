"""The field: the least time is true, and a small run counts what really happened."""

from dataclasses import replace
from pathlib import Path

import pytest
from bench.field.measured import ENTRANTS, FLOOR, Row, measure
from bench.field.minimum import minimum_seconds
from bench.field.work import incident, workload
from hypothesis import given
from hypothesis import strategies as st

SPEED = 60.0
PATIENT = 60.0  # times the least time: who is slow because the machine is busy is not late


@pytest.mark.parametrize(
    ("tokens", "spendable", "seconds"),
    [
        (210, 210, 0.0),  # all there: nothing to wait for
        (211, 210, 30.0),  # one token short: the first tick
        (230, 210, 30.0),  # and the whole lump is there
        (231, 210, 90.2),  # one short of the second
        (20, -20, 90.2),  # what is below the floor comes first
        (0, -5, 30.0),  # even before nothing
        (2_850, 2_850 - 27 * 20, 30.0 + 26 * 60.2),
    ],
)
def test_least_time(tokens, spendable, seconds):
    """Whole lumps at the ticks, the first at its own moment, each later one a tick after it."""
    told = minimum_seconds(tokens, spendable=spendable, refill_rate=20, first_tick_seconds=30.0, tick_seconds=60.2)
    assert told == pytest.approx(seconds)


def test_least_time_without_a_refill():
    """A bucket that does not refill has no least time."""
    with pytest.raises(ValueError, match="above 0"):
        minimum_seconds(1, spendable=0, refill_rate=0, first_tick_seconds=1, tick_seconds=60)


@given(
    tokens=st.integers(0, 5_000),
    spendable=st.integers(-500, 3_000),
    rate=st.integers(1, 300),
    first_tick=st.integers(0, 60),
)
def test_least_time_step_by_step(tokens, spendable, rate, first_tick):
    """It is the moment at which somebody who takes each token as it comes has taken the last."""
    left, balance, now, tick = tokens, spendable, 0, first_tick
    while left > 0 or balance < 0:
        taken = max(0, min(left, balance))
        left, balance = left - taken, balance - taken
        if left or balance < 0:
            now, balance, tick = tick, balance + rate, tick + 60
    told = minimum_seconds(
        tokens, spendable=spendable, refill_rate=rate, first_tick_seconds=first_tick, tick_seconds=60
    )
    assert told == now


def test_what_is_asked():
    """The work is what the page says: 30% of the lookups repeat, each answer has its price, the same each time."""
    assert workload() == workload()
    assert (workload().price, workload().dearest_call) == (2_100 + 500 + 250, 50)
    assert (incident().price, incident().dearest_call) == (50 + 11 + 100 + 84, 100)
    assert (len(workload().items), len(incident().items)) == (3_060, 122)


@pytest.fixture
def measured(tmp_path):
    """Measure a contender by name on a small workload: 60 lookups of 42 products, from 30 tokens at 20 a minute."""

    def measure_it(name: str, **changes: object) -> Row:
        entrant = next(each for each in ENTRANTS if each.name == name)
        small = workload(lookups=60, lists=0, pages=2, opening=30, refill_rate=20)
        return measure(entrant, replace(small, **{"speed": SPEED, "limit": PATIENT, **changes}), Path(tmp_path))

    return measure_it


def test_keepahead_in_a_small_field(measured):
    """Of keepahead: it keeps the floor, loses nothing, and pays for no answer twice."""
    row = measured("keepahead")
    assert (row.asked, row.delivered, row.lost, row.errors) == (62, 62, 0, {})
    assert row.lowest_balance >= FLOOR
    assert (row.refused_429, row.sent_at_or_below_zero) == (0, 0)
    assert (row.tokens, row.distinct, row.tokens_for_nothing_new) == (52, 44, 0)
    assert row.seconds >= row.minimum_seconds > 0


def test_another_in_a_small_field(measured):
    """What another pays for repeats is seen, and so are its calls on an empty bucket."""
    row = measured("keepa, threads", opening=1)  # the first charge takes it; nineteen others are on their way
    assert (row.delivered, row.lost, row.errors) == (62, 0, {})
    assert (row.tokens, row.distinct, row.worth, row.tokens_for_nothing_new) == (70, 44, 52, 18)
    assert row.refused_429 == row.sent_at_or_below_zero > 0
    assert row.lowest_balance <= 0


def test_what_is_not_done_in_time(measured):
    """What a contender has not delivered when its time is over is lost, and said to be late."""
    row = measured("keepa, threads", opening=1, limit=0.3)
    assert (row.delivered + row.lost, row.errors) == (62, {})
    assert row.late == row.lost > 0
