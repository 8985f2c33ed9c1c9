"""A caller and its limit in words: what was spent of it, and what is held."""

from keepahead.budget.rule import Limit
from keepahead.faces.words import tokens
from keepahead.store.rulebook import Caller


def spent_of_limit(caller: Caller) -> str:
    """Return what was spent or is held of its limit: 12 of 50 tokens this hour, 12 of 500 tokens today."""
    limit = caller.limit or Limit(caller=caller.name)
    windows = (
        (caller.spent_hour, limit.tokens_per_hour, "this hour"),
        (caller.spent_day, limit.tokens_per_day, "today"),
    )
    return ", ".join(
        f"{spent + caller.held:,} of {tokens(most)} {window}" for spent, most, window in windows if most is not None
    )
