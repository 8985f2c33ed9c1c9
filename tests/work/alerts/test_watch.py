"""The watch over a real ledger: what it tells, once for all gateways, whatever dies, and that it holds nobody up."""

import asyncio
import logging
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import text
from tests.store.makers import T0, ask, meter
from tests.store.makers import at as second

from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.rule import Limit
from keepahead.errors import LedgerUnavailableError
from keepahead.simulator import LoopClock, VirtualLoop
from keepahead.store.alarms import Alarms
from keepahead.store.audit import PIECE, Audit
from keepahead.store.database import Database, open_database
from keepahead.store.inventory import Inventory
from keepahead.store.ledger import Ledger
from keepahead.store.outbox import Outbox
from keepahead.store.rulebook import Rulebook
from keepahead.work.alerts.alert import Severity, Spender
from keepahead.work.alerts.facts import Inspection
from keepahead.work.alerts.inspector import EVERY_SECONDS, Inspector
from keepahead.work.alerts.letters import alert_of
from keepahead.work.alerts.observer import PAGE, PAGES, Observer
from keepahead.work.alerts.rules import rules_of
from keepahead.work.alerts.watch import REFRESH, Watch

HEARD_BY = {Severity.WARNING: ("log",), Severity.CRITICAL: ("log", "mail")}


class Hand:
    """A clock that is put by hand."""

    def __init__(self) -> None:
        self.moment = T0

    def now(self) -> datetime:
        return self.moment


class Post:
    """One gateway's watch on a ledger, and the ledger."""

    def __init__(self, database: Database, clock: Hand, heard_by=HEARD_BY.__getitem__) -> None:
        self.clock = clock
        self.ledger = Ledger(database, "account")
        self.alarms = Alarms(database, "account")
        self.outbox = Outbox(database, "account")
        inventory = Inventory(database, "https://api.example")
        observer = Observer(self.ledger, inventory, live=LIVE, jobs=JOBS, archive_limit=1_000)
        self.inspector = Inspector(Audit(database, "account"), observer.report, LoopClock(None, T0))
        rules = rules_of({}, low=50, critical=20)
        self.watch = Watch(observer, self.inspector, self.alarms, rules, heard_by, clock)

    def see(self, seconds: float, left: int) -> None:
        """Have a meter of that moment on record, and look."""
        self.clock.moment = second(seconds)
        self.ledger.observe(meter(seconds, left), second(seconds))
        self.look(seconds)

    def spend(self, seconds: float, tokens: int, left: int, caller="web") -> None:
        """Have a call on record that cost so much."""
        self.ledger.reserve(
            ask(f"{caller}{seconds}", tokens, caller=caller, opened_at=second(seconds)), second(seconds)
        )
        self.ledger.settle(f"{caller}{seconds}", tokens, meter(seconds + 0.1, left), second(seconds + 0.1))

    def look(self, seconds: float) -> None:
        """Look until there is no more to read."""
        self.clock.moment = second(seconds)
        self.ledger.account()
        while self.watch.beat():
            pass

    def told(self, *rules):
        """What is in the outbox of these rules, or of all, oldest first: channel, rule, and whether it is over."""
        letters = (each for each in reversed(self.outbox.recent()) if each.rule in rules or not rules)
        return [(each.channel, each.rule, each.is_over) for each in letters]


@pytest.fixture
def post(database) -> Post:
    """One gateway."""
    return Post(database, Hand())


def test_what_fires_is_in_the_outbox(post):
    """A balance below both marks is told to those who hear of each, with all that people want to know."""
    post.see(-10, 180)
    post.spend(0, 30, 150)
    post.spend(10, 100, 49, caller="nightly")
    post.see(20, 18)
    expected = [("log", "low", False), ("log", "critical", False), ("mail", "critical", False)]
    assert post.told("low", "critical") == expected
    alert = alert_of(post.outbox.claim("me", second(30), hold=timedelta(seconds=30)))
    assert (alert.rule, alert.severity, alert.is_over, alert.began_at) == ("low", Severity.WARNING, False, second(20))
    assert alert.headline == "18 tokens are left; low is below 50"
    assert alert.advice[0] == "Limit who spends most: keepahead callers limit nightly --per-hour 50"
    picture = alert.picture
    assert (picture.balance, picture.floor, picture.capacity, picture.refill_rate_per_minute) == (18, 10, 1200, 20)
    assert picture.spenders[:2] == (Spender("nightly", "product", 100), Spender("", "", 32))
    assert picture.trend[-1].tokens == 18


def test_it_is_told_once_and_then_its_end(post):
    """Beat after beat says nothing new; well above the mark the end is told."""
    post.see(0, 20)
    for seconds in range(1, 60):  # a lump comes, and is not enough
        post.look(seconds)
    post.see(100, 200)
    post.see(101, 200)
    assert post.told() == [("log", "low", False), ("log", "low", True)]


