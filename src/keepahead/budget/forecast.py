"""What the balance will be: if nothing more is spent, and if spending goes on at the present pace."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.budget.account import Account

MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Point:
    """The balance at one moment if nothing more is spent, and `at_pace` if spending goes on."""

    at: datetime
    balance: int
    at_pace: int


def points(account: Account, now: datetime, *, minutes: int, step: int, pace: float) -> Iterator[Point]:
    """Yield the balance now and every `step` minutes, for so many minutes; `pace` in tokens a minute."""
    meter, left = account.meter, float(account.balance_at(now))
    for minute in range(0, minutes + 1, step):
        at = now + minute * MINUTE
        if minute and meter:
            left = max(left, min(meter.capacity, left + meter.net_rate_per_minute * step)) - pace * step
        balance = account.balance_at(at)
        yield Point(at, balance, min(balance, round(left)) if pace else balance)


def reached_at(account: Account, tokens: int, floor: int, now: datetime) -> datetime | None:
    """Return when a call of so many tokens can be paid for above the floor if nobody else spends; None: never."""
    held = account.reserved + account.unknown
    needed = max(1, tokens + floor) + held
    if account.meter is None or needed > max(account.meter.capacity, account.balance_at(now)):
        return None
    return account.meter.moment_of_refill(needed - account.balance_at(now), now)


def floor_reached_at(account: Account, floor: int, now: datetime, *, pace: float) -> datetime | None:
    """Return when spending at that pace brings the balance down to the floor; None: refill keeps up with it."""
    if account.meter is None:
        return None
    left, falls = account.balance_at(now) - floor, pace - account.meter.net_rate_per_minute
    if left <= 0:
        return now
    return now + MINUTE * (left / falls) if falls > 0 else None
