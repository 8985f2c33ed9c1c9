"""The parameters of the routes, each declared once, and how texts of a query become what the core takes."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Path, Query
from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

from keepahead.errors import InvalidCallError
from keepahead.faces.gateway.problems import invalid
from keepahead.faces.ranges import Range, read_price_range, read_range, read_stars
from keepahead.keepa.domains import DOMAINS, domain_id

TEXT_MAX = 200
RANGE_MAX = 40
ANY: Range = (None, None)

_WHOLE = re.compile(r"-?(0|[1-9][0-9]{0,18})")
_PRICE = re.compile(r"[0-9]{1,12}(\.[0-9]{1,4})?")


def _read_whole(value: object) -> object:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        raise PydanticCustomError("whole_number", "Write a whole number in digits")
    return value


def _read_yes(value: object) -> object:
    if isinstance(value, str) and value not in {"true", "false", "1", "0"}:
        raise PydanticCustomError("true_or_false", "Write true or false")
    return value


Whole = Annotated[int, BeforeValidator(_read_whole)]
"""A whole number in a query: digits, nothing that merely resembles them."""

Yes = Annotated[bool, BeforeValidator(_read_yes)]
"""true or false in a query."""

_END = r"[0-9]{1,9}(\.[0-9])?"


def pattern(told: str) -> dict[str, Any]:
    """Return what the document says of a text whose errors are told in better words than that it does not match."""
    return {"pattern": told}


def range_query(example: str, *, name: str | None = None) -> Any:
    """Return the query parameter of a range, such as 10..50, 10.. or ..50."""
    extra = pattern(rf"^({_END}\.\.({_END})?|\.\.{_END})$")
    return Query(alias=name, max_length=RANGE_MAX, examples=[example], json_schema_extra=extra)


AsinPath = Annotated[
    str,
    Path(pattern=r"^[A-Z0-9]{10}$", min_length=10, max_length=10, description="An ASIN.", examples=["B0D8W1YVBX"]),
]

_SITES = "|".join(["[1-6]", "[89]", "1[0-2]", "UK", *(place.country for place in DOMAINS.values())])

DomainName = Annotated[
    str,
    Query(
        max_length=20,
        description='The marketplace: Keepa\'s number, "DE", "de" or "amazon.de".',
        examples=["US"],
        json_schema_extra=pattern(f"^({_SITES})$"),
    ),
]


async def site(domain: DomainName = "US") -> int:
    """Return Keepa's number of the marketplace. Raises Problem."""
    try:
        return domain_id(domain)
    except InvalidCallError as error:
        raise invalid(str(error), error.code, "domain") from None


Site = Annotated[int, Depends(site)]


def ranged(name: str, text: str | None, read: Callable[[str], Range] = read_range) -> Range:
    """Return a range of a query, open on both sides where there is none. Raises Problem."""
    if text is None:
        return ANY
    try:
        return read(text)
    except ValueError as error:
        raise invalid(f"{name}: {error}", "invalid_range", name) from None


def prices(name: str, text: str | None, domain: int) -> Range:
    """Return a range of prices in the smallest unit. Raises Problem."""
    return ranged(name, text, lambda given: read_price_range(given, domain))


def stars(name: str, text: str | None) -> Range:
    """Return a range of stars in tenths. Raises Problem."""
    return ranged(name, text, read_stars)


def price(name: str, text: str | None, domain: int) -> int | None:
    """Return one price in the smallest unit. Raises Problem."""
    if text is None:
        return None
    if not _PRICE.fullmatch(text):
        raise invalid(f"{name}: {text!r:.60} is no price; write 9.99", "invalid_price", name)
    return prices(name, f"{text}..{text}", domain)[0]


def moment_of(name: str, text: str | None) -> datetime | None:
    """Return a moment; without an offset it is in UTC. Raises Problem."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise invalid(f"{name}: write a day or a moment in ISO 8601", f"invalid_{name}", name) from None


def given(**options: Any) -> dict[str, Any]:
    """Return Keepa's options that were asked for: neither None nor a flag that is off."""
    return {name: value for name, value in options.items() if value is not None and value is not False}


def currency(domain: int) -> str:
    """Return the currency of a marketplace."""
    return DOMAINS[domain].currency
