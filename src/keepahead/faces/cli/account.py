"""The account as a person reads it: the line under every result, and its JSON."""

from dataclasses import asdict, replace
from datetime import datetime
from typing import Any

from keepahead.budget.account import Account
from keepahead.budget.lane import Lane
from keepahead.budget.status import Status, status_of
from keepahead.clock import SystemClock
from keepahead.faces.cli.streams import say
from keepahead.faces.settings import Settings
from keepahead.faces.wiring import SIMULATOR_URL, lane_of, open_ledger, upstream_of
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record


def account_json(status: Status, now: datetime) -> dict[str, Any]:
    """Return the account for a JSON document; moments in UTC, and as seconds from now."""
    return {
        **asdict(status),
        "next_refill_in_seconds": seconds_to(status.next_refill_at, now),
        "full_in_seconds": seconds_to(status.full_at, now),
    }


def account_line(status: Status, now: datetime) -> str:
    """Say what is left."""
    held = "".join(
        f", {count} {word}" for count, word in ((status.reserved, "reserved"), (status.unknown, "unknown")) if count
    )
    rate = status.refill_rate_per_minute - status.flow_reduction_per_minute
    refill = "no refill"
    if status.next_refill_at:
        refill = f"next refill of {rate} in {span(seconds_to(status.next_refill_at, now))}"
    return f"{tokens(status.balance)} left of {status.capacity:,}{held}; {refill}"


def ledger_account(settings: Settings, lane_name: str) -> tuple[Account, Lane, Status | None]:
    """Return what the ledger knows without asking anybody; no status as long as no meter is known."""
    database, fingerprint = open_ledger(settings)
    now = SystemClock().now()
    try:
        account = Ledger(database, fingerprint).account()
        today = Record(database, fingerprint).today(now)
    finally:
        database.close()
    lane = lane_of(settings, lane_name)
    if account.meter is None:
        return account, lane, None
    status = status_of(account, lane, now)
    spent = today.charged + today.unknown
    status = replace(status, spent_today=spent, external_today=today.external, saved_today=today.saved)
    return account, lane, status


def say_if_simulated(settings: Settings) -> None:
    """Say so when the built-in simulator answers."""
    if upstream_of(settings)[0] == SIMULATOR_URL:
        say("no KEEPA_API_KEY is set: the built-in simulator answers, no real token is spent")


def tokens(count: int) -> str:
    """Return a number of tokens in words."""
    return f"{count:,} token{'' if count == 1 else 's'}"


def seconds_to(moment: datetime | None, now: datetime) -> float | None:
    """Return the seconds from now to a moment, 0 if it has passed."""
    return None if moment is None else max(0.0, round((moment - now).total_seconds(), 1))


def span(seconds: float | None) -> str:
    """Return a length of time in words: 42 s, 3 min, 2 h 5 min, 4 d."""
    if seconds is None:
        return "never"
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours < 48 else f"{round(hours / 24)} d"
