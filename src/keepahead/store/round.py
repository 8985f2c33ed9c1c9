"""One round at the account: loaded once, changed by all decisions that wait, written once. It writes nothing itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from keepahead.budget import decide
from keepahead.budget.account import Account, apply
from keepahead.budget.ask import Ask
from keepahead.budget.entry import Entry, Served
from keepahead.budget.meter import Meter
from keepahead.budget.rule import Rules, day_of, hour_of
from keepahead.budget.standing import queue_after
from keepahead.budget.ticket import TICKET_LIFE, Ticket
from keepahead.budget.verdict import Granted, Later, Refused, Verdict
from keepahead.store import hours
from keepahead.store.hours import Sums
from keepahead.store.kept import Kept

Spent = Callable[[str, datetime], Mapping[datetime, int]]
"""What a caller has spent since the day began, by hour."""


class Round:
    """What becomes of an account. Each method is one step of somebody's; `entries` and `after` are what to write."""

    def __init__(self, before: Kept, spent: Spent) -> None:
        self.entries: list[Entry] = []
        self.sums: Sums = {}
        self._before = before
        self._account = before.account
        self._freezes = before.freezes
        self._spent = spent
        self._rings = False

    @property
    def account(self) -> Account:
        """The account as it stands."""
        return self._account

    @property
    def rings(self) -> bool:
        """Tell whether those who wait should look again."""
        return self._rings and bool(self._account.tickets)

    @property
    def after(self) -> Kept:
        """What is to be kept; the same as before if nothing has changed."""
        before = self._before
        if not self.entries and self._account is before.account and self._freezes == before.freezes:
            return before
        return replace(
            before,
            account=self._account,
            version=before.version + 1,
            rung=before.rung + self.rings,
            freezes=self._freezes,
        )

    def reserve(self, ask: Ask, now: datetime) -> Verdict:
        """Decide on `ask` and make the verdict true."""
        self._lift(now)
        decision = decide.reserve(self._account, ask, now, self._rules(ask, now))
        self._append(decision.entries, now)
        verdict = decision.verdict
        self._queue(ask, verdict, now)
        return replace(verdict, heard=self._before.rung) if isinstance(verdict, Later) else verdict

    def foresee(self, ask: Ask, now: datetime, *, strictly: bool) -> Refused | Later | None:
        """Refuse work of many calls that cannot all be paid for in time; keep a place for it, or for its parts."""
        decision = decide.foresee(self._account, ask, now, self._rules(ask, now), strictly=strictly)
        verdict = decision.verdict if decision else None
        self._append(decision.entries if decision else (), now)
        if isinstance(verdict, Later):
            if verdict.ticket and verdict.ticket.is_kept:
                self._keep_place(ask, verdict.ticket, now)
            return verdict
        if ask.appointment and not ask.is_part:
            kept = verdict.ticket if isinstance(verdict, Refused) else decide.kept_for_parts(self._account, ask, now)
            self._keep_place(ask, kept, now)
        return verdict if isinstance(verdict, Refused) else None

    def settle(self, call_id: str, consumed: int, meter: Meter, now: datetime) -> None:
        """Record what Keepa charged, and its meter."""
        self._append(decide.settle(self._account, call_id, consumed, meter, now), now)

    def release(self, call_id: str, reason: str, now: datetime) -> None:
        """Give back the tokens of a call of which nothing was sent."""
        self._append(decide.release(self._account, call_id, reason, now), now)

    def lose(self, call_id: str, reason: str, now: datetime, *, answered: bool) -> None:
        """Record that the cost of a call is unknown."""
        self._append(decide.lose(self._account, call_id, reason, now, answered=answered), now)

    def observe(self, meter: Meter, now: datetime) -> None:
        """Record a meter that came without a reservation."""
        self._append(decide.observe(self._account, meter, now), now)

    def serve(self, served: Sequence[Served]) -> None:
        """Record what the archive answered."""
        if served:
            self._append(served, served[-1].at)

    def leave_queue(self, call_id: str) -> None:
        """Give up the place of a call that no longer waits."""
        self._keep_tickets([ticket for ticket in self._account.tickets if ticket.call_id != call_id])

    def renew(self, holder: str, now: datetime) -> None:
        """Keep the places of all calls of one client; take out those whose holders have died, for all who wait."""
        until = now + TICKET_LIFE
        mine = (replace(each, expires_at=until) if each.holder == holder else each for each in self._account.tickets)
        self._keep_tickets([ticket for ticket in mine if ticket.expires_at > now])

    def _rules(self, ask: Ask, now: datetime) -> Rules:
        limit = self._before.limits.get(ask.label.caller)
        if limit is None:
            return Rules(freezes=self._freezes)
        spent = dict(self._spent(limit.caller, now))
        for key, counts in self.sums.items():
            if key.caller == limit.caller:
                spent[key.hour] = spent.get(key.hour, 0) + counts["charged"] + counts["unknown"]
        hour, day = hour_of(now), day_of(now)
        return Rules(
            freezes=self._freezes,
            limit=limit,
            spent_hour=max(0, spent.get(hour, 0)),
            spent_day=max(0, sum(tokens for at, tokens in spent.items() if at >= day)),
        )

    def _lift(self, now: datetime) -> None:
        """Take out freezes that are over: one that waited for a balance does not come back when the balance falls."""
        if self._freezes:
            balance = self._account.balance_at(now) if self._account.meter else None
            self._freezes = tuple(freeze for freeze in self._freezes if not freeze.is_over(balance, now))

    def _append(self, entries: Sequence[Entry], now: datetime) -> None:
        if not entries:
            return
        heard = bool(self._account.tickets)  # who comes later decides on what was given back
        free = self._account.free_at(now) if heard else 0
        plan = _plan_of(self._account)
        for entry in entries:
            self._account = apply(self._account, entry)
            hours.add(self.sums, entry)
        self.entries.extend(entries)
        comes_sooner = self._account.free_at(now) > free or (plan is not None and _plan_of(self._account) != plan)
        self._rings = self._rings or (heard and comes_sooner)

    def _queue(self, ask: Ask, verdict: Verdict, now: datetime) -> None:
        """Renew or give up the places of a call; sweep out places whose holders have died."""
        if self._account.tickets or not isinstance(verdict, Granted):
            self._keep_tickets(queue_after(self._account.tickets, ask, verdict, now))

    def _keep_place(self, ask: Ask, kept: Ticket | None, now: datetime) -> None:
        left = [ticket for ticket in self._account.tickets if now < ticket.expires_at and not ask.owns(ticket)]
        self._keep_tickets(left if kept is None else [*left, kept])

    def _keep_tickets(self, tickets: Sequence[Ticket]) -> None:
        if tuple(tickets) == self._account.tickets:
            return
        self._rings = self._rings or len(tickets) < len(self._account.tickets)
        self._account = replace(self._account, tickets=tuple(tickets))


def _plan_of(account: Account) -> tuple[int, int] | None:
    """Return how fast tokens come, by the newest meter; who waits has reckoned with that."""
    meter = account.meter
    return None if meter is None else (meter.refill_rate_per_minute, meter.flow_reduction_per_minute)
