"""What a person wants to know of an account at one moment."""

from dataclasses import dataclass
from datetime import datetime

from keepahead.budget.account import Account
from keepahead.budget.lane import Lane


@dataclass(frozen=True, slots=True)
class Status:
    """The account of one Keepa key. All counts are tokens; all moments are aware.

    `balance` is what Keepa has by our projection, `free` is that less everything held. `full_at` and `next_refill_at`
    are None where no refill comes. `spent_today` and `external_today` count what we and what somebody else on the same
    key spent since the day began (UTC); what was lost and is in no meter yet counts as spent. `saved_today` is what the
    archive saved.
    """

    balance: int
    free: int
    capacity: int
    refill_rate_per_minute: int
    flow_reduction_per_minute: int
    next_refill_at: datetime | None
    reserved: int
    unknown: int
    floor: int
    full_at: datetime | None
    waiting: int
    measured_at: datetime | None
    spent_today: int = 0
    external_today: int = 0
    saved_today: int = 0


def status_of(account: Account, lane: Lane, now: datetime) -> Status:
    """Return the account as it stands at `now`; all zero as long as no meter is known."""
    meter = account.meter
    return Status(
        balance=account.balance_at(now),
        free=account.free_at(now),
        capacity=meter.capacity if meter else 0,
        refill_rate_per_minute=meter.refill_rate_per_minute if meter else 0,
        flow_reduction_per_minute=meter.flow_reduction_per_minute if meter else 0,
        next_refill_at=meter.next_refill_at(now) if meter and meter.net_rate_per_minute else None,
        reserved=account.reserved,
        unknown=account.unknown,
        floor=lane.floor_of(meter.capacity) if meter else lane.floor,
        full_at=max(now, full) if meter and (full := meter.moment_of(meter.capacity)) else None,
        waiting=sum(1 for ticket in account.tickets if now < ticket.expires_at and not ticket.is_kept),
        measured_at=meter.measured_at if meter else None,
    )