def test_a_restart_tells_nothing_again(post, database, url):
    """A gateway that comes back, or another, knows what fires and tells of its end."""
    post.see(0, 40)
    other = open_database(url)
    try:
        again = Post(other, Hand())
        again.look(60)
        again.see(120, 300)
        post.look(121)
    finally:
        other.close()
    assert post.told() == [("log", "low", False), ("log", "low", True)]


def test_of_several_gateways_one_tells(post, url):
    """Gateways that see it at the same moment put one letter for each channel in the outbox."""
    post.ledger.observe(meter(0, 15), second(0))
    together = threading.Barrier(4)

    def watch(_):
        mine = open_database(url)
        try:
            gateway = Post(mine, Hand())
            gateway.ledger.account()
            together.wait(20)
            gateway.look(1)
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(watch, range(4)))
    assert sorted(post.told()) == [("log", "critical", False), ("log", "low", False), ("mail", "critical", False)]


def test_what_could_not_be_written_is_told_later(database):
    """A gateway that dies before the letters are written has told nothing and fired nothing; the next one does."""

    def die(severity):
        raise KeyboardInterrupt

    dying = Post(database, Hand(), heard_by=die)
    with pytest.raises(KeyboardInterrupt):
        dying.see(0, 40)
    assert (dying.alarms.states(), dying.told()) == ([], [])
    with pytest.raises(KeyboardInterrupt):  # it tries again: what it had decided is not taken for done
        dying.look(1)
    Post(database, Hand()).look(2)
    assert dying.told() == [("log", "low", False)]


def test_an_end_before_the_beginning(post):
    """Where a clock was put back, an alarm does not end before it began."""
    post.see(1000, 40)
    post.see(-5000, 300)
    post.look(-4999)
    assert post.told("low")[-1] == ("log", "low", True)
    letters = []
    while (parcel := post.outbox.claim("me", second(2000), hold=timedelta(seconds=30))) is not None:
        letters.append(alert_of(parcel))
        post.outbox.delivered(parcel, second(2000))
    assert all(alert.began_at <= alert.at for alert in letters)
    assert any(alert.is_over for alert in letters)


def test_a_silence_by_somebody_else(post, database):
    """A silence from the command line holds at once, and what it kept back is told soon after it is taken back."""
    post.look(0)
    made = Alarms(database, "account").silence(rule="low", subject=None, words="", until=second(3600), now=second(1))
    post.see(2, 40)
    assert [each.is_told for each in post.alarms.states()] == [False]
    Alarms(database, "account").unsilence(made.silence_id)
    post.look(3 + REFRESH.total_seconds())
    assert post.told() == [("log", "low", False)]


def test_limits_of_callers(post, database):
    """A caller that is refused for its limit is told of by name; with the next hour it is over."""
    post.ledger.observe(meter(0, 300), second(0))
    Rulebook(database, "account").limit(Limit(caller="web", tokens_per_hour=100))
    post.look(1)
    post.spend(2, 90, 210)
    post.look(10)
    assert post.told() == []
    late = second(30)
    verdict = post.ledger.reserve(ask("dear", 20, caller="web", opened_at=late, deadline=late), late)
    assert type(verdict).__name__ == "Refused"
    post.look(31)
    assert post.told() == [("log", "caller_limit", False)]
    assert post.alarms.states()[0].headline == "web has spent 90 of its 100 tokens of the hour and was refused"
    post.look(3700)
    assert post.told()[1:] == [("log", "caller_limit", True)]


def test_somebody_else_and_another_plan(post):
    """What somebody else spends and a plan that changes are seen in the meters."""
    post.see(0, 300)
    post.see(20, 220)
    assert post.told() == [("log", "external", False)]
    post.ledger.observe(meter(40, 220, rate=5), second(40))
    post.look(41)
    assert post.told()[1:] == [("log", "rate_changed", False)]


def test_the_floor_ahead(post):
    """Three charges within minutes that lead to the floor are told while there is time, to those who can act."""
    post.see(-10, 220)
    for number in range(3):
        post.spend(10 * number, 50, 220 - 50 * (number + 1))
        post.look(10 * number + 1)
    assert post.told() == [("log", "floor_ahead", False), ("mail", "floor_ahead", False)]
    assert post.alarms.states()[0].headline == (
        "At 30 tokens a minute the floor of 10 is reached in 6 minutes; 70 tokens are left"
    )


def test_an_archive_over_its_size(post, database, monkeypatch):
    """The size of the archive is asked for now and then, and told where it is too much."""
    post.look(0)
    monkeypatch.setattr(Inventory, "total_size", lambda _: 1_001)
    post.look(299)
    assert post.told() == []
    post.look(300)
    assert post.told() == [("log", "archive_size", False)]


