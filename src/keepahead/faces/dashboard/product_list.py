"""The archived products as a list that can be searched; what was searched is said."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

import asyncio
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from keepahead.errors import LedgerError
from keepahead.faces.dashboard.frame import say_failed
from keepahead.faces.dashboard.moments import away
from keepahead.faces.dashboard.scene import Scene
from keepahead.faces.dashboard.shelf import LOOKS_MAX, Hit, Search, is_asin, search
from keepahead.faces.words import currency, money
from keepahead.keepa.domains import DOMAINS

EVERYWHERE = "all"

_COLUMNS = (
    ("asin", "ASIN", "left"),
    ("title", "Title", "left"),
    ("brand", "Brand", "left"),
    ("place", "Marketplace", "left"),
    ("price", "Price", "right"),
    ("rank", "Rank", "right"),
    ("age", "Answer of", "right"),
)
_LINK = """<q-td :props="props"><a :href="props.row.to">{{ props.value }}</a></q-td>"""
_TITLE = (
    """<q-td :props="props"><a :href="props.row.to" class="kh-clip" :title="props.value">{{ props.value }}</a></q-td>"""
)


def marketplaces() -> dict[str, str]:
    """Return the marketplaces by the names of their countries."""
    return {place.country: place.site for place in DOMAINS.values()}


def path_of(asin: str, domain: int) -> str:
    """Return where the page of a product is."""
    return f"/products/{asin}?{urlencode({'domain': DOMAINS[domain].country})}"


class ProductList:
    """The search, and what it found."""

    def __init__(self, scene: Scene, words: str, domain: int | None) -> None:
        self._scene = scene
        self._words = words
        self._domain = domain
        self._last: Search | None = None
        self._looked_at = 0
        self._rows: list[dict[str, Any]] = []
        with ui.element("section").classes("kh-card").props('aria-label="Search the archive"'):
            ui.label("Products").classes("kh-title").props("role=heading aria-level=1")
            self._form()
            self._told = ui.label().classes("kh-soft").props("role=status")
        self._body = ui.element("div").classes("kh-page")

    async def search(self) -> None:
        """Look through the archive; once more, it goes on from where it ended."""
        inventory = self._scene.house.books.inventory
        after = self._last.last if self._last else None
        found = await asyncio.to_thread(search, inventory, self._words, domain=self._domain, after=after)
        held = await asyncio.to_thread(inventory.count, "product", domain=self._domain)
        self._last = found
        self._looked_at += found.looked_at
        self._rows += [_row(hit, self._scene) for hit in found.hits]
        self._told.set_text(self._sentence(held))
        self._body.clear()
        with self._body:
            self._show()

    def _form(self) -> None:
        with ui.element("form").props('method=get action="/products" role=search').classes("kh-line"):
            words = ui.input("ASIN, or words of the title or brand", value=self._words)
            words.props("outlined dense clearable name=q maxlength=200 type=search autofocus").classes("kh-grow")
            places = {EVERYWHERE: "All marketplaces", **marketplaces()}
            chosen = DOMAINS[self._domain].country if self._domain else EVERYWHERE
            place = ui.select(places, value=chosen, label="Marketplace").props("outlined dense options-dense")

            def go() -> None:
                asked = {"q": (words.value or "").strip(), "domain": place.value if place.value != EVERYWHERE else ""}
                ui.navigate.to(f"/products?{urlencode({name: value for name, value in asked.items() if value})}")

            words.on("keydown.enter.prevent", go)
            ui.button("Search", on_click=go, color=None).props("unelevated type=button").classes("kh-main")

    def _show(self) -> None:
        if self._rows:
            with ui.element("section").classes("kh-card").props('aria-label="Archived products"'):
                table = ui.table(
                    rows=self._rows,
                    columns=[
                        {"name": name, "label": label, "field": name, "align": align} for name, label, align in _COLUMNS
                    ],
                    row_key="to",
                    pagination=0,
                )
                table.props("flat hide-pagination").classes("kh-list")
                table.add_slot("body-cell-asin", _LINK)
                table.add_slot("body-cell-title", _TITLE)
        else:
            self._nothing()
        if self._last and self._last.last is not None:
            with ui.element("div"):
                ui.button("Search older answers", on_click=self._go_on, color=None).props("outline").classes("kh-act")

    async def _go_on(self) -> None:
        try:
            await self.search()
        except LedgerError as error:
            say_failed(f"The archive cannot be read: {error}")

    def _nothing(self) -> None:
        asin = self._words.upper()
        with ui.element("section").classes("kh-card"):
            if is_asin(asin):
                ui.label(f"{asin} is not in the archive.")
                ui.link("Open it all the same: what fetching costs is said there", path_of(asin, self._domain or 1))
            elif self._words:
                ui.label("Nothing that was looked at holds all these words.")
                ui.label("Use fewer words, or discover products at Keepa.").classes("kh-soft")
                ui.link("Discover products", "/discover")
            else:
                ui.label("The archive holds no product yet.")
                words = "What is asked of Keepa is kept here: search for an ASIN to fetch a product, or discover some."
                ui.label(words).classes("kh-soft")
                ui.link("Discover products", "/discover")

    def _sentence(self, held: int) -> str:
        if self._last is None or not held:
            return ""
        if is_asin(self._words.upper()) and self._rows and self._looked_at < held and self._last.last is None:
            return f"Searched by ASIN among {held:,} archived answers. Free."
        if self._last.last is None and self._looked_at >= held:
            return f"Searched all {held:,} archived answers, the newest first. Free."
        most = f", at most {LOOKS_MAX:,} at a time" if self._words else ""
        return f"Searched the newest {self._looked_at:,} of {held:,} archived answers{most}. Free."


def _row(hit: Hit, scene: Scene) -> dict[str, Any]:
    price = money(hit.price, hit.domain)
    return {
        "to": path_of(hit.asin, hit.domain),
        "asin": hit.asin,
        "title": hit.title or "no title",
        "brand": hit.brand or "-",
        "place": DOMAINS[hit.domain].site,
        "price": f"{price} {currency(hit.domain)}" if price else "-",
        "rank": f"{hit.rank:,}" if hit.rank else "-",
        "age": away(hit.fetched_at, scene.now),
    }
