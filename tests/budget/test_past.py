"""The past of the balance follows the readings, and between them the refill."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from keepahead.budget.meter import Meter
from keepahead.budget.past import Level, Reading, levels

T0 = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def read(seconds: float, left: int, measured: float | None = None) -> Reading:
    """A reading of a plan of 20 a minute, whose next lump comes half a minute later."""
    now = T0 + timedelta(seconds=seconds)
    measured_at = now if measured is None else T0 + timedelta(seconds=measured)
    return Reading(now, Meter(measured_at, measured_at, now, left, 20, 30_000))


def test_between_readings_it_refills():
    """Lumps are seen at the next look, a reading at once, and the last level is that of the end."""
    told = list(levels([read(0, 100), read(150, 40)], T0, T0 + 4 * MINUTE, step=MINUTE))
    assert told == [
        Level(T0, 100),
        Level(T0 + MINUTE, 120),
        Level(T0 + 2 * MINUTE, 140),
        Level(T0 + timedelta(seconds=150), 40),
        Level(T0 + 4 * MINUTE, 60),
    ]


def test_it_begins_where_it_is_known():
    """Before the first reading nobody knows; one from before the beginning counts by its projection."""
    assert list(levels([], T0, T0 + MINUTE, step=MINUTE)) == []
    assert next(levels([read(90, 7)], T0, T0 + 5 * MINUTE, step=MINUTE)) == Level(T0 + timedelta(seconds=90), 7)
    assert next(levels([read(-90, 7)], T0, T0 + 5 * MINUTE, step=MINUTE)) == Level(T0, 27)


def test_an_older_meter_changes_nothing():
    """An answer that overtook another is no newer fact."""
    told = levels([read(0, 100), read(5, 160, measured=-20)], T0, T0 + timedelta(seconds=10), step=MINUTE)
    assert {each.balance for each in told} == {100}


@given(st.lists(st.tuples(st.integers(0, 3_600), st.integers(-50, 1_200)), max_size=30))
def test_the_line_never_goes_back(facts):
    """Whatever was read: moments rise, the end is told, no level exceeds what the bucket holds."""
    readings = [read(seconds, left) for seconds, left in sorted(facts)]
    told = list(levels(readings, T0, T0 + timedelta(hours=1), step=MINUTE))
    assert [each.at for each in told] == sorted(each.at for each in told)
    assert all(-50 <= each.balance <= 1_200 for each in told)
    assert not readings or readings[0].at >= T0 + timedelta(hours=1) or told[-1].at == T0 + timedelta(hours=1)
