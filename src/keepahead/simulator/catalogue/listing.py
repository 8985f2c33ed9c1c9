"""One product in one domain as Keepa stored it at a moment: its series, its numbers, its product object.

Listing is the face of both kinds: made by the catalogue (here), or recorded from the real Keepa (recorded.py).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from keepahead.simulator.catalogue.numbers import Numbers
from keepahead.simulator.catalogue.offers import Offer, live_count, offers_of, winner_seller
from keepahead.simulator.catalogue.product import attributes
from keepahead.simulator.catalogue.series import COUNT, Row, Series, has_reviews
from keepahead.simulator.catalogue.statistics import Track, statistics, track
from keepahead.simulator.catalogue.taxonomy import id_in
from keepahead.simulator.catalogue.traits import Traits, family_of

_DAY = 1_440
ALWAYS = frozenset({0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 13, 14, 28, 29, 30, 33, 34, 35})
WITH_RATING = frozenset({16, 17})
WITH_BUY_BOX = frozenset({15, 18, 32})
WITH_OFFERS = frozenset({7, 9, 10, 15, 16, 17, *range(18, 28), 32})
HISTORIES = (
    "csv",
    "salesRanks",
    "monthlySoldHistory",
    "parentAsinHistory",
    "couponHistory",
    "buyBoxSellerIdHistory",
    "buyBoxUsedHistory",
    "salesRankReferenceHistory",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a request wants of a product. stats: (start, end) in Keepa minutes; days: length of histories.

    offers: how many live offers to deliver, 0 for none; retrieved: whether they could be fetched.
    """

    stats: tuple[int, int] | None = None
    history: bool = True
    days: int | None = None
    rating: bool = False
    buybox: bool = False
    offers: int = 0
    retrieved: bool = True
    only_live: bool = False
    stock: bool = False
    historical_variations: bool = False
    videos: bool = False
    aplus: bool = False

    @property
    def series(self) -> frozenset[int]:
        """Which series are delivered."""
        chosen = ALWAYS
        if self.rating:
            chosen |= WITH_RATING
        if self.buybox:
            chosen |= WITH_BUY_BOX
        return chosen | WITH_OFFERS if self.offers else chosen


class Listing(Protocol):
    """What the finder, the lists and the product request ask of a product."""

    at: int

    @property
    def asin(self) -> str:
        """The product's ASIN."""
        ...

    def rows(self, series: int, first: int | None = None) -> list[Row]:
        """Return a series, whole or from a moment on (then beginning with what holds there)."""
        ...

    def attribute(self, name: str) -> Any:
        """Return a field of the product object that is no history, None when there is none."""
        ...

    def offer_count(self) -> int:
        """Return how many offers are live."""
        ...

    def offers(self) -> list[Offer]:
        """Return live and former offers."""
        ...

    def buy_box_seller(self) -> str:
        """Return who holds the new Buy Box, "-1" for nobody."""
        ...

    def body(self, wanted: Wanted) -> dict[str, Any]:
        """Return the product object."""
        ...


def flat(rows: list[Row], first: int | None = None) -> list[int] | None:
    """Return a series as Keepa writes it; from a moment on, with the row that holds there kept."""
    if first is not None:
        start = max((i for i, row in enumerate(rows) if row[0] <= first), default=0)
        rows = rows[start:]
    return [number for row in rows for number in row] or None


