"""Names of calls, and of the places that are kept for those who come back.

Those of calls begin with the hour, so that the ledger's index of them grows at its end and stays quick.
"""

import os
import secrets
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_HOURS_LENGTH = 4
_NOISE_LENGTH = 16
_DRAWN_AT_ONCE = 256
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_SIGNS = (_ALPHABET * 8).encode()  # for each byte one, all as often

_noise: list[str] = []
"""Drawn ahead: to ask the system for each would take longer than all the rest."""

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_noise.clear)  # a child must not give the same names


def new_call_id(now: datetime) -> str:
    """Return a name that nobody else has: 4 signs for the hour, 16 drawn at random (80 bits)."""
    return _written((now - _EPOCH) // _HOUR) + _drawn()


def _drawn() -> str:
    try:
        return _noise.pop()
    except IndexError:
        text = secrets.token_bytes(_NOISE_LENGTH * _DRAWN_AT_ONCE).translate(_SIGNS).decode()
        first, *more = (text[at : at + _NOISE_LENGTH] for at in range(0, len(text), _NOISE_LENGTH))
        _noise.extend(more)
        return first


@lru_cache(maxsize=16)
def _written(hours: int) -> str:
    return "".join(_ALPHABET[hours >> 5 * place & 31] for place in reversed(range(_HOURS_LENGTH)))


def appointment_of(caller: str, lane: str, asked: str) -> str:
    """Return the name of "this caller asks for this in this lane": the same for the same, in any process."""
    what = f"{lane}\n{asked}"
    return f"a:{sha256(caller.encode()).hexdigest()[:8]}:{sha256(what.encode()).hexdigest()[:24]}"
