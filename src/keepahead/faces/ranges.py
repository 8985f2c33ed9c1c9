"""Ranges as people write them: 1..20000, 10.. or ..50, ends included. Pure."""

import re
from decimal import Decimal

from keepahead.keepa.domains import DOMAINS

Range = tuple[int | None, int | None]
"""Both ends included; None is open."""

NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,4})?"
_PRICE = re.compile(NUMBER)
RANGE = re.compile(rf"({NUMBER})?\.\.({NUMBER})?")


def read_range(text: str, decimals: int = 0, unit: str = "whole numbers") -> Range:
    """Read a range of numbers with so many decimals; return whole numbers of the smallest step. Raises ValueError."""
    found = RANGE.fullmatch(text.replace(" ", ""))
    if not found or not (found[1] or found[2]):
        raise ValueError(f"{text!r:.60} is no range; write 10..20, 10.. or ..20")
    ends = [None if end is None else Decimal(end).scaleb(decimals) for end in found.groups()]
    if any(end is not None and end != int(end) for end in ends):
        raise ValueError(f"{text!r:.60} must be in {unit}")
    low, high = (None if end is None else int(end) for end in ends)
    if low is not None and high is not None and low > high:
        raise ValueError(f"{text!r:.60} runs backwards; write the smaller end first")
    return low, high


def read_price_range(text: str, domain: int) -> Range:
    """Read a range of prices in the main unit of the marketplace (10.50; yen whole); return it in the smallest unit.

    Raises ValueError.
    """
    place = DOMAINS[domain]
    unit = f"{place.currency} with at most {place.decimals} decimals" if place.decimals else f"whole {place.currency}"
    return read_range(text, place.decimals, unit)


def read_stars(text: str) -> Range:
    """Read a range of stars (4.2..5); return it in tenths, as Keepa does. Raises ValueError."""
    return read_range(text, 1, "stars with at most one decimal")


def read_price(text: str, domain: int) -> int:
    """Read one price in the main unit of the marketplace; return it in the smallest unit. Raises ValueError."""
    if not _PRICE.fullmatch(text):
        raise ValueError(f"{text!r:.60} is no price; write 9.99")
    low, _ = read_price_range(f"{text}..", domain)
    return low or 0
