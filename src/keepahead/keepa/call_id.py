"""Names of calls. They begin with the hour, so that the ledger's index of them grows at its end and stays quick."""

import secrets
from datetime import UTC, datetime, timedelta

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_HOURS_LENGTH = 4
_NOISE_LENGTH = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def new_call_id(now: datetime) -> str:
    """Return a name that nobody else has: 4 signs for the hour, 16 drawn at random (80 bits)."""
    hours = (now - _EPOCH) // timedelta(hours=1)
    return _written(hours, _HOURS_LENGTH) + _written(secrets.randbits(5 * _NOISE_LENGTH), _NOISE_LENGTH)


def _written(number: int, length: int) -> str:
    return "".join(_ALPHABET[number >> 5 * place & 31] for place in reversed(range(length)))
