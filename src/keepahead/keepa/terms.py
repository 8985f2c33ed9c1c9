"""On what terms somebody spends."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from keepahead.budget.lane import Lane
from keepahead.errors import InvalidCallError
from keepahead.keepa.calls import Call
from keepahead.keepa.contents import demanded_age

ENDLESS_SECONDS = 1e9
"""Whoever would wait longer than this waits as long as it takes."""

MOST_TOKENS = 1_000_000_000
"""No cap of a caller means more than this."""

OnRefusal = Literal["raise", "stale"]
Age = float | timedelta
"""In seconds, or a length of time."""

_ON_REFUSAL = frozenset(("raise", "stale"))
_OLDEST = timedelta(days=36_500)


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms somebody spends. All in tokens and seconds; None means no limit.

    `max_wait_seconds` 0 refuses at once. A call whose cost has no bound needs `allow_unbounded` and `max_tokens`,
    which is then what is held for it; Keepa may still charge more. `safe_margin` (times the cost) and `low` are the
    marks below which the log warns. `max_age` is the age of an archived answer that will do, 0 asks Keepa in any case,
    None takes `ages`, of each endpoint. `on_refusal` "stale" takes an archived answer of any age for want of tokens.
    `at_once` keeps the budget from dividing a call for which the tokens are not there.

    What is refused for want of tokens keeps a place for whoever asks the same again, if they surely come within
    `keeps_place_for`. `work` names bigger work that was foreseen, of which the call is a part; `asked` is what was
    asked of the client as a whole, where that is more than one call shows. `is_below_floor`: nothing can be spent just
    now, so the ledger is asked before anything else is made ready.
    """

    lane: Lane
    caller: str
    max_wait_seconds: float | None = None
    max_tokens: int | None = None
    allow_unbounded: bool = False
    safe_margin: int = 2
    low: int = 50
    max_age: Age | None = None
    ages: Mapping[str, timedelta] = field(default_factory=dict[str, timedelta], hash=False)
    on_refusal: OnRefusal = "raise"
    keeps_place_for: timedelta = timedelta()
    work: str = ""
    asked: str = ""
    is_below_floor: bool = False
    at_once: bool = False

    def __post_init__(self) -> None:
        if not _is_seconds(self.max_wait_seconds):
            raise _invalid("max_wait_seconds", "a number of seconds, or None for no limit", self.max_wait_seconds)
        if not _is_tokens(self.max_tokens):
            raise _invalid("max_tokens", f"a whole number up to {MOST_TOKENS:,}, or None for no limit", self.max_tokens)
        if not _is_age(self.max_age):
            raise _invalid("max_age", "a number of seconds, a timedelta, or None for the setting", self.max_age)
        if not isinstance(self.keeps_place_for, timedelta):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _invalid("keeps_place_for", "a timedelta", self.keeps_place_for)
        if self.on_refusal not in _ON_REFUSAL:
            raise _invalid("on_refusal", '"raise" or "stale"', self.on_refusal)

    def age_for(self, call: Call) -> timedelta:
        """Return how old an archived answer to the call may be; none where its own `update` says so."""
        accepted = self.ages.get(call.endpoint, timedelta()) if self.max_age is None else _age(self.max_age)
        demanded = demanded_age(call)
        return accepted if demanded is None else min(accepted, demanded)


def _is_seconds(value: object) -> bool:
    return value is None or isinstance(value, int) or (isinstance(value, float) and not math.isnan(value))


def _is_tokens(value: object) -> bool:
    return value is None or (isinstance(value, int) and abs(value) <= MOST_TOKENS)


def _is_age(value: object) -> bool:
    if isinstance(value, float) and math.isnan(value):
        return False
    return value is None or (isinstance(value, timedelta | int | float) and _age(value) >= timedelta())


def _age(value: Age) -> timedelta:
    if isinstance(value, timedelta):
        return min(max(value, -_OLDEST), _OLDEST)
    return timedelta(seconds=max(-1.0, min(value, _OLDEST.total_seconds())))


def _invalid(name: str, wanted: str, value: object) -> InvalidCallError:
    return InvalidCallError(f"invalid_{name}", f"{name} must be {wanted}, not {value!r:.40}.", parameter=name)
