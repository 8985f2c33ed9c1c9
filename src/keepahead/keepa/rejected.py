"""With which HTTP status Keepa refuses a call that we do not send: 400 what is wrong, 405 what is out of range. Pure.

A few things it refuses within an answer: HTTP 200, an error and no payload (protocol sheet, sections 3 and 4).
"""

import re
from collections.abc import Mapping

from keepahead.errors import InvalidCallError

_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NO_NUMBERS = frozenset(
    ("asin", "category", "code", "list", "selection", "seller", "state", "term", "tracking", "type", "types", "url")
)
"""What is wrong with these is not that a number is too large."""

_OUT_OF_RANGE = frozenset(
    (
        "invalid_dateRange",
        "invalid_sortType",
        "page_beyond_10000",
        "paging_beyond_10000",
        "too_many_asins",
        "too_many_codes",
        "too_many_sellers",
        "too_many_trackings",
    )
)
_WITHIN_AN_ANSWER = frozenset(("invalid_url", "month_not_available", "offers_out_of_range"))


def status_of(error: InvalidCallError, given: Mapping[str, str]) -> int:
    """Return the status for an error in the parameters `given`."""
    code, name = error.code, error.parameter or ""
    value = given.get(name, "").strip()
    if code == "unknown_path":
        return 404
    if code in _WITHIN_AN_ANSWER:
        return 400 if name == "offers" and given.get("code") and int(value) == 0 else 200
    if code in _OUT_OF_RANGE or code.endswith("_out_of_range"):
        return 405
    if code == "too_many_categories":
        return 405 if name == "category" else 400
    is_number = name not in _NO_NUMBERS and _WHOLE.fullmatch(value)
    return 405 if code.startswith("invalid_") and is_number else 400
