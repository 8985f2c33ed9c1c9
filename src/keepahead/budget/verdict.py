"""All that a decision can be. Expected outcomes are values; nobody has to catch them."""

from dataclasses import dataclass
from enum import StrEnum

from keepahead.budget.rule import Freeze, Window
from keepahead.budget.ticket import Ticket


class Reason(StrEnum):
    """Why a call was refused."""

    NEVER_FITS = "never_fits"
    """Bigger than what the bucket can hold above the floor."""

    NO_REFILL = "no_refill"
    """Trackings take the whole refill, so waiting brings nothing."""

    NOT_IN_TIME = "not_in_time"
    """The tokens will not be there before the caller's deadline."""

    NEVER_AT_ONCE = "never_at_once"
    """More than the bucket holds above the floor, and the caller does not wait for what comes bit by bit."""

    FROZEN = "frozen"
    """A freeze forbids it."""

    CALLER_LIMIT = "caller_limit"
    """The caller's own limit for the hour or the day is used up, or smaller than the call."""


@dataclass(frozen=True, slots=True)
class Granted:
    """`tokens` are reserved for `items` of what was asked: send now. `free` tokens are left, `floor` is the lane's."""

    tokens: int
    items: int
    free: int
    floor: int


@dataclass(frozen=True, slots=True)
class Later:
    """Ask again after `wait_seconds`; the ticket keeps the place. `needs_meter`: ask Keepa's free /token first.

    A probe has no place to keep (somebody else is asking for the meter already), and whoever waits for the caller's own
    limit stands in nobody's way. `room` tokens could pass this call now without delaying anybody. `heard` is how often
    the ledger's bell had rung: once it rings again, tokens were given back and asking earlier may help. `first` is the
    call that stands before all others of the same client.
    """

    wait_seconds: float
    ticket: Ticket | None
    needs_meter: bool = False
    room: int = 0
    heard: int = 0
    first: str = ""


@dataclass(frozen=True, slots=True)
class Refused:
    """Not sent. Tokens: `balance` and `free` now, `tokens_max` at most needed, `floor` not to be undercut.

    `wait_seconds` is when all of it surely is there, if nobody else spends; None if waiting cannot help or nobody can
    say. `largest` is the most that one call could ever be granted, `takes_seconds` how long more than that would take
    whoever waits for it. `freeze` is what forbids it, `window` the limit of the caller that is in the way. `ticket` is
    the place that is kept for whoever asks the same again.
    """

    reason: Reason
    balance: int
    free: int
    tokens_max: int
    floor: int
    largest: int
    wait_seconds: float | None
    freeze: Freeze | None = None
    window: Window | None = None
    takes_seconds: float | None = None
    ticket: Ticket | None = None


Verdict = Granted | Later | Refused
