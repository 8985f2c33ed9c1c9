"""What people are told: a rule fired, or what it fired for is over; and the picture that goes with it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Severity(StrEnum):
    """How bad it is. A warning may be read later; something critical stops work, or is about to."""

    WARNING = "warning"
    CRITICAL = "critical"


@dataclass(frozen=True, slots=True)
class Spender:
    """Who spent how many tokens in the last hour, and on which endpoint most. Somebody else's `caller` is empty."""

    caller: str
    endpoint: str
    tokens: int


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance at one moment."""

    at: datetime
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """How the account stood when an alert was made. Tokens, tokens a minute, aware moments; None where nobody knows.

    `pace_per_minute` is what was spent a minute of late; `floor_at` is when that leads to the floor, `full_at` when the
    bucket is full if nothing more is spent. `trend` is the balance of the last hour, oldest first; `spenders` the
    dearest first.
    """

    balance: int | None
    free: int | None
    floor: int
    capacity: int
    refill_rate_per_minute: int
    next_refill_at: datetime | None
    full_at: datetime | None
    pace_per_minute: float
    floor_at: datetime | None
    waiting: int
    trend: tuple[Balance, ...] = ()
    spenders: tuple[Spender, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One thing to tell. `rule` is the name of the rule; `subject` which of several it fired for (a caller), or empty.

    `headline` is one plain line with the figure ("18 tokens are left; critical is below 20"), `advice` what to do, each
    a short sentence. `began_at` is when it fired; `at` is when it fired or, with `is_over`, when it ended.
    """

    rule: str
    subject: str
    severity: Severity
    is_over: bool
    began_at: datetime
    at: datetime
    headline: str
    advice: tuple[str, ...]
    picture: Picture
