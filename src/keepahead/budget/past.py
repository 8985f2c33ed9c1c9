"""What the balance was: what was read of it now and then, and between two readings what the older one projects."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.budget.meter import CLOCKS_AGREE, Meter


@dataclass(frozen=True, slots=True)
class Reading:
    """A meter, and when it was entered."""

    at: datetime
    meter: Meter


@dataclass(frozen=True, slots=True)
class Level:
    """The balance from a moment on."""

    at: datetime
    balance: int


def levels(readings: Sequence[Reading], since: datetime, until: datetime, *, step: timedelta) -> Iterator[Level]:
    """Yield the balance from `since` on, or from when it is known: where a reading or a look every `step` finds it new.

    `readings` are in order, the first may be from before. The last level is the one of `until`.
    """
    looks = ((since + number * step, None) for number in range(-(-(until - since) // step)))
    read = ((reading.at, reading.meter) for reading in readings if reading.at < until)
    meter: Meter | None = None
    balance: int | None = None
    for at, found in sorted((*read, *looks), key=lambda mark: mark[0]):
        if found is not None and _replaces(found, meter, at):
            meter = found
        if meter is not None and at >= since and balance != meter.balance_at(at):
            balance = meter.balance_at(at)
            yield Level(at, balance)
    if meter is not None:
        yield Level(until, meter.balance_at(until))


def _replaces(found: Meter, meter: Meter | None, at: datetime) -> bool:
    """Tell whether a meter was believed when it came, as Account.believes does."""
    return found.is_newer_than(meter) or (meter is not None and meter.received_at - at > CLOCKS_AGREE)
