"""What people write into the fields of a form. What cannot be used is a ValueError that says how to write it."""

from datetime import UTC, datetime, timedelta

from keepahead.budget.rule import CALLER_NAME, is_caller_name
from keepahead.faces.key_words import REQUESTS_MOST
from keepahead.faces.redaction import redacted
from keepahead.faces.words import clean

_DIGITS = 9
_FARTHEST = timedelta(days=36_500)


def read_tokens(text: str) -> int | None:
    """Read a number of tokens; empty is None."""
    number = _number(text)
    if number is None and text.strip():
        raise ValueError("write a number of tokens, such as 0 or 500")
    return number


def read_balance(text: str) -> int | None:
    """Read a balance, which may be negative; empty is None."""
    text = text.strip()
    number = _number(text.removeprefix("-"))
    if number is None and text:
        raise ValueError("write a number of tokens, such as 200")
    return None if number is None else -number if text.startswith("-") else number


def read_requests(text: str) -> int | None:
    """Read a number of requests a minute; empty is None."""
    number = _number(text)
    if (number is None and text.strip()) or (number is not None and not 1 <= number <= REQUESTS_MOST):
        raise ValueError(f"write a number from 1 to {REQUESTS_MOST:,}, or nothing for no limit")
    return number


def read_caller(text: str) -> str:
    """Read the name of a caller."""
    name = text.strip()
    if not is_caller_name(name):
        raise ValueError(CALLER_NAME)
    if redacted(name) != name:
        raise ValueError("this looks like a key, and names are seen by everybody; write another name")
    return name


def read_caller_or_none(text: str) -> str | None:
    """Read the name of a caller; empty is None."""
    return read_caller(text) if text.strip() else None


def read_words(text: str, longest: int) -> str:
    """Read a remark of at most so many characters; it may be empty."""
    words = redacted(clean(text))
    if len(words) > longest:
        raise ValueError(f"say it in {longest} characters; these are {len(words):,}")
    return words


def read_moment(text: str, now: datetime) -> datetime:
    """Read a moment to come, in UTC, as a browser's field for it gives it (2026-11-22T20:00)."""
    try:
        found = datetime.fromisoformat(text.strip()).replace(tzinfo=UTC)
    except ValueError:
        raise ValueError("choose a day and a time") from None
    if found <= now:
        raise ValueError("this has passed; choose a time that is to come (UTC)")
    if found - now > _FARTHEST:
        raise ValueError("this is more than 100 years from now")
    return found


def _number(text: str) -> int | None:
    """Read a whole number as people write it, 1,200 included; None if it is none."""
    digits = text.strip().replace(",", "")
    return int(digits) if digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS else None
