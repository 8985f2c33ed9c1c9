"""Keepa's times and ours: integers on the wire, aware UTC datetimes everywhere else.

Source: protocol sheet section 6. Keepa counts minutes since 2011-01-01 00:00 UTC; 0 and -1 usually mean "unknown". That
is for the reader of the field to decide: a listing from before 2011 is truly negative.
"""

from datetime import UTC, datetime, timedelta

_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEEPA_EPOCH = datetime(2011, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)
_MILLISECOND = timedelta(milliseconds=1)


def from_keepa_minutes(minutes: int) -> datetime:
    """Return the moment that is `minutes` after 2011-01-01 UTC. Raises `ValueError` outside the years 1 to 9999."""
    return _after(_KEEPA_EPOCH, minutes, _MINUTE, "Keepa minutes")


def from_unix_ms(milliseconds: int) -> datetime:
    """Return the moment `milliseconds` after 1970-01-01 UTC. Raises `ValueError` outside the years 1 to 9999."""
    return _after(_UNIX_EPOCH, milliseconds, _MILLISECOND, "Unix milliseconds")


def to_keepa_minutes(moment: datetime) -> int:
    """Return the whole minutes from 2011-01-01 UTC to `moment`, rounded down. Raises `ValueError` if it is naive."""
    if moment.utcoffset() is None:
        message = f"{moment.isoformat()} has no time zone: Keepa minutes need an aware datetime."
        raise ValueError(message)
    return (moment - _KEEPA_EPOCH) // _MINUTE


def _after(epoch: datetime, count: int, unit: timedelta, noun: str) -> datetime:
    try:
        return epoch + count * unit
    except OverflowError:
        message = f"These {noun} lie outside the years 1 to 9999."
        raise ValueError(message) from None
