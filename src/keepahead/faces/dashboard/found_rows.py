"""What a discovery found, a row for each product: as a table shows it, as it is sorted, and as it is written to a file.

Pure.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepahead.faces import analysis_rows, product_rows
from keepahead.faces.analysis_words import percent, points, star
from keepahead.faces.dashboard.judgement import WORDS
from keepahead.faces.dashboard.product_list import path_of
from keepahead.faces.sheet import Value
from keepahead.faces.words import money
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.product import Product
from keepahead.work.analysis.analyse import analyse
from keepahead.work.analysis.recommendation import Verdict
from keepahead.work.analysis.thresholds import Thresholds

_JUDGED = (
    "recommendation",
    "velocity",
    "risk",
    "roi",
    "fees",
    "buying_price",
    "buying_price_source",
    "profit",
    "target_price",
    "reasons",
)
_PLACES = tuple(place for place, field in enumerate(analysis_rows.FIELDS) if field.name in _JUDGED)

FIELDS = (*product_rows.FIELDS, *(analysis_rows.FIELDS[place] for place in _PLACES))
"""The columns of a file: those of the products, and what the analysis says of each."""

COLUMNS = (
    ("asin", "ASIN", "left"),
    ("title", "Title", "left"),
    ("verdict", "Recommendation", "left"),
    ("velocity", "Velocity", "right"),
    ("risk", "Risk", "right"),
    ("roi", "Return", "right"),
    ("price", "Price", "right"),
    ("rank", "Rank", "right"),
    ("offers", "Offers", "right"),
    ("rating", "Rating", "right"),
    ("sold", "Sold a month", "right"),
)
_BEST_FIRST = {verdict: place for place, verdict in enumerate(Verdict)}


@dataclass(frozen=True, slots=True)
class FoundRow:
    """One product: the texts of a table, the values by which they are sorted, and the values of FIELDS."""

    texts: dict[str, Any]
    keys: dict[str, Any]
    values: Sequence[Value]


def found_row(product: Product, now: datetime, thresholds: Thresholds) -> FoundRow:
    """Return the row of a product, judged."""
    seen = analyse(product, now=now, thresholds=thresholds)
    verdict, returns = seen.recommendation.verdict, seen.returns
    word, mood, _ = WORDS[verdict]
    rating, offers = product.current(CsvType.RATING), product.current(CsvType.COUNT_NEW)
    rank = product.current(CsvType.SALES)
    keys: dict[str, Any] = {
        "asin": product.asin,
        "title": product.title.casefold(),
        "verdict": _BEST_FIRST[verdict],
        "velocity": seen.velocity.value,
        "risk": seen.risk.value,
        "roi": returns.roi if returns else None,
        "price": seen.price.current,
        "rank": rank,
        "offers": offers,
        "rating": rating,
        "sold": product.monthly_sold,
    }
    texts = {
        "asin": product.asin,
        "to": path_of(product.asin, product.domain),
        "title": product.title or "no title",
        "verdict": word,
        "mood": f"kh-{mood}",
        "velocity": points(seen.velocity.value) or "-",
        "risk": points(seen.risk.value) or "-",
        "roi": f"{percent(returns.roi)}{star(seen)}" if returns else "-",
        "price": money(seen.price.current, product.domain) or "-",
        "rank": _whole(rank),
        "offers": _whole(offers),
        "rating": f"{rating / 10:.1f}" if rating else "-",
        "sold": f"{product.monthly_sold:,}+" if product.monthly_sold else "-",
    }
    judged = analysis_rows.row_of(seen)
    values = [*product_rows.rows_of([product])[0], *(judged[place] for place in _PLACES)]
    return FoundRow(texts, keys, values)


def in_order(rows: Sequence[FoundRow], column: str | None, *, descending: bool) -> Sequence[FoundRow]:
    """Return rows sorted by a column, as found without one; what has no value comes last either way."""
    if column is None or not rows or column not in rows[0].keys:
        return rows
    known = [row for row in rows if row.keys[column] is not None]
    unknown = [row for row in rows if row.keys[column] is None]
    return [*sorted(known, key=lambda row: row.keys[column], reverse=descending), *unknown]


def _whole(value: int | None) -> str:
    return "-" if value is None else f"{value:,}"
