"""The ledger on a real database: what decide says is what is kept."""

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from sqlalchemy import select
from tests.store.makers import ask, at, meter

from keepahead.budget.lane import JOBS
from keepahead.budget.verdict import Granted, Later, Refused
from keepahead.store import tables
from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from keepahead.store.record import Filter, GroupBy, Record


def test_first_ask_needs_a_meter(ledger):
    """With nothing known of the bucket, the first ask is told to get a meter and keeps its place."""
    verdict = ledger.reserve(ask("a", 5), at(0))
    assert isinstance(verdict, Later)
    assert verdict.needs_meter
    assert [ticket.call_id for ticket in ledger.account().tickets] == ["a"]


def test_reserve_and_settle(ledger):
    """A reservation lowers what is free until Keepa's charge takes its place."""
    ledger.observe(meter(0, 100), at(0))
    assert ledger.reserve(ask("a", 40), at(1)) == Granted(40, 1, free=60, floor=10)
    assert ledger.account().free_at(at(1)) == 60
    ledger.settle("a", 25, meter(2, 75), at(2))
    assert ledger.account().free_at(at(2)) == 75
    assert ledger.account().reservations == ()


def test_no_double_spending(ledger):
    """Two asks that fit alone but not together: one is granted, one waits."""
    ledger.observe(meter(0, 60), at(0))
    verdicts = [ledger.reserve(ask(name, 50), at(1)) for name in "ab"]
    assert [type(verdict) for verdict in verdicts] == [Granted, Later]


def test_release_and_lose(ledger):
    """Released tokens are free again; lost ones are held until a meter asked for later comes."""
    ledger.observe(meter(0, 100), at(0))
    for name in "ab":
        ledger.reserve(ask(name, 20), at(1))
    ledger.release("a", "not sent", at(2))
    ledger.lose("b", "timeout", at(2), answered=False)
    assert (ledger.account().reserved, ledger.account().unknown) == (0, 20)
    ledger.observe(meter(60, 100), at(60))
    assert ledger.account().unknown == 20
    ledger.observe(meter(130, 80), at(130))
    assert ledger.account().unknown == 0


def test_what_is_owed_is_written_at_the_end(ledger):
    """A fact that could not be written before is written by the flush of a client that closes, with no other step."""
    ledger.observe(meter(0, 100), at(0))
    ledger.reserve(ask("a", 20), at(1))
    ledger.abandon("a", at(2))
    assert ledger.account().reserved == 20
    ledger.flush()
    assert ledger.account().reserved == 0


def test_repeats_are_harmless(ledger):
    """Ending a call twice, or one that never was, changes nothing."""
    ledger.observe(meter(0, 100), at(0))
    ledger.reserve(ask("a", 20), at(1))
    ledger.settle("a", 20, meter(2, 80), at(2))
    before = ledger.account()
    ledger.settle("a", 20, meter(2, 80), at(3))
    ledger.release("a", "again", at(3))
    ledger.lose("nobody", "never was", at(3), answered=True)
    assert ledger.account() == before


def test_granted_and_refused_leave_the_queue(ledger):
    """A ticket ends with its call's grant or refusal, or when its holder gives up."""
    ledger.observe(meter(0, 20), at(0))
    for name in "abc":
        ledger.reserve(ask(name, 30), at(1))
    assert len(ledger.account().tickets) == 3
    ledger.leave_queue("b")
    ledger.observe(meter(2, 100), at(2))
    assert isinstance(ledger.reserve(ask("a", 30), at(3)), Granted)
    assert isinstance(ledger.reserve(ask("c", 10_000), at(3)), Refused)
    assert ledger.account().tickets == ()


def test_dead_tickets_are_swept(ledger):
    """A waiter that does not come back loses its place, and the next decision takes it out."""
    ledger.observe(meter(0, 20), at(0))
    ledger.reserve(ask("dead", 30), at(1))
    ledger.observe(meter(59, 100), at(59))
    assert isinstance(ledger.reserve(ask("b", 5, opened_at=at(59)), at(60)), Granted)
    assert ledger.account().tickets == ()


def test_accounts_are_apart(database):
    """Two keys on one database do not see each other's tokens."""
    one, two = Ledger(database, "one"), Ledger(database, "two")
    one.observe(meter(0, 100), at(0))
    assert two.account().meter is None
    two.observe(meter(0, 50), at(0))
    one.reserve(ask("a", 20), at(1))
    assert (one.account().free_at(at(1)), two.account().free_at(at(1))) == (80, 50)


