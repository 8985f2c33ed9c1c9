"""The chart of price and rank with its ranges, and the same in figures."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

from nicegui import ui

from keepahead.faces.analysis_words import percent
from keepahead.faces.dashboard.plain_table import plain_table
from keepahead.faces.dashboard.price_chart import RANGES, chart_options
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.words import money
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.product import Product
from keepahead.work.analysis.chart import Picture
from keepahead.work.analysis.pictures import PRICES, picture_of

FIRST_RANGE = "90 days"
_COLUMNS = ("", "Now", "Lowest", "Mean", "Highest", "Without")


class PriceView:
    """The card with the chart."""

    def __init__(self, scene: Scene, product: Product) -> None:
        self._scene = scene
        self._product = product
        self._chart: ui.echart | None = None

    async def show(self) -> None:
        """Draw it."""
        with ui.element("section").classes("kh-card").props('aria-label="Price and rank"'):
            with ui.element("div").classes("kh-line"):
                ui.label("Price and rank").classes("kh-title kh-grow").props("role=heading aria-level=2")
                ranges = ui.toggle(list(RANGES), value=FIRST_RANGE, on_change=lambda event: self._draw(event.value))
                ranges.props('unelevated no-caps aria-label="Over how long"').classes("kh-choice")
            self._body = ui.element("div")
        await self._draw(FIRST_RANGE)

    async def _draw(self, name: str) -> None:
        picture, rows = await asyncio.to_thread(self._reckon, RANGES[name])
        if picture.is_empty:
            self._chart = None
            self._body.clear()
            with self._body:
                ui.label(self._nothing()).classes("kh-soft")
            return
        options = chart_options(picture, self._scene.palette)
        self._body.clear()
        with self._body:
            self._chart = ui.echart(options).classes("kh-chart")
            self._chart.props["role"] = "img"
            self._chart.props["aria-label"] = f"{picture.title}: price and rank, {picture.subtitle}"
            plain_table("Price and rank in figures", _COLUMNS, rows)

    def _nothing(self) -> str:
        if not self._product.every_series():
            return "This answer has no histories: fetch the product to see price and rank over time."
        return "There was neither a price nor a rank in this time; look over a longer one."

    def _reckon(self, days: int | None) -> tuple[Picture, Sequence[Sequence[str]]]:
        picture = picture_of(self._product, now=self._scene.now, days=days)
        return picture, figures_of(self._product, picture)


def figures_of(product: Product, picture: Picture) -> Sequence[Sequence[str]]:
    """Return name, present, lowest, mean and highest value of each line, and the share of the time without one."""
    days = max(1.0, (picture.until - picture.since) / timedelta(days=1))
    kinds = {name: kind for kind, name in PRICES}
    rows = [_figures(product, line.name, kinds[line.name], days, picture.until) for line in picture.prices]
    if picture.rank is not None:
        rows.append(_figures(product, "Sales rank", CsvType.SALES, days, picture.until))
    return rows


def _figures(product: Product, name: str, kind: CsvType, days: float, until: datetime) -> Sequence[str]:
    series = product.series(kind)
    is_price = kind.unit == "money"

    def told(value: float | None) -> str:
        if value is None:
            return "none"
        return (money(round(value), product.domain) or "none") if is_price else f"{value:,.0f}"

    values = (
        series.at(until),
        series.low(days, until=until),
        series.mean(days, until=until),
        series.high(days, until=until),
    )
    return [name, *map(told, values), percent(series.gap_share(days, until=until)) or ""]
