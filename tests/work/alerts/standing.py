"""Short ways to say how things stand, for the tests of rules."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from keepahead.work.alerts.facts import Errors, Facts
from keepahead.work.alerts.history import Pace, Seen
from keepahead.work.alerts.rule import Rule
from keepahead.work.alerts.rules import rules_of

T0 = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
ALL = rules_of({}, low=50, critical=20)


def at(minutes: float) -> datetime:
    """A moment so long after the test's beginning."""
    return T0 + timedelta(minutes=minutes)


def rule(name: str, **more) -> Rule:
    """One rule as it is, but for what is said."""
    return replace(next(each for each in ALL if each.name == name), **more)


def facts(balance: int | None = 300, **more) -> Facts:
    """A gateway that has been up for an hour, on a plan of 20 a minute; all is well but for what is said."""
    fine = {"at": at(0), "since": at(-60), "balance": balance, "capacity": 1200, "net_rate_per_minute": 20, "floor": 10}
    quiet = {"pace": Pace(), "external": Seen(), "overage": Seen(), "errors": Errors()}
    return Facts(**{**fine, **quiet, **more})
