"""The 36 series of a listing (Keepa's `csv`), each as rows (moment, value) or (moment, price, shipping).

Series that a listing does not have come back empty. What is asked for a window begins with the value at its start.
"""

import math
from collections.abc import Callable

from keepahead.simulator.catalogue.market import LANDED_SINCE, Market
from keepahead.simulator.catalogue.noise import noise, noises
from keepahead.simulator.catalogue.steps import Steps, changes
from keepahead.simulator.catalogue.traits import Traits, snap

COUNT = 36
TRIPLES = frozenset({7, *range(18, 30), 32})
PRICES = frozenset({0, 1, 2, *range(4, 11), *range(18, 34)})
Row = tuple[int, ...]
_DAY = 1_440
_MONTH = 43_830
_FORTNIGHT = 20_160
_QUARTER = 91 * _DAY


class Series:
    """All series of one listing, as far as `last` (Keepa minutes)."""

    def __init__(self, traits: Traits, last: int) -> None:
        self.traits = traits
        self.last = last
        self.since = min(traits.since, last)
        self._full: dict[int, list[Row]] = {}
        self._markets: dict[int, Market] = {}

    def market(self, first: int) -> Market:
        """Return the market from a moment on."""
        first = max(first, self.since)
        if first not in self._markets:
            self._markets[first] = Market(self.traits, first, self.last)
        return self._markets[first]

    def full(self, series: int) -> list[Row]:
        """Return a whole series."""
        if series not in self._full:
            self._full[series] = self.since_moment(series, self.since)
        return self._full[series]

    def now(self, series: int) -> int:
        """Return the newest value of a series, landed for triples, -1 when there is none."""
        rows = self.since_moment(series, self.last)
        return landed(rows[-1]) if rows else -1

    def since_moment(self, series: int, first: int) -> list[Row]:
        """Return a series from a moment on; the first row holds what is valid there."""
        maker = _MAKERS.get(series)
        if maker is None or (self.traits.type in {4, 5} and series != 3):
            return []
        return maker(self, max(first, self.since))

    def counts(self, series: int, first: int) -> list[Row]:
        """Return the number of new offers: all (11), with FBA or Amazon's (34), shipped by merchants (35)."""
        rows: list[Row] = []
        for moment, _, fba, fbm in self.market(first).best:
            row = (moment, fba + fbm if series == 11 else fba if series == 34 else fbm)
            if not rows or rows[-1][1] != row[1]:
                rows.append(row)
        if series == 11:
            return rows
        late = [row for row in rows if row[0] > LANDED_SINCE]
        early = [row for row in rows if row[0] <= LANDED_SINCE]
        if early and self.last >= LANDED_SINCE:
            late.insert(0, (max(LANDED_SINCE, early[-1][0]), early[-1][1]))
        return late

    def rank(self, first: int) -> list[Row]:
        """Return the sales rank (series 3): popular products are ranked more often; seasons and sales move it."""
        traits, key = self.traits, self.traits.own >> 7 & 0xFFFF
        calm = traits.log_rank > math.log(traits.root.ranks) * 0.9
        steps = Steps(key, 4_320 if calm else 1_440 if traits.log_rank > 7 else 720)
        swing = 0.9 if calm else 0.5 if traits.log_rank > 7 else 0.25
        rows: list[Row] = []
        fortnight, tide, previous = -1, 0.0, 0
        begin, end = steps.at(first), steps.at(self.last)
        moments = [first, *steps.starts(begin + 1, end)]
        for moment, roll in zip(moments, noises(key + 6, begin, end), strict=True):
            if moment // _FORTNIGHT != fortnight:
                fortnight = moment // _FORTNIGHT
                tide = traits.log_rank + self._tide(key, fortnight)
            rank = int(math.exp(tide + swing * (roll - 0.5))) or 1
            if rank != previous:
                rows.append((moment, rank))
                previous = rank
        return rows

    def _tide(self, key: int, fortnight: int) -> float:
        """Return how far (in natural logarithms) fashion and season move the rank in one fortnight."""
        month = (fortnight * _FORTNIGHT // _MONTH) % 12 + 1
        peak = self.traits.root.peak_month
        season = -0.35 if month == peak else 0.25 if abs(month - peak) in {5, 6, 7} else 0.0
        return 0.8 * (noise(key + 5, fortnight) - 0.5) + season

    def monthly_sold(self, first: int) -> list[Row]:
        """Return Amazon's "bought in past month" figure; nothing for products that sell less than 50."""
        traits, key = self.traits, self.traits.own >> 11 & 0xFFFF
        steps = Steps(key, 12 * _DAY)
        usual = 2_000_000 / (math.exp(traits.log_rank) + 12) ** 0.9 * traits.root.weight / 12

        def sold(k: int) -> int:
            return bracket(usual / 30 * (0.6 + 0.8 * noise(key, k)))

        if traits.type == 5 or usual / 30 < 60:
            return []
        return [*changes(steps, max(first, self.since), self.last, sold)]


def bracket(sold: float) -> int:
    """Round down to the steps in which Amazon publishes sales: 50, 100, 200 .. 1000, 2000 ..; below 50 none (-1)."""
    if sold < 50:
        return -1
    if sold < 100:
        return 50
    size = 10 ** int(math.log10(sold))
    return int(sold // size) * size


def landed(row: Row) -> int:
    """Return a row's value; for triples price plus shipping, -1 when nobody offers."""
    return row[1] + max(row[2], 0) if len(row) == 3 and row[1] >= 0 else row[1]


def _amazon(self: Series, first: int) -> list[Row]:
    return [*self.market(first).amazon]


def _new(self: Series, first: int) -> list[Row]:
    rows: list[Row] = []
    for best in self.market(first).best:
        if not rows or rows[-1][1] != best.price:
            rows.append((best.moment, best.price))
    return rows


def _used(*conditions: int, triple: bool) -> Callable[[Series, int], list[Row]]:
    def rows(self: Series, first: int) -> list[Row]:
        if not self.traits.used:
            return [] if triple else [(first, -1)]
        points = self.market(first).used(conditions)
        return [(moment, price, min(price, 0)) for moment, price in points] if triple else [*points]

    return rows


def _list_price(self: Series, first: int) -> list[Row]:
    traits = self.traits
    if traits.own >> 21 & 3 == 0:
        return [(first, -1)]
    mark_up = 1.12 + 0.08 * (traits.own >> 23 & 7)
    steps = Steps(traits.own >> 4 & 0xFFFF, 400 * _DAY)

    def price(k: int) -> int:
        return snap(traits, traits.price * (mark_up + 0.06 * noise(traits.own & 0xFFFF, k)))

    return [*changes(steps, first, self.last, price)]


def _side(kind: str) -> Callable[[Series, int], list[Row]]:
    def rows(self: Series, first: int) -> list[Row]:
        market = self.market(first)
        found: list[Row] = []
        for side in market.fbm if kind == "fbm" else market.fba:
            row = (side.moment, side.price, side.shipping) if kind == "fbm" else (side.moment, side.price)
            if not found or found[-1][1:] != row[1:]:
                found.append(row)
        return found if self.traits.type == 0 else []

    return rows


def _lightning(self: Series, first: int) -> list[Row]:
    """Return lightning deals: a price for some hours, every few weeks, for one product in twenty."""
    traits = self.traits
    if traits.own >> 13 & 31 or not traits.fba:
        return []
    steps = Steps(traits.own >> 5 & 0xFFFF, 40 * _DAY)
    rows: list[Row] = [(first, -1)]
    for k in range(steps.at(first - _DAY), steps.at(self.last) + 1):
        start, price = steps.start(k), snap(traits, traits.price * 0.78)
        if start > first:
            rows.append((start, price))
        elif start + 480 > first:
            rows = [(first, price)]
        if first < start + 480 <= self.last:
            rows.append((start + 480, -1))
    return rows


def _rare(bits: int, mask: int, factor: float, *, triple: bool, days: int = 55) -> Callable[[Series, int], list[Row]]:
    """Return a price series that only one listing in mask + 1 has, out of stock a third of the time."""

    def rows(self: Series, first: int) -> list[Row]:
        traits = self.traits
        if traits.own >> bits & mask or traits.type:
            return []
        key = traits.own >> (bits + 2) & 0xFFFF

        def price(k: int) -> int:
            roll = noise(key, k)
            return -1 if roll < 0.34 else snap(traits, traits.price * factor * (0.92 + 0.2 * roll))

        points = changes(Steps(key, days * _DAY), first, self.last, price)
        return [(moment, value, min(value, 0)) for moment, value in points] if triple else [*points]

    return rows


def _warehouse(self: Series, first: int) -> list[Row]:
    return _WAREHOUSE(self, first) if self.traits.amazon else []


_WAREHOUSE = _rare(17, 1, 0.8, triple=False, days=21)
_REFURBISHED = _rare(31, 15, 0.82, triple=False)
_COLLECTIBLE = _rare(35, 31, 1.4, triple=False)


def _is_there(price: Callable[[Series, int], list[Row]]) -> Callable[[Series, int], list[Row]]:
    """Return a count series: 1 while the price series has a price."""

    def rows(self: Series, first: int) -> list[Row]:
        found: list[Row] = []
        for row in price(self, first):
            count = int(row[1] >= 0)
            if not found or found[-1][1] != count:
                found.append((row[0], count))
        return found

    return rows


def _as_triple(price: Callable[[Series, int], list[Row]]) -> Callable[[Series, int], list[Row]]:
    def rows(self: Series, first: int) -> list[Row]:
        return [(row[0], row[1], min(row[1], 0)) for row in price(self, first)]

    return rows


def _retrievals(self: Series, first: int) -> list[Row]:
    """Return the log of offer retrievals: offers fetched, negative when there were more."""
    best = self.market(first).best
    return [(row.moment, -20 if row.fba + row.fbm > 20 else row.fba + row.fbm) for row in best[::3]]


def _rating(self: Series, first: int) -> list[Row]:
    traits = self.traits
    if not has_reviews(traits):
        return []
    usual = 35 + (traits.own >> 27) % 14

    def stars(k: int) -> int:
        return min(50, usual + round(2 * (noise(traits.own >> 6 & 0xFFFF, k) - 0.5)))

    return [*changes(Steps(traits.own >> 2 & 0xFFFF, 50 * _DAY), first, self.last, stars)]


def _reviews(self: Series, first: int) -> list[Row]:
    traits = self.traits
    if not has_reviews(traits):
        return []
    per_day = 40_000 / (math.exp(traits.log_rank) + 60) ** 0.75 / 30 + 0.01
    steps = Steps(traits.own >> 8 & 0xFFFF, (3 if per_day > 1 else 11) * _DAY)

    def count(k: int) -> int:
        return 1 + int(max(0, steps.start(k) - traits.since) / _DAY * per_day)

    return [*changes(steps, first, self.last, count)]


def has_reviews(traits: Traits) -> bool:
    """Say whether a listing has ratings: parents and one product in eight have none."""
    return traits.type != 5 and traits.own >> 45 & 7 != 0


def _buy_box(self: Series, first: int) -> list[Row]:
    rows: list[Row] = []
    for box in self.market(first).buy_box:
        if not rows or rows[-1][1:] != (box.price, box.shipping):
            rows.append((box.moment, box.price, box.shipping))
    return rows if self.traits.type == 0 else []


def _collectible(condition: int) -> Callable[[Series, int], list[Row]]:
    def rows(self: Series, first: int) -> list[Row]:
        return _as_triple(_COLLECTIBLE)(self, first) if collectible_condition(self.traits) == condition else []

    return rows


def collectible_condition(traits: Traits) -> int:
    """Return the condition (7..10) of a listing's collectible offer."""
    return 7 + (traits.own >> 30 & 3)


def _used_count(self: Series, first: int) -> list[Row]:
    return [*self.market(first).used_counts]


_MAKERS: dict[int, Callable[[Series, int], list[Row]]] = {
    0: _amazon,
    1: _new,
    2: _used(2, 3, 4, 5, triple=False),
    3: Series.rank,
    4: _list_price,
    5: _COLLECTIBLE,
    6: _REFURBISHED,
    7: _side("fbm"),
    8: _lightning,
    9: _warehouse,
    10: _side("fba"),
    11: lambda self, first: self.counts(11, first),
    12: _used_count,
    13: _is_there(_REFURBISHED),
    14: _is_there(_COLLECTIBLE),
    15: _retrievals,
    16: _rating,
    17: _reviews,
    18: _buy_box,
    19: _used(2, triple=True),
    20: _used(3, triple=True),
    21: _used(4, triple=True),
    22: _used(5, triple=True),
    23: _collectible(7),
    24: _collectible(8),
    25: _collectible(9),
    26: _collectible(10),
    27: _as_triple(_REFURBISHED),
    28: _rare(37, 15, 1.05, triple=True),
    29: _rare(39, 15, 0.7, triple=True),
    30: _rare(33, 15, 0.3, triple=False),
    32: _used(2, 3, 4, 5, triple=True),
    33: _rare(36, 31, 0.9, triple=False),
    34: lambda self, first: self.counts(34, first),
    35: lambda self, first: self.counts(35, first),
}
