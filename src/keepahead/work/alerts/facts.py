"""What the rules look at: a few numbers of one moment."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.budget.account import Account
from keepahead.budget.forecast import floor_reached_at
from keepahead.work.alerts.history import Pace, RateChange, Seen


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a caller has spent of its limit in the window (an hour, a day) that is used up most.

    `was_refused` tells whether it was refused for its limit since the hour began.
    """

    caller: str
    window: str
    spent: int
    tokens: int
    was_refused: bool

    @property
    def percent(self) -> float:
        """How much of the limit is spent; of a limit of nothing nothing can be spent."""
        return 100 * self.spent / self.tokens if self.tokens else 0.0


@dataclass(frozen=True, slots=True)
class Allowances:
    """Those of all callers that have a limit, as they were read at that moment."""

    at: datetime
    each: Sequence[Allowance]


@dataclass(frozen=True, slots=True)
class Errors:
    """Of the last calls, how many Keepa did not answer or answered with a fault, and how the last of them ended."""

    calls: int = 0
    failed: int = 0
    last: str = ""

    @property
    def percent(self) -> float:
        """The share of those that failed."""
        return 100 * self.failed / self.calls if self.calls else 0.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What the last comparison of the account with its entries found: how many things differ, the first in words."""

    at: datetime
    drifts: int
    first: str = ""


@dataclass(frozen=True, slots=True)
class Fill:
    """How many bytes lay in the archive at that moment, and how many may."""

    at: datetime
    size: int
    limit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """How things stand at `at`. None where nobody knows (yet): no rule says anything of it then.

    Everything that happened since `since` is known, but for what is more than an hour ago. `net_rate_per_minute` is
    what the bucket gains; `floor_at` when the present pace leads to the floor of live calls.
    """

    at: datetime
    since: datetime
    balance: int | None = None
    capacity: int = 0
    net_rate_per_minute: int = 0
    floor: int = 0
    pace: Pace
    floor_at: datetime | None = None
    external: Seen
    overage: Seen
    rate_change: RateChange | None = None
    errors: Errors
    allowances: Allowances | None = None
    inspection: Inspection | None = None
    fill: Fill | None = None


def floor_ahead(account: Account, pace: Pace, *, floor: int, jobs_floor: int, now: datetime) -> datetime | None:
    """Return when the pace leads to the floor; None if it does not.

    Background work stops at a floor of its own, and can lead no further than there: from there on others have to.
    """
    if account.meter is None or pace.per_minute <= 0:
        return None
    jobs_stop = max(floor, jobs_floor)
    jobs_stop_at = floor_reached_at(account, jobs_stop, now, pace=pace.per_minute)
    if jobs_stop_at is None or jobs_stop == floor:
        return jobs_stop_at
    left = min(account.balance_at(now), jobs_stop) - floor
    falls = pace.others - account.meter.net_rate_per_minute
    if left <= 0:
        return now
    return jobs_stop_at + timedelta(minutes=left / falls) if falls > 0 else None
