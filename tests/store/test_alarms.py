"""Alarms: a judgement is made true by one of many, its letters with it; silences hold as long as they were made for."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.store.makers import ask, at, meter

from keepahead.store.alarms import KEEP_QUIET, Alarm, AlarmKey, Alarms, Change
from keepahead.store.database import open_database
from keepahead.store.outbox import Letter, Outbox


@pytest.fixture
def alarms(database) -> Alarms:
    """The alarms of one account."""
    return Alarms(database, "account")


def alarm(rule="low", subject="", **more) -> Alarm:
    """A rule that fires."""
    told = {"severity": "warning", "is_firing": True, "is_told": True, "began_at": at(0), "changed_at": at(0)}
    return Alarm(rule=rule, subject=subject, **{**told, "told_at": at(0), "headline": "49 tokens are left", **more})


def letter(alarm) -> Letter:
    """What tells of it."""
    return Letter(
        channel="mail", rule=alarm.rule, subject=alarm.subject, is_over=False, headline=alarm.headline, alert="{}"
    )


def fire(alarm, told=True):
    """A judge who fires an alarm unless it fires already."""

    def judge(states, silences):
        known = states.get(alarm.key)
        if known is not None and known.is_firing:
            return Change()
        return Change(alarms=[alarm], letters=[letter(alarm)] if told else [])

    return judge


def test_a_change_is_kept(alarms, database):
    """States and letters that a judge returns are there afterwards, and the next judge is told of them."""
    seen = []

    def look(states, silences):
        seen.append((dict(states), list(silences)))
        return Change()

    alarms.change(fire(alarm()), at(0))
    alarms.change(fire(alarm("caller_limit", "nightly", headline="spent", told_at=None)), at(1))
    alarms.change(look, at(2))
    expected = [alarm(), alarm("caller_limit", "nightly", headline="spent", told_at=None)]
    assert seen == [({each.key: each for each in expected}, [])]
    assert [each.rule for each in Outbox(database, "account").recent()] == ["caller_limit", "low"]


def test_a_state_takes_the_place_of_the_one_before(alarms):
    """There is one state of each rule and subject; those that fire come first, then the newest."""
    alarms.change(fire(alarm()), at(0))
    over = alarm(is_firing=False, changed_at=at(60))
    others = [alarm("drift", changed_at=at(1)), alarm("external", is_firing=False, changed_at=at(70))]
    alarms.change(lambda *_: Change(alarms=[over, *others]), at(60))
    assert alarms.states() == [others[0], others[1], over]


def test_a_judge_who_fails_changes_nothing(alarms, database):
    """What a judge raises is raised, and neither state nor letter of his stays; the next one may judge."""

    def broken(states, silences):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        alarms.change(broken, at(0))
    assert (alarms.states(), Outbox(database, "account").waiting()) == ([], 0)
    alarms.change(fire(alarm()), at(1))
    assert len(alarms.states()) == 1


def test_one_of_many_gateways_fires(alarms, database, url):
    """Of gateways that judge the same at the same moment, each with connections of its own, one sends letters."""
    together = threading.Barrier(4)

    def judge(_):
        mine = open_database(url)
        try:
            together.wait(20)
            return [len(Alarms(mine, "account").change(fire(alarm(f"rule {n}")), at(0)).letters) for n in range(5)]
        finally:
            mine.close()

    with ThreadPoolExecutor(4) as threads:
        sent = list(threads.map(judge, range(4)))
    assert [sum(of_rule) for of_rule in zip(*sent, strict=True)] == [1] * 5
    assert Outbox(database, "account").waiting() == len(alarms.states()) == 5


def test_what_is_long_quiet_is_forgotten(alarms):
    """A state that has been over for KEEP_QUIET goes with the next change; one that fires stays, however old."""
    alarms.change(lambda *_: Change(alarms=[alarm(), alarm("drift", is_firing=False)]), at(0))
    later = at(1) + KEEP_QUIET
    alarms.change(lambda *_: Change(), later)
    assert len(alarms.states()) == 2
    alarms.change(fire(alarm("external", changed_at=later)), later)
    assert {each.rule for each in alarms.states()} == {"low", "external"}


def test_a_silence_holds_until_its_end(alarms):
    """A silence is in force from when it is made until its end, and judges are told of it."""
    made = alarms.silence(rule="low", subject=None, words="we know", until=at(3600), now=at(0))
    assert (made.rule, made.subject, made.words, made.made_at, made.until) == ("low", None, "we know", at(0), at(3600))
    assert [list(alarms.silences(at(s))) for s in (0, 3599, 3600)] == [[made], [made], []]
    told = []
    alarms.change(lambda _, silences: told.extend(silences) or Change(), at(1))
    assert told == [made]


def test_a_silence_is_taken_back(alarms):
    """A silence ends at once when it is taken back, once."""
    made = alarms.silence(rule=None, subject=None, words="", until=at(60), now=at(0))
    kept = alarms.silence(rule="low", subject=None, words="", until=at(60), now=at(0))
    assert [alarms.unsilence(number) for number in (made.silence_id, made.silence_id, 9999)] == [True, False, False]
    assert alarms.silences(at(1)) == [kept]


def test_what_a_silence_covers(alarms):
    """One rule or all, one subject or any."""
    keys = [AlarmKey("low"), AlarmKey("caller_limit", "web"), AlarmKey("caller_limit", "nightly")]

    def covered(rule, subject):
        silence = alarms.silence(rule=rule, subject=subject, words="", until=at(60), now=at(0))
        return [silence.covers(key) for key in keys]

    assert covered(None, None) == [True, True, True]
    assert covered("caller_limit", None) == [False, True, True]
    assert covered("caller_limit", "web") == [False, True, False]
    assert covered("low", None) == [True, False, False]


def test_a_clock_put_back_ends_a_silence(alarms):
    """A silence from what is not yet is not in force: it would hold for as long as the clock was put back."""
    alarms.silence(rule=None, subject=None, words="", until=at(3600), now=at(0))
    assert len(alarms.silences(at(-29))) == 1
    assert alarms.silences(at(0) - timedelta(days=1)) == []


def test_accounts_share_no_alarm(alarms, database):
    """Alarms and silences of one account are nothing to another."""
    other = Alarms(database, "other")
    alarms.change(fire(alarm()), at(0))
    made = alarms.silence(rule=None, subject=None, words="", until=at(60), now=at(0))
    assert (other.states(), other.silences(at(1)), other.unsilence(made.silence_id)) == ([], [], False)
    other.change(fire(replace(alarm(), headline="other")), at(1))
    assert [each.headline for each in alarms.states()] == ["49 tokens are left"]


def test_no_call_waits_for_a_judge(ledger, alarms):
    """While somebody judges, the account can be used: the lock of the alarms is not the account's."""
    if not ledger.database.locks_rows:
        pytest.skip("on SQLite a write has the whole file to itself, for the moment that it takes")

    def judge(states, silences):
        ledger.observe(meter(0, 300), at(0))
        assert type(ledger.reserve(ask("a", 5), at(0))).__name__ == "Granted"
        return Change()

    alarms.change(judge, at(0))
