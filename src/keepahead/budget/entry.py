"""The lines of the ledger. Appended, never edited; all of them together rebuild the account."""

from dataclasses import dataclass
from datetime import datetime

from keepahead.budget.meter import Meter


@dataclass(frozen=True, slots=True)
class Label:
    """Which call a line is about, and whom it is charged to. `lane` and `caller` are names."""

    call_id: str
    endpoint: str
    lane: str
    caller: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _CallEntry:
    """What every line about a call carries. `at` is ours, aware; `tokens` means what the kind says."""

    at: datetime
    label: Label
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reserved(_CallEntry):
    """`tokens` were set aside for one call, on the stated `balance` and `free`; the reservation `lapses_at`."""

    shape: str
    balance: int
    free: int
    floor: int
    lapses_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled(_CallEntry):
    """Keepa charged `tokens`; `reserved` had been set aside, `overage` is what it took beyond that.

    `counted_before` is what had been counted as charged already, if the answer came after the call was given up.
    """

    reserved: int
    meter: Meter
    counted_before: int = 0

    @property
    def overage(self) -> int:
        """Tokens charged beyond the reservation."""
        return max(0, self.tokens - self.reserved)


@dataclass(frozen=True, slots=True, kw_only=True)
class Released(_CallEntry):
    """`tokens` were given back: nothing was sent."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost(_CallEntry):
    """The outcome is unknown; `tokens` count as charged until a meter asked for at or after `proven_after`."""

    reason: str
    proven_after: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Absorbed(_CallEntry):
    """A newer meter contains whatever the unknown call cost; its `tokens` are no longer held apart.

    `charged` is what that meter was short of, up to `tokens`: what the call cost, as far as anybody can tell.
    """

    charged: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal(_CallEntry):
    """A call that was not sent; `tokens` is the most it could have cost."""

    reason: str
    shape: str
    balance: int
    free: int
    floor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """A meter that came with no call of this ledger's, or what a meter says beyond the call that it came with.

    `external_tokens` were spent by somebody else on the same key. `rate_before` and `reduction_before`, in tokens a
    minute, are what a changed refill rate and flow reduction used to be; None where the meter says the same as before.
    """

    at: datetime
    meter: Meter
    external_tokens: int = 0
    rate_before: int | None = None
    reduction_before: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What the account stood at when the entries up to here were put away; open reservations keep theirs."""

    at: datetime
    meter: Meter
    gap: int
    yielded_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Served(_CallEntry):
    """The archive answered: nothing was charged, and `tokens` were saved, which a call had paid for before.

    `paid_by` is the id of that call; empty where several had, or nobody knows.
    """

    shape: str
    paid_by: str = ""


Entry = Reserved | Settled | Released | Lost | Absorbed | Refusal | Observed | Carried | Served
CallEntry = Reserved | Settled | Released | Lost | Absorbed | Refusal | Served
