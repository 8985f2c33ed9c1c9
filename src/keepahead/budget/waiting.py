"""Who waits for tokens, in the order in which they are served, and when each can expect its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from keepahead.budget.account import Account
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.ticket import in_order


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that waits for `tokens` since a moment, and when they are there if all that is held is charged.

    None where refill alone never brings them.
    """

    call_id: str
    lane: str
    tokens: int
    since: datetime
    expected_at: datetime | None


def waiting_of(account: Account, now: datetime) -> Sequence[Waiting]:
    """Return the calls that wait, the one served next first."""
    queue = in_order([ticket for ticket in account.tickets if now < ticket.expires_at], account.yielded_at)
    held, promised = account.reserved + account.unknown, 0
    found: list[Waiting] = []
    for ticket in queue:
        promised += ticket.tokens
        lane = LIVE.name if ticket.rank == LIVE.rank else JOBS.name
        expected_at = _moment_of(account, max(1, ticket.floor + promised) + held, now)
        found.append(Waiting(ticket.call_id, lane, ticket.tokens, ticket.opened_at, expected_at))
    return found


def _moment_of(account: Account, balance: int, now: datetime) -> datetime | None:
    return account.meter and account.meter.moment_of_refill(balance - account.balance_at(now), now)
