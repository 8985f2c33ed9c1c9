"""How rules and deliveries stand, in words."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.house import START

from keepahead.faces import rule_words
from keepahead.faces.alert_documents import Standing
from keepahead.faces.dashboard.alarm_rows import name_of, silenced, state_of_delivery, state_of_rule
from keepahead.faces.dashboard.channels import heard
from keepahead.faces.dashboard.pages.alerts import is_on_its_way
from keepahead.faces.rule_words import fires_at
from keepahead.store.alarms import Alarm, Silence
from keepahead.store.outbox import Delivery
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.channels import Channels, Log
from keepahead.work.alerts.rules import NAMES, Wish, rules_of

RULES = {rule.name: rule for rule in rules_of({"drift": Wish(on=False)}, low=50, critical=20)}
AGO = START - timedelta(minutes=5)


def alarm(rule="low", subject="", *, severity="warning", is_firing=True):
    """Return an alarm that began five minutes ago."""
    return Alarm(
        rule=rule,
        subject=subject,
        severity=severity,
        is_firing=is_firing,
        is_told=True,
        began_at=AGO,
        changed_at=AGO,
        told_at=AGO,
        headline="47 tokens are left",
    )


def silence(rule=None, subject=None):
    """Return a silence for half an hour."""
    return Silence(silence_id=1, rule=rule, subject=subject, words="", made_at=AGO, until=START + timedelta(minutes=30))


DELIVERY = Delivery(
    delivery_id=1,
    channel="log",
    rule="low",
    subject="",
    is_over=False,
    headline="47 tokens are left",
    made_at=START,
    due_at=START,
    attempts=0,
    delivered_at=None,
    failure=None,
    given_up_at=None,
)


@pytest.mark.parametrize(
    ("rule", "alarms", "silences", "mood", "words"),
    [
        ("low", [], [], "good", "quiet"),
        ("low", [alarm("critical")], [], "good", "quiet"),
        ("low", [alarm(is_firing=False)], [], "good", "quiet since 2026-11-22 19:55 UTC (5 min ago)"),
        ("low", [alarm()], [], "warn", "fires since 2026-11-22 19:55 UTC (5 min ago)"),
        (
            "critical",
            [alarm("critical", severity="critical")],
            [],
            "bad",
            "fires since 2026-11-22 19:55 UTC (5 min ago)",
        ),
        (
            "caller_limit",
            [alarm("caller_limit", "web"), alarm("caller_limit", "nightly")],
            [silence("caller_limit", "web")],
            "warn",
            "fires for 2 since 2026-11-22 19:55 UTC (5 min ago)",
        ),
        (
            "low",
            [alarm()],
            [silence()],
            "warn",
            "fires since 2026-11-22 19:55 UTC (5 min ago); silenced, ends in 30 min",
        ),
        ("low", [], [silence("low")], "soft", "quiet; silenced, ends in 30 min"),
        ("low", [], [silence("critical")], "good", "quiet"),
        ("drift", [], [], "soft", "off"),
    ],
)
def test_rule(rule, alarms, silences, mood, words):
    """A rule says whether it fires, since when, and whether anybody is told."""
    standing = Standing(rules=list(RULES.values()), alarms=alarms, silences=silences, deliveries=(), waiting=0)
    state = state_of_rule(RULES[rule], standing)
    assert (state.mood, state.say(START)) == (mood, words)


@pytest.mark.parametrize(
    ("facts", "mood", "words"),
    [
        ({}, "soft", "on its way"),
        ({"delivered_at": START, "attempts": 1}, "good", "delivered 2026-11-22 20:00 UTC (just now)"),
        ({"delivered_at": START, "attempts": 3}, "good", "delivered at attempt 3 2026-11-22 20:00 UTC (just now)"),
        (
            {"failure": "no answer", "attempts": 2, "due_at": START + timedelta(seconds=30)},
            "warn",
            "failed at attempt 2, again 2026-11-22 20:00 UTC (in 30 s): no answer",
        ),
        ({"failure": "no answer", "attempts": 1}, "warn", "failed, again in a moment: no answer"),
        (
            {"failure": "no answer", "attempts": 9, "given_up_at": START},
            "bad",
            "given up 2026-11-22 20:00 UTC (just now): no answer",
        ),
    ],
)
def test_delivery(facts, mood, words):
    """A letter says whether it has arrived, when it is tried again, and why not."""
    state = state_of_delivery(replace(DELIVERY, **facts))
    assert (state.mood, state.say(START)) == (mood, words)


def test_on_its_way():
    """What was just written is waited for; what failed, arrived or is old is not."""
    assert is_on_its_way(DELIVERY, START)
    assert not is_on_its_way(DELIVERY, START + timedelta(minutes=1))
    assert not is_on_its_way(DELIVERY, START - timedelta(minutes=1))
    assert not is_on_its_way(replace(DELIVERY, delivered_at=START), START)
    assert not is_on_its_way(replace(DELIVERY, failure="no answer"), START)


def test_names():
    """What an alarm and a silence are about."""
    assert (name_of("low", ""), name_of("caller_limit", "web")) == ("low", "caller_limit (web)")
    assert silenced(silence()) == "every rule"
    assert silenced(silence("caller_limit", "web")) == "caller_limit, only for web"


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("low", "fewer than 50 tokens are left; over at 60"),
        ("negative", "the balance is below 0; over at 5"),
        ("floor_ahead", "the floor is within 30 min at the present pace; over at 60 min"),
        ("caller_limit", "a caller has spent 100 % of its limit, or is refused for it; over at 90 %"),
        ("external", "somebody else spends on the same Keepa key, 1 token or more; over after 30 min without"),
        ("keepa_errors", "more than 5 % of the last calls failed; over at 2.5 %"),
    ],
)
def test_fires_at(rule, words):
    """A rule says what it fires at, and when that is over."""
    assert fires_at(RULES[rule]) == words


def test_every_rule_has_words():
    """No rule is told by its bare numbers alone."""
    assert set(rule_words._WORDS) == set(NAMES)


def test_heard():
    """A channel says what it hears of."""
    channels = Channels([Log()], {Severity.CRITICAL: ("log", "mail:a@example.com"), Severity.WARNING: ("log",)})
    assert heard(channels, "log") == "critical, warnings"
    assert heard(channels, "mail:a@example.com") == "critical"
    assert heard(channels, "json:b") == "nothing"
