"""The offers of a listing, live and gone: the cheapest of a kind asks what the series says."""

from dataclasses import dataclass
from typing import Any

from keepahead.simulator.catalogue.market import Market, Side
from keepahead.simulator.catalogue.marketplaces import MARKETPLACES, WAREHOUSE_SELLER
from keepahead.simulator.catalogue.numbers import Numbers
from keepahead.simulator.catalogue.sellers import FBM_SLOTS, USED_SLOTS, seller_at
from keepahead.simulator.catalogue.series import Series, collectible_condition, landed
from keepahead.simulator.catalogue.traits import snap

_YEAR = 525_600


@dataclass(frozen=True, slots=True)
class Offer:
    """One offer. rows: (moment, price, shipping). last_seen: Keepa minutes. live: on sale now."""

    slot: int
    seller: str
    condition: int
    fba: bool
    amazon: bool
    warehouse: bool
    live: bool
    last_seen: int
    rows: list[tuple[int, int, int]]

    @property
    def landed(self) -> int:
        """Price and shipping now."""
        return landed(self.rows[-1])

    def body(self, *, stock: bool, at: int) -> dict[str, Any]:
        """Return Keepa's offer object."""
        body: dict[str, Any] = {
            "offerId": self.slot + 1,
            "lastSeen": self.last_seen,
            "sellerId": self.seller,
            "offerCSV": [number for row in self.rows for number in row],
            "condition": self.condition,
            "conditionComment": None if self.condition == 1 else "Complete and working.",
            "isPrime": self.fba,
            "isFBA": self.fba,
            "isAmazon": self.amazon,
            "isWarehouseDeal": self.warehouse,
            "isMAP": False,
            "isShippable": True,
            "isPreorder": False,
            "isPrimeExcl": False,
            "shipsFromChina": not self.fba and self.slot % 5 == 0,
            "minOrderQty": 1,
            "coupon": 0,
        }
        if stock:
            body["stockCSV"] = [at, (self.slot * 7 + at // 1440) % 40 + 1]
            body["lastStockUpdate"] = at
        return body


def sides_price(side: Side, slot: int, factor: float, series: Series) -> int:
    """Return what one offer of a side asks: the winner asks the lowest price, others more."""
    return side.price if slot == side.winner else snap(series.traits, side.price * factor) + 100


def _from_side(series: Series, sides: list[Side], most: int, numbers: Numbers, *, fba: bool) -> list[Offer]:
    traits, offers = series.traits, list[Offer]()
    for place in range(most):
        slot = place if fba else FBM_SLOTS[place]
        rows: list[tuple[int, int, int]] = []
        seen = 0
        for i, side in enumerate(sides):
            if place >= side.sellers:
                continue
            seen = sides[i + 1].moment if i + 1 < len(sides) else series.last
            price = sides_price(side, place, 1.02 + 0.02 * place, series)
            if not rows or rows[-1][1:] != (price, side.shipping):
                rows.append((side.moment, price, side.shipping))
        if rows:
            seller = numbers.seller_id(seller_at(traits.index, traits.domain, slot))
            live = seen == series.last
            offers.append(
                Offer(slot, seller, 1, fba, amazon=False, warehouse=False, live=live, last_seen=seen, rows=rows)
            )
    return offers


def _single(
    series: Series, kind: int, slot: int, seller: str, condition: int, *, first: int, amazon: bool = False
) -> list[Offer]:
    """Return the one offer behind a price series, if it has ever had a price."""
    every = series.since_moment(kind, first)
    rows = [(row[0], row[1], 0) for row in every if row[1] >= 0]
    if not rows:
        return []
    live = every[-1][1] >= 0
    seen = series.last if live else every[-1][0]
    warehouse = seller == WAREHOUSE_SELLER
    return [Offer(slot, seller, condition, amazon or warehouse, amazon, warehouse, live, seen, rows)]


def _used(series: Series, market: Market, numbers: Numbers) -> list[Offer]:
    traits, offers = series.traits, list[Offer]()
    counts = market.used_counts
    for place in range(traits.used):
        spans = [
            (moment, counts[i + 1][0] if i + 1 < len(counts) else series.last)
            for i, (moment, count) in enumerate(counts)
            if place < count
        ]
        if not spans:
            continue
        condition = market.used_condition(place)
        moments = sorted({span[0] for span in spans} | {spans[-1][1]})
        rows = [(moment, market.used_price(place, condition, moment), 0) for moment in moments]
        slot = USED_SLOTS[place]
        seller = numbers.seller_id(seller_at(traits.index, traits.domain, slot))
        live, seen = place < counts[-1][1], spans[-1][1]
        fba = traits.own >> place & 3 == 0
        offers.append(
            Offer(slot, seller, condition, fba, amazon=False, warehouse=False, live=live, last_seen=seen, rows=rows)
        )
    return offers


def offers_of(series: Series, numbers: Numbers) -> list[Offer]:
    """Return every offer of the last year, the cheapest live ones first, those that are gone at the end."""
    traits = series.traits
    if traits.type:
        return []
    first = max(series.since, series.last - _YEAR)
    market = series.market(first)
    amazon = MARKETPLACES[traits.domain].amazon
    third = [numbers.seller_id(seller_at(traits.index, traits.domain, slot)) for slot in USED_SLOTS[-2:]]
    offers = [
        *(_single(series, 0, 90, amazon, 1, first=first, amazon=True) if traits.amazon else []),
        *_from_side(series, market.fba, traits.fba, numbers, fba=True),
        *_from_side(series, market.fbm, traits.fbm, numbers, fba=False),
        *_used(series, market, numbers),
        *_single(series, 9, 91, WAREHOUSE_SELLER, 2, first=first),
        *_single(series, 6, USED_SLOTS[-2], third[0], 6, first=first),
        *_single(series, 5, USED_SLOTS[-1], third[1], collectible_condition(traits), first=first),
    ]
    return sorted(offers, key=lambda offer: (not offer.live, offer.landed, offer.slot))


def live_count(series: Series) -> int:
    """Return how many offers of all conditions are live, without building them."""
    if series.traits.type:
        return 0
    singles = sum(1 for kind in (9, 6, 5) if series.now(kind) >= 0)
    return max(0, series.now(11)) + max(0, series.now(12)) + singles


def winner_seller(series: Series, holder: str, slot: int, numbers: Numbers) -> str:
    """Return the seller id behind a Buy Box holder, "-1" for nobody."""
    traits = series.traits
    if holder == "nobody":
        return "-1"
    if holder == "amazon":
        return MARKETPLACES[traits.domain].amazon
    place = slot if holder == "fba" else FBM_SLOTS[slot]
    return numbers.seller_id(seller_at(traits.index, traits.domain, place))
