"""What the page of spending reads: once all of it, then what is new; both come to the same."""

from datetime import timedelta

from tests.store.makers import ask, at, meter

from keepahead.faces.dashboard.spending_chart import Range, window_of
from keepahead.faces.dashboard.spending_figures import read_figures
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from keepahead.store.record import GroupBy, Record
from keepahead.store.spending import Spending


def test_what_is_new_is_added(tmp_path):
    """Figures that were read on are those that are read anew; in another window, or by others, all is read."""
    database = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger, record, spending = Ledger(database, "account"), Record(database, "account"), Spending(database, "account")
    window = window_of(Range.DAY, at(600))
    ledger.observe(meter(0, 1_000), at(0))
    followed = read_figures(record, spending, window, GroupBy.CALLER, None)
    assert (followed.dearest, followed.estimates, followed.parts) == ([], {}, [])
    for number in range(30):
        caller = "nightly" if number % 2 else "person"
        ledger.reserve(ask(f"call{number}", 10, caller=caller), at(number))
        ledger.settle(f"call{number}", 3 + number % 9, meter(number, 1_000), at(number))
        if number % 4 == 0:
            followed = read_figures(record, spending, window, GroupBy.CALLER, followed)
    followed = read_figures(record, spending, window, GroupBy.CALLER, followed)
    anew = read_figures(record, spending, window, GroupBy.CALLER, None)
    for name in ("parts", "endpoints", "callers", "dearest", "asked", "estimates", "seen_since"):
        assert getattr(followed, name) == getattr(anew, name), name
    assert anew.dearest[0].entry.tokens == 11
    assert anew.asked[anew.dearest[0].entry.label.call_id] == "a test"
    other = read_figures(record, spending, window, GroupBy.LANE, followed)
    assert set(other.estimates) == {"live"}
    later = window_of(Range.DAY, at(600) + timedelta(days=2))
    assert read_figures(record, spending, later, GroupBy.LANE, other).estimates == {}
    database.close()
