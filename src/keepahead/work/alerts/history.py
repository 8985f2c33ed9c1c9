"""What the last hour of the record says, kept in memory: read once, entry by entry, and small however much happens."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keepahead.budget.account import Account
from keepahead.budget.entry import Absorbed, Carried, Entry, Lost, Observed, Refusal, Released, Settled
from keepahead.budget.lane import JOBS
from keepahead.budget.meter import CLOCKS_AGREE, Meter
from keepahead.budget.verdict import Reason
from keepahead.work.alerts.alert import Balance, Spender

REMEMBERED = timedelta(hours=1)
"""So far back it goes."""

PACE_WINDOW = timedelta(minutes=5)
PACE_CHARGES = 3
"""What was charged within that window, in at least so many charges, is a pace.

Keepa's lumps come once a minute, so what was spent in one or two of them says little of the next; within half an hour
an alert would be too late, as a full day's trouble takes minutes. In five minutes a burst shows at its third charge,
and one dear call is no pace, however dear.
"""

CALLS = 100
"""Of so many last calls it is known whether they failed."""

_SLOT = timedelta(seconds=10)
_OUR_OWN = frozenset(
    (
        "interrupted",
        "its process ended",
        "not sent",
        "not sent in time",
        "not sent: the ledger was away",
        "somebody else fetches it",
    )
)
"""Reasons for which a call ended without an answer and Keepa had no part in it."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Tokens charged a minute of late: by background work, which stops at its own floor, and by all others."""

    jobs: float = 0.0
    others: float = 0.0

    @property
    def per_minute(self) -> float:
        """Of both together."""
        return self.jobs + self.others


@dataclass(frozen=True, slots=True)
class Seen:
    """Something that happened `times` times within the last hour, for so many tokens; `last` is what and when."""

    times: int = 0
    tokens: int = 0
    last_at: datetime | None = None
    last: str = ""


@dataclass(frozen=True, slots=True)
class RateChange:
    """Tokens a minute that the bucket gained before and since: what the plan gives less what trackings take."""

    at: datetime
    before: int
    after: int


@dataclass(slots=True)
class _Tally:
    times: int = 0
    tokens: int = 0
    last_at: datetime | None = None
    last: str = ""

    def add(self, tokens: int, at: datetime, last: str = "") -> None:
        self.times += 1
        self.tokens += tokens
        self.last_at, self.last = at, last


@dataclass(slots=True)
class _Slot:
    """What happened within ten seconds: the sums are as many as there are spenders, not as there are entries."""

    spent: dict[tuple[str, str, str], int] = field(default_factory=dict[tuple[str, str, str], int])
    charges: int = 0
    external: _Tally = field(default_factory=_Tally)
    overage: _Tally = field(default_factory=_Tally)
    meter: Meter | None = None


