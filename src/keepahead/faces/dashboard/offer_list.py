"""The live offers of a product, the cheapest first; where none were asked for, how to see them."""
# pyright: reportUnknownMemberType=false
# NiceGUI leaves some of its types open.

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from nicegui import ui

from keepahead.faces.dashboard.moments import away
from keepahead.faces.dashboard.plain_table import plain_table
from keepahead.faces.words import currency, money
from keepahead.keepa.product import Offer, Product

SHOWN_MAX = 50
_COLUMNS = ("Seller", "Condition", "With shipping", "Shipped by", "In stock", "Last seen")
_CONDITIONS: Mapping[int, str] = MappingProxyType(
    {
        1: "new",
        2: "used, like new",
        3: "used, very good",
        4: "used, good",
        5: "used, acceptable",
        6: "refurbished",
        7: "collectible, like new",
        8: "collectible, very good",
        9: "collectible, good",
        10: "collectible, acceptable",
    }
)
"""Keepa's numbers of conditions (product-object.md, section 4)."""


def show_offers(product: Product, now: datetime) -> None:
    """Draw the card with the offers."""
    with ui.element("section").classes("kh-card").props('aria-label="Offers"'):
        ui.label("Offers").classes("kh-title").props("role=heading aria-level=2")
        offers = product.live_offers
        if not offers:
            ui.label("This answer holds no live offers; fetch the product with them.").classes("kh-soft")
            return
        rows = offer_rows(offers, product.domain, now)
        plain_table(f"Offers, prices in {currency(product.domain)}", _COLUMNS, rows[:SHOWN_MAX])
        if len(rows) > SHOWN_MAX:
            ui.label(f"The cheapest {SHOWN_MAX} of {len(rows):,}.").classes("kh-soft")


def offer_rows(offers: Sequence[Offer], domain: int, now: datetime) -> list[Sequence[str | None]]:
    """Return what is said of each offer, the cheapest first."""
    priced = [(offer.price, offer) for offer in offers]
    ordered = sorted(priced, key=lambda each: (each[0] is None, each[0] or 0))
    return [
        [
            "Amazon" if offer.is_amazon else offer.seller_id,
            _CONDITIONS.get(offer.condition or 0, "unknown"),
            money(price, domain) or "cannot be bought",
            "Amazon (FBA)" if offer.is_fba or offer.is_amazon else "the merchant",
            None if offer.stock is None else f"{offer.stock:,}",
            None if offer.last_seen is None else away(offer.last_seen, now),
        ]
        for price, offer in ordered
    ]
