"""What one answer says of Keepa's bucket, and what follows from it for a later moment.

A projection errs on the low side: a lump is counted only when it is surely there.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

MINUTES_HELD = 60
"""Keepa's bucket holds this many minutes' worth of tokens (protocol sheet, section 5)."""

TICK_MS = 60_300
"""Time from lump to lump. Seen: 60.19 to 60.28 s (sheet, section 5); the longest, rounded up, is never early."""

GRACE_MS = 100
"""A lump is counted this much after its announced moment: room for clocks that differ in speed."""

CLOCKS_AGREE = timedelta(seconds=30)
"""Clocks of our own hosts differ by less than this."""

PLAN_KNOWN_FOR = timedelta(minutes=5)
"""Plans change, and Keepa counts what trackings take anew so often (sheet, section 5.2)."""

_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Meter:
    """One reading of the bucket.

    `measured_at` is Keepa's own timestamp and orders meters. `asked_at` and `received_at` are ours: the moments between
    which the call that brought it was under way. Tokens and rates are whole numbers; the flow reduction is rounded up.
    """

    measured_at: datetime
    asked_at: datetime
    received_at: datetime
    tokens_left: int
    refill_rate_per_minute: int
    refill_in_ms: int
    flow_reduction_per_minute: int = 0

    def __post_init__(self) -> None:
        if self.refill_rate_per_minute <= 0 or self.measured_at.timestamp() <= 0:
            raise ValueError("an envelope without refill rate or timestamp is no meter")
        if self.refill_in_ms < 0 or self.flow_reduction_per_minute < 0:
            raise ValueError("refill time and flow reduction are never negative")

    @property
    def capacity(self) -> int:
        """The most tokens that the bucket holds."""
        return self.refill_rate_per_minute * MINUTES_HELD

    @property
    def net_rate_per_minute(self) -> int:
        """Tokens in one lump: the plan's rate less what trackings take."""
        return max(0, self.refill_rate_per_minute - self.flow_reduction_per_minute)

    def is_newer_than(self, other: "Meter | None") -> bool:
        """Tell whether this replaces `other`: newer by Keepa's clock; on a tie the lower balance, the later ask.

        Our own order of events corrects a timestamp that jumps, as far as that is safe. What was asked for after the
        other had arrived replaces it where it shows less than the other projects; and, since clocks of our hosts may
        differ a little, whatever it shows once it was asked for long after.
        """
        if other is None:
            return True
        after_it = self.asked_at - other.received_at
        shows_less = self.tokens_left < other.balance_at(self.received_at)
        if after_it >= CLOCKS_AGREE or (after_it >= _MILLISECOND and shows_less):
            return True
        return self._order > other._order  # noqa: SLF001 - another of its kind

    @property
    def _order(self) -> tuple[datetime, int, datetime]:
        return (self.measured_at, -self.tokens_left, self.asked_at)

    def is_old(self, now: datetime) -> bool:
        """Tell whether the plan may be another one by now: nothing is refused for good on this meter any more."""
        return now - self.received_at >= PLAN_KNOWN_FOR

    def balance_at(self, now: datetime) -> int:
        """Return the tokens in the bucket at `now` if nothing is spent; whole lumps only, capped."""
        grown = self.tokens_left + self._lumps_by(now) * self.net_rate_per_minute
        return max(self.tokens_left, min(self.capacity, grown))

    def moment_of(self, balance: int) -> datetime | None:
        """Return when the bucket will hold `balance` if nothing is spent; None if it never will."""
        if balance > max(self.capacity, self.tokens_left):
            return None
        return self.moment_of_refill(balance - self.tokens_left, self.received_at)

    def moment_of_refill(self, tokens: int, now: datetime) -> datetime | None:
        """Return when `tokens` more than at `now` have been added, whatever is spent meanwhile; None if never."""
        if tokens <= 0:
            return now
        if self.net_rate_per_minute == 0:
            return None
        lumps = -(-tokens // self.net_rate_per_minute)
        return self._moment_of_lump(self._lumps_by(now) + lumps)

    def refill_between(self, earlier: datetime, later: datetime) -> int:
        """Return the tokens that are added between two moments, as far as the bucket takes them."""
        return max(0, self._lumps_by(later) - self._lumps_by(earlier)) * self.net_rate_per_minute

    def next_refill_at(self, now: datetime) -> datetime:
        """Return the moment of the first lump after `now`."""
        return self._moment_of_lump(self._lumps_by(now) + 1)

    def _moment_of_lump(self, number: int) -> datetime:
        return self.received_at + timedelta(milliseconds=self.refill_in_ms + GRACE_MS + (number - 1) * TICK_MS)

    def _lumps_by(self, now: datetime) -> int:
        since_first_ms = (now - self.received_at) // _MILLISECOND - self.refill_in_ms - GRACE_MS
        return 0 if since_first_ms < 0 else 1 + since_first_ms // TICK_MS