class History:
    """The last hour of one account. `since` is from when on it knows everything. Not for several threads at once."""

    def __init__(self, since: datetime) -> None:
        self.since = since
        self.rate_change: RateChange | None = None
        self.refused_at: dict[str, datetime] = {}
        self._slots: dict[datetime, _Slot] = {}
        self._calls: deque[tuple[datetime, str]] = deque(maxlen=CALLS)

    def take(self, entry: Entry) -> None:
        """Take notice of an entry."""
        self._note_call(entry)
        slot = self._slot_of(entry.at)
        match entry:
            case Settled():
                self._spend(slot, entry, entry.tokens - entry.counted_before)
                slot.meter = entry.meter
                if entry.overage:
                    slot.overage.add(entry.overage, entry.at, entry.label.endpoint)
            case Lost():
                self._spend(slot, entry, entry.tokens)
            case Absorbed():
                self._spend(slot, entry, entry.charged - entry.tokens)
            case Observed():
                self._observe(slot, entry)
            case Carried():
                slot.meter = entry.meter
            case Refusal(reason=Reason.CALLER_LIMIT):
                self.refused_at[entry.label.caller] = entry.at
            case _:
                pass

    def forget(self, now: datetime) -> None:
        """Drop what is too old, and what is from a time that is not yet: our clock was put back."""
        self.since = min(self.since, now)
        first, last = now - REMEMBERED - _SLOT, now + CLOCKS_AGREE
        if any(not first <= at <= last for at in self._slots):
            self._slots = {at: slot for at, slot in self._slots.items() if first <= at <= last}
        self.refused_at = {caller: at for caller, at in self.refused_at.items() if first <= at <= last}
        self._calls = deque((call for call in self._calls if first <= call[0] <= last), maxlen=CALLS)
        if self.rate_change is not None and not first <= self.rate_change.at <= last:
            self.rate_change = None

    def pace(self, now: datetime) -> Pace:
        """Return the pace of late; none where it was too few charges to speak of one."""
        jobs = others = charges = 0
        for slot in (slot for at, slot in self._slots.items() if at > now - PACE_WINDOW):
            charges += slot.charges
            for (_, _, lane), tokens in slot.spent.items():
                if lane == JOBS.name:
                    jobs += tokens
                else:
                    others += tokens
        if charges < PACE_CHARGES:
            return Pace()
        minutes = PACE_WINDOW / timedelta(minutes=1)
        return Pace(max(0, jobs) / minutes, max(0, others) / minutes)

    def calls(self) -> Sequence[str]:
        """Return how the last calls ended: why it failed, or an empty text; the newest last."""
        return [why for _, why in self._calls]

    @property
    def external(self) -> Seen:
        """What somebody else spent on the same key."""
        return _seen(slot.external for slot in self._slots.values())

    @property
    def overage(self) -> Seen:
        """What was charged beyond what had been reserved for it; the last of it was of the endpoint `last`."""
        return _seen(slot.overage for slot in self._slots.values())

    def spenders(self, at_most: int = 5) -> tuple[Spender, ...]:
        """Return who spent how much in the last hour, and on which endpoint most, the dearest first."""
        by_caller: dict[str, dict[str, int]] = {}
        for slot in self._slots.values():
            for (caller, endpoint, _), tokens in slot.spent.items():
                of = by_caller.setdefault(caller, {})
                of[endpoint] = of.get(endpoint, 0) + tokens
        found = (
            Spender(caller, max(of, key=lambda endpoint: of[endpoint]), sum(of.values()))
            for caller, of in by_caller.items()
        )
        dearest = sorted(found, key=lambda spender: (-spender.tokens, spender.caller))
        return tuple(spender for spender in dearest[:at_most] if spender.tokens > 0)

    def trend(self, account: Account, now: datetime) -> tuple[Balance, ...]:
        """Return the balance of the last hour, minute by minute, as far as meters tell of it; now is the last."""
        metered = deque(slot.meter for _, slot in sorted(self._slots.items()) if slot.meter is not None)
        found: list[Balance] = []
        meter: Meter | None = None
        for minute in range(int(REMEMBERED / timedelta(minutes=1)), 0, -1):
            moment = now - timedelta(minutes=minute)
            while metered and metered[0].received_at <= moment:
                meter = metered.popleft()
            if meter is not None:
                found.append(Balance(moment, meter.balance_at(moment)))
        if account.meter is not None:
            found.append(Balance(now, account.balance_at(now)))
        return tuple(found)

    def _slot_of(self, at: datetime) -> _Slot:
        begins = at - timedelta(seconds=at.second % _SLOT.seconds, microseconds=at.microsecond)
        slot = self._slots.get(begins)
        if slot is None:
            slot = self._slots[begins] = _Slot()
        return slot

    def _spend(self, slot: _Slot, entry: Settled | Lost | Absorbed, tokens: int) -> None:
        label = entry.label
        _add(slot, (label.caller, label.endpoint, label.lane), tokens)

    def _observe(self, slot: _Slot, entry: Observed) -> None:
        slot.meter = entry.meter
        if entry.external_tokens:
            _add(slot, ("", "", ""), entry.external_tokens)
            slot.external.add(entry.external_tokens, entry.at)
        meter = entry.meter
        rate = meter.refill_rate_per_minute if entry.rate_before is None else entry.rate_before
        reduction = meter.flow_reduction_per_minute if entry.reduction_before is None else entry.reduction_before
        before = max(0, rate - reduction)
        if before != meter.net_rate_per_minute:
            self.rate_change = RateChange(entry.at, before, meter.net_rate_per_minute)

    def _note_call(self, entry: Entry) -> None:
        match entry:
            case Settled(counted_before=0):
                self._calls.append((entry.at, ""))
            case Lost() | Released() if entry.reason not in _OUR_OWN:
                self._calls.append((entry.at, entry.reason))
            case _:
                pass


def _add(slot: _Slot, spender: tuple[str, str, str], tokens: int) -> None:
    slot.spent[spender] = slot.spent.get(spender, 0) + tokens
    slot.charges += tokens > 0


def _seen(tallies: Iterator[_Tally]) -> Seen:
    times = tokens = 0
    last_at, last = None, ""
    for each in tallies:
        times, tokens = times + each.times, tokens + each.tokens
        if each.last_at is not None and (last_at is None or each.last_at >= last_at):
            last_at, last = each.last_at, each.last
    return Seen(times, tokens, last_at, last)
