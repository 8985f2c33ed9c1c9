"""/deal: products whose price changed within the last 12 hours."""

from collections import Counter
from typing import Any, cast

from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.series import COUNT
from keepahead.simulator.catalogue.statistics import is_low, track
from keepahead.simulator.catalogue.taxonomy import id_in, roots
from keepahead.simulator.endpoints.filters import current, filters
from keepahead.simulator.endpoints.finder import candidates
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import DOMAINS, Outcome, Params, RejectedError

_PAGE = 150
_STRINGS = ("brand", "manufacturer", "color", "size", "model", "type", "binding", "itemTypeKeyword")
_LAST_PAGE = 66
_DAY = 1_440
_HALF_DAY = 720
_RANGES = (2 * _DAY, 7 * _DAY, 31 * _DAY, 90 * _DAY)
_TYPES = frozenset({0, 1, 2, 3, 5, 6, 7, 8, 9, 10, 18, 19, 20, 21, 22, 32, 33})


def deal(params: Params) -> Execute:
    """Read a deal request; what it returns executes it."""
    wanted = params.json_object("selection")
    domain, page = wanted.get("domainId"), wanted.get("page", 0)
    if domain not in DOMAINS:
        raise RejectedError("domainId is missing or outside its range.")
    if not isinstance(page, int) or not 0 <= page <= _LAST_PAGE:
        raise RejectedError("page is outside its range.", status=405)
    types = wanted.get("priceTypes")
    match types:
        case [int() as series] if series in _TYPES:
            pass
        case _:
            raise RejectedError("priceTypes takes exactly one supported type.")
    span = wanted.get("dateRange", 0)
    if span not in {0, 1, 2, 3}:
        raise RejectedError("dateRange is outside its range.", status=405)
    sort = wanted.get("sortType", 1)
    if not isinstance(sort, int) or abs(sort) not in {1, 2, 3, 4}:
        raise RejectedError("sortType is outside its range.", status=405)

    if not isinstance(wanted.get("minRating", -1), int):
        raise RejectedError("minRating is not a number.")
    _ids(wanted.get("includeCategories"))
    _ids(wanted.get("excludeCategories"))

    def answer(moment: Moment) -> dict[str, Any]:
        return _answer(moment, wanted, domain=int(domain), series=series, span=span, page=page, sort=sort)

    def execute(moment: Moment) -> Outcome:
        return Outcome(5, lambda: answer(moment))

    return execute


def _answer(
    moment: Moment, wanted: dict[str, Any], *, domain: int, series: int, span: int, page: int, sort: int
) -> dict[str, Any]:
    changed = _changed(moment, domain, series)
    every = [found for listing in changed if (found := _Deal(listing, series, span)).fits(wanted)]
    every.sort(key=lambda found: found.place(abs(sort)), reverse=sort < -1)
    counts = Counter(int(listing.attribute("rootCategory")) for listing in changed)
    names = {id_in(domain, root.cat_id): root.name for root in roots()}
    return {
        "deals": {
            "dr": [found.body() for found in every[page * _PAGE : (page + 1) * _PAGE]],
            "categoryIds": list(counts),
            "categoryNames": [names.get(cat_id, "?") for cat_id in counts],
            "categoryCount": list(counts.values()),
            "drDateIndex": None,
        },
        "dealsCached": False,
    }


def _changed(moment: Moment, domain: int, series: int) -> list[Listing]:
    """Return the listings whose series changed within 12 hours; worked out once an hour."""
    at = moment.now // 60 * 60

    def make() -> list[Listing]:
        catalogue = moment.catalogue
        every = (catalogue.listing(index, domain, at) for index in candidates(catalogue, domain, None))
        return [listing for listing in every if listing.at == at and len(listing.rows(series, at - _HALF_DAY)) > 1]

    return moment.catalogue.remember(("deals", domain, series, at), make)


