"""What somebody wants to discover, checked when it is made: a criterion that contradicts itself never gets further.

Money is in the smallest unit of the marketplace, ratings are stars times ten, ends of a range are included.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Literal, cast, get_args

from keepahead.errors import InvalidCallError
from keepahead.keepa.domains import domain_id
from keepahead.work.discovery.words import Words

Range = tuple[int | None, int | None]
"""Both ends included; None is open."""

Sort = Literal["rank", "price", "-price", "sold", "any"]
"""What comes first: the best rank, the lowest or highest new price, the most sold; any: what is cheapest to find."""

ANY: Range = (None, None)
RESULTS_MAX = 10_000
_ID_MAX = 2**63 - 1
_HOURS_MAX = 24 * 365
_BRANDS_MAX = 50
_WORDS_MAX = 50

LIMITS: Mapping[str, tuple[int, int]] = MappingProxyType(
    {
        "rank": (1, 2**31 - 1),
        "amazon_price": (0, 2**31 - 1),
        "new_price": (0, 2**31 - 1),
        "used_price": (0, 2**31 - 1),
        "buy_box_price": (0, 2**31 - 1),
        "fba_price": (0, 2**31 - 1),
        "rating": (0, 50),
        "reviews": (0, 2**31 - 1),
        "new_offers": (0, 1_000_000),
        "used_offers": (0, 1_000_000),
        "fba_offers": (0, 1_000_000),
        "rank_drops_30": (0, 1_000_000),
        "rank_drops_90": (0, 1_000_000),
        "rank_drops_180": (0, 1_000_000),
        "sold": (0, 2**31 - 1),
        "price_drop": (-1_000_000, 100),
    }
)
"""The criteria that are ranges, and between which numbers each can lie."""

_HOW_MANY = {"new_price": "new_offers", "fba_price": "fba_offers", "used_price": "used_offers", "rating": "reviews"}
_WITHIN = (("rank_drops_30", "rank_drops_90"), ("rank_drops_90", "rank_drops_180"), ("fba_offers", "new_offers"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Criteria:
    """What is wanted; what is left out is any. Raises InvalidCallError, whose `parameter` names the criterion.

    `category` is a root category with all below it, `subcategory` one in which products are listed directly, `branch`
    any category with all below it. `new_price` is the lowest new price, `price_drop` by how many percent it lies below
    its mean of 90 days, `changed_within_hours` when it last changed. `title` are words that must be in the title
    ("-word" must not, quotes for a phrase).
    """

    domain: int | str
    category: int | None = None
    subcategory: int | None = None
    branch: int | None = None
    rank: Range = ANY
    amazon_price: Range = ANY
    new_price: Range = ANY
    used_price: Range = ANY
    buy_box_price: Range = ANY
    fba_price: Range = ANY
    rating: Range = ANY
    reviews: Range = ANY
    new_offers: Range = ANY
    used_offers: Range = ANY
    fba_offers: Range = ANY
    rank_drops_30: Range = ANY
    rank_drops_90: Range = ANY
    rank_drops_180: Range = ANY
    sold: Range = ANY
    price_drop: Range = ANY
    changed_within_hours: int | None = None
    amazon_in_stock: bool | None = None
    brands: tuple[str, ...] = ()
    brands_excluded: tuple[str, ...] = ()
    title: str | None = None
    sort: Sort = "rank"
    max_results: int = 20
    max_tokens: int | None = None
    with_rating: bool = True
    with_history: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "domain", domain_id(self.domain))
        object.__setattr__(self, "title", (self.title or "").strip() or None)
        for name in ("brands", "brands_excluded"):
            object.__setattr__(self, name, tuple(dict.fromkeys(brand.strip() for brand in getattr(self, name))))
        for name in LIMITS:
            _check_range(self, name)
        _check_alone(self)
        _check_together(self)

    @property
    def site(self) -> int:
        """Keepa's number of the marketplace."""
        return cast("int", self.domain)

    @property
    def ranges(self) -> dict[str, Range]:
        """The ranges that are given, by the names of their criteria."""
        return {name: getattr(self, name) for name in LIMITS if getattr(self, name) != ANY}

    @property
    def given(self) -> tuple[str, ...]:
        """The names of all criteria that are given."""
        names = [field.name for field in fields(self) if field.name not in _FRAME]
        return tuple(name for name in names if getattr(self, name) not in (None, (), ANY))

    @property
    def nodes(self) -> tuple[int, ...]:
        """The categories that are named, each once."""
        named = (self.category, self.subcategory, self.branch)
        return tuple(dict.fromkeys(node for node in named if node is not None))


