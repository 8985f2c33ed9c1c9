"""What lies between two meters: refill, own spending, and what nobody here has explained yet.

Measured by Keepa's clock alone: a timestamp and the time to the next lump fix each meter's place between the lumps.
"""

from dataclasses import dataclass
from datetime import timedelta

from keepahead.budget.meter import CLOCKS_AGREE, Meter

_TICK = timedelta(milliseconds=60_235)
"""The middle of what was seen, 60.19 to 60.28 s (protocol sheet, section 5)."""

_SURE_LUMPS = 450
"""Over so many lumps what is not known of the tick adds up to 20 s, a third of a lump; beyond, one less is sure."""


@dataclass(frozen=True, slots=True)
class Split:
    """How one meter became the next, in tokens: plus `refill`, minus `own` charges, minus what is `unexplained`.

    `unexplained` is at least so much as is sure; it is negative where there is more than was expected.
    """

    refill: int
    own: int
    unexplained: int


def split(before: Meter, after: Meter, own: int) -> Split | None:
    """Return what happened between two meters, `own` tokens of it charged to us.

    None if Keepa's clock and ours disagree about the time between: then nothing can be said.
    """
    passed = after.measured_at - before.measured_at
    if abs(passed - (after.received_at - before.received_at)) > CLOCKS_AGREE:
        return None
    lumps = round((passed + timedelta(milliseconds=after.refill_in_ms - before.refill_in_ms)) / _TICK)
    sure = max(0, lumps - abs(lumps) // _SURE_LUMPS)
    rate = min(before.net_rate_per_minute, after.net_rate_per_minute)
    capacity = min(before.capacity, after.capacity)
    full = max(before.tokens_left, capacity)
    refill = min(full, before.tokens_left + sure * rate) - before.tokens_left
    return Split(refill, own, before.tokens_left + refill - own - after.tokens_left)
