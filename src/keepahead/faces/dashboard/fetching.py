"""Fetching a product from Keepa: what it may cost is said before the button can be pressed, and why it cannot be."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any, cast

from nicegui import ui

from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.frame import say_done
from keepahead.faces.dashboard.purse import FAILURES, errand_of, may_not_spend, outlook, refusal_words, standing
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.gateway.gateway import Wish
from keepahead.faces.gateway.visit import visit_of
from keepahead.faces.words import tokens
from keepahead.keepa.calls import ProductCall
from keepahead.keepa.costs import quote
from keepahead.keepa.plans import ProductOptions
from keepahead.work.analysis.analyse import options_for

FETCH_AGE = timedelta(minutes=1)
"""What came within this is not paid for again: two who press at once want the same."""

OFFERS = 20


class Fetching:
    """The row with the choices, the button and what it costs; `fetched` is called when there is something new."""

    def __init__(self, scene: Scene, asin: str, domain: int, fetched: Callable[[], Awaitable[None]]) -> None:
        self._scene = scene
        self._asin = asin
        self._domain = domain
        self._fetched = fetched
        self._view: View | None = None
        self._is_busy = False
        self._reason = may_not_spend(scene)
        with ui.element("section").classes("kh-card").props('aria-label="Fetch from Keepa"'):
            with ui.element("div").classes("kh-line"):
                self._button = ui.button("Fetch", on_click=self._fetch, color=None).props("unelevated")
                self._button.classes("kh-main")
                self._choices = {
                    "buybox": ui.checkbox("with the Buy Box", value=True, on_change=self._show),
                    "rating": ui.checkbox("with the rating", on_change=self._show),
                    "offers": ui.checkbox(f"with up to {OFFERS} live offers", on_change=self._show),
                }
            self._words = ui.label().classes("kh-soft").props("role=status")
            self._failure = ui.label().classes("kh-bad").props("role=alert")
            self._failure.set_visibility(False)
        self._show()

    @property
    def options(self) -> ProductOptions:
        """What is asked of Keepa."""
        with_offers = bool(self._choices["offers"].value)
        options = options_for(buybox=bool(self._choices["buybox"].value) and not with_offers)
        extra: dict[str, Any] = {"rating": True} if self._choices["rating"].value and not with_offers else {}
        return cast("ProductOptions", {**options, **extra, **({"offers": OFFERS} if with_offers else {})})

    @property
    def tokens_max(self) -> int:
        """The most that it may cost."""
        options = cast("dict[str, Any]", self.options)
        return quote(ProductCall(asins=(self._asin,), domain=self._domain, **options)).tokens_max or 0

    def follow(self, view: View) -> None:
        """Take the account as it is now."""
        self._view = view
        self._show()

    def _show(self) -> None:
        most = self.tokens_max
        self._button.set_text(f"Fetch (at most {tokens(most)})")
        words, can_pay = "", True
        if self._reason is not None:
            words, can_pay = self._reason, False
        elif self._view is not None:
            if self._view.failure is not None:
                words, can_pay = f"The ledger cannot be read: {self._view.failure}", False
            else:
                ahead = outlook(standing(self._scene, self._view.account), most, self._scene.now)
                words, can_pay = ahead.words, ahead.wait_seconds == 0
        if self._is_busy:
            words = "Asking Keepa …"
        if self._words.text != words:
            self._words.set_text(words)
        self._button.set_enabled(can_pay and not self._is_busy)

    async def _fetch(self) -> None:
        most, options = self.tokens_max, self.options
        self._is_busy = True
        self._failure.set_visibility(False)
        self._show()
        try:
            errand = await errand_of(self._scene, Wish(max_age=FETCH_AGE, max_tokens=most))
            await errand.spend(lambda keepa: keepa.products([self._asin], domain=self._domain, **options))
            tally = visit_of(errand.request).tally
            say_done(f"{tokens(tally.consumed)} spent." if tally.consumed else "Nothing spent: the archive had it.")
            await self._fetched()
        except FAILURES as failure:
            self._failure.set_text(refusal_words(failure, self._scene.now))
            self._failure.set_visibility(True)
        finally:
            self._is_busy = False
            self._show()
