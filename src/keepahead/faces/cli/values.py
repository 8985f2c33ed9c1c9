"""Values as people write them: ranges, moments, JSON, lists in files. Wrong ones are usage errors."""

import json
import re
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import typer

from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.filters import nearest_name

Range = tuple[int | None, int | None]
"""Both ends included; None is open."""

_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,4})?"
_RANGE = re.compile(rf"({_NUMBER})?\.\.({_NUMBER})?")
_PRICE = re.compile(_NUMBER)
_AGE = re.compile(r"([0-9]{1,9})([smhdw])")
_COUNT = re.compile(r"[0-9]{1,9}")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_FARTHEST = timedelta(days=36_500)
_LARGEST_FILE = 10_000_000


def whole_range(text: str | None, option: str) -> Range:
    """Read 1..20000, 10.. or ..50."""
    return _range(text, option, 0, "whole numbers")


def price_range(text: str | None, option: str, domain: int) -> Range:
    """Read a range of prices in the main unit of the marketplace (10.50; yen whole); return it in the smallest unit."""
    place = DOMAINS[domain]
    unit = f"{place.currency} with at most {place.decimals} decimals" if place.decimals else f"whole {place.currency}"
    return _range(text, option, place.decimals, unit)


def price(text: str | None, option: str, domain: int) -> int | None:
    """Read one price in the main unit of the marketplace; return it in the smallest unit."""
    if text is None:
        return None
    low, high = price_range(f"{text}..{text}", option, domain) if _PRICE.fullmatch(text) else (None, None)
    if low is None or low != high:
        raise typer.BadParameter(f"{text!r} is no price; write 9.99", param_hint=f"'{option}'")
    return low


def decimal_range(text: str | None, option: str, decimals: int, unit: str) -> Range:
    """Read a range of numbers with so many decimals; return whole numbers of the smallest step."""
    return _range(text, option, decimals, unit)


def seconds_range(text: str, option: str) -> tuple[float, float]:
    """Read 0.2..1.5, or one number for both ends."""
    found = _RANGE.fullmatch(text if ".." in text else f"{text}..{text}")
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
    nearest = nearest_name(text, known)
    advice = f"did you mean {nearest}?" if nearest else f"known are {', '.join(known)}"
    raise typer.BadParameter(f"{text!r} is not known; {advice}", param_hint=f"'{option}'")


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


def _range(text: str | None, option: str, decimals: int, unit: str) -> Range:
    if text is None:
        return None, None
    found = _RANGE.fullmatch(text.replace(" ", ""))
    if not found or not (found[1] or found[2]):
        raise typer.BadParameter(f"{text!r} is no range; write 10..20, 10.. or ..20", param_hint=f"'{option}'")
    ends = [None if end is None else Decimal(end).scaleb(decimals) for end in found.groups()]
    if any(end is not None and end != int(end) for end in ends):
        raise typer.BadParameter(f"{text!r} must be in {unit}", param_hint=f"'{option}'")
    low, high = (None if end is None else int(end) for end in ends)
    if low is not None and high is not None and low > high:
        raise typer.BadParameter(f"{text!r} runs backwards; write the smaller end first", param_hint=f"'{option}'")
    return low, high
