"""Judging: what fires is told once and so is its end, whatever gateways and clocks do."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.work.alerts.standing import ALL, at, facts, rule

from keepahead.store.alarms import AlarmKey, Silence
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.facts import Allowance, Allowances, Inspection
from keepahead.work.alerts.judge import judge
from keepahead.work.alerts.rule import COOL_DOWN
from keepahead.work.alerts.rules import rules_of

LOW = AlarmKey("low")


class Bench:
    """Judges one moment after the other on the states that the one before left, and keeps what was told."""

    def __init__(self, *rules, silences=()):
        self.rules = rules or ALL
        self.silences = silences
        self.states = {}
        self.told = []

    def judge(self, minutes, balance=300, **more):
        """Judge at a moment; return what is told, as pairs of the alarm's key and whether it fires."""
        found = judge(
            self.rules, facts(balance, **{"at": at(minutes), **more}), self.states, self.silences, at(minutes)
        )
        self.states = {**self.states, **{alarm.key: alarm for alarm in found.alarms}}
        told = [(told.alarm.key, told.alarm.is_firing) for told in found.told]
        self.told += told
        return told


def silence(rule=None, until=60.0, made=0.0):
    """A silence of one rule, or of all."""
    return Silence(silence_id=1, rule=rule, subject=None, words="", made_at=at(made), until=at(until))


def test_what_fires_is_told_once():
    """A balance that is low is told when it is seen, and not again as long as it is."""
    bench = Bench(rule("low"))
    assert bench.judge(0, 50) == []
    assert bench.judge(1, 49) == [(LOW, True)]
    assert [bench.judge(minutes, balance) for minutes, balance in ((2, 40), (60, 30), (600, 49), (9000, 1))] == [[]] * 4
    assert bench.states[LOW].began_at == at(1)


def test_hysteresis_keeps_still():
    """A balance that hovers about the mark fires once; it is over well above it."""
    bench = Bench(rule("low"))
    for minute in range(100):
        bench.judge(minute, 49 if minute % 2 else 59)
    assert bench.told == [(LOW, True)]
    assert bench.judge(101, 60) == [(LOW, False)]
    assert bench.judge(102, 55) == []
    over = bench.states[LOW]
    assert (over.is_firing, over.is_told, over.began_at, over.changed_at) == (False, False, at(1), at(101))


def test_a_small_bucket_is_over_when_it_is_full():
    """Where the bucket holds no more than the mark asks for, a full one is enough."""
    bench = Bench(rule("low"))
    bench.judge(0, 49, capacity=60)
    assert bench.judge(1, 59, capacity=60) == []
    assert bench.judge(2, 60, capacity=60) == [(LOW, False)]
    small = Bench(rule("low"))
    small.judge(0, 30, capacity=40)
    assert small.judge(1, 40, capacity=40) == []


def test_the_cool_down():
    """A firing soon after the last is kept to itself; if it lasts it is told when the cool-down ends, else never."""
    bench = Bench(rule("low"))
    assert bench.judge(0, 49) + bench.judge(1, 60) == [(LOW, True), (LOW, False)]
    assert bench.judge(2, 49) + bench.judge(3, 60) == []
    assert bench.judge(4, 49) == []
    assert bench.states[LOW].is_firing
    assert bench.judge(14.9, 49) == []
    assert bench.judge(15, 48) == [(LOW, True)]
    assert bench.states[LOW].began_at == at(4)
    assert bench.states[LOW].headline.startswith("48 tokens are left")
    assert bench.judge(16, 70) == [(LOW, False)]


def test_a_silence():
    """What is silenced fires in silence; it is told if it fires on when the silence ends, and others are told."""
    bench = Bench(rule("low"), rule("critical"), silences=[silence("low")])
    assert bench.judge(1, 10) == [(AlarmKey("critical"), True)]
    assert bench.states[LOW].is_firing
    assert bench.judge(59, 49) == [(AlarmKey("critical"), False)]
    assert bench.judge(60, 49) == [(LOW, True)]
    quiet = Bench(rule("low"), silences=[silence()])
    assert quiet.judge(1, 49) + quiet.judge(2, 90) + quiet.judge(61, 90) == []


def test_who_was_told_hears_of_the_end():
    """The end of what was told is told, in a silence too: nobody goes on looking for it."""
    bench = Bench(rule("low"))
    bench.judge(0, 49)
    bench.silences = [silence()]
    assert bench.judge(1, 90) == [(LOW, False)]


def test_nobody_knows_is_nothing():
    """As long as nobody knows the balance nothing fires, and what fires goes on."""
    bench = Bench(rule("low"), rule("negative"), rule("floor_ahead"), rule("caller_limit"), rule("archive_size"))
    assert bench.judge(0, None) == []
    bench.judge(1, 49)
    assert bench.judge(2, None) == []
    assert bench.states[LOW].is_firing


def test_each_subject_fires_for_itself():
    """Each caller has an alarm of its own; one whose limit is taken away is over."""
    bench = Bench(rule("caller_limit"))
    web, nightly = Allowance("web", "hour", 100, 100, False), Allowance("nightly", "day", 10, 100, False)
    first, second = AlarmKey("caller_limit", "web"), AlarmKey("caller_limit", "nightly")
    assert bench.judge(0, allowances=Allowances(at(0), [web, nightly])) == [(first, True)]
    assert bench.judge(1, allowances=Allowances(at(1), [web, replace(nightly, spent=100)])) == [(second, True)]
    assert bench.judge(2, allowances=Allowances(at(2), [replace(nightly, spent=100)])) == [(first, False)]
    assert bench.judge(3, allowances=None) == []
    assert bench.judge(4, allowances=Allowances(at(4), [])) == [(second, False)]


