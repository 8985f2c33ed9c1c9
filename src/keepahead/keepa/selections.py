"""What must hold inside the JSON requests: product finder, seller finder, deals, new trackings.

Source: protocol sheet sections 10.6, 10.7, 10.9, 10.11 and 10 of its object companion. Each check takes decoded JSON,
changes nothing, and raises `InvalidCallError`. A null value switches a filter off.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from keepahead.errors import InvalidCallError
from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.filters import (
    FINDER_PAGING,
    FilterKind,
    deal_filters,
    finder_filters,
)
from keepahead.keepa.parameters import Asin, asin_rule, shown

PER_PAGE_DEFAULT = 50
PER_PAGE_MAX = 10_000
RESULTS_MAX = 10_000
_ARRAY_MAX = 50
_SORT_FIELDS_MAX = 3
_KEYWORDS_MAX = 50
_DEAL_PAGE_MAX = 66  # 150 deals a page, 10,000 in all
_DEAL_CATEGORIES_MAX = 500
_DELTA_PERCENT_MIN = 10
_META_DATA_MAX = 500
# Open question 3.9: the docs name 18, the Java client 23 to 27. A refusal by Keepa is free, so both are let through.
_DEAL_PRICE_TYPES = frozenset({0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 32, 33})
_WAREHOUSE_CONDITIONS = frozenset({1, 2, 3, 4, 5, 24})  # open question 3.10: 24 is a typo in Keepa's docs for 4
_DIGITS = re.compile(r"-?[0-9]{1,19}")

Selection = Mapping[str, Any]


def check_finder(selection: Selection) -> None:
    """Check a product finder selection."""
    _check_kinds(selection, finder_filters())
    _check_array_lengths(selection)
    _check_paging(selection)
    _check_sort(selection.get("sort"))
    if all(name in FINDER_PAGING or value in (None, "", [], {}) for name, value in selection.items()):
        raise _error("no_filter", "The product finder needs at least one filter.", "selection")


def check_seller_finder(selection: Selection) -> None:
    """Check a seller finder selection; its filters and page limits are not documented."""
    _whole(selection, "page", 0, "page_out_of_range")
    _whole(selection, "perPage", 1, "perPage_out_of_range")


def check_deal(selection: Selection) -> None:
    """Check a deal request."""
    _check_domain(selection, "domainId")
    _check_kinds(selection, deal_filters())
    page = _whole(selection, "page", 0, "page_out_of_range")
    if page is not None and page > _DEAL_PAGE_MAX:
        raise _error("page_beyond_10000", "Keepa lists at most 10,000 deals: page 66 is the last.", "page")
    _check_price_types(selection.get("priceTypes"))
    _one_of(selection, "dateRange", range(5))
    _one_of(selection, "sortType", (1, 2, 3, 4, -1, -2, -3, -4))
    _whole(selection, "minRating", -1, "minRating_out_of_range", 50)
    for name in ("excludeCategories", "includeCategories"):
        if len(_as_list(selection.get(name))) > _DEAL_CATEGORIES_MAX:
            raise _error("too_many_categories", f"{name} takes at most 500 categories.", name)
    for condition in _as_list(selection.get("warehouseConditions")):
        if condition not in _WAREHOUSE_CONDITIONS:
            message = "warehouseConditions takes 1 new, 2 like new, 3 very good, 4 good, 5 acceptable."
            raise _error("invalid_warehouseConditions", message, "warehouseConditions")
    percent = selection.get("deltaPercentRange")
    if percent is not None and percent[0] < _DELTA_PERCENT_MIN:
        message = "deltaPercentRange starts at 10 percent or more."
        raise _error("deltaPercentRange_out_of_range", message, "deltaPercentRange")


def check_tracking(tracking: object) -> None:
    """Check one tracking creation object."""
    if not isinstance(tracking, Mapping):
        raise _error("invalid_tracking", "Each tracking must be a JSON object.", "tracking")
    fields = cast("Selection", tracking)
    asin = fields.get("asin")
    if asin is None or asin == "":
        raise _error("missing_asin", "Each tracking needs an asin.", "asin")
    if not isinstance(asin, str) or not Asin.PATTERN.fullmatch(asin):
        right = asin_rule(asin) if isinstance(asin, str) else Asin.RIGHT
        raise _error("invalid_asin", f"asin {right}, not {shown(asin)}.", "asin")
    _check_domain(fields, "mainDomainId")
    _whole(fields, "updateInterval", 0, "updateInterval_out_of_range", 25)
    for name in ("ttl", "individualNotificationInterval"):
        _whole(fields, name, None, f"invalid_{name}")
    for name in ("expireNotify", "desiredPricesInMainCurrency"):
        if not isinstance(fields.get(name), bool | None):
            raise _wrong_type(name, "true or false", fields[name])
    meta_data = fields.get("metaData")
    if not isinstance(meta_data, str | None):
        raise _wrong_type("metaData", "a text", meta_data)
    if meta_data is not None and len(meta_data) > _META_DATA_MAX:
        raise _error("metaData_too_long", f"metaData holds at most {_META_DATA_MAX} characters.", "metaData")
    for name in ("thresholdValues", "notifyIf"):
        _check_rules(fields, name)


def _check_rules(fields: Selection, name: str) -> None:
    rules = fields.get(name)
    if not isinstance(rules, list | None):
        raise _wrong_type(name, "a list of objects", rules)
    for rule in cast("list[object]", rules or []):
        if not isinstance(rule, Mapping):
            raise _wrong_type(name, "a list of objects", rule)
        _check_domain(cast("Selection", rule), "domain")
        _whole(cast("Selection", rule), "csvType", 0, "invalid_csvType")


def _check_kinds(selection: Selection, kinds: Mapping[str, FilterKind]) -> None:
    for name, value in selection.items():
        kind = kinds.get(name)
        if value is None or kind is None:
            continue
        if kind == "number" and (isinstance(value, bool) or not isinstance(value, int | float)):
            raise _wrong_type(name, "a number without quotes", value)
        if kind == "flag" and not isinstance(value, bool):
            raise _wrong_type(name, "true or false without quotes", value)
        if kind == "text" and not isinstance(value, str):
            raise _wrong_type(name, "a text", value)
        if isinstance(value, str) and kind == "text" and len(value.split()) > _KEYWORDS_MAX:
            raise _error("too_many_title_keywords", f"{name} takes at most {_KEYWORDS_MAX} keywords.", name)
        if kind == "numbers" and not all(_is_id(entry) for entry in _as_list(value)):
            raise _wrong_type(name, "a list of numbers", value)
        if kind == "range" and not _is_range(value):
            raise _wrong_type(name, "two numbers [min, max]", value)


def _is_id(value: object) -> bool:
    """Say whether Keepa reads this list entry as a number; its own website quotes them inside lists."""
    return (isinstance(value, int) and not isinstance(value, bool)) or (
        isinstance(value, str) and _DIGITS.fullmatch(value) is not None
    )


def _is_range(value: object) -> bool:
    ends = cast("list[object]", value if isinstance(value, list) else [])
    return len(ends) == 2 and all(type(end) is int for end in ends)


def _as_list(value: object) -> list[Any]:
    if value is None:
        return []
    return cast("list[Any]", value) if isinstance(value, list) else [value]


def _check_array_lengths(selection: Selection) -> None:
    kinds = finder_filters()
    for name, value in selection.items():
        if kinds.get(name) in ("texts", "numbers") and len(_as_list(value)) > _ARRAY_MAX:
            raise _error("too_many_array_entries", f"{name} takes at most {_ARRAY_MAX} entries.", name)


def _check_paging(selection: Selection) -> None:
    page = _whole(selection, "page", 0, "page_out_of_range") or 0
    size = _whole(selection, "perPage", PER_PAGE_DEFAULT, "perPage_out_of_range", PER_PAGE_MAX) or PER_PAGE_DEFAULT
    if page > 0 and (page + 1) * size > RESULTS_MAX:
        message = (
            f"The product finder lists at most 10,000 results: page {page} of {size} lies beyond; narrow the filters."
        )
        raise _error("paging_beyond_10000", message, "page")


def _check_sort(sort: object) -> None:
    if sort is None:
        return
    right = 'a list of at most three [field, "asc" or "desc"]'
    if not isinstance(sort, list):
        raise _wrong_type("sort", right, sort)
    entries = cast("list[object]", sort)
    if len(entries) > _SORT_FIELDS_MAX:
        raise _error("too_many_sort_fields", f"sort takes at most {_SORT_FIELDS_MAX} fields.", "sort")
    for entry in entries:
        pair: list[object] = _as_list(entry)
        if len(pair) != 2 or not isinstance(pair[0], str) or pair[1] not in ("asc", "desc"):
            raise _wrong_type("sort", right, entry)
        if pair[0].endswith(("_lte", "_gte")):
            raise _error("invalid_sort_field", "A sort field is a filter name without _lte or _gte.", "sort")


def _check_price_types(value: object) -> None:
    types = cast("list[object]", value) if isinstance(value, list) else []
    if len(types) != 1:
        raise _error("priceTypes_exactly_one", "priceTypes must be a list with exactly one price type.", "priceTypes")
    if type(types[0]) is not int:
        raise _wrong_type("priceTypes", "a list with one number", types[0])
    if types[0] not in _DEAL_PRICE_TYPES:
        message = f"Keepa has no deals for price type {shown(types[0])}."
        raise _error("priceTypes_not_deal_relevant", message, "priceTypes")


def _check_domain(fields: Selection, name: str) -> None:
    value = fields.get(name)
    if value is None:
        raise _error("missing_domain", f"{name} is missing: give 1 to 6 or 8 to 12.", name)
    if type(value) is not int or value not in DOMAINS:
        raise _error("invalid_domain", f"{name} must be a number, 1 to 6 or 8 to 12, not {shown(value)}.", name)


def _whole(fields: Selection, name: str, low: int | None, outside_code: str, high: int | None = None) -> int | None:
    """Return the whole number at `name`, or None; `low` and `high` None: no limit."""
    value = fields.get(name)
    if value is None:
        return None
    if type(value) is not int:
        raise _wrong_type(name, "a whole number without quotes", value)
    if (low is not None and value < low) or (high is not None and value > high):
        right = f"from {low} to {high}" if high is not None else f"of at least {low}"
        raise _error(outside_code, f"{name} must be a whole number {right}, not {shown(value)}.", name)
    return value


def _one_of(fields: Selection, name: str, values: range | tuple[int, ...]) -> None:
    value = fields.get(name)
    if value is not None and (type(value) is not int or value not in values):
        raise _wrong_type(name, "one of " + ", ".join(map(str, sorted(values))), value)


def _wrong_type(name: str, right: str, value: object) -> InvalidCallError:
    return _error(f"invalid_{name}", f"{name} must be {right}, not {shown(value)}.", name)


def _error(code: str, message: str, parameter: str) -> InvalidCallError:
    return InvalidCallError(code, message, parameter=parameter)
