"""A rule of the alerts in words: what it fires at, and when that is over."""

from collections.abc import Callable, Mapping

from keepahead.faces.words import span, tokens
from keepahead.work.alerts.rule import Rule


def fires_at(rule: Rule) -> str:
    """Return what a rule fires at: fewer than 50 tokens are left; over at 60."""
    say = _WORDS.get(rule.name)
    return say(rule) if say else f"{rule.threshold:g} {rule.unit}; over at {rule.over:g} {rule.over_unit}"


def _below(rule: Rule) -> str:
    return f"fewer than {_tokens(rule.threshold)} are left; over at {rule.over:,g}"


def _near(rule: Rule) -> str:
    return f"the floor is within {_minutes(rule.threshold)} at the present pace; over at {_minutes(rule.over)}"


def _event(what: str) -> Callable[[Rule], str]:
    return lambda rule: f"{what} {_tokens(rule.threshold)} or more; over after {_minutes(rule.over)} without"


def _share(what: str) -> Callable[[Rule], str]:
    return lambda rule: f"{what.format(f'{rule.threshold:g} %')}; over at {rule.over:g} %"


_WORDS: Mapping[str, Callable[[Rule], str]] = {
    "low": _below,
    "critical": _below,
    "negative": lambda rule: f"the balance is below {rule.threshold:g}; over at {rule.over:g}",
    "floor_ahead": _near,
    "caller_limit": _share("a caller has spent {} of its limit, or is refused for it"),
    "external": _event("somebody else spends on the same Keepa key,"),
    "overage": _event("calls cost more than their bounds, by"),
    "rate_changed": _event("the refill is another than before, by"),
    "keepa_errors": _share("more than {} of the last calls failed"),
    "drift": lambda _: "the account says something else than its entries add up to; over when it does not",
    "archive_size": _share("the archive is over {} of its size"),
    "broken_rule": lambda _: "a rule itself fails; over when it works again",
}


def _tokens(count: float) -> str:
    return tokens(int(count)) if count == int(count) else f"{count:,g} tokens"


def _minutes(count: float) -> str:
    return span(count * 60)