class _Deal:
    """One candidate, seen through one price type and date range."""

    def __init__(self, listing: Listing, series: int, span: int) -> None:
        self.listing = listing
        self.series = series
        first = listing.at - _RANGES[span]
        seen = track(listing.rows(series, first), listing.at)
        self.current, self.average = seen.at(listing.at), seen.mean(first, listing.at)
        self.since = seen.moments[-1]
        self.before = seen.values[-2] if len(seen.values) > 1 else self.current
        known = self.current >= 0 and self.average >= 0
        self.delta = self.average - self.current if known else 0
        self.percent = round(self.delta * 100 / self.average) if known and self.average else 0

    def fits(self, wanted: dict[str, Any]) -> bool:
        """Say whether the deal passes the ranges and filters that are switched on."""
        if not self._direction(wanted):
            return False
        if wanted.get("isRangeEnabled") and not self._in_ranges(wanted):
            return False
        return not wanted.get("isFilterEnabled") or self._passes(wanted)

    def _direction(self, wanted: dict[str, Any]) -> bool:
        if wanted.get("isOutOfStock"):
            return self.current < 0
        if wanted.get("isBackInStock"):
            return self.before < 0 <= self.current
        if self.current < 0:
            return False
        return self.delta < 0 if wanted.get("isRisers") else self.delta > 0

    def _in_ranges(self, wanted: dict[str, Any]) -> bool:
        rank = current(self.listing, 3)
        values = {
            "currentRange": self.current,
            "deltaRange": self.delta,
            "deltaPercentRange": self.percent,
            "deltaLastRange": self.before - self.current,
            "salesRankRange": rank,
        }
        for name, value in values.items():
            match wanted.get(name):
                case [int() as least, int() as most]:
                    if value < max(least, 0 if name != "salesRankRange" else 1) or (most >= 0 and value > most):
                        return False
                case _:
                    pass
        return True

    def _passes(self, wanted: dict[str, Any]) -> bool:
        listing = self.listing
        listed = {listing.attribute("rootCategory"), *listing.attribute("categories")}
        include, exclude = _ids(wanted.get("includeCategories")), _ids(wanted.get("excludeCategories"))
        if (include and not listed & include) or listed & exclude:
            return False
        if current(listing, 16) < wanted.get("minRating", -1):
            return False
        if wanted.get("hasReviews") and current(listing, 17) <= 0:
            return False
        amazon = current(listing, 0) >= 0
        if (wanted.get("mustHaveAmazonOffer") and not amazon) or (wanted.get("mustNotHaveAmazonOffer") and amazon):
            return False
        if wanted.get("isLowest") and not self._is_low(listing.rows(self.series)):
            return False
        if wanted.get("isLowest90") and not self._is_low(listing.rows(self.series, listing.at - 90 * _DAY)):
            return False
        text = {"title": wanted["titleSearch"]} if wanted.get("titleSearch") else {}
        strings = {key: wanted[key] for key in _STRINGS if wanted.get(key)}
        return all(keep(listing) for keep in filters(text | strings))

    def _is_low(self, rows: list[tuple[int, ...]]) -> bool:
        seen = track(rows, self.listing.at)
        return is_low(self.current, seen.extreme(seen.moments[0], self.listing.at, min))

    def place(self, sort: int) -> float:
        """Return where the deal stands: newest, largest or best ranked first."""
        if sort == 3:
            rank = current(self.listing, 3)
            return rank if rank > 0 else 1 << 40
        return -(self.since, abs(self.delta), 0, abs(self.percent))[sort - 1]

    def body(self) -> dict[str, Any]:
        """Return Keepa's deal object."""
        listing, at = self.listing, self.listing.at
        seen = [track(listing.rows(n, at - _RANGES[-1]), at) for n in range(COUNT)]
        now = [found.at(at) for found in seen]
        averages = [[found.mean(at - span, at) for found in seen] for span in _RANGES]
        deltas = [[a - b if a >= 0 <= b else 0 for a, b in zip(row, now, strict=True)] for row in averages]
        percents = [
            [round(d * 100 / a) if a > 0 else 0 for d, a in zip(delta, row, strict=True)]
            for delta, row in zip(deltas, averages, strict=True)
        ]
        images = listing.attribute("images")
        return {
            "asin": listing.asin,
            "parentAsin": listing.attribute("parentAsin"),
            "title": listing.attribute("title"),
            "rootCat": listing.attribute("rootCategory"),
            "categories": listing.attribute("categories"),
            "image": [ord(letter) for letter in images[0]["m"]] if images else None,
            "current": now,
            "currentSince": [found.moments[-1] if found.moments else -1 for found in seen],
            "delta": deltas,
            "deltaPercent": percents,
            "avg": averages,
            "deltaLast": [_last_step(found.values) for found in seen],
            "creationDate": self.since,
            "lastUpdate": at,
            "lightningEnd": 0,
            "warehouseCondition": 0,
            "warehouseConditionComment": None,
        }


def _ids(entries: Any) -> set[int]:
    return {int(entry) for entry in cast("list[Any]", entries)} if isinstance(entries, list) else set()


def _last_step(values: list[int]) -> int:
    return values[-2] - values[-1] if len(values) > 1 and min(values[-2:]) >= 0 else 0
