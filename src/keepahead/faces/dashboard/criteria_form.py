"""What is entered in the form of a discovery, as texts, and the criteria that it makes or what is wrong with it. Pure.

The texts are read as the commands read theirs. They are the page's query as well, so that a reload loses nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Literal, cast, get_args

from keepahead.errors import InvalidCallError
from keepahead.faces.ranges import NUMBER, Range, read_price_range, read_range, read_stars
from keepahead.keepa.domains import domain_id
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.roads import RoadName

Kind = Literal["whole", "money", "stars"]

LOW, HIGH = "_from", "_to"
"""What is put to the name of a range for the name of each of its two fields."""

SEPARATOR = ";"
"""Between brands; a comma may be part of one."""


@dataclass(frozen=True, slots=True)
class Span:
    """A range in two fields."""

    name: str
    label: str
    kind: Kind = "whole"
    is_first: bool = False


RANGES = (
    Span("rank", "Sales rank", is_first=True),
    Span("new_price", "Lowest new price", "money", is_first=True),
    Span("rating", "Rating, stars", "stars", is_first=True),
    Span("reviews", "Number of ratings", is_first=True),
    Span("new_offers", "New offers (sellers)", is_first=True),
    Span("sold", "Sold a month", is_first=True),
    Span("amazon_price", "Amazon's price", "money"),
    Span("buy_box_price", "Buy Box price", "money"),
    Span("fba_price", "Lowest FBA price", "money"),
    Span("used_price", "Lowest used price", "money"),
    Span("fba_offers", "New offers by FBA"),
    Span("used_offers", "Used offers"),
    Span("rank_drops_30", "Rank drops in 30 days"),
    Span("rank_drops_90", "Rank drops in 90 days"),
    Span("rank_drops_180", "Rank drops in 180 days"),
    Span("price_drop", "Percent below the mean price"),
)
"""The criteria that are ranges; those that are first are seen at once, the rest under "More"."""

SORTS = MappingProxyType(
    {
        "rank": "Best rank first",
        "price": "Lowest price first",
        "-price": "Highest price first",
        "sold": "Most sold first",
        "any": "Any order: the cheapest to find",
    }
)
ROADS = MappingProxyType({"": "The cheapest that answers", **{name: name for name in get_args(RoadName)}})
AMAZON = MappingProxyType({"": "Either", "yes": "In stock", "no": "Not in stock"})

AT_ONCE: frozenset[str] = frozenset(
    {
        "domain",
        "category",
        "sort",
        "max_results",
        *(each.name + end for each in RANGES if each.is_first for end in (LOW, HIGH)),
    }
)
"""The fields that are seen at once; the rest lie under "More"."""

DEFAULTS: Mapping[str, str] = MappingProxyType(
    {"domain": "US", "sort": "rank", "max_results": "20", "ratings": "yes", "histories": "yes"}
)
"""What stands in the form at first; all else is empty. Histories cost nothing more, and make the analysis better."""

NAMES: frozenset[str] = frozenset(
    {
        *DEFAULTS,
        *(each.name + end for each in RANGES for end in (LOW, HIGH)),
        "category",
        "subcategory",
        "branch",
        "changed_within_hours",
        "amazon",
        "brands",
        "brands_excluded",
        "title",
        "max_tokens",
        "road",
    }
)
"""The names of all fields."""

_NUMBER = re.compile(NUMBER)
_STARS_MOST = 5
_WHOLE = re.compile(r"[0-9]{1,19}")
_FIELD_OF: Mapping[str, str] = MappingProxyType(
    {
        "amazon_in_stock": "amazon",
        "with_rating": "ratings",
        "with_history": "histories",
    }
)


@dataclass(frozen=True, slots=True)
class Entered:
    """What the form says: criteria and a road, or `errors` by field; `prompt` says what is missing yet."""

    criteria: Criteria | None
    road: RoadName | None
    errors: Mapping[str, str]
    prompt: str = ""


def read(texts: Mapping[str, str]) -> Entered:
    """Read the texts of the fields."""
    told = {**DEFAULTS, **{name: text.strip() for name, text in texts.items() if name in NAMES}}
    reader = _Reader(told)
    given: dict[str, Any] = {each.name: reader.range(each) for each in RANGES}
    given |= {name: reader.whole(name) for name in ("category", "subcategory", "branch", "changed_within_hours")}
    given |= {name: reader.brands(name) for name in ("brands", "brands_excluded")}
    wanted = reader.whole("max_results")
    given["max_results"] = int(DEFAULTS["max_results"]) if wanted is None else wanted
    given["max_tokens"] = reader.whole("max_tokens")
    given["title"] = told.get("title") or None
    given["amazon_in_stock"] = {"yes": True, "no": False}.get(told.get("amazon", ""))
    given["with_rating"], given["with_history"] = (told[name] == "yes" for name in ("ratings", "histories"))
    given["sort"] = told["sort"]
    road = told.get("road") or None
    if road is not None and road not in get_args(RoadName):
        reader.errors["road"] = f"Write one of {', '.join(get_args(RoadName))}."
    if reader.domain is None or reader.errors:
        return Entered(None, None, reader.errors)
    try:
        criteria = Criteria(domain=reader.domain, **given)
    except InvalidCallError as error:
        return entered_wrongly(error, told)
    return Entered(criteria, cast("RoadName | None", road), {})


def entered_wrongly(error: InvalidCallError, texts: Mapping[str, str]) -> Entered:
    """Return what an error of the criteria, or of a road, says of the form with these texts."""
    words = str(error).replace("; nothing was sent.", ".").replace(" Nothing was sent.", "")
    if error.parameter is None:
        return Entered(None, None, {}, words)
    words = words.removeprefix(error.parameter).strip()
    field = _FIELD_OF.get(error.parameter, error.parameter)
    if field not in NAMES:
        field += LOW if texts.get(field + LOW) or not texts.get(field + HIGH) else HIGH
    return Entered(None, None, {field if field in NAMES else "road": words[:1].upper() + words[1:]})


class _Reader:
    """Reads one field after the other, and notes what is wrong."""

    def __init__(self, told: Mapping[str, str]) -> None:
        self._told = told
        self.errors: dict[str, str] = {}
        self.domain: int | None = None
        try:
            self.domain = domain_id(told["domain"])
        except InvalidCallError as error:
            self.errors["domain"] = str(error)

    def range(self, each: Span) -> Range:
        """Read both ends of a range."""
        return self._end(each, LOW), self._end(each, HIGH)

    def whole(self, name: str) -> int | None:
        """Read a whole number."""
        text = self._told.get(name, "")
        if not text:
            return None
        if not _WHOLE.fullmatch(text):
            self.errors[name] = f"{text!r:.40} is no whole number; write digits only."
            return None
        return int(text)

    def brands(self, name: str) -> tuple[str, ...]:
        """Read brands."""
        return tuple(filter(None, (each.strip() for each in self._told.get(name, "").split(SEPARATOR))))

    def _end(self, each: Span, which: str) -> int | None:
        text = self._told.get(each.name + which, "")
        if not text or self.domain is None:
            return None
        if not _NUMBER.fullmatch(text):
            example = {"whole": "20000", "money": "9.99", "stars": "4.2"}[each.kind]
            self.errors[each.name + which] = f"{text!r:.40} is no number; write it as {example}."
            return None
        try:
            match each.kind:
                case "money":
                    return read_price_range(f"{text}..", self.domain)[0]
                case "stars":
                    tenths = read_stars(f"{text}..")[0] or 0
                    if tenths > _STARS_MOST * 10:
                        raise ValueError(f"There are 0 to {_STARS_MOST} stars.")  # noqa: TRY301 - as those that are read
                    return tenths
                case "whole":
                    return read_range(f"{text}..")[0]
        except ValueError as error:
            self.errors[each.name + which] = str(error).replace(f"{text}..", text)
            return None