def test_a_broken_rule():
    """A rule that fails is told of once by a rule of its own, the others go on, and its own alarm stays as it is."""

    def broken(rule, facts, now):
        raise ZeroDivisionError

    key = AlarmKey("broken_rule", "low")
    bench = Bench(rule("low"), rule("critical"), rule("broken_rule"))
    bench.judge(0, 49)
    bench.rules = (rule("low", look=broken), rule("critical"), rule("broken_rule"))
    assert bench.judge(1, 10) == [(AlarmKey("critical"), True), (key, True)]
    assert "ZeroDivisionError" in bench.states[key].headline
    assert bench.judge(2, 10) == []
    assert bench.states[LOW].is_firing
    bench.rules = (rule("low"), rule("critical"), rule("broken_rule"))
    assert bench.judge(3, 10) == [(key, False)]


def test_a_rule_that_is_off():
    """A rule that is off fires nothing, and leaves alone what another gateway may watch."""
    off = rules_of({}, low=50, critical=20)
    bench = Bench(*(replace(each, is_on=False) for each in off))
    assert (bench.judge(0, -5), bench.states) == ([], {})
    on = Bench(rule("low"))
    on.judge(0, 49)
    on.rules = (rule("low", is_on=False),)
    assert on.judge(1, 900) == []
    assert on.states[LOW].is_firing


@pytest.mark.parametrize("days", [-400, -1, 1, 400])
def test_a_clock_that_jumps(days):
    """A jump, forth or back, fires nothing again and crashes nothing; and what happens after it is told."""
    jump = days * 24 * 60
    bench = Bench(rule("low"))
    bench.judge(0, 49)
    assert bench.judge(jump, 49) == []
    assert bench.judge(jump + 1, 90) == [(LOW, False)]
    assert bench.judge(jump + 2, 49) == [(LOW, True)]


def test_clocks_of_two_hosts_differ_a_little():
    """A gateway whose clock is a little behind keeps the cool-down of the one that told."""
    bench = Bench(rule("low"))
    bench.judge(0, 49)
    bench.judge(0.1, 90)
    assert bench.judge(-0.4, 49) == []


def test_old_news_changes_nothing():
    """What rests on a time before an alarm got to its state, as another gateway saw it, does not change it."""
    bench = Bench(rule("low"), rule("drift"))
    bench.judge(10, 49, inspection=Inspection(at(5), 1, "gap"))
    assert bench.judge(11, 90, at=at(9.99)) == []
    assert bench.judge(11, 90, at=at(10)) == [(LOW, False)]
    assert bench.judge(12, 90, inspection=Inspection(at(9), 0)) == []
    assert bench.judge(13, 90, inspection=Inspection(at(12), 0)) == [(AlarmKey("drift"), False)]
    limits = Bench(rule("caller_limit"))
    limits.judge(10, allowances=Allowances(at(9), [Allowance("web", "hour", 100, 100, False)]))
    assert limits.judge(11, allowances=Allowances(at(8), [])) == []
    bench.judge(30, 49)
    assert bench.judge(-100, 90) == [(LOW, False)]


STEP = st.tuples(
    st.floats(-40, 40).map(lambda minutes: timedelta(minutes=round(minutes, 3))),
    st.integers(-40, 90) | st.none(),
    st.booleans(),
)


@given(st.lists(STEP, max_size=40), st.booleans())
def test_laws(steps, jumps):
    """Firing and end are told in turn, a firing at most every cool-down; the same judged again changes nothing.

    Whatever balances come in whatever time, silenced or not; where the clock jumps, all but the cool-down.
    """
    bench = Bench(rule("low"), rule("critical"), rule("negative"))
    now, fired_at = at(0), {}
    for elapsed, balance, is_silent in steps:
        now += elapsed if jumps else abs(elapsed)
        bench.silences = [silence(until=10_000_000, made=-10_000_000)] if is_silent else []
        minutes = (now - at(0)) / timedelta(minutes=1)
        for key, is_firing in bench.judge(minutes, balance):
            assert not (is_firing and is_silent)
            if is_firing and not jumps:
                assert now - fired_at.get(key, now - COOL_DOWN) >= COOL_DOWN - timedelta(milliseconds=1)
                fired_at[key] = now
        assert bench.judge(minutes, balance) == []
        for key, alarm in bench.states.items():
            mark = {"low": 50, "critical": 20, "negative": 0}[key.rule]
            if balance is not None:
                assert alarm.is_firing or balance >= mark
                assert not alarm.is_firing or balance < mark + 10 * (mark == 50) + 5 * (mark != 50)
            assert alarm.is_firing or not alarm.is_told
    for key in bench.states:
        told = [is_firing for of, is_firing in bench.told if of == key]
        assert told == [number % 2 == 0 for number in range(len(told))]


@given(st.lists(st.tuples(st.integers(0, 2), st.integers(-40, 90)), max_size=30))
def test_several_gateways_tell_what_one_would(turns):
    """Gateways that judge one after the other on the same states tell together what one of them alone would."""
    together, alone = Bench(), Bench()
    for minute, (gateways, balance) in enumerate(turns):
        for _ in range(gateways + 1):
            together.judge(minute, balance)
        alone.judge(minute, balance)
    assert together.told == alone.told
    assert together.states == alone.states


def test_severity_and_audience():
    """What stops work goes to those who hear of critical alerts, and so does the one warning that comes in time."""
    assert {each.name for each in ALL if each.severity is Severity.CRITICAL} == {"critical", "negative", "drift"}
    assert {each.name for each in ALL if each.to is Severity.CRITICAL} == {
        "critical",
        "negative",
        "drift",
        "floor_ahead",
    }
