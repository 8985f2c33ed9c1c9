"""The entries add up to the account, drift is found, and old entries are put away without changing anything."""

import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import text
from tests.store.makers import ask, at, meter
from tests.store.test_ledger import act

from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.record import Filter, GroupBy, Record


@pytest.fixture
def busy(ledger):
    """A ledger on which everything has happened, over some hours."""
    random.seed(7)
    ledger.observe(meter(0, 500), at(0))
    for number in range(1, 700):
        act(ledger, number)
    return ledger


def test_a_true_ledger(busy, database):
    """Nothing drifts, however the ledger was used."""
    found = Audit(database, "account").verify()
    assert found.drifts == ()
    assert found.entries > 500
    assert found.account.meter == busy.account().meter


@pytest.mark.parametrize(
    ("lie", "what"),
    [
        ("UPDATE accounts SET tokens_left = tokens_left + 1", "meter"),
        ("UPDATE accounts SET gap = gap + 1", "gap"),
        ("DELETE FROM reservations", "reservation"),
        ("UPDATE hours SET charged = charged + 1", "sums of"),
        ("DELETE FROM entries WHERE kind = 'settled'", "sums of"),
    ],
)
def test_drift_is_found(busy, database, lie, what):
    """Whatever does not follow from the entries is named."""
    busy.reserve(ask("held", 0), at(20_000))
    with database.write() as connection:
        connection.execute(text(lie))
    assert any(drift.what.startswith(what) for drift in Audit(database, "account").verify().drifts)


def test_in_pieces_as_in_one(busy, database, monkeypatch):
    """Piece by piece the same is found as in one, while others write; the last piece alone says something."""
    monkeypatch.setattr("keepahead.store.audit.PIECE", 100)
    audit = Audit(database, "account")
    pieces = []
    for piece in audit.verify_in_pieces():
        pieces.append(piece)
        busy.reserve(ask(f"meanwhile {len(pieces)}", 0), at(20_000 + len(pieces)))
    assert len(pieces) > 5
    assert set(pieces[:-1]) == {None}
    assert pieces[-1].drifts == ()
    assert pieces[-1].entries + 1 == audit.verify().entries
    with database.write() as connection:
        connection.execute(text("UPDATE accounts SET gap = gap + 1"))
    *_, last = audit.verify_in_pieces()
    assert last == audit.verify()
    assert last.drifts


def test_folding_changes_nothing(busy, database):
    """The account, what is held, the sums by caller, lane, endpoint and hour: all as before; only lines are fewer."""
    record, audit = Record(database, "account"), Audit(database, "account")
    account = busy.account()
    sums = {by: record.sums(by, Filter()) for by in GroupBy}
    lines = len(record.lines(Filter(), limit=10_000))
    assert audit.fold(at(7200), at_most=10) > 0
    folded = audit.fold(at(7200))
    assert folded == 0 or folded > 0
    assert audit.fold(at(7200)) == 0
    left = record.lines(Filter(), limit=10_000)
    assert len(left) < lines - 100
    assert audit.verify().drifts == ()
    assert busy.account() == account
    for by in GroupBy:
        assert sorted(record.sums(by, Filter()), key=repr) == sorted(sums[by], key=repr)
    busy.settle("nobody", 0, meter(20_000, 300), at(20_000))
    assert audit.fold(at(14_400)) > 0
    assert audit.verify().drifts == ()
    assert sum(line.entry.__class__.__name__ == "Carried" for line in record.lines(Filter(), limit=10_000)) == 1


def test_folding_keeps_open_calls(ledger, database):
    """A call that is still under way keeps its entries, however old; then it can be settled."""
    ledger.observe(meter(0, 500), at(0))
    ledger.reserve(ask("old", 20), at(1))
    for number in range(5):
        ledger.reserve(ask(f"c{number}", 10), at(2))
        ledger.settle(f"c{number}", 10, meter(3 + number, 490 - 10 * number), at(3 + number))
    assert Audit(database, "account").fold(at(3600)) > 0
    assert Audit(database, "account").verify().drifts == ()
    assert [held.label.call_id for held in ledger.account().reservations] == ["old"]
    ledger.settle("old", 20, meter(4000, 800), at(4000))
    assert Audit(database, "account").verify().drifts == ()


def test_an_old_ledger_is_brought_up_to_date(database):
    """A ledger that nobody has used yet has nothing to verify and nothing to put away."""
    audit = Audit(database, "account")
    assert (audit.verify().entries, audit.verify().drifts, audit.fold(at(0))) == (0, (), 0)


def test_folding_counts_nothing_twice(ledger, database):
    """What stays in the ledger of an hour that was put away, here a lost call, counts once in every sum."""
    ledger.observe(meter(0, 500), at(0))
    ledger.reserve(ask("lost", 20), at(1))
    ledger.lose("lost", "no answer", at(2), answered=False)
    for number in range(5):
        ledger.reserve(ask(f"c{number}", 10), at(2))
        ledger.settle(f"c{number}", 10, meter(3 + number, 490 - 10 * number), at(3 + number))
    record = Record(database, "account")
    sums = {by: list(record.sums(by, Filter())) for by in GroupBy}
    assert (sums[GroupBy.CALLER][0].charged, sums[GroupBy.CALLER][0].unknown) == (50, 20)
    assert Audit(database, "account").fold(at(3600)) > 0
    assert any(line.entry.__class__.__name__ == "Lost" for line in record.lines(Filter()))
    assert {by: list(record.sums(by, Filter())) for by in GroupBy} == sums


def test_a_long_read_is_not_cut_off(busy, url):
    """Who reads all entries may take longer over it than a step of the ledger may: an export does."""
    impatient = open_database(url, timeout_seconds=1)
    record = Record(impatient, "account")
    rows = record.rows(Filter())
    first = next(rows)
    time.sleep(1.2)
    assert [first["seq"], *(row["seq"] for row in rows)] == [
        line.seq for line in reversed(record.lines(Filter(), limit=10_000))
    ]
    assert Audit(impatient, "account").verify().drifts == ()
    impatient.close()


def test_an_audit_of_a_ledger_in_use(ledger, url):
    """The audit sees one moment: while others spend and entries are put away nothing seems to drift."""
    random.seed(7)
    ledger.observe(meter(0, 500), at(0))
    done = threading.Event()

    def use() -> None:
        try:
            for number in range(1, 400):
                act(ledger, number)
        finally:
            done.set()

    def fold() -> None:
        while not done.is_set():
            other.fold(at(3600), at_most=1)

    auditors = [open_database(url) for _ in range(2)]
    audit, other = (Audit(each, "account") for each in auditors)
    with ThreadPoolExecutor() as threads:
        users = [threads.submit(use), threads.submit(fold)]
        findings = [audit.verify()]
        while not done.is_set():
            findings.append(audit.verify())
        for user in users:
            user.result()
    assert [finding.drifts for finding in findings if finding.drifts] == []
    assert len(findings) > 1
    for each in auditors:
        each.close()