class MadeListing:
    """A listing of the catalogue."""

    def __init__(self, traits: Traits, at: int, numbers: Numbers, salt: int) -> None:
        self.traits = traits
        self.at = at
        self._numbers = numbers
        self._salt = salt
        self._series = Series(traits, at)

    @property
    def asin(self) -> str:
        """See Listing."""
        return self._numbers.asin(self.traits.index)

    def rows(self, series: int, first: int | None = None) -> list[Row]:
        """See Listing."""
        return self._series.full(series) if first is None else self._series.since_moment(series, first)

    @cached_property
    def _attributes(self) -> dict[str, Any]:
        return attributes(self.traits, self._numbers, self.at)

    def attribute(self, name: str) -> Any:
        """See Listing."""
        if name == "rootCategory":  # the two that are asked most, without the rest
            return id_in(self.traits.domain, self.traits.root.cat_id)
        if name == "categories":
            return [id_in(self.traits.domain, self.traits.leaf.cat_id)]
        if name == "monthlySold":
            sold = self._series.monthly_sold(self.at)
            return sold[-1][1] if sold and sold[-1][1] > 0 else None
        if name == "availabilityAmazon":
            return 0 if self._series.now(0) >= 0 else -1
        if name == "lastUpdate":
            return self.at
        return self._attributes.get(name)

    def offer_count(self) -> int:
        """See Listing."""
        return live_count(self._series)

    def offers(self) -> list[Offer]:
        """See Listing."""
        return offers_of(self._series, self._numbers)

    def buy_box_seller(self) -> str:
        """See Listing."""
        if self.traits.type:
            return "-1"
        box = self._series.market(self.at).buy_box[-1]
        return winner_seller(self._series, box.holder, box.slot, self._numbers)

    def body(self, wanted: Wanted) -> dict[str, Any]:
        """See Listing."""
        first = None if wanted.days is None else self.at - wanted.days * _DAY
        body: dict[str, Any] = dict(self._attributes)
        body["availabilityAmazon"] = self.attribute("availabilityAmazon")
        sold = self.attribute("monthlySold")
        if sold is not None:
            body["monthlySold"] = sold
        body["hasReviews"] = has_reviews(self.traits)
        body["buyBoxEligibleOfferCounts"] = self._eligible()
        body |= self._times() | self._variations(wanted)
        body |= {"offersSuccessful": False, "liveOffersOrder": None, "isRedirectASIN": False, "promotions": None}
        series = wanted.series
        if wanted.history:
            body |= self._histories(wanted, series, first)
        if wanted.rating:
            body["reviews"] = {"lastUpdate": self.at - 900, "ratingCount": flat(self.rows(17)), "reviewCount": None}
        if wanted.offers:
            body |= self._offers(wanted)
        if wanted.stats is not None:
            body["stats"] = self._stats(wanted, series)
        if wanted.videos:
            body["videos"] = []
        if wanted.aplus:
            body["aPlus"] = []
        return body

    def _times(self) -> dict[str, Any]:
        moments = [rows[-1][0] for n in (0, 1, 2) if (rows := self.rows(n, max(0, self.at - 90 * _DAY)))]
        return {
            "lastUpdate": self.at,
            "lastRatingUpdate": self.at - 900,
            "lastSoldUpdate": self.at,
            "lastEbayUpdate": 0,
            "lastPriceChange": max(moments, default=self.traits.since),
        }

    def _eligible(self) -> list[int]:
        if self.traits.type:
            return [0] * 8
        best = self._series.market(self.at).best[-1]
        return [best.fba, best.fbm, 0, max(0, self._series.now(12)), 0, 0, 0, 0]

    def _variations(self, wanted: Wanted) -> dict[str, Any]:
        traits = self.traits
        family = family_of(self._salt, traits.index)
        fields: dict[str, Any] = {"variations": None}
        if family is None or traits.family is None:
            return fields
        members = [self._numbers.asin(traits.family + n) for n in range(1, family[1] + 1)]
        if traits.is_parent:
            fields["variations"] = [
                {"asin": asin, "attributes": [{"dimension": "Style", "value": f"Style {n + 1}"}]}
                for n, asin in enumerate(members)
            ]
        elif wanted.historical_variations:
            fields["historicalVariations"] = members
        return fields

    def _histories(self, wanted: Wanted, series: frozenset[int], first: int | None) -> dict[str, Any]:
        ranks = flat(self.rows(3), first)
        root = self._attributes["rootCategory"]
        sold = flat([*self._series.monthly_sold(0)], first)
        found: dict[str, Any] = {
            "csv": [flat(self.rows(n), first) if n in series else None for n in range(COUNT)],
            "salesRanks": {str(root): ranks} if ranks else None,
            "salesRankReferenceHistory": [self.traits.since, root],
            "monthlySoldHistory": sold,
            "couponHistory": None,
            "parentAsinHistory": None,
            "buyBoxSellerIdHistory": None,
        }
        if wanted.buybox or wanted.offers:
            found["buyBoxSellerIdHistory"] = self._holders(first)
            found["buyBoxUsedHistory"] = None
        return found

    def _holders(self, first: int | None) -> list[str] | None:
        if self.traits.type:
            return None
        holders: list[tuple[int, str]] = []
        for box in self._series.market(self.traits.since).buy_box:
            seller = winner_seller(self._series, box.holder, box.slot, self._numbers)
            if not holders or holders[-1][1] != seller:
                holders.append((box.moment, seller))
        if first is not None:
            start = max((i for i, holder in enumerate(holders) if holder[0] <= first), default=0)
            holders = holders[start:]
        return [text for moment, seller in holders for text in (str(moment), seller)]

    def _offers(self, wanted: Wanted) -> dict[str, Any]:
        every = self.offers()
        live = [offer for offer in every if offer.live][: -(-wanted.offers // 10) * 10]
        gone = [] if wanted.only_live else [offer for offer in every if not offer.live]
        if wanted.days is not None:
            gone = [offer for offer in gone if offer.last_seen >= self.at - (wanted.days or 0) * _DAY]
        fields: dict[str, Any] = {
            "offers": [offer.body(stock=wanted.stock and offer.live, at=self.at) for offer in (*live, *gone)],
            "liveOffersOrder": list(range(len(live))) if wanted.retrieved else None,
            "offersSuccessful": wanted.retrieved,
        }
        if wanted.stock:
            fields["lastStockUpdate"] = self.at
        return fields

    def _stats(self, wanted: Wanted, series: frozenset[int]) -> dict[str, Any]:
        start, end = wanted.stats or (0, self.at)
        tracks = tracks_of(self, series)
        stats = statistics(tracks, self.at, max(start, self.traits.since), min(end, self.at))
        stats |= {
            "totalOfferCount": self.offer_count(),
            "lastOffersUpdate": self.at,
            "tradeInPrice": -2,
            "lightningDealInfo": self._lightning(),
            "retrievedOfferCount": -2,
            "offerCountFBA": -2,
            "offerCountFBM": -2,
            "sellerIdsLowestFBA": None,
            "sellerIdsLowestFBM": None,
            "buyBoxPrice": -2,
            "buyBoxShipping": -2,
            "buyBoxSellerId": None,
        }
        if wanted.buybox or wanted.offers:
            stats |= self._buy_box_now() | {"buyBoxStats": self._buy_box_shares(max(start, self.traits.since))}
        if wanted.offers:
            stats |= self._offers_now(wanted)
        return stats

    def _lightning(self) -> list[int] | None:
        """Return start and end of the newest lightning deal."""
        rows = self.rows(8)
        starts = [i for i, row in enumerate(rows) if row[1] >= 0]
        if not starts:
            return None
        start = rows[starts[-1]][0]
        return [start, rows[starts[-1] + 1][0] if starts[-1] + 1 < len(rows) else start + 480]

    def _buy_box_shares(self, start: int) -> dict[str, Any]:
        """Return for each seller how much of the time since `start` he held the Buy Box, and at what mean price."""
        if self.traits.type:
            return {}
        boxes = self._series.market(start).buy_box
        ends = [*(box.moment for box in boxes[1:]), self.at]
        held: dict[str, list[tuple[int, int, bool, int]]] = {}
        for box, end in zip(boxes, ends, strict=True):
            if box.holder != "nobody" and end > box.moment:
                seller = winner_seller(self._series, box.holder, box.slot, self._numbers)
                held.setdefault(seller, []).append((end - box.moment, box.price, box.holder != "fbm", end))
        whole = sum(span for spans in held.values() for span, *_ in spans)
        return {
            seller: {
                "percentageWon": 100 * (minutes := sum(span for span, *_ in spans)) / whole,
                "avgPrice": sum(span * price for span, price, *_ in spans) // minutes,
                "avgNewOfferCount": max(0, self._series.now(11)),
                "avgUsedOfferCount": -1,
                "isFBA": spans[-1][2],
                "lastSeen": spans[-1][3],
            }
            for seller, spans in held.items()
        }

    def _buy_box_now(self) -> dict[str, Any]:
        if self.traits.type:
            return {}
        box = self._series.market(self.at).buy_box[-1]
        held = box.holder != "nobody"
        return {
            "buyBoxPrice": box.price if held else -2,
            "buyBoxShipping": box.shipping if held else -2,
            "buyBoxSellerId": self.buy_box_seller(),
            "buyBoxIsUnqualified": not held,
            "buyBoxIsAmazon": box.holder == "amazon" if held else None,
            "buyBoxIsFBA": box.holder in {"fba", "amazon"} if held else None,
            "buyBoxIsShippable": held,
            "buyBoxIsUsed": False,
            "buyBoxCondition": 1 if held else None,
            "buyBoxAvailabilityMessage": "IN_STOCK" if held else None,
            "lastBuyBoxUpdate": self.at,
        }

    def _offers_now(self, wanted: Wanted) -> dict[str, Any]:
        live = [offer for offer in self.offers() if offer.live]
        new = [offer for offer in live if offer.condition == 1]
        fba = [offer for offer in new if offer.fba and not offer.amazon]
        fbm = [offer for offer in new if not offer.fba]
        return {
            "retrievedOfferCount": min(len(live), -(-wanted.offers // 10) * 10) if wanted.retrieved else -2,
            "offerCountFBA": sum(offer.fba for offer in new),
            "offerCountFBM": len(fbm),
            "sellerIdsLowestFBA": [fba[0].seller] if fba else None,
            "sellerIdsLowestFBM": [fbm[0].seller] if fbm else None,
        }


def tracks_of(listing: Listing, series: frozenset[int]) -> dict[int, Track]:
    """Return the delivered series of a listing, ready for statistics; empty ones are left out."""
    return {n: track(rows, listing.at) for n in series if (rows := listing.rows(n))}
