"""The real product objects that the catalogue holds beside its own, delivered as they were recorded."""

import gzip
from functools import lru_cache
from importlib.resources import files
from typing import Any, cast

import msgspec

from keepahead.simulator.catalogue.listing import HISTORIES, Wanted, flat, tracks_of
from keepahead.simulator.catalogue.offers import Offer
from keepahead.simulator.catalogue.series import COUNT, TRIPLES, Row
from keepahead.simulator.catalogue.statistics import statistics

RECORDED = ("B0D8W1YVBX", "B0F7XPYCSJ")
_DAY = 1_440


@lru_cache(maxsize=2)
def recorded(asin: str) -> dict[str, Any]:
    """Return a recorded product object."""
    packed = files("keepahead.simulator").joinpath("recordings", f"{asin}.json.gz").read_bytes()
    return msgspec.json.decode(gzip.decompress(packed))["products"][0]


class RecordedListing:
    """A real product object, delivered as it was recorded."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.at: int = body["lastUpdate"]

    @property
    def asin(self) -> str:
        """See Listing."""
        return self._body["asin"]

    def rows(self, series: int, first: int | None = None) -> list[Row]:
        """See Listing."""
        every = cast("list[list[int] | None]", self._body["csv"])
        numbers = every[series] or [] if series < len(every) else []
        width = 3 if series in TRIPLES else 2
        rows: list[Row] = [tuple(numbers[i : i + width]) for i in range(0, len(numbers), width)]
        if first is None or not rows:
            return rows
        start = max((i for i, row in enumerate(rows) if row[0] <= first), default=0)
        return [(max(first, rows[start][0]), *rows[start][1:]), *rows[start + 1 :]]

    def attribute(self, name: str) -> Any:
        """See Listing."""
        return self._body.get(name)

    def offer_count(self) -> int:
        """See Listing."""
        return int(self._body["stats"]["totalOfferCount"])

    def offers(self) -> list[Offer]:
        """See Listing: offers were not recorded."""
        return []

    def buy_box_seller(self) -> str:
        """See Listing."""
        return self._body["stats"].get("buyBoxSellerId") or "-1"

    def body(self, wanted: Wanted) -> dict[str, Any]:
        """See Listing. Without options that change it, exactly what was recorded."""
        body = dict(self._body)
        if wanted.days is not None:
            self._trim(body, self.at - wanted.days * _DAY)
        if not wanted.history:
            for name in HISTORIES:
                body.pop(name, None)
        if wanted.offers:
            body |= {"offers": [], "liveOffersOrder": [], "offersSuccessful": wanted.retrieved}
        if wanted.stats is not None and wanted.stats[0] > self.at - 90_000 * _DAY:
            start, end = wanted.stats
            fresh = statistics(tracks_of(self, frozenset(range(COUNT))), self.at, start, min(end, self.at))
            interval = ("avg", "atIntervalStart", "minInInterval", "maxInInterval", "outOfStockPercentageInInterval")
            body["stats"] = body["stats"] | {name: fresh[name] for name in interval}
        return body

    def _trim(self, body: dict[str, Any], first: int) -> None:
        every = range(len(body["csv"]))
        body["csv"] = [flat(self.rows(n), first) for n in every]
        for name in ("buyBoxSellerIdHistory", "salesRankReferenceHistory"):
            pairs = body.get(name)
            if pairs:
                start = max((i for i in range(0, len(pairs), 2) if int(pairs[i]) <= first), default=0)
                body[name] = pairs[start:]
        ranks = cast("dict[str, list[int]]", body["salesRanks"])
        body["salesRanks"] = {
            cat: flat([(pairs[i], pairs[i + 1]) for i in range(0, len(pairs), 2)], first)
            for cat, pairs in ranks.items()
        }
