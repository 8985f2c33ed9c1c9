"""The rules there are, what each fires at unless people want it otherwise, and what they may want."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from math import ceil, isfinite

from keepahead.work.alerts import conditions
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.history import REMEMBERED
from keepahead.work.alerts.rule import COOL_DOWN, Look, Rule, Sight

BROKEN = "broken_rule"
"""The rule that fires for each rule that fails."""

_LONGEST_QUIET = REMEMBERED / timedelta(minutes=1)
_WARNING, _CRITICAL = Severity.WARNING, Severity.CRITICAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How people want a rule to be; None leaves it as it is. Its fields are named as in Rule, but for `on`."""

    on: bool | None = None
    threshold: float | None = None
    over: float | None = None
    cool_down: timedelta | None = None
    severity: Severity | None = None
    to: Severity | None = None


def _nothing(*_: object) -> Sight | None:
    """Say nothing: what is broken is known to whoever asks the others."""
    return None


@dataclass(frozen=True, slots=True)
class _Scale:
    """What a threshold counts, what its end does, and which end belongs to it; `may_be` tells whether another may."""

    unit: str
    over_unit: str
    over: Callable[[float], float]
    may_be: Callable[[float, float], bool]
    demand: str


_BELOW = _Scale(
    "tokens",
    "tokens",
    lambda threshold: threshold + max(5, ceil(abs(threshold) / 5)),
    lambda threshold, over: over >= threshold,
    "be at least the threshold",
)
_SOON = _Scale(
    "minutes",
    "minutes",
    lambda threshold: 2 * threshold,
    lambda threshold, over: over >= threshold >= 0,
    "be at least the threshold, and that at least 0",
)
_SEEN = _Scale(
    "tokens",
    "quiet minutes",
    lambda _: 30,
    lambda _, over: 0 < over <= _LONGEST_QUIET,
    f"be more than 0 and at most {_LONGEST_QUIET:g} minutes",
)


def _percent(share: float) -> _Scale:
    return _Scale(
        "percent",
        "percent",
        lambda threshold: threshold * share,
        lambda threshold, over: 0 <= over <= threshold,
        "be at least 0 and at most the threshold",
    )


_COUNT = _Scale("things", "things", lambda _: 0, lambda _, over: over == 0, "be 0")


@dataclass(frozen=True, slots=True)
class _Default:
    look: Look
    scale: _Scale
    threshold: float
    severity: Severity = _WARNING
    to: Severity | None = None


_DEFAULTS: Mapping[str, _Default] = {
    "low": _Default(conditions.balance_below, _BELOW, 50),
    "critical": _Default(conditions.balance_below, _BELOW, 20, _CRITICAL),
    "negative": _Default(conditions.balance_negative, _BELOW, 0, _CRITICAL),
    "floor_ahead": _Default(conditions.floor_near, _SOON, 30, _WARNING, _CRITICAL),  # a mail that can still help
    "caller_limit": _Default(conditions.limit_reached, _percent(0.9), 100),
    "external": _Default(conditions.external_spending, _SEEN, 1),
    "overage": _Default(conditions.cost_outside, _SEEN, 1),
    "rate_changed": _Default(conditions.rate_change, _SEEN, 1),
    "keepa_errors": _Default(conditions.keepa_failing, _percent(0.5), 5),
    "drift": _Default(conditions.ledger_drift, _COUNT, 1, _CRITICAL),
    "archive_size": _Default(conditions.archive_full, _percent(0.95), 100),
    BROKEN: _Default(_nothing, _COUNT, 1),
}

NAMES = tuple(_DEFAULTS)
"""The rules, by name."""


def rules_of(wishes: Mapping[str, Wish], *, low: float, critical: float) -> Sequence[Rule]:
    """Return all rules as people want them; `low` and `critical` are the marks of the balance.

    Raises ValueError for a wish that cannot be, with the rule's name and what is to be done.
    """
    marks = {"low": low, "critical": critical}
    return [
        _rule(name, default, marks.get(name, default.threshold), wishes.get(name, Wish()))
        for name, default in _DEFAULTS.items()
    ]


def _rule(name: str, default: _Default, mark: float, wish: Wish) -> Rule:
    scale = default.scale
    threshold = mark if wish.threshold is None else wish.threshold
    if not all(map(isfinite, (threshold, wish.over or 0))):
        raise ValueError(f"{name}: threshold and over must be numbers")
    over = scale.over(threshold) if wish.over is None else wish.over
    if not scale.may_be(threshold, over):
        raise ValueError(f"{name}: over must {scale.demand}")
    severity = wish.severity or default.severity
    return Rule(
        name=name,
        look=default.look,
        severity=severity,
        to=wish.to or (severity if wish.severity or default.to is None else default.to),
        threshold=threshold,
        unit=scale.unit,
        over=over,
        over_unit=scale.over_unit,
        cool_down=COOL_DOWN if wish.cool_down is None else wish.cool_down,
        is_on=wish.on is not False,
    )
