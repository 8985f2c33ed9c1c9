"""Alerts as numbers: how many fire, and how it went with telling people, once, whichever gateway did it."""

from datetime import timedelta

import pytest
from tests.house import START

from keepahead.faces.gateway.alert_counts import AlertCounts
from keepahead.store.alarms import Alarm, Alarms, Change
from keepahead.store.outbox import Letter, Outbox

HOLD = timedelta(seconds=30)
MAIL = "mail:ann@example.com"


@pytest.fixture
def outbox(database) -> Outbox:
    """The outbox of one account."""
    return Outbox(database, "account")


def looked(counts: AlertCounts) -> AlertCounts:
    """Look once."""
    counts.take(*counts.look())
    return counts


def letter(channel: str) -> Letter:
    """Something to tell."""
    return Letter(channel=channel, rule="low", subject="", is_over=False, headline="49 tokens are left", alert="{}")


def test_each_letter_is_counted_once(database, outbox):
    """A letter waits until it is delivered or given up; then it is counted, once, by the kind of its channel."""
    counts = looked(AlertCounts(Alarms(database, "account"), outbox))
    assert (counts.ended, counts.waiting) == ({}, {})
    outbox.put([letter(MAIL), letter("slack:3fa9c1")], START)
    looked(counts)
    assert counts.waiting == {"mail": 1, "slack": 1}
    assert set(counts.ended.values()) == {0}
    for number in (1, 2):
        parcel = outbox.claim("one", START + timedelta(seconds=number), hold=HOLD)
        assert parcel is not None
        if parcel.channel == MAIL:
            outbox.failed(parcel, "no such mailbox", None, START)
        else:
            outbox.delivered(parcel, START)
    looked(looked(counts))
    assert counts.waiting == {"mail": 0, "slack": 0}
    assert {key: count for key, count in counts.ended.items() if count} == {
        ("mail", "given_up"): 1,
        ("slack", "delivered"): 1,
    }


def test_what_was_delivered_before_is_not_counted(database, outbox):
    """A gateway counts from its beginning on; what it found waiting is counted when it is delivered."""
    outbox.put([letter("mail"), letter("mail")], START)
    parcel = outbox.claim("one", START, hold=HOLD)
    assert parcel is not None
    outbox.delivered(parcel, START)
    counts = looked(AlertCounts(Alarms(database, "account"), outbox))
    assert (counts.ended["mail", "delivered"], counts.waiting) == (0, {"mail": 1})
    other = outbox.claim("two", START, hold=HOLD)
    assert other is not None
    outbox.delivered(other, START)
    looked(counts)
    assert (counts.ended["mail", "delivered"], counts.waiting) == (1, {"mail": 0})


def test_rules_that_fire_are_counted(database, outbox):
    """Each rule has a number from the first look on: 0, or for how many it fires; one that is over is none."""
    alarms = Alarms(database, "account")

    def alarm(subject: str, *, is_firing: bool) -> Alarm:
        return Alarm(
            rule="caller_limit",
            subject=subject,
            severity="warning",
            is_firing=is_firing,
            is_told=True,
            began_at=START,
            changed_at=START,
            told_at=START,
            headline="",
        )

    made = [alarm("ann", is_firing=True), alarm("ben", is_firing=True), alarm("cid", is_firing=False)]
    alarms.change(lambda *_: Change(alarms=made), START)
    counts = looked(AlertCounts(alarms, outbox))
    assert counts.firing["caller_limit"] == 2
    assert sum(counts.firing.values()) == 2
    assert counts.firing["low"] == 0
