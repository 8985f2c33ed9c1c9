"""Letters wait in the outbox until they are delivered: one of many takes each, and none is lost with its holder."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from tests.store.makers import ask, at, meter, put_back

from keepahead.store import tables
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from keepahead.store.outbox import LONGEST_WAIT, Letter, Outbox

HOLD = timedelta(seconds=30)


@pytest.fixture
def outbox(database) -> Outbox:
    """The outbox of one account."""
    return Outbox(database, "account")


def letter(channel="mail", rule="low", **more) -> Letter:
    """Something to tell."""
    told = {"subject": "", "is_over": False, "headline": "49 tokens are left", "alert": '{"tokens": 49}'}
    return Letter(channel=channel, rule=rule, **{**told, **more})


def test_a_letter_is_taken_and_delivered(outbox):
    """What was put in comes out as it was, once; how it went is on the list."""
    sent = letter(subject="tägliche Läufe", is_over=True)
    outbox.put([sent], at(0))
    assert outbox.waiting() == 1
    parcel = outbox.claim("one", at(1), hold=HOLD)
    assert parcel is not None
    assert Letter(**{name: getattr(parcel, name) for name in Letter.__slots__}) == sent
    assert (parcel.holder, parcel.attempts, parcel.made_at) == ("one", 1, at(0))
    assert outbox.claim("two", at(2), hold=HOLD) is None
    outbox.delivered(parcel, at(3))
    assert (outbox.claim("two", at(600), hold=HOLD), outbox.waiting()) == (None, 0)
    [told] = outbox.recent()
    assert (told.channel, told.rule, told.subject, told.is_over) == ("mail", "low", "tägliche Läufe", True)
    assert (told.headline, told.made_at, told.attempts) == ("49 tokens are left", at(0), 1)
    assert (told.delivered_at, told.failure, told.given_up_at) == (at(3), None, None)


def test_the_longest_due_comes_first(outbox):
    """Letters come out in the order in which they are due; those put in together in their order."""
    outbox.put([letter("c")], at(2))
    outbox.put([letter("a"), letter("b")], at(1))
    assert [outbox.claim("one", at(3), hold=HOLD).channel for _ in range(3)] == ["a", "b", "c"]
    assert [each.channel for each in outbox.recent()] == ["b", "a", "c"]
    assert [each.channel for each in outbox.recent(1)] == ["b"]


@pytest.mark.parametrize("behind", [-20, -1, 1, 20])
def test_clocks_that_differ_a_little(outbox, behind):
    """A letter that somebody holds is nobody else's, though the other's clock is a little ahead or behind."""
    outbox.put([letter()], at(0))
    assert outbox.claim("one", at(30), hold=HOLD) is not None
    assert outbox.claim("two", at(30 - behind), hold=HOLD) is None


def test_channels_that_are_busy_are_passed_by(outbox):
    """Letters to the channels that are named stay where they are, and are there for the next who asks."""
    outbox.put([letter("a"), letter("b")], at(0))
    assert outbox.claim("one", at(1), hold=HOLD, besides={"a"}).channel == "b"
    assert outbox.claim("one", at(1), hold=HOLD, besides={"a", "b"}) is None
    assert outbox.claim("one", at(1), hold=HOLD, besides={"b"}).channel == "a"


def test_a_channel_hears_of_an_alarm_in_order(outbox):
    """That it is over is not told before that it began; other channels, rules and subjects do not wait for that."""
    outbox.put([letter()], at(0))
    outbox.failed(outbox.claim("one", at(0), hold=HOLD), "no such host", at(60), at(1))
    outbox.put([letter(is_over=True), letter(subject="web"), letter(rule="critical"), letter("chat")], at(2))
    others = [outbox.claim("one", at(3), hold=HOLD) for _ in range(4)]
    assert [each and (each.channel, each.rule, each.subject) for each in others] == [
        ("mail", "low", "web"),
        ("mail", "critical", ""),
        ("chat", "low", ""),
        None,
    ]
    for each in others[:3]:
        outbox.delivered(each, at(4))
    began = outbox.claim("one", at(60), hold=HOLD)
    assert (began.rule, began.is_over) == ("low", False)
    assert outbox.claim("one", at(61), hold=HOLD) is None
    outbox.delivered(began, at(62))
    assert outbox.claim("one", at(63), hold=HOLD).is_over


def test_nothing_is_due_before_its_time(outbox):
    """A letter that failed waits until the moment that was named, with the reason on the list."""
    outbox.put([letter()], at(0))
    outbox.failed(outbox.claim("one", at(0), hold=HOLD), "no such host", at(60), at(1))
    assert outbox.claim("one", at(59), hold=HOLD) is None
    [told] = outbox.recent()
    assert (told.failure, told.due_at, told.attempts, told.delivered_at) == ("no such host", at(60), 1, None)
    again = outbox.claim("two", at(60), hold=HOLD)
    assert again.attempts == 2
    outbox.delivered(again, at(61))
    assert outbox.recent()[0].failure is None


def test_a_letter_is_given_up(outbox):
    """A letter that is given up is not taken again, and stays on the list with the reason."""
    outbox.put([letter()], at(0))
    outbox.failed(outbox.claim("one", at(0), hold=HOLD), "no such mailbox", None, at(1))
    assert (outbox.claim("one", at(9999), hold=HOLD), outbox.waiting()) == (None, 0)
    assert [(each.failure, each.given_up_at) for each in outbox.recent()] == [("no such mailbox", at(1))]


def test_who_dies_loses_the_letter(outbox):
    """A letter whose holder is not heard of again is free after the hold; what the dead one says then counts little."""
    outbox.put([letter()], at(0))
    lost = outbox.claim("dead", at(0), hold=HOLD)
    assert outbox.claim("two", at(29), hold=HOLD) is None
    taken = outbox.claim("two", at(30), hold=HOLD)
    assert (taken.delivery_id, taken.attempts) == (lost.delivery_id, 2)
    outbox.failed(lost, "too late", None, at(31))
    assert outbox.waiting() == 1
    outbox.delivered(lost, at(32))
    outbox.failed(taken, "it had come already", at(40), at(33))
    assert (outbox.waiting(), outbox.recent()[0].delivered_at) == (0, at(32))


@pytest.mark.parametrize("days", [-400, 400])
def test_a_clock_that_jumps_keeps_no_letter_back(outbox, days):
    """Whatever was held or put off before the clock was put, forth or back, is due, and is still taken once."""
    outbox.put([letter("held"), letter("put off"), letter("new")], at(0))
    outbox.claim("dead", at(0), hold=HOLD)
    outbox.failed(outbox.claim("one", at(0), hold=HOLD), "no such host", at(3600), at(0))
    now = at(0) + timedelta(days=days)
    taken = {outbox.claim("two", now, hold=HOLD).channel for _ in range(3)}
    assert (taken, outbox.claim("three", now, hold=HOLD)) == ({"held", "put off", "new"}, None)


def test_nobody_puts_a_letter_off_for_long(outbox):
    """An attempt is due after LONGEST_WAIT at the latest."""
    outbox.put([letter()], at(0))
    outbox.failed(outbox.claim("one", at(0), hold=HOLD), "busy", at(86_400), at(0))
    assert outbox.recent()[0].due_at == at(0) + LONGEST_WAIT


def test_each_letter_goes_to_one_of_many(outbox, url):
    """Of several gateways that take letters at the same moment, each with connections of its own, one gets each."""
    outbox.put([letter(f"channel {number}") for number in range(12)], at(0))
    together = threading.Barrier(4)

    def take_all(number):
        database = open_database(url)
        mine = Outbox(database, "account")
        try:
            together.wait(20)
            taken = []
            while (parcel := mine.claim(f"gateway {number}", at(1), hold=HOLD)) is not None:
                taken.append(parcel.channel)
                mine.delivered(parcel, at(1))
            return taken
        finally:
            database.close()

    with ThreadPoolExecutor(4) as threads:
        taken = [channel for some in threads.map(take_all, range(4)) for channel in some]
    assert sorted(taken) == sorted(f"channel {number}" for number in range(12))
    assert {each.attempts for each in outbox.recent()} == {1}


def test_what_is_done_with_is_swept(outbox):
    """Old letters go once they were delivered or given up; what still waits stays, however old."""
    outbox.put([letter("delivered"), letter("given up"), letter("waits")], at(0))
    outbox.put([letter("new")], at(50))
    outbox.delivered(outbox.claim("one", at(0), hold=HOLD), at(1))
    outbox.failed(outbox.claim("one", at(0), hold=HOLD), "no", None, at(1))
    assert (outbox.sweep(at(0)), outbox.sweep(at(40)), outbox.sweep(at(40))) == (0, 2, 0)
    assert [each.channel for each in outbox.recent()] == ["new", "waits"]


def test_accounts_share_no_letter(outbox, database):
    """A letter of one account is nobody else's to take, count or list."""
    outbox.put([letter()], at(0))
    other = Outbox(database, "other")
    assert (other.claim("one", at(1), hold=HOLD), other.waiting(), other.recent(), other.sweep(at(9))) == (
        None,
        0,
        [],
        0,
    )
    other.delivered(outbox.claim("one", at(1), hold=HOLD), at(1))
    assert outbox.waiting() == 1


