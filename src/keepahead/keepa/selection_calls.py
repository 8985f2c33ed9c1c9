"""The calls that carry a JSON selection. Source: protocol sheet sections 10.6, 10.7 and 10.9."""

import json
import re
from collections.abc import Mapping
from dataclasses import field
from functools import lru_cache
from typing import Any, ClassVar

from keepahead.keepa.call import BRAZIL_WARNING, BaseCall, BrazilUndocumentedCall, call_class, option, query_of
from keepahead.keepa.domains import BRAZIL
from keepahead.keepa.filters import deal_filters, finder_filters, nearest_name
from keepahead.keepa.json_text import JsonText
from keepahead.keepa.parameters import DomainNumber, flag
from keepahead.keepa.selections import PER_PAGE_DEFAULT, check_deal, check_finder, check_seller_finder

_GET_MAX = 2000  # characters of an encoded selection (sheet section 1: prefer POST above it)
_ESCAPED = re.compile(rb"[^A-Za-z0-9_.~-]")
_DEAL_DATE_RANGE_UNDOCUMENTED = 4
_RESEMBLED_MOST = 20

UnknownFilters = tuple[tuple[str, str | None], ...]


@call_class
class FinderCall(BaseCall):
    """The product finder (/query): ASINs that match `selection`, Keepa's JSON, given as a mapping and kept as text.

    `stats` adds aggregates over all matches, whose price depends on their number. `post` only chooses the HTTP method;
    a long selection is posted anyway.
    """

    endpoint: ClassVar[str] = "query"
    domain: int = option(converter=DomainNumber())
    selection: str = option(converter=JsonText("selection"))
    stats: bool | None = option(converter=flag("stats"), default=None)
    post: bool = field(default=False, compare=False)

    def __post_init__(self) -> None:
        self._convert()
        check_finder(self.filters)

    @property
    def filters(self) -> dict[str, Any]:
        """Return a copy of the selection."""
        return json.loads(self.selection)

    @property
    def page(self) -> int:
        """Return the page, from 0."""
        return self.filters.get("page") or 0

    @property
    def per_page(self) -> int:
        """Return how many ASINs a page holds."""
        return self.filters.get("perPage") or PER_PAGE_DEFAULT

    @property
    def unknown_filters(self) -> UnknownFilters:
        """Return the filters that we do not know, each with the known name that resembles it."""
        return _unknown_finder_filters(self.selection)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for each unknown filter."""
        return _unknown_warnings(self.unknown_filters)

    @property
    def method(self) -> str:
        """Return POST if it was asked for or the selection is too long for an URL."""
        return "POST" if self.post or _encoded_length(self.selection) > _GET_MAX else "GET"

    def query(self) -> dict[str, str]:
        """Return the query parameters; the selection is one of them in a GET."""
        query = query_of(self)
        if self.method == "POST":
            del query["selection"]
        return query

    def body(self) -> bytes | None:
        """Return the selection in a POST."""
        return self.selection.encode() if self.method == "POST" else None


@call_class
class DealCall(BaseCall):
    """One page (150) of deals that match `selection`, Keepa's JSON, which also names the domain; always posted."""

    endpoint: ClassVar[str] = "deal"
    selection: str = option(converter=JsonText("selection"))

    def __post_init__(self) -> None:
        self._convert()
        check_deal(self.filters)

    @property
    def filters(self) -> dict[str, Any]:
        """Return a copy of the selection."""
        return json.loads(self.selection)

    @property
    def domain(self) -> int:
        """Return the domain that stands in the selection."""
        return self.filters["domainId"]

    @property
    def unknown_filters(self) -> UnknownFilters:
        """Return the filters that we do not know, each with the known name that resembles it."""
        return _unknown(self.filters, deal_filters())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return sentences on unknown filters, on the undocumented, and on filters that are switched off."""
        filters = self.filters
        found = list(_unknown_warnings(self.unknown_filters))
        if filters["domainId"] == BRAZIL:
            found.append(BRAZIL_WARNING)
        if filters.get("dateRange") == _DEAL_DATE_RANGE_UNDOCUMENTED:
            found.append("dateRange 4 is not documented")
        kinds = deal_filters()
        for switch, kind in (("isRangeEnabled", ("range",)), ("isFilterEnabled", ("texts", "text"))):
            given = [name for name, value in filters.items() if value is not None and kinds.get(name) in kind]
            if given and not filters.get(switch):
                found.append(f"{given[0]} has no effect without {switch}: true")
        return tuple(found)

    @property
    def method(self) -> str:
        """Return POST."""
        return "POST"

    def query(self) -> dict[str, str]:
        """Return nothing: all is in the body."""
        return {}

    def body(self) -> bytes | None:
        """Return the selection."""
        return self.selection.encode()


@call_class
class SellerFinderCall(BrazilUndocumentedCall):
    """The seller finder (/sellerquery): ids of sellers that match `selection`. Without perPage it has no bound."""

    endpoint: ClassVar[str] = "sellerquery"
    domain: int = option(converter=DomainNumber())
    selection: str = option(converter=JsonText("selection"))

    def __post_init__(self) -> None:
        self._convert()
        check_seller_finder(self.filters)

    @property
    def filters(self) -> dict[str, Any]:
        """Return a copy of the selection."""
        return json.loads(self.selection)

    @property
    def per_page(self) -> int | None:
        """Return how many sellers a page holds, None if the selection does not say."""
        return self.filters.get("perPage")


def _encoded_length(text: str) -> int:
    data = text.encode()
    return len(data) + 2 * len(_ESCAPED.findall(data))


def _unknown(filters: Mapping[str, Any], known: Mapping[str, object]) -> UnknownFilters:
    """Return all that are unknown; of the first few what they resemble: nobody mistypes more.

    A hundred thousand would take a quarter of an hour, in which nobody else is served.
    """
    names = [name for name in filters if name not in known]
    nearest = [nearest_name(name, known) for name in names[:_RESEMBLED_MOST]]
    return (*zip(names[:_RESEMBLED_MOST], nearest, strict=True), *((name, None) for name in names[_RESEMBLED_MOST:]))


@lru_cache(maxsize=64)
def _unknown_finder_filters(selection: str) -> UnknownFilters:
    """Remember the answer: resembling a thousand names takes milliseconds, and `quote` asks each time."""
    return _unknown(json.loads(selection), finder_filters())


def _unknown_warnings(unknown: UnknownFilters) -> tuple[str, ...]:
    return tuple(
        f'unknown filter "{name}" is passed on' + (f': did you mean "{nearest}"?' if nearest else "")
        for name, nearest in unknown
    )
