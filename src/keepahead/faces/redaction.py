"""Blots keys out of what is said: Keepa's, the gateway's, and whatever stands where a key belongs."""

import logging
import re

_MARK = "[key]"
_LENGTH = 64
_SHAPE = re.compile(r"[0-9A-Za-z]{64,}")  # longer runs too: %3D before a key adds two signs to it
_PLACE = re.compile(
    r"""( (?:\b|%3F|%26)key(?:=|%3D) | \bx-api-key["']?\s*[:=]\s*["']? | \bbearer\s+ ) (?:(?!%26)[^\s&#"'<>,;])+""",
    re.IGNORECASE | re.VERBOSE,
)


def redacted(text: str) -> str:
    """Return the text without keys: 64 letters and digits or more, and all that follows key=, X-API-Key: or Bearer."""
    lowered = text.lower()  # most texts hold no key: looking for these words takes a tenth of looking for the pattern
    if "key" in lowered or "bearer" in lowered:
        text = _PLACE.sub(rf"\1{_MARK}", text)
    return _SHAPE.sub(_MARK, text) if len(text) >= _LENGTH else text


class _Blot(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = redacted(record.getMessage()), ()
        return True


_BLOT = _Blot()
_TALKATIVE = ("connection", "http11", "http2", "proxy", "socks")


def blot_logs_of_http() -> None:
    """Have the library below httpx2 log no key: at DEBUG it shows the headers of answers; a redirect repeats the URL.

    Whoever asks for its lines still gets all of them.
    """
    for name in _TALKATIVE:
        logging.getLogger(f"httpcore2.{name}").addFilter(_BLOT)  # once, however often this is called
