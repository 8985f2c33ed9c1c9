"""The account as a person reads it: the line under every result."""

from dataclasses import replace
from datetime import datetime

from keepahead.budget.account import Account
from keepahead.budget.lane import Lane
from keepahead.budget.status import Status, status_of
from keepahead.clock import SystemClock
from keepahead.faces.cli.streams import say
from keepahead.faces.ledger_documents import seconds_to
from keepahead.faces.settings import Settings
from keepahead.faces.wiring import SIMULATOR_URL, lane_of, open_ledger, upstream_of
from keepahead.faces.words import span, tokens
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record


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


def is_simulated(settings: Settings) -> bool:
    """Tell whether the built-in simulator answers."""
    return upstream_of(settings)[0] == SIMULATOR_URL


def say_if_simulated(settings: Settings) -> None:
    """Say so when the built-in simulator answers."""
    if is_simulated(settings):
        say("no KEEPA_API_KEY is set: the built-in simulator answers, no real token is spent")
