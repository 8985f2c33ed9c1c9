"""A list of products that the bucket can never pay for at once: bought in parts that are kept, until all is there."""

from datetime import timedelta
from typing import Final

from keepahead.budget.account import Account
from keepahead.errors import InsufficientTokensError
from keepahead.keepa.calls import ProductCall
from keepahead.keepa.on_behalf import OnBehalf
from keepahead.keepa.wire import Answer

A_ROUND: Final = timedelta(minutes=5)
"""What is bought must keep for this much longer than the rest of it takes to refill."""


async def buy_in_parts(
    keepa: OnBehalf, call: ProductCall, never: InsufficientTokensError, account: Account | None
) -> tuple[Answer, ...]:
    """Buy what fits now, then ask for all again; what was bought comes from the archive then.

    Raises InsufficientTokensError until all is there: `wait_seconds` is when to come back. It raises `never`, which
    cannot be waited for, where the first part would be too old by the time of the last, or is not kept, or does not
    fit either.
    """
    if account is None or keepa.age_for(call) < _time_for(never.tokens_max, account):
        raise never
    error = never
    while error.wait_seconds is None:
        part = _part(error, account)
        if part is None:
            raise never
        await keepa.relay(part)
        try:
            return await keepa.relay(call)
        except InsufficientTokensError as again:
            if _missing(again) >= _missing(error):  # nothing of it was kept: it would be bought again and again
                raise never from None
            error = again
    raise error


def _missing(error: InsufficientTokensError) -> int:
    return len(error.call.items) if isinstance(error.call, ProductCall) else 0


def _time_for(tokens: int, account: Account) -> timedelta:
    rate = account.meter.net_rate_per_minute if account.meter else 0
    return A_ROUND + timedelta(minutes=tokens / rate) if rate else timedelta.max


def _part(error: InsufficientTokensError, account: Account) -> ProductCall | None:
    """Return as much of what is missing as fits now; if nothing does, what fits into a full bucket."""
    missing = error.call
    if not isinstance(missing, ProductCall) or account.meter is None:
        return None
    each = -(-error.tokens_max // len(missing.items))
    fits = (error.free - error.floor) // each
    if fits <= 0:
        fits = (account.meter.capacity - error.floor) // each
    return missing.narrowed(missing.items[:fits]) if 0 < fits < len(missing.items) else None
