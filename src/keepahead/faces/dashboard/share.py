"""What a caller has used of a limit: as a share of it, and in words."""

from dataclasses import dataclass
from datetime import timedelta

from keepahead.budget.rule import HOUR, Limit
from keepahead.faces.words import tokens
from keepahead.store.rulebook import Caller

_NEARLY = 80


@dataclass(frozen=True, slots=True)
class Share:
    """`percent` of a limit (None: there is no limit), at most 100; how that is to be taken: good, warn or bad."""

    percent: int | None
    mood: str
    words: str


def share_of(caller: Caller, window: timedelta) -> Share:
    """Return what a caller has used of its limit an hour or a day; what is held for its calls counts, as it does."""
    limit = caller.limit or Limit(caller=caller.name)
    is_hour = window == HOUR
    used = caller.held + (caller.spent_hour if is_hour else caller.spent_day)
    most = limit.tokens_per_hour if is_hour else limit.tokens_per_day
    if most is None:
        return Share(None, "good", f"{used:,}, no limit")
    percent = min(100, used * 100 // most) if most else 100
    if used >= most:
        return Share(100, "bad", f"{used:,} of {tokens(most)}, used up")
    return Share(percent, "warn" if percent >= _NEARLY else "good", f"{used:,} of {tokens(most)}")
