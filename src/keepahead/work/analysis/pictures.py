"""From a product to what its chart shows. Pure."""

from datetime import datetime, timedelta

from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.objects import Product
from keepahead.keepa.series import Series
from keepahead.work.analysis.chart import Line, Picture, gaps

PRICES = ((CsvType.BUY_BOX_SHIPPING, "Buy Box"), (CsvType.NEW, "New"), (CsvType.AMAZON, "Amazon"))
"""The prices that are drawn, the one that leads first."""
_EVER = timedelta(days=20_000)


def picture_of(product: Product, *, now: datetime, days: int | None) -> Picture:
    """Return price and rank over the last so many days, or over all there is.

    The last day is the present, or Keepa's last look at the product if that is older.
    """
    until = min(now, product.last_update or now)
    asked = until - (_EVER if days is None else timedelta(days=days))
    since = min(until, max(asked, _first(product) or asked))
    prices = tuple(line for kind, name in PRICES if (line := _line(name, product.series(kind), since, until)))
    rank = _line("sales rank", product.series(CsvType.SALES), since, until)
    place = DOMAINS.get(product.domain)
    return Picture(
        title=product.title or product.asin,
        subtitle=_subtitle(
            product, since, until, any(gaps(line.points, until) for line in (*prices[:1], *_known(rank)))
        ),
        currency=place.currency if place else "",
        decimals=place.decimals if place else 2,
        prices=prices,
        rank=rank,
        since=since,
        until=until,
    )


def _line(name: str, series: Series, since: datetime, until: datetime) -> Line | None:
    """Return what a series says between two moments, its value at the first one included."""
    inside = [(point.at, point.value) for point in series if since < point.at <= until]
    if len(series) and series.times[0] <= since:
        inside.insert(0, (since, series.at(since)))
    return Line(name, tuple(inside)) if any(value is not None for _, value in inside) else None


def _first(product: Product) -> datetime | None:
    firsts = [
        series.times[0] for kind in (CsvType.SALES, *(kind for kind, _ in PRICES)) if (series := product.series(kind))
    ]
    return min(firsts, default=None)


def _subtitle(product: Product, since: datetime, until: datetime, has_gaps: bool) -> str:
    place = DOMAINS.get(product.domain)
    category = next((step.name for step in product.category_tree if step.name), None)
    parts = (
        product.asin,
        place.site if place else "",
        f"{_day(since)} to {_day(until)}",
        f"rank in {category}" if category else "",
        "grey: no offer, no rank" if has_gaps else "",
    )
    return "  ·  ".join(part for part in parts if part)


def _day(moment: datetime) -> str:
    return f"{moment.day} {moment:%b %Y}"


def _known(line: Line | None) -> tuple[Line, ...]:
    return (line,) if line else ()
