"""One product from all sides: what it is, price and rank over time, offers, the analysis; and fetching it anew."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio

from nicegui import ui

from keepahead.faces.dashboard.board import View
from keepahead.faces.dashboard.fetching import Fetching
from keepahead.faces.dashboard.judgement import Judgement
from keepahead.faces.dashboard.moments import moment
from keepahead.faces.dashboard.offer_list import show_offers
from keepahead.faces.dashboard.price_view import PriceView
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.shelf import Archived, take_out
from keepahead.faces.gateway.routes.products import is_unknown
from keepahead.faces.words import currency, money
from keepahead.keepa.contents import EVER, ProductContents
from keepahead.keepa.csv_types import CsvType
from keepahead.keepa.domains import DOMAINS
from keepahead.keepa.product import Product

_PRICES = (
    (CsvType.BUY_BOX_SHIPPING, "Buy Box"),
    (CsvType.NEW, "new"),
    (CsvType.AMAZON, "Amazon"),
    (CsvType.USED, "used"),
)


class ProductView:
    """The page of one product: from the archive, and anew where somebody fetches it."""

    def __init__(self, scene: Scene, asin: str, domain: int) -> None:
        self._scene = scene
        self._asin = asin
        self._domain = domain
        self._age: ui.label | None = None
        self._archived: Archived | None = None
        self._head = ui.element("section").classes("kh-card").props('aria-label="The product"')
        self._fetching = Fetching(scene, asin, domain, self.show)
        self._body = ui.element("div").classes("kh-page")
        scene.follow(self.follow)

    async def show(self) -> None:
        """Show what the archive has. Raises LedgerError."""
        inventory = self._scene.house.books.inventory
        self._archived = found = await asyncio.to_thread(take_out, inventory, self._asin, self._domain)
        self._head.clear()
        self._body.clear()
        if found is None or is_unknown(found.product):
            with self._head:
                self._missing(found)
            return
        product = found.product
        with self._head:
            self._card(product, found)
        with self._body:
            await PriceView(self._scene, product).show()
            await Judgement(self._scene, product).show()
            show_offers(product, self._scene.now)

    def _missing(self, found: Archived | None) -> None:
        ui.label(self._asin).classes("kh-title").props("role=heading aria-level=1")
        site = DOMAINS[self._domain].site
        if found is None:
            ui.label(f"The archive holds nothing of this product on {site}.")
        else:
            at = moment(found.fetched_at, self._scene.now)
            ui.label(f"Keepa did not know this product on {site}, {at}.").classes("kh-warn")

    def _card(self, product: Product, found: Archived) -> None:
        title = ui.label(product.title or self._asin).classes("kh-name").props("role=heading aria-level=1")
        title.props["title"] = self._asin
        way = " > ".join(step.name for step in product.category_tree if step.name)
        facts = (product.brand, DOMAINS[self._domain].site, self._asin, way)
        ui.label("  ·  ".join(fact for fact in facts if fact)).classes("kh-soft")
        with ui.element("div").classes("kh-figures"):
            for name, text in _figures(product, self._domain):
                with ui.element("div"):
                    ui.label(name).classes("kh-soft")
                    ui.label(text).classes("kh-value kh-numbers")
        self._age = ui.label().classes("kh-soft")
        self._age.set_text(self._age_words(found))

    def _age_words(self, found: Archived) -> str:
        words = f"Answer of {moment(found.fetched_at, self._scene.now)}, with {held_words(found.holds)}."
        if found.newer_at is None:
            return words
        return f"{words} A newer one without histories came {moment(found.newer_at, self._scene.now)}."

    def follow(self, view: View) -> None:
        """Take the account as it is now."""
        self._fetching.follow(view)
        if self._age is not None and self._archived is not None and not self._age.is_deleted:
            self._age.set_text(self._age_words(self._archived))


def held_words(held: ProductContents) -> str:
    """Say what an archived answer holds."""
    days = "" if held.days == EVER else f" of {held.days:,} days"
    parts = (
        f"price history{days}" if held.history else "",
        f"statistics over {held.stats} days" if held.stats.isdecimal() else "statistics" if held.stats else "",
        "Buy Box" if held.buybox else "",
        "rating" if held.rating else "",
        "offers" if held.offers else "",
    )
    told = [part for part in parts if part] or ["no history and no statistics"]
    return f"{', '.join(told[:-1])} and {told[-1]}" if len(told) > 1 else told[0]


def _figures(product: Product, domain: int) -> list[tuple[str, str]]:
    """Return what one wants to know first, each with its name."""
    prices = [(name, price) for kind, name in _PRICES if (price := money(product.current(kind), domain)) is not None]
    rank, offers = product.current(CsvType.SALES), product.current(CsvType.COUNT_NEW)
    rating, reviews = product.current(CsvType.RATING), product.current(CsvType.COUNT_REVIEWS)
    stars = f"{rating / 10:.1f}" if rating else ""
    return [
        *((f"Price, {name}", f"{price} {currency(domain)}") for name, price in prices),
        *([] if prices else [("Price", "none now")]),
        ("Sales rank", f"{rank:,}" if rank else "none"),
        ("New offers", "unknown" if offers is None else f"{offers:,}"),
        *([("Rating", f"{stars} of 5" + (f", {reviews:,} ratings" if reviews else ""))] if stars else []),
        *([("Sold a month", f"{product.monthly_sold:,}+")] if product.monthly_sold else []),
    ]
