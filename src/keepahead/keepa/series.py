"""A decoded price, rank or count series. A value holds from its time until the next one; Keepa notes changes only.

Pure: the present is an argument. Values are integers in the smallest unit (product-object.md, section 1).
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple

from keepahead.keepa import frames
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.money import Money
from keepahead.keepa.points import points_of
from keepahead.keepa.times import from_keepa_minutes, to_keepa_minutes

_MINUTES_A_DAY = 1440


class Point(NamedTuple):
    """From `at` on this value holds; None: no offer, no rank. `shipping` is what of it is shipping, if known."""

    at: datetime
    value: int | None
    shipping: int | None = None


class Gap(NamedTuple):
    """A time without a value; `until` is None while it lasts."""

    since: datetime
    until: datetime | None


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Series:
    """One series, oldest point first. `csv_type` is None outside Keepa's csv.

    `flat` is what Keepa sent: times in Keepa minutes, values, and with `width` 3 the shipping.
    """

    csv_type: CsvType | None
    domain: int
    flat: memoryview
    width: int = 2

    @staticmethod
    def of(csv_type: CsvType, domain: int, numbers: Sequence[int]) -> "Series":
        """Return the series of Keepa's flat numbers."""
        width = width_of(csv_type)
        return Series(csv_type, domain, points_of(numbers, width), width)

    def __len__(self) -> int:
        return len(self.flat) // self.width

    def __iter__(self) -> Iterator[Point]:
        return map(Point, self.times, self.values, self.shippings)

    def __getitem__(self, place: int) -> Point:
        first = range(len(self))[place]
        return Point(self._moment(first), self._values(first, first + 1)[0], self._shippings(first, first + 1)[0])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Series) and self._told() == other._told()

    def __hash__(self) -> int:
        return hash(self._told())

    def __reduce__(self) -> tuple[Any, ...]:
        return (_series, (self.csv_type, self.domain, self.flat.tolist(), self.width))

    def __repr__(self) -> str:
        name = self.csv_type.name if self.csv_type is not None else "Series"
        return f"<{name}, {len(self)} points{f' until {self._moment(-1):%Y-%m-%d %H:%M}' if len(self) else ''}>"

    @property
    def times(self) -> list[datetime]:
        """The times, aware, in UTC."""
        return list(map(from_keepa_minutes, self._times.tolist()))

    @property
    def values(self) -> list[int | None]:
        """The values, None where there is none. Where Keepa tells the shipping it is part of the price."""
        return self._values(0, len(self))

    @property
    def shippings(self) -> list[int | None]:
        """The shipping in each value; None where there is no offer, where it is not known, and where none is told."""
        return self._shippings(0, len(self))

    @property
    def gaps(self) -> list[Gap]:
        """The times without a value, from the first point on."""
        return list(self._gaps())

    @property
    def current(self) -> int | None:
        """The newest value. A lightning deal's may lie in the future: `at` asks for the present."""
        return self._values(len(self) - 1, len(self))[0] if len(self) else None

    def at(self, when: datetime) -> int | None:
        """Return the value at that moment; None before the first point."""
        return self._value_at(to_keepa_minutes(when))

    def money_at(self, when: datetime) -> Money | None:
        """Return the price at that moment with its currency; None if it is no price."""
        value = self.at(when)
        is_price = self.csv_type is not None and self.csv_type.unit == "money"
        return Money(value, self.domain) if is_price and value is not None else None

    def mean(self, days: float, *, until: datetime) -> float | None:
        """Return the mean of the days before `until`, weighted by time, gaps left out; None if there was no value."""
        held = self._held(days, until)
        total = sum(minutes for minutes, _ in held)
        return sum(minutes * value for minutes, value in held) / total if total else None

    def deviation(self, days: float, *, until: datetime) -> float | None:
        """Return the standard deviation in the days before `until`, weighted by time, gaps left out."""
        mean, held = self.mean(days, until=until), self._held(days, until)
        if mean is None:
            return None
        squares = sum(minutes * (value - mean) ** 2 for minutes, value in held)
        return math.sqrt(squares / sum(minutes for minutes, _ in held))

    def low(self, days: float, *, until: datetime) -> int | None:
        """Return the lowest value that held in the days before `until`."""
        return min((value for _, value in self._held(days, until)), default=None)

    def high(self, days: float, *, until: datetime) -> int | None:
        """Return the highest value that held in the days before `until`."""
        return max((value for _, value in self._held(days, until)), default=None)

    def gap_share(self, days: float, *, until: datetime) -> float:
        """Return which share of the days before `until` had no value, 0 to 1; 1 if nothing is known of them.

        The time before the first point counts neither way, as in Keepa's own percentages.
        """
        lasting = self._lasting(days, until)
        total = sum(minutes for minutes, _ in lasting)
        return sum(minutes for minutes, value in lasting if value is None) / total if total else 1.0

    def drops(self, days: float, *, until: datetime) -> int:
        """Return how often the value fell in the days before `until`; for ranks a sign of sales.

        Keepa's own count, which forgives some small ones, is `stats.sales_rank_drops30` and the like.
        """
        end = to_keepa_minutes(until)
        first = max(1, bisect_right(self._times, end - days * _MINUTES_A_DAY))
        values = self._values(first - 1, bisect_right(self._times, end))
        pairs = pairwise(values)
        return sum(before is not None and after is not None and after < before for before, after in pairs)

    def resample(self, step: timedelta, *, since: datetime, until: datetime) -> list[int | None]:
        """Return the value at `since`, one `step` later, and so on, not after `until`. Raises ValueError on no step."""
        if step <= timedelta():
            raise ValueError("a step must be longer than nothing")
        return [self.at(since + number * step) for number in range((until - since) // step + 1)]

    def to_numpy(self) -> "frames.Arrays":
        """Return times (datetime64[m], UTC) and values (float64, NaN in gaps). Needs the extra [data]."""
        return frames.to_numpy(self.columns())

    def to_polars(self) -> "frames.PolarsFrame":
        """Return a frame of `at` (UTC), `value` and, where it is told, `shipping`. Needs the extra [data]."""
        return frames.to_polars(self.columns())

    def to_pandas(self) -> "frames.PandasFrame":
        """Return a frame of `value` and, where it is told, `shipping`, by `at` (UTC). Needs the extra [data]."""
        return frames.to_pandas(self.columns())

    @property
    def _times(self) -> memoryview:
        return self.flat[:: self.width]

    @property
    def _is_signed(self) -> bool:
        return self.csv_type is not None and self.csv_type.is_signed

    def columns(self) -> frames.Columns:
        """Return the points for `frames`."""
        return frames.Columns(self.flat, self.width, self._is_signed)

    def _told(self) -> tuple[object, ...]:
        return (self.csv_type, self.domain, self.width, self.flat.tobytes())

    def _moment(self, place: int) -> datetime:
        return from_keepa_minutes(self._times[place])

    def _values(self, first: int, end: int) -> list[int | None]:
        first, end = first * self.width, end * self.width
        values = self.flat[first + 1 : end : self.width].tolist()
        if self.width == 3:
            shipping = self.flat[first + 2 : end : 3].tolist()
            return [value + max(0, ship) if value >= 0 else None for value, ship in zip(values, shipping, strict=True)]
        return [value if value >= 0 or self._is_signed else None for value in values]

    def _shippings(self, first: int, end: int) -> list[int | None]:
        if self.width == 2:
            return [None] * (end - first)
        triples = self.flat[first * 3 : end * 3]
        pairs = zip(triples[1::3].tolist(), triples[2::3].tolist(), strict=True)
        return [ship if value >= 0 and ship >= 0 else None for value, ship in pairs]

    def _value_at(self, minutes: int) -> int | None:
        place = bisect_right(self._times, minutes)
        return self._values(place - 1, place)[0] if place else None

    def _gaps(self) -> Iterator[Gap]:
        began: datetime | None = None
        for point in self:
            if point.value is None:
                began = began or point.at
            elif began:
                yield Gap(began, point.at)
                began = None
        if began:
            yield Gap(began, None)

    def _lasting(self, days: float, until: datetime) -> list[tuple[float, int | None]]:
        """Return for how many minutes of the days before `until` each value held, oldest first."""
        end = to_keepa_minutes(until)
        start = end - days * _MINUTES_A_DAY
        first, last = max(0, bisect_right(self._times, start) - 1), bisect_left(self._times, end)
        times = self._times[first:last].tolist()
        if not times:
            return []
        values = self._values(first, last)
        spans = zip(times, [*times[1:], end], values, strict=True)
        return [(till - max(since, start), value) for since, till, value in spans if till > max(since, start)]

    def _held(self, days: float, until: datetime) -> list[tuple[float, int]]:
        return [(minutes, value) for minutes, value in self._lasting(days, until) if value is not None]


def width_of(csv_type: CsvType) -> int:
    """Return how many numbers make one point."""
    return 3 if csv_type.has_shipping else 2


def _series(csv_type: CsvType | None, domain: int, numbers: list[int], width: int) -> Series:
    return Series(csv_type, domain, points_of(numbers, width), width)
