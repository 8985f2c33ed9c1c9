"""What we know of one Keepa key. A value: every change makes a new one, and only an entry makes a change."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import assert_never

from keepahead.budget.entry import Absorbed, Entry, Label, Lost, Observed, Refusal, Released, Reserved, Settled
from keepahead.budget.meter import CLOCKS_AGREE, Meter


@dataclass(frozen=True, slots=True)
class Reservation:
    """Tokens set aside for one call that has not ended.

    Open while `proven_after` is None; else its outcome is unknown, and it is held until a meter asked for at or after
    that moment is the newest. An open one whose process is gone lapses at `lapses_at`.
    """

    label: Label
    tokens: int
    opened_at: datetime
    lapses_at: datetime
    proven_after: datetime | None = None

    @property
    def is_unknown(self) -> bool:
        """Tell whether the answer was lost."""
        return self.proven_after is not None


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue of a call that waits; void after `expires_at` unless renewed."""

    call_id: str
    rank: int
    tokens: int
    opened_at: datetime
    expires_at: datetime

    @property
    def place(self) -> tuple[int, datetime, str]:
        """What the queue is ordered by: lane, then age."""
        return (self.rank, self.opened_at, self.call_id)


@dataclass(frozen=True, slots=True)
class Account:
    """One Keepa key, named by its `fingerprint`: newest meter, reservations that have not ended, waiting tickets."""

    fingerprint: str
    meter: Meter | None = None
    reservations: tuple[Reservation, ...] = ()
    tickets: tuple[Ticket, ...] = ()

    @property
    def reserved(self) -> int:
        """Tokens set aside for calls under way."""
        return sum(held.tokens for held in self.reservations if not held.is_unknown)

    @property
    def unknown(self) -> int:
        """Tokens of calls whose answer was lost; they count as charged."""
        return sum(held.tokens for held in self.reservations if held.is_unknown)

    def find(self, call_id: str) -> Reservation | None:
        """Return the reservation of that call, if it has not ended."""
        return next((held for held in self.reservations if held.label.call_id == call_id), None)

    def balance_at(self, now: datetime) -> int:
        """Return the projected balance; 0 as long as no meter is known."""
        return self.meter.balance_at(now) if self.meter else 0

    def free_at(self, now: datetime) -> int:
        """Return the projected balance less everything that is held."""
        return self.balance_at(now) - self.reserved - self.unknown

    def believes(self, meter: Meter, now: datetime) -> bool:
        """Tell whether a meter that is read at `now` replaces the newest one."""
        return meter.is_newer_than(self.meter) or self.is_from_the_future(now)

    def is_from_the_future(self, now: datetime) -> bool:
        """Tell whether the newest meter came at what is not yet: our clock was put back, and it says nothing of now."""
        return self.meter is not None and self.meter.received_at - now > CLOCKS_AGREE

    def check(self) -> None:
        """State the invariants; raise AssertionError where one is broken."""
        ids = [held.label.call_id for held in self.reservations]
        _demand(len(ids) == len(set(ids)), "one reservation for each call")
        _demand(all(held.tokens >= 0 for held in self.reservations), "a reservation is never negative")
        _demand(all(ticket.tokens > 0 for ticket in self.tickets), "only calls that cost something wait")
        places = [ticket.call_id for ticket in self.tickets]
        _demand(len(places) == len(set(places)), "one ticket for each call")


def apply(account: Account, entry: Entry) -> Account:
    """Return the account after `entry`. Replaying all entries from nothing gives the account of today."""
    match entry:
        case Reserved():
            return replace(account, reservations=(*account.reservations, _opened(entry)))
        case Settled():
            return _read(_without(account, entry.label.call_id), entry.meter, entry.at)
        case Released() | Absorbed():
            return _without(account, entry.label.call_id)
        case Lost():
            return replace(account, reservations=tuple(_lose(account.reservations, entry)))
        case Observed():
            return _read(account, entry.meter, entry.at)
        case Refusal():
            return account
        case _:
            assert_never(entry)


def replay(fingerprint: str, entries: Iterable[Entry]) -> Account:
    """Rebuild an account from its entries, oldest first. Tickets are not part of the record."""
    account = Account(fingerprint)
    for entry in entries:
        account = apply(account, entry)
    return account


def _opened(entry: Reserved) -> Reservation:
    return Reservation(entry.label, entry.tokens, opened_at=entry.at, lapses_at=entry.lapses_at)


def _lose(reservations: tuple[Reservation, ...], entry: Lost) -> Iterable[Reservation]:
    for held in reservations:
        yield replace(held, proven_after=entry.proven_after) if held.label.call_id == entry.label.call_id else held


def _without(account: Account, call_id: str) -> Account:
    return replace(account, reservations=tuple(held for held in account.reservations if held.label.call_id != call_id))


def _read(account: Account, meter: Meter, now: datetime) -> Account:
    return replace(account, meter=meter) if account.believes(meter, now) else account


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise AssertionError(rule)
