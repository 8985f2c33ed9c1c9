"""The record read on from a number, as those do who follow it."""

from tests.store.makers import ask, at, meter

from keepahead.store.audit import Audit
from keepahead.store.record import Filter, Record


def test_reading_on_misses_nothing(ledger, database):
    """Page after page, each from the last number of the one before, gives every entry once and in its order."""
    record = Record(database, "account")
    assert (record.last_seq(), record.after(0)) == (0, [])
    ledger.observe(meter(0, 500), at(0))
    for number in range(7):
        ledger.reserve(ask(f"call{number}", 5), at(number))
        ledger.release(f"call{number}", "not sent", at(number))
    every, last = [], 0
    while page := record.after(last, limit=4):
        every += page
        last = page[-1].seq
    assert every == list(reversed(record.lines(Filter(), limit=100)))
    assert last == record.last_seq()
    assert [line.entry.label.call_id for line in record.after(0, Filter(kind="reserved"), limit=2)] == [
        "call0",
        "call1",
    ]


def test_accounts_are_followed_apart(ledger, database):
    """Another account's entries are no entries here, and do not count as the newest."""
    ledger.observe(meter(0, 500), at(0))
    other = Record(database, "another")
    assert (other.last_seq(), other.after(0)) == (0, [])


def test_what_was_put_away_shows(ledger, database):
    """Whoever reads on from an entry that was put away finds a Carried in the place of all that is missing."""
    ledger.observe(meter(0, 500), at(0))
    for number in range(1, 9):
        ledger.reserve(ask(f"call{number}", 5), at(number * 1000))
        ledger.settle(f"call{number}", 5, meter(number * 1000, 500), at(number * 1000))
    record, audit = Record(database, "account"), Audit(database, "account")
    folded_from = record.after(0, limit=2)[-1].seq
    assert audit.fold(at(7200)) > 0
    kinds = [type(line.entry).__name__ for line in record.after(folded_from)]
    assert kinds[0] == "Carried"
    assert "Carried" not in kinds[1:]


def test_who_has_spent_of_late(ledger, database):
    """Spenders are those of the hours since then, with what each spent on what; those of before are not among them."""
    ledger.observe(meter(0, 500), at(0))
    for seconds, caller, endpoint in ((0, "early", "query"), (7200, "late", "product"), (7201, "late", "search")):
        call_id = f"call{seconds}"
        ledger.reserve(ask(call_id, 5, caller=caller, endpoint=endpoint), at(seconds))
        ledger.settle(call_id, 4, meter(seconds + 1, 400), at(seconds + 1))
    record = Record(database, "account")
    found = {("product", "late", "live"): 4, ("search", "late", "live"): 4}
    assert record.spenders(at(7300)) == found
    assert record.spenders(at(0)) == {**found, ("query", "early", "live"): 4}
    assert Record(database, "another").spenders(at(0)) == {}
