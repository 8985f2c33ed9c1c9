"""The limit of one caller: found, put in force, and said."""

from datetime import datetime

from keepahead.budget.rule import Limit
from keepahead.faces.words import tokens
from keepahead.store.rulebook import Rulebook


def limit_of(rulebook: Rulebook, name: str, now: datetime) -> Limit | None:
    """Return the limit of a caller, if it has one."""
    return next((each.limit for each in rulebook.callers(now) if each.name == name), None)


def enforce(rulebook: Rulebook, limit: Limit) -> None:
    """Put a limit in force; one that limits nothing is taken away."""
    if limit.tokens_per_hour is None and limit.tokens_per_day is None:
        rulebook.unlimit(limit.caller)
    else:
        rulebook.limit(limit)


def limit_words(limit: Limit) -> str:
    """Say what a caller may spend: nightly may spend 100 tokens an hour and 500 tokens a day."""
    windows = (("an hour", limit.tokens_per_hour), ("a day", limit.tokens_per_day))
    words = [f"{tokens(count)} {window}" for window, count in windows if count is not None]
    return f"{limit.caller} may spend {' and '.join(words)}" if words else f"{limit.caller} has no limit"
