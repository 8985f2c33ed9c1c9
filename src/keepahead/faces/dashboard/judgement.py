"""The analysis of a product with its reasons, for a buying price that one may say."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from functools import partial

from nicegui import ui

from keepahead.faces.analysis_words import figure_rows, market_facts, money_facts, points, rest_facts
from keepahead.faces.dashboard.plain_table import facts_table, plain_table
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.ranges import read_price
from keepahead.faces.words import currency
from keepahead.keepa.product import Product
from keepahead.work.analysis.analyse import Analysis, analyse
from keepahead.work.analysis.figures import WINDOWS
from keepahead.work.analysis.recommendation import Verdict
from keepahead.work.analysis.score import Score

WORDS = {
    Verdict.STRONG_BUY: ("Strong buy", "good", "verified"),
    Verdict.BUY: ("Buy", "good", "check_circle"),
    Verdict.CONSIDER: ("Consider", "warn", "help"),
    Verdict.SKIP: ("Skip", "bad", "cancel"),
}
"""How each recommendation is said, its mood, and its sign."""


class Judgement:
    """The card with the analysis."""

    def __init__(self, scene: Scene, product: Product) -> None:
        self._scene = scene
        self._product = product

    async def show(self) -> None:
        """Draw it."""
        with ui.element("section").classes("kh-card").props('aria-label="Analysis"'):
            with ui.element("div").classes("kh-line"):
                ui.label("Analysis").classes("kh-title kh-grow").props("role=heading aria-level=2")
                self._price = ui.input(f"Your buying price, {currency(self._product.domain)}", on_change=self._reckon)
                self._price.props("outlined dense clearable debounce=400 inputmode=decimal maxlength=20")
            self._body = ui.element("div").classes("kh-page")
        await self._reckon()

    async def _reckon(self) -> None:
        text = (self._price.value or "").strip()
        try:
            price = read_price(text, self._product.domain) if text else None
        except ValueError as error:
            self._price.error = str(error)
            return
        self._price.error = None
        thresholds = self._scene.house.gateway.usual.analysis
        judge = partial(analyse, buying_price=price, now=self._scene.now, thresholds=thresholds)
        seen = await asyncio.to_thread(judge, self._product)
        if (self._price.value or "").strip() != text or self._body.is_deleted:
            return  # another price was said meanwhile
        self._body.clear()
        with self._body:
            _draw(seen)


def _draw(seen: Analysis) -> None:
    with ui.element("div").classes("kh-grid"):
        with ui.element("div"):
            word, mood, icon = WORDS[seen.recommendation.verdict]
            with ui.element("div").classes(f"kh-verdict kh-{mood}"):
                ui.icon(icon).props("aria-hidden=true")
                ui.label(word)
            with ui.element("ul").classes("kh-reasons").props('aria-label="Reasons"'):
                for reason in seen.recommendation.reasons:
                    with ui.element("li"):
                        ui.label(reason)
        _score("Velocity", "how fast it sells; more is better", seen.velocity)
        _score("Risk", "what may go wrong; less is better", seen.risk)
    plain_table("Figures", ("", "Now", *(f"{days} days" for days in WINDOWS)), figure_rows(seen))
    with ui.element("div").classes("kh-pair"):
        with ui.element("div"):
            ui.label("Market").classes("kh-title").props("role=heading aria-level=3")
            facts_table("Market", market_facts(seen))
        with ui.element("div"):
            ui.label("Money").classes("kh-title").props("role=heading aria-level=3")
            facts_table("Money", [*money_facts(seen), *rest_facts(seen)] or [("money", "no price is known")])


def _score(name: str, hint: str, score: Score) -> None:
    with ui.element("div"):
        ui.label(f"{name}, 0 to 100: {hint}").classes("kh-soft")
        ui.label(points(score.value) or "unknown").classes("kh-value kh-numbers")
        if score.value is not None:
            bar = ui.element("div").classes("kh-track").props("aria-hidden=true")
            with bar:
                ui.element("div").classes("kh-fill").style(f"width: {score.value:.0f}%")
        with ui.element("ul").classes("kh-reasons"):
            for reason in score.reasons:
                with ui.element("li"):
                    ui.label(reason)
