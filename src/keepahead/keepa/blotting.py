"""Takes the key out of what comes back, however it is spelled there: nothing above ever sees it. Pure."""

import re
from functools import lru_cache

_MARK = b"***"
_SHORTEST_KEY = 16
"""A shorter key is no secret, and could be any word of a body."""

# Letters and digits are written as they are by everybody but who hides something, so that hardly any body has these.
_DISGUISES = (
    re.compile(rb"\\u00(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"),
    re.compile(rb"%(?:3[0-9]|[46][1-9A-Fa-f]|[57][0-9Aa])"),
)


def without_key(body: bytes, key: str) -> bytes:
    """Return the bytes with the key blotted out, should Keepa have repeated it.

    In capitals or not, and with any of its signs as JSON or a URL escapes them, once.
    """
    if len(key) < _SHORTEST_KEY:
        return body
    plain = key.encode()
    body = body.replace(plain, _MARK)
    if plain.lower() in body.lower() or any(each.search(body) for each in _DISGUISES):
        return _spelled(key).sub(_MARK, body)
    return body


@lru_cache(maxsize=4)
def _spelled(key: str) -> re.Pattern[bytes]:
    """Return what finds a key in all its spellings; slow, so it is used where there is reason to."""
    return re.compile(b"".join(map(_any_of, key)), re.IGNORECASE)


def _any_of(sign: str) -> bytes:
    codes = "|".join(f"{ord(each):02x}" for each in sorted({sign.lower(), sign.upper()}))
    return rf"(?:{re.escape(sign)}|(?:\\u00|%)(?:{codes}))".encode()