_FRAME = frozenset({"domain", "sort", "max_results", "max_tokens", "with_rating", "with_history"})


def _check_range(criteria: Criteria, name: str) -> None:
    low, high = getattr(criteria, name)
    least, most = LIMITS[name]
    for end in (low, high):
        if end is not None and (type(end) is not int or not least <= end <= most):
            raise _error("out_of_range", name, f"must be whole numbers from {least:,} to {most:,}, not {end!r}")
    if low is not None and high is not None and low > high:
        raise _error("contradiction", name, f"contradicts itself: {low:,} is more than {high:,}")


def _check_alone(criteria: Criteria) -> None:
    if not criteria.given:
        message = "A discovery needs at least one criterion: a category, a rank, a price, a brand, words …"
        raise InvalidCallError("no_criterion", message)
    if criteria.sort not in get_args(Sort):
        raise _error("invalid_sort", "sort", f"must be one of {', '.join(get_args(Sort))}, not {criteria.sort!r}")
    if not 1 <= criteria.max_results <= RESULTS_MAX:
        raise _error("out_of_range", "max_results", f"must be 1 to {RESULTS_MAX:,}, not {criteria.max_results:,}")
    if criteria.max_tokens is not None and criteria.max_tokens < 0:
        raise _error("out_of_range", "max_tokens", f"must be 0 or more, not {criteria.max_tokens}")
    hours = criteria.changed_within_hours
    if hours is not None and not 1 <= hours <= _HOURS_MAX:
        raise _error("out_of_range", "changed_within_hours", f"must be 1 to {_HOURS_MAX:,} hours, not {hours}")
    for name in ("category", "subcategory", "branch"):
        node = getattr(criteria, name)
        if node is not None and not 0 < node <= _ID_MAX:
            raise _error("invalid_category", name, f"must be the id of a category, not {node}")
    for name in ("brands", "brands_excluded"):
        brands = getattr(criteria, name)
        if not all(brands):
            raise _error("empty_brand", name, "holds an empty name")
        if any(brand.startswith("✜") for brand in brands):
            raise _error("invalid_brand", name, "holds a name that begins with Keepa's own sign ✜")
    if len(criteria.brands) + len(criteria.brands_excluded) > _BRANDS_MAX:
        raise _error("too_many_brands", "brands", f"and those left out may be {_BRANDS_MAX} together")
    if criteria.title and len(criteria.title.split()) > _WORDS_MAX:
        raise _error("too_many_words", "title", f"takes at most {_WORDS_MAX} words")


def _check_together(criteria: Criteria) -> None:
    if criteria.amazon_in_stock is False and criteria.amazon_price != ANY:
        raise _clash("amazon_price", "asks for a price of Amazon's, and Amazon shall not have it in stock")
    both = {each.casefold() for each in criteria.brands} & {each.casefold() for each in criteria.brands_excluded}
    if both:
        raise _clash("brands", f"ask for {min(both)} and leave it out")
    if criteria.title:
        words = Words(criteria.title)
        if not words.wanted and not words.unwanted:
            raise _error("no_word", "title", "holds no word")
        if both := words.wanted & words.unwanted:
            raise _clash("title", f"asks for {min(both)!r} and leaves it out")
    for price, count in _HOW_MANY.items():
        if getattr(criteria, price) != ANY and getattr(criteria, count)[1] == 0:
            raise _clash(price, f"cannot be where {count} is 0")
    for inner, outer in _WITHIN:
        least, most = getattr(criteria, inner)[0], getattr(criteria, outer)[1]
        if least is not None and most is not None and least > most:
            raise _clash(inner, f"of at least {least:,} cannot be where {outer} is at most {most:,}")


def _clash(name: str, what: str) -> InvalidCallError:
    return _error("contradiction", name, what)


def _error(code: str, name: str, what: str) -> InvalidCallError:
    return InvalidCallError(code, f"{name} {what}; nothing was sent.", parameter=name)
