"""The limit of one caller: found, and put in force."""

from datetime import datetime

from keepahead.budget.rule import Limit
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