def test_a_ledger_from_before_the_alerts(url, ledger):
    """A ledger of version 0004 is upgraded with all that is in it, and takes letters."""
    ledger.observe(meter(0, 300), at(0))
    ledger.reserve(ask("a", 5), at(1))
    before = ledger.account()
    put_back(ledger.database, "0004")
    upgraded = open_database(url)
    try:
        with upgraded.read() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": "keepahead_version"})
            assert compare_metadata(context, tables.metadata) == []
        assert Ledger(upgraded, "account").account() == before
        Outbox(upgraded, "account").put([letter()], at(2))
        assert Outbox(upgraded, "account").waiting() == 1
    finally:
        upgraded.close()


def test_reading_on_gives_the_new_and_the_unfinished(outbox, database):
    """Whoever follows gets what was put in since, and how it went with what he has seen before, of his account only."""
    outbox.put([letter("mail"), letter("slack")], at(0))
    Outbox(database, "another").put([letter("mail")], at(0))
    first, second = outbox.after(0)
    assert (first.channel, second.channel) == ("mail", "slack")
    outbox.put([letter("log")], at(1))
    parcel = outbox.claim("one", at(2), hold=HOLD)
    assert parcel is not None
    outbox.delivered(parcel, at(3))
    found = outbox.after(second.delivery_id, besides=[first.delivery_id])
    assert [(each.channel, each.delivered_at) for each in found] == [("mail", at(3)), ("log", None)]
    assert outbox.after(found[-1].delivery_id) == []
