"""Deliberate bugs of the first floor: what gets on record, what stays there, what is remembered."""

from datetime import datetime, timedelta
from typing import Any
from unittest import mock

from keepahead.budget.ask import Ask
from keepahead.budget.verdict import Granted, Verdict
from keepahead.errors import LedgerError, LedgerUnavailableError
from keepahead.keepa.terms import Terms
from keepahead.store import kept, leases
from keepahead.store import round as round_
from keepahead.store.archive import Archive
from keepahead.store.desk import Desk, _end
from keepahead.store.ledger import Ledger
from keepahead.store.round import Round
from lab.planted.budget import Planted


def forget_what_is_owed() -> Planted:
    """Drop a fact that could not be written at once."""

    def fail(_desk: Any, slips: Any, error: LedgerError) -> None:
        for slip in slips:
            slip.error = type(error)(*error.args)
        _end(slips)

    return mock.patch.object(Desk, "_fail", fail)


def close_with_debts() -> Planted:
    """Close without writing what could not be written before."""
    return mock.patch.object(Desk, "owes", False)


def send_without_a_ledger() -> Planted:
    """Let the call go when the ledger is away."""
    reserve = Ledger.reserve

    def reserved(ledger: Ledger, ask: Ask, now: datetime) -> Verdict:
        try:
            return reserve(ledger, ask, now)
        except LedgerUnavailableError:
            return Granted(ask.tokens_max, ask.items, 0, 0)

    return mock.patch.object(Ledger, "reserve", reserved)


def keep_what_nobody_heard_of() -> Planted:
    """Leave a grant alone whose commit was not heard of."""
    return mock.patch.object(Ledger, "abandon", return_value=None)


def never_give_up_a_place() -> Planted:
    """Keep the place of a call that no longer waits."""
    return mock.patch.object(Round, "leave_queue", return_value=None)


def never_renew_a_place() -> Planted:
    """Let those lose their places who wait for longer than a ticket lives."""
    return mock.patch.object(Ledger, "renew", return_value=None)


def leave_the_ended_on_the_table() -> Planted:
    """Never delete a reservation that has ended."""
    return mock.patch.object(kept, "_DELETE_RESERVATION", mock.Mock())


def forget_that_it_is_unknown() -> Planted:
    """Never write that an answer was lost."""
    return mock.patch.object(kept, "_LOSE_RESERVATION", mock.Mock())


def archive_nothing() -> Planted:
    """Throw away what was paid for once it was delivered."""
    return mock.patch.object(Archive, "keep", return_value=None)


def serve_nothing() -> Planted:
    """Pay anew for what lies in the archive."""
    return mock.patch.object(Archive, "_find", return_value=())


def serve_at_any_age() -> Planted:
    """Serve what is older than was accepted."""
    return mock.patch.object(Terms, "age_for", return_value=timedelta(days=365))


def lease_nothing() -> Planted:
    """Let two fetch the same at the same time."""
    return mock.patch.object(leases, "of_others", return_value={})


def sleep_through_a_better_plan() -> Planted:
    """Let those who wait hear of tokens that come back, and not of a plan that has changed."""
    return mock.patch.object(round_, "_plan_of", return_value=None)
