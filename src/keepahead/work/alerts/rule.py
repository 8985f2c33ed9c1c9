"""A rule: what it looks for, when that is over, how often it tells, and whom. What it finds are values."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.facts import Facts

COOL_DOWN = timedelta(minutes=15)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What a rule says of one subject, in one plain line. Neither bad nor over: things stay as they are."""

    subject: str = ""
    is_bad: bool
    is_over: bool
    headline: str


@dataclass(frozen=True, slots=True)
class Sight:
    """All that a rule says just now; a subject of which nothing is said is over. It rests on what was read `as_of`."""

    as_of: datetime
    findings: Sequence[Finding]


Look = Callable[["Rule", Facts, datetime], Sight | None]
"""Looks at the facts, purely. None: nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """It fires at `threshold` and is over at `over`; `unit` and `over_unit` say what these count.

    Between the two nothing changes, so that what hovers about the threshold is told once. A rule tells of a firing at
    most every `cool_down`, and of its end. `to` says who hears of it: who hears of warnings, or of what is critical.
    """

    name: str
    look: Look
    severity: Severity
    to: Severity
    threshold: float
    unit: str
    over: float
    over_unit: str
    cool_down: timedelta = COOL_DOWN
    is_on: bool = True
