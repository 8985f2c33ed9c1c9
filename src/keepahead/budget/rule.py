"""What people forbid: freezes of some calls for some time, and limits of one caller per hour and day.

A window is a full hour or a full day in UTC, so that every host means the same and anybody can say when it ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)

CALLER_NAME = "a caller's name has 1 to 100 printable characters, and no blank at either end"
_LONGEST_NAME = 100


def is_caller_name(text: str) -> bool:
    """Tell whether a caller can be called so: CALLER_NAME says what is asked of it."""
    return 0 < len(text) <= _LONGEST_NAME and text.isprintable() and text == text.strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """Forbids calls to `endpoints` (empty: all) that may cost more than `above` tokens (None: that cost anything).

    To one `lane` or `caller` only, or to all (None). It ends at `until`, or once the balance is at `until_balance`;
    with neither, when somebody removes it. `words` are shown to those who are refused.
    """

    freeze_id: int
    words: str
    made_at: datetime
    endpoints: tuple[str, ...] = ()
    above: int | None = None
    lane: str | None = None
    caller: str | None = None
    until: datetime | None = None
    until_balance: int | None = None

    def is_over(self, balance: int | None, now: datetime) -> bool:
        """Tell whether it has ended by `now`, at that balance (None: not known)."""
        if self.until is not None and now >= self.until:
            return True
        return self.until_balance is not None and balance is not None and balance >= self.until_balance

    def forbids(self, *, endpoint: str, lane: str, caller: str, tokens_max: int) -> bool:
        """Tell whether such a call is forbidden as long as this holds."""
        return (
            tokens_max > (self.above or 0)
            and (not self.endpoints or endpoint in self.endpoints)
            and self.lane in {None, lane}
            and self.caller in {None, caller}
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How many tokens a caller may spend in an hour and in a day; None is no limit."""

    caller: str
    tokens_per_hour: int | None = None
    tokens_per_day: int | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """One limit at one moment: `spent` of `tokens`, held tokens included; the next window begins at `ends_at`."""

    name: str
    tokens: int
    spent: int
    ends_at: datetime

    @property
    def left(self) -> int:
        """Tokens that may still be spent before it ends."""
        return max(0, self.tokens - self.spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for one ask: the freezes in force, the caller's limit, and what the caller has spent.

    `spent_hour` and `spent_day` count what was charged, or must be taken as charged, since the hour and the day began.
    """

    freezes: tuple[Freeze, ...] = ()
    limit: Limit | None = None
    spent_hour: int = 0
    spent_day: int = 0

    def windows(self, held: int, now: datetime) -> Sequence[Window]:
        """Return the caller's windows; `held` tokens of the caller's are under way."""
        if self.limit is None:
            return ()
        hour, day = self.limit.tokens_per_hour, self.limit.tokens_per_day
        found = (
            Window("hour", hour, self.spent_hour + held, hour_of(now) + HOUR) if hour is not None else None,
            Window("day", day, self.spent_day + held, day_of(now) + DAY) if day is not None else None,
        )
        return tuple(window for window in found if window is not None)


def hour_of(now: datetime) -> datetime:
    """Return the beginning of the hour."""
    return now.replace(minute=0, second=0, microsecond=0)


def day_of(now: datetime) -> datetime:
    """Return the beginning of the day."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0)
