"""How a gateway is, in words."""

from datetime import timedelta

from tests.house import START

from keepahead.faces.dashboard.health import health_facts
from keepahead.faces.dashboard.moments import moment

_CHECKS = {"ledger": "ok", "migrations": "ok", "draining": "ok", "upstream": "ok"}
_DOCUMENT = {
    "state": "below_floor",
    "version": "0.1.0",
    "uptime_seconds": 300.0,
    "account": None,
    "ledger": {"read_at": START, "age_seconds": 0.24, "took_seconds": 0.0021, "failure": None},
    "upstream": {"answered_at": START - timedelta(minutes=5), "failed_at": None, "failure": None},
}


def test_well():
    """Where all is well nothing is marked, and each fact says what it is."""
    told = health_facts(_CHECKS, _DOCUMENT, START)
    assert told.wrong == frozenset()
    assert told.facts["Looked at"] == "20:00:00 UTC"
    assert told.facts["Balance"] == "below floor"
    assert told.facts["Ledger read"] == "0.2 s ago, in 2 ms"
    assert told.facts["Keepa answered"] == "2026-11-22 19:55 UTC (5 min ago)"
    assert told.facts["Keepa failed"] == "not since the start"


def test_ill():
    """What is wrong is said, and marked."""
    checks = {**_CHECKS, "upstream": "the last call failed"}
    reading = {"read_at": None, "age_seconds": None, "took_seconds": 0.0, "failure": "the disk is full"}
    upstream = {"answered_at": None, "failed_at": START, "failure": "no answer"}
    told = health_facts(checks, {**_DOCUMENT, "ledger": reading, "upstream": upstream}, START)
    assert told.wrong == {"Keepa", "Reading failed"}
    assert told.facts["Reading failed"] == "the disk is full"
    assert told.facts["Ledger read"] == told.facts["Keepa answered"] == "not yet"
    assert told.facts["Keepa failed"] == "2026-11-22 20:00 UTC (just now): no answer"


def test_moment():
    """A moment is told in UTC and from now; what never was is said so."""
    assert moment(START + timedelta(hours=2), START) == "2026-11-22 22:00 UTC (in 2 h 0 min)"
    assert moment(None, START) == "never"