def test_a_busy_ledger_is_read_in_parts(post, database):
    """After 10,000 entries nothing is judged before all are read, in parts; then a beat reads only what is new."""
    post.ledger.observe(meter(0, 40), second(0))
    post.watch.beat()
    for number in range(2 * PAGE * PAGES // 100):
        post.ledger._desk.do(
            lambda round_, number=number: [
                round_.reserve(ask(f"{number}-{each}", 100_000, opened_at=second(1)), second(1)) for each in range(100)
            ]
        )
    post.ledger.account()
    post.clock.moment = second(2)
    assert [post.watch.beat() for _ in range(4)] == [True, True, False, False]


def test_a_late_start_reads_the_last_of_it(database, monkeypatch):
    """A gateway that starts on a long record begins near its end, and knows since when it knows."""
    post = Post(database, Hand())
    post.see(-4000, 300)
    for number in range(5):
        post.spend(number, 5, 300 - 5 * number)
    post.clock.moment = second(10)

    def begun():
        facts = Post(database, post.clock).watch._observer.look(second(10))
        return facts.since, facts.errors.calls

    assert begun() == (second(10 - 3600), 5)
    monkeypatch.setattr("keepahead.work.alerts.observer.LOOK_BACK", 4)
    assert begun() == (second(3), 2)


def test_beats_write_nothing(tmp_path):
    """As long as nothing fires a beat writes nothing: no call waits for it."""
    file = tmp_path / "ledger.db"
    database = open_database(f"sqlite:///{file}")
    try:
        post = Post(database, Hand())
        post.see(0, 40)
        with sqlite3.connect(file) as outside:
            before = outside.execute("PRAGMA data_version").fetchone()
            for seconds in range(1, 29):
                post.look(seconds)
            assert outside.execute("PRAGMA data_version").fetchone() == before
            post.see(41, 300)
            assert outside.execute("PRAGMA data_version").fetchone() != before
        outside.close()
    finally:
        database.close()


class Trouble:
    """Observes nothing but trouble for as many beats as it is given."""

    def __init__(self, *errors) -> None:
        self.errors = list(errors)

    def look(self, _):
        if self.errors:
            raise self.errors.pop(0)
        raise asyncio.CancelledError


def test_trouble_is_told_once(caplog, database):
    """A ledger that is away is logged once and tried again; whatever else goes wrong is logged with its traceback."""
    away = LedgerUnavailableError("the ledger cannot be used")
    clock = LoopClock(None, T0)
    observer = Trouble(away, away, away, ZeroDivisionError("odd"))
    inspector = Inspector(Audit(database, "account"), print, clock)
    rules = rules_of({}, low=50, critical=20)
    watch = Watch(observer, inspector, Alarms(database, "account"), rules, HEARD_BY.__getitem__, clock)

    async def main():
        watch.start()
        await clock.sleep_async(60)
        await watch.stop()

    with caplog.at_level(logging.INFO, "keepahead"), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    assert observer.errors == []
    told = [record.message for record in caplog.records]
    assert told[:2] == [
        "the alerts see nothing as long as the ledger cannot be read: the ledger cannot be used",
        "the alerts fail, and try again",
    ]
    assert caplog.records[1].exc_info is not None


def test_a_drift_is_found(post, database):
    """An account that says something else than its entries is told of with what differs, and so is its repair."""
    post.ledger.observe(meter(0, 300), second(0))
    for number in range(PIECE):
        post.spend(number / 100, 1, 300)
    reported = []
    inspector = Inspector(Audit(database, "account"), reported.append, LoopClock(None, T0))

    async def inspect():
        """Inspect twice, as it is and with a hand in the tables in between."""
        work = asyncio.create_task(inspector.run())
        for gap in (0, 7):
            with database.write() as connection:
                connection.execute(text("UPDATE accounts SET gap = gap + :gap"), {"gap": gap})
            await LoopClock(None, T0).sleep_async(EVERY_SECONDS)
        work.cancel()
        await asyncio.wait([work])

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(inspect())
    assert [each.drifts for each in reported] == [0, 1]
    post.watch._observer.report(reported[1])
    post.look(60)
    assert post.told("drift") == [("log", "drift", False), ("mail", "drift", False)]
    assert "gap is 7, and should be 0" in post.alarms.states()[0].headline
    post.watch._observer.report(Inspection(second(61), 0))
    post.look(61)
    assert post.told("drift")[2:] == [("log", "drift", True), ("mail", "drift", True)]


def test_a_broken_rule_is_told(database, caplog):
    """A rule that fails is told of as an alert of its own, and logged once; the others go on."""

    def broken(rule, facts, now):
        raise ZeroDivisionError("odd")

    post = Post(database, Hand())
    rules = rules_of({}, low=50, critical=20)
    post.watch._rules = [replace(each, look=broken) if each.name == "external" else each for each in rules]
    with caplog.at_level(logging.INFO, "keepahead"):
        post.see(0, 40)
        post.look(1)
    assert post.told() == [("log", "low", False), ("log", "broken_rule", False)]
    assert [record.message for record in caplog.records] == [
        "the rule external of the alerts fails, and the others go on: ZeroDivisionError: odd"
    ]
