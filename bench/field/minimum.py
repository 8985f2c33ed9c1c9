"""The least time that an amount of tokens takes out of Keepa's bucket. Pure."""

import math


def minimum_seconds(
    tokens: int, *, spendable: int, refill_rate: int, first_tick_seconds: float, tick_seconds: float
) -> float:
    """Return the seconds until `tokens` have been there to spend, by whole lumps at the ticks, if none lies idle.

    `spendable` is what may be spent at once: the opening balance less the floor; below 0, that much has to come first.
    The bucket's cap plays no part: what is spent as it comes never reaches it. Raises ValueError without a refill.
    """
    if refill_rate <= 0:
        raise ValueError(f"refill_rate must be above 0, not {refill_rate}")
    lumps = math.ceil(max(0, tokens - spendable) / refill_rate)
    return first_tick_seconds + (lumps - 1) * tick_seconds if lumps else 0.0
