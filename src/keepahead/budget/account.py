"""What we know of one Keepa key. A value: every change makes a new one, and only an entry makes a change."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import assert_never

from keepahead.budget.entry import (
    Absorbed,
    Carried,
    Entry,
    Label,
    Lost,
    Observed,
    Refusal,
    Released,
    Reserved,
    Served,
    Settled,
)
from keepahead.budget.lane import LIVE
from keepahead.budget.meter import CLOCKS_AGREE, Meter
from keepahead.budget.split import split
from keepahead.budget.ticket import Ticket

CALL_LIMIT = timedelta(minutes=8)
"""A reservation older than this has lost its process: longer than a call may take to leave and to be answered."""


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
class Account:
    """One Keepa key, named by its `fingerprint`: newest meter, reservations that have not ended, waiting tickets.

    `gap` counts the tokens by which the meters fell short of what was expected and which no entry explains yet: calls
    under way, or somebody else. `yielded_at` is when a lane that yields was last granted tokens.
    """

    fingerprint: str
    meter: Meter | None = None
    reservations: tuple[Reservation, ...] = ()
    tickets: tuple[Ticket, ...] = ()
    gap: int = 0
    yielded_at: datetime | None = None

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

    @property
    def external(self) -> int:
        """Tokens of the gap that no call of ours can have cost: the newest meter came before the others were opened."""
        meter = self.meter
        if meter is None or not self.gap:
            return 0
        return max(0, self.gap - sum(held.tokens for held in self.reservations if held.opened_at <= meter.received_at))

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
        _demand(self.gap >= 0, "a gap is never negative")


def apply(account: Account, entry: Entry) -> Account:
    """Return the account after `entry`. Replaying all entries from nothing gives the account of today."""
    match entry:
        case Reserved():
            held = (*account.reservations, _opened(entry))
            yields = entry.tokens > 0 and entry.label.lane != LIVE.name
            return replace(account, reservations=held, yielded_at=entry.at if yields else account.yielded_at)
        case Settled():
            return _read(_without(account, entry.label.call_id), entry.meter, entry.at, own=entry.tokens)
        case Absorbed():
            return _explained(_without(account, entry.label.call_id), entry.charged)
        case Released():
            return _without(account, entry.label.call_id)
        case Lost():
            return replace(account, reservations=tuple(_lose(account.reservations, entry)))
        case Observed():
            return _explained(_read(account, entry.meter, entry.at, own=0), entry.external_tokens)
        case Carried():
            return replace(account, meter=entry.meter, gap=entry.gap, yielded_at=entry.yielded_at)
        case Refusal() | Served():
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


def _read(account: Account, meter: Meter, now: datetime, *, own: int) -> Account:
    """Take a meter in that contains a charge of ours, or learn that the newest one had contained it all along."""
    if not account.believes(meter, now):
        return _explained(account, own)
    between = split(account.meter, meter, own) if account.meter else None
    gap = max(0, account.gap + between.unexplained) if between else 0
    return replace(account, meter=meter, gap=gap)


def _explained(account: Account, tokens: int) -> Account:
    return replace(account, gap=max(0, account.gap - tokens)) if account.gap and tokens else account


def _demand(holds: bool, rule: str) -> None:
    if not holds:
        raise AssertionError(rule)