def test_moments_and_big_numbers_survive(ledger):
    """What is read back equals what was written, to the microsecond."""
    reading = replace(meter(0.123456, -(2**40), rate=4000), refill_in_ms=60_200, flow_reduction_per_minute=9)
    ledger.observe(reading, at(0.5))
    assert ledger.account().meter == reading


def test_entries_are_only_appended(ledger, database):
    """No entry that was written changes afterwards."""
    random.seed(4711)
    seen: dict[int, object] = {}
    for number in range(30):
        act(ledger, number)
        with database.read() as connection:
            rows = {row["seq"]: dict(row) for row in connection.execute(select(tables.entries)).mappings()}
        assert {seq: rows[seq] for seq in seen} == seen
        seen = rows


@pytest.mark.parametrize("seed", range(8))
def test_replay_rebuilds_the_account(ledger, database, seed):
    """All entries from the first to the last add up to the account that the tables hold."""
    random.seed(seed)
    audit = Audit(database, "account")
    for number in range(60):
        act(ledger, number)
        assert audit.verify().drifts == ()
        ledger.account().check()


def act(ledger: Ledger, number: int) -> None:
    """Do one thing at random; later things come later."""
    now = at(number * 20)
    calls = [held.label.call_id for held in ledger.account().reservations] or ["nobody"]
    match random.randrange(6):
        case 0 | 1:
            lane = random.choice((JOBS, ask("x", 1).lane))
            ledger.reserve(ask(f"c{number}", random.choice((0, 1, 30, 100)), lane=lane, opened_at=now), now)
        case 2:
            ledger.settle(
                random.choice(calls), random.randrange(40), meter(number * 20, random.randrange(-50, 600)), now
            )
        case 3:
            ledger.release(random.choice(calls), "not sent", now)
        case 4:
            ledger.lose(random.choice(calls), "timeout", now, answered=random.random() < 0.5)
        case _:
            late = number * 20 - random.randrange(40)
            ledger.observe(meter(late, random.randrange(-50, 600), rate=random.choice((5, 20))), now)


def test_threads_share_one_budget(ledger):
    """Twenty threads that ask at once are granted no more than there is."""
    ledger.observe(meter(0, 1000), at(0))
    start = threading.Barrier(20)

    def spend(number: int) -> int:
        start.wait()
        verdicts = [ledger.reserve(ask(f"{number}-{turn}", 10), at(1)) for turn in range(10)]
        return sum(verdict.tokens for verdict in verdicts if isinstance(verdict, Granted))

    with ThreadPoolExecutor(20) as pool:
        granted = sum(pool.map(spend, range(20)))
    assert granted == 990  # 1000 less the floor
    assert ledger.account().free_at(at(1)) == 10


def test_sums_and_lines(ledger, database):
    """The record says who spent what: by endpoint, caller, lane and hour, and line by line, newest first."""
    ledger.observe(meter(0, 1000), at(0))
    ledger.reserve(ask("a", 50, endpoint="bestsellers", caller="ann"), at(1))
    ledger.settle("a", 50, meter(2, 950), at(2))
    ledger.reserve(ask("b", 7, caller="bob"), at(3600))
    ledger.lose("b", "timeout", at(3601), answered=False)
    ledger.reserve(ask("c", 1_190, caller="bob", deadline=at(3602)), at(3602))
    record = Record(database, "account")

    by_caller = {line.group: line for line in record.sums(GroupBy.CALLER, Filter())}
    assert (by_caller["ann"].charged, by_caller["ann"].unknown) == (50, 0)
    assert (by_caller["bob"].charged, by_caller["bob"].unknown, by_caller["bob"].refused) == (0, 7, 1)
    hours = record.sums(GroupBy.HOUR, Filter())
    assert [line.group for line in hours] == ["2026-11-22T20:00:00+00:00", "2026-11-22T21:00:00+00:00"]
    assert [line.group for line in record.sums(GroupBy.ENDPOINT, Filter(since=at(60)))] == ["product"]
    lines = record.lines(Filter(caller="bob"), limit=2)
    assert [type(line.entry).__name__ for line in lines] == ["Refusal", "Lost"]
    older = record.lines(Filter(caller="bob"), before_seq=lines[-1].seq)
    assert [type(line.entry).__name__ for line in older] == ["Reserved"]
    assert record.lines(Filter(kind="settled", until=at(1))) == []


def test_a_second_process_sees_it(url, ledger):
    """What one connection pool wrote, another reads: the file is the truth."""
    ledger.observe(meter(0, 100), at(0))
    ledger.reserve(ask("a", 40), at(1))
    other = open_database(url)
    assert Ledger(other, "account").account() == ledger.account()
    other.close()
