"""The criteria, applied to what is known of a product: on its details, or for free on what a deal shows. Pure.

On details every check is strict: what a product lacks, it does not meet. On a deal only what is surely wrong is out.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar, cast

from keepahead.keepa.objects import Deal, Product
from keepahead.keepa.times import to_keepa_minutes
from keepahead.work.discovery.criteria import Criteria, Range
from keepahead.work.discovery.measures import MEASURES, NEW
from keepahead.work.discovery.words import Words

T = TypeVar("T")

_INVALID = 4  # productType of an ASIN that Amazon does not know
_IN_STOCK = 0  # availabilityAmazon

Check = Callable[[T], bool | None]
"""True: meets the criterion; False: does not; None: nobody can say, for the product lacks what it asks about."""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why a product is not among the results: the criterion, and whether it only lacks what that asks about."""

    criterion: str
    lacks: bool = False


@dataclass(frozen=True, slots=True)
class Sieve(Generic[T]):
    """Checks by the names of their criteria, in order."""

    checks: tuple[tuple[str, Check[T]], ...]

    def reject(self, candidate: T) -> Rejection | None:
        """Return the first criterion that a candidate does not meet; None if it meets all."""
        for name, check in self.checks:
            answer = check(candidate)
            if not answer:
                return Rejection(name, lacks=answer is None)
        return None


def changed_since(criteria: Criteria, now: datetime) -> int:
    """Return the Keepa minute since which the price must have changed."""
    return to_keepa_minutes(now - timedelta(hours=criteria.changed_within_hours or 0))


def details_sieve(criteria: Criteria, now: datetime, names: Collection[str]) -> Sieve[Product]:
    """Return the checks on a product's details, of those criteria only that its details can answer."""
    every: dict[str, Check[Product]] = {
        "category": _category(criteria.category),
        "subcategory": _listed_in(criteria.subcategory),
        "branch": _below(criteria.branch),
        **{name: _within(name, ends) for name, ends in criteria.ranges.items()},
        "changed_within_hours": _changed(changed_since(criteria, now)),
        "amazon_in_stock": _stock(wanted=bool(criteria.amazon_in_stock)),
        "brands": _brand(criteria.brands, wanted=True),
        "brands_excluded": _brand(criteria.brands_excluded, wanted=False),
        "title": _title(criteria.title),
    }
    chosen = [(name, every[name]) for name in criteria.given if name in names]
    return Sieve((("known to Amazon", _is_known), *chosen))


def deal_sieve(criteria: Criteria, now: datetime) -> Sieve[Deal]:
    """Return the checks that cost nothing, on what a page of deals shows of each."""
    checks: list[tuple[str, Check[Deal]]] = []
    for name, (low, high) in criteria.ranges.items():
        csv_type = MEASURES[name].csv_type
        if csv_type is not None:
            checks.append((name, _deal_within(csv_type, low, high)))
    if criteria.subcategory is not None:
        checks.append(("subcategory", _deal_listed_in(criteria.subcategory)))
    if criteria.changed_within_hours is not None:
        checks.append(("changed_within_hours", _deal_changed(changed_since(criteria, now))))
    if criteria.title:
        checks.append(("title", _deal_title(criteria.title)))
    return Sieve(tuple(checks))


def _is_known(product: Product) -> bool:
    return product.get("productType") != _INVALID


def _category(node: int | None) -> Check[Product]:
    def check(product: Product) -> bool | None:
        root = product.get("rootCategory")
        return root == node if root else None

    return check


def _listed_in(node: int | None) -> Check[Product]:
    def check(product: Product) -> bool | None:
        listed = _list(product.get("categories"))
        return node in listed if listed else None

    return check


def _below(node: int | None) -> Check[Product]:
    def check(product: Product) -> bool | None:
        tree = _list(product.get("categoryTree"))
        path = [cast("Mapping[str, Any]", each).get("catId") for each in tree if isinstance(each, Mapping)]
        return node in path or node in _list(product.get("categories")) if path else None

    return check


def _within(name: str, ends: Range) -> Check[Product]:
    read = MEASURES[name].read
    low, high = ends

    def check(product: Product) -> bool | None:
        value = read(product)
        return None if value is None else _is_between(value, low, high)

    return check


def _is_between(value: int, low: int | None, high: int | None) -> bool:
    return (low is None or value >= low) and (high is None or value <= high)


def _changed(since: int) -> Check[Product]:
    def check(product: Product) -> bool | None:
        series = _entry_list(product.get("csv"), NEW)
        return None if len(series) < 2 else int(series[-2]) >= since

    return check


def _stock(*, wanted: bool) -> Check[Product]:
    def check(product: Product) -> bool | None:
        availability = product.get("availabilityAmazon")
        return None if type(availability) is not int else (availability == _IN_STOCK) == wanted

    return check


def _brand(brands: Sequence[str], *, wanted: bool) -> Check[Product]:
    named = {brand.casefold() for brand in brands}

    def check(product: Product) -> bool | None:
        brand = product.get("brand")
        if not brand:
            return None if wanted else True
        return (str(brand).strip().casefold() in named) == wanted

    return check


def _title(text: str | None) -> Check[Product]:
    words = Words(text or "")

    def check(product: Product) -> bool | None:
        return words.fit(product.title) if product.title else None

    return check


def _deal_within(csv_type: int, low: int | None, high: int | None) -> Check[Deal]:
    def check(deal: Deal) -> bool:
        value = _entry(deal.get("current"), csv_type)
        return type(value) is not int or value < 0 or _is_between(value, low, high)

    return check


def _deal_listed_in(node: int) -> Check[Deal]:
    def check(deal: Deal) -> bool:
        listed = _list(deal.get("categories"))
        return not listed or node in listed

    return check


def _deal_changed(since: int) -> Check[Deal]:
    def check(deal: Deal) -> bool:
        value = _entry(deal.get("currentSince"), NEW)
        return type(value) is not int or value <= 0 or value >= since

    return check


def _deal_title(text: str) -> Check[Deal]:
    words = Words(text)

    def check(deal: Deal) -> bool:
        title = deal.get("title")
        return not title or words.fit(str(title))

    return check


def _list(value: object) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []


def _entry(value: object, place: int) -> Any:
    entries = _list(value)
    return entries[place] if place < len(entries) else None


def _entry_list(value: object, place: int) -> list[Any]:
    return _list(_entry(value, place))
