"""Values as people write them: ranges, moments, JSON, lists in files. Wrong ones are usage errors."""

import json
import re
import sys
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import typer

from keepahead.faces.ranges import NUMBER, RANGE, Range, read_price_range, read_range, read_stars
from keepahead.faces.words import meant

_PRICE = re.compile(NUMBER)
_AGE = re.compile(r"([0-9]{1,9})([smhdw])")
_COUNT = re.compile(r"[0-9]{1,9}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FARTHEST = timedelta(days=36_500)
_LARGEST_FILE = 10_000_000


def whole_range(text: str | None, option: str) -> Range:
    """Read 1..20000, 10.. or ..50."""
    return _read(text, option, read_range)


def price_range(text: str | None, option: str, domain: int) -> Range:
    """Read a range of prices in the main unit of the marketplace (10.50; yen whole); return it in the smallest unit."""
    return _read(text, option, lambda given: read_price_range(given, domain))


def price(text: str | None, option: str, domain: int) -> int | None:
    """Read one price in the main unit of the marketplace; return it in the smallest unit."""
    if text is None:
        return None
    low, high = price_range(f"{text}..{text}", option, domain) if _PRICE.fullmatch(text) else (None, None)
    if low is None or low != high:
        raise typer.BadParameter(f"{text!r} is no price; write 9.99", param_hint=f"'{option}'")
    return low


def stars_range(text: str | None, option: str) -> Range:
    """Read a range of stars (4.2..5); return it in tenths, as Keepa does."""
    return _read(text, option, read_stars)


def seconds_range(text: str, option: str) -> tuple[float, float]:
    """Read 0.2..1.5, or one number for both ends."""
    found = RANGE.fullmatch(text if ".." in text else f"{text}..{text}")
    if not found or not found[1] or not found[2] or float(found[2]) < float(found[1]):
        raise typer.BadParameter(f"{text!r} is no range of seconds; write 0.2..1.5", param_hint=f"'{option}'")
    return float(found[1]), float(found[2])


def moment(text: str | None, option: str, now: datetime) -> datetime | None:
    """Read an age (90s, 30m, 2h, 1d, 1w) or a local time (2026-11-22, 2026-11-22 10:00)."""
    if text is None:
        return None
    try:
        if age := _AGE.fullmatch(text):
            return now - timedelta(**{_UNITS[age[2]]: int(age[1])})
        return datetime.fromisoformat(text).astimezone(now.tzinfo)
    except (ValueError, OverflowError):
        message = f'{text!r} is no time; write an age (90s, 30m, 2h, 1d) or a local time ("2026-11-22 10:00")'
        raise typer.BadParameter(message, param_hint=f"'{option}'") from None


def moment_ahead(text: str | None, option: str, now: datetime) -> datetime | None:
    """Read a time that is yet to come: so long from now (30m, 2h, 1d, 1w), or a local time."""
    if text is None:
        return None
    try:
        ahead = age(text, option) if _AGE.fullmatch(text) else None
        found = datetime.fromisoformat(text).astimezone(now.tzinfo) if ahead is None else now + ahead
    except (ValueError, OverflowError):
        message = f'{text!r} is no time; write how long from now (30m, 2h, 1d) or a local time ("2026-11-22 10:00")'
        raise typer.BadParameter(message, param_hint=f"'{option}'") from None
    if found <= now:
        raise typer.BadParameter(f"{text!r} has passed; write a time that is to come", param_hint=f"'{option}'")
    if found - now > _FARTHEST:
        raise typer.BadParameter(f"{text!r} is more than 100 years from now", param_hint=f"'{option}'")
    return found


def age(text: str | None, option: str) -> timedelta | None:
    """Read a length of time (90s, 30m, 2h, 1d, 1w)."""
    if text is None:
        return None
    try:
        if found := _AGE.fullmatch(text):
            return timedelta(**{_UNITS[found[2]]: int(found[1])})
    except OverflowError:
        pass
    raise typer.BadParameter(f"{text!r} is no age; write 12h, 90d or 12w", param_hint=f"'{option}'")


def count_or_none(text: str, option: str) -> int | None:
    """Read a number of tokens, or none."""
    if text == "none":
        return None
    if _COUNT.fullmatch(text):
        return int(text)
    raise typer.BadParameter(f"{text!r} is no number of tokens; write 0, 500 or none", param_hint=f"'{option}'")


def one_of(text: str, known: tuple[str, ...], option: str) -> str:
    """Return the name if it is known."""
    if text in known:
        return text
    raise typer.BadParameter(f"{text!r} is not known; {meant(text, known)}", param_hint=f"'{option}'")


def listed(words: Sequence[str] | None, file: str | None) -> list[str]:
    """Return the words of the command line and those of a file: one a line, blank lines and # comments left out."""
    lines = text_of(file, "--file").splitlines() if file else []
    return [*(words or ()), *(word for line in lines if (word := line.partition("#")[0].strip()))]


def json_of(text: str, option: str) -> Any:
    """Read JSON given in place or as @file."""
    if text.startswith("@"):
        text = text_of(text[1:], option)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f" at character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        raise typer.BadParameter(f"this is no JSON{where}", param_hint=f"'{option}'") from None


def text_of(file: str, option: str) -> str:
    """Return what is in a file; - is stdin."""
    try:
        if file == "-":
            return sys.stdin.read()
        path = Path(file)
        if path.stat().st_size > _LARGEST_FILE:
            raise typer.BadParameter(f"{file} is larger than 10 MB", param_hint=f"'{option}'")
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise typer.BadParameter(f"{file} cannot be read: {reason}", param_hint=f"'{option}'") from None
    except ValueError:
        raise typer.BadParameter(f"{file} is no text in UTF-8", param_hint=f"'{option}'") from None


def _read(text: str | None, option: str, read: Callable[[str], Range]) -> Range:
    if text is None:
        return None, None
    try:
        return read(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=f"'{option}'") from None
