"""A small world for whole stories: one account, Keepa's bucket, and clients that wait in the queue.

Time is whole milliseconds and passes only when a test says so. Nothing is lost here; machine.py is for that.
"""

from collections.abc import Iterable
from dataclasses import replace

from tests.budget.makers import at
from tests.budget.naive import Bucket

from keepahead.budget import decide
from keepahead.budget.account import Account, apply
from keepahead.budget.ask import Ask
from keepahead.budget.decide import NO_RULES
from keepahead.budget.entry import Absorbed, Entry, Observed, Settled
from keepahead.budget.meter import Meter
from keepahead.budget.rule import Rules
from keepahead.budget.standing import queue_after
from keepahead.budget.ticket import TICKET_LIFE
from keepahead.budget.verdict import Verdict


class World:
    """One key and everybody who uses it."""

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.account = Account("key")
        self.entries: list[Entry] = []
        self.now = 0
        self.observe(self.look())

    def pass_to(self, now: int) -> None:
        """Let time pass."""
        self.now = max(self.now, now)
        self.bucket.pass_to(self.now)

    def pass_to_lump(self) -> None:
        """Let time pass until the next lump is counted."""
        assert self.account.meter
        next_at = self.account.meter.next_refill_at(at(self.now))
        self.pass_to(self.now + round((next_at - at(self.now)).total_seconds() * 1_000))

    def look(self) -> Meter:
        """Return what Keepa says now."""
        bucket, now = self.bucket, at(self.now)
        return Meter(now, now, now, bucket.balance, bucket.rate, bucket.refill_in, bucket.flow)

    def write(self, entries: Iterable[Entry]) -> None:
        """Append as the store does."""
        for entry in entries:
            self.entries.append(entry)
            self.account = apply(self.account, entry)
        self.account.check()

    def reserve(self, wanted: Ask, rules: Rules = NO_RULES) -> Verdict:
        """Ask, and keep the place in the queue if there is one to keep."""
        decision = decide.reserve(self.account, wanted, at(self.now), rules)
        self.write(decision.entries)
        tickets = queue_after(self.account.tickets, wanted, decision.verdict, at(self.now))
        self.account = replace(self.account, tickets=tuple(tickets))
        return decision.verdict

    def renew(self) -> None:
        """Everybody who waits is still there."""
        expires_at = at(self.now) + TICKET_LIFE
        tickets = self.account.tickets
        renewed = tuple(each if each.is_kept else replace(each, expires_at=expires_at) for each in tickets)
        self.account = replace(self.account, tickets=renewed)

    def settle(self, name: str, price: int, told: Meter | None = None) -> None:
        """Let Keepa charge for a call and record its answer; `told` was charged before and is recorded now."""
        if told is None:
            self.bucket.charge(price)
            told = self.look()
        came = replace(told, received_at=at(self.now))
        self.write(decide.settle(self.account, name, price, came, at(self.now)))

    def observe(self, told: Meter) -> None:
        """Record a meter that came with no call."""
        self.write(decide.observe(self.account, replace(told, received_at=at(self.now)), at(self.now)))

    @property
    def settled(self) -> int:
        """Tokens that answers said they cost."""
        return sum(entry.tokens for entry in self.entries if isinstance(entry, Settled))

    @property
    def absorbed(self) -> int:
        """Tokens that lost calls are said to have cost."""
        return sum(entry.charged for entry in self.entries if isinstance(entry, Absorbed))

    @property
    def external(self) -> int:
        """Tokens that somebody else is said to have spent."""
        return sum(entry.external_tokens for entry in self.entries if isinstance(entry, Observed))
