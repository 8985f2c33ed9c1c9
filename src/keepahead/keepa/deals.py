"""Deals and lightning deals (product-object.md, sections 7 and 9)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

from keepahead.keepa import fields
from keepahead.keepa.fields import Field, KeepaObject, amount, count, flag, moment, node, seller_id, text, wholes
from keepahead.keepa.stats import ByType, figures

Span = Literal["day", "week", "month", "quarter"]
_SPANS: tuple[Span, ...] = ("day", "week", "month", "quarter")
_Table = tuple[tuple[int | None, ...], ...]


def _table(*names: str) -> Field[_Table]:
    return Field(lambda raw, _: tuple(map(_line, fields.items(raw))), (), names)


def _line(raw: msgspec.Raw) -> tuple[int | None, ...]:
    try:
        return tuple(fields.whole_values(raw))
    except msgspec.ValidationError:
        return ()


class Deal(KeepaObject, frozen=True, eq=False):
    """A product whose price has just changed. Means of a day are over 48 hours."""

    asin = text()
    parent_asin = text()
    root_category = node("rootCat")
    categories = wholes()
    current = figures()
    current_since = figures()
    creation_date = moment()
    last_update = moment()
    lightning_end = moment()
    warehouse_condition = count()
    warehouse_condition_comment = text()

    _title = text("title")
    _image = wholes("image")
    _avg, _delta, _delta_percent = _table("avg"), _table("delta"), _table("deltaPercent")

    @property
    def title(self) -> str:
        """The title as people write it; empty if Keepa has none."""
        return fields.unescaped(self._title)

    @property
    def image_url(self) -> str | None:
        """Where its picture lies."""
        name = "".join(chr(code) for code in self._image if 0 < code < 128)
        return f"https://m.media-amazon.com/images/I/{name}" if name else None

    def mean(self, span: Span) -> ByType[int]:
        """Return the mean price or rank over the span."""
        return ByType(tuple(None if each is None or each < 0 else each for each in _of_span(self._avg, span)))

    def delta(self, span: Span) -> ByType[int]:
        """Return how much lower the value is than the mean: positive for a drop."""
        return ByType(_of_span(self._delta, span))

    def delta_percent(self, span: Span) -> ByType[int]:
        """Return the same in percent."""
        return ByType(_of_span(self._delta_percent, span))


def _of_span(table: _Table, span: Span) -> tuple[int | None, ...]:
    """Return the values by type; some sources describe the table the other way round (product-object.md, 7)."""
    place = _SPANS.index(span)
    if len(table) <= len(_SPANS):
        return table[place] if place < len(table) else ()
    return tuple(line[place] if place < len(line) else None for line in table)


@dataclass(frozen=True, slots=True)
class Deals:
    """One page of deals, and how many there are in each root category, filters on categories aside."""

    deals: tuple[Deal, ...]
    category_counts: Mapping[int, int]
    category_names: Mapping[int, str]


class LightningDeal(KeepaObject, frozen=True, eq=False):
    """A lightning deal. It has no price while it is upcoming."""

    domain_id = count()
    asin = text()
    deal_id = text()
    deal_state = text()
    deal_price = amount()
    current_price = amount()
    image = text()
    seller_id = seller_id()
    seller_name = text()
    start_time = moment()
    end_time = moment()
    last_update = moment()
    percent_claimed = count()
    percent_off = count()
    rating = count()
    total_reviews = count()
    is_prime_eligible = flag()
    is_fulfilled_by_amazon = flag()
    is_map = flag("isMAP")

    _title = text("title")

    @property
    def title(self) -> str:
        """The title as people write it; empty if Keepa has none."""
        return fields.unescaped(self._title)

    def is_running(self, now: datetime) -> bool:
        """Whether it has begun and not ended."""
        return bool(self.start_time and self.end_time and self.start_time <= now < self.end_time)
