"""A day of work, written down: what the programs and people of a small reseller ask of Keepa from midnight to midnight.

The same sizes and seed give the same day, request for request. Times are virtual; every product, seller and category
exists in the simulator's catalogue of this seed. Nothing here knows how the requests are sent.
"""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from keepahead.keepa.plans import ProductOptions
from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.taxonomy import tree

SEED = 1
"""Of the day, and of the simulator that it is meant for."""

ANALYSED: ProductOptions = {"stats": 90, "offers": 20, "rating": True}
LISTED: ProductOptions = {"stats": 90, "history": False}
PRICED: ProductOptions = {"history": False}
REPRICED: ProductOptions = {"stats": 90, "history": False, "buybox": True}

_PROGRAMS = (("repricer", REPRICED), ("alerts", LISTED), ("labels", PRICED), ("sheet", PRICED))
_PEOPLE = ("ana", "ben", "cleo")
_PETS, _GROCERY, _OFFICE = 2619533011, 16310101, 1064954
_RANK_MAX = 10_000
_BANDS = ((1500, 4000), (2000, 5000), (2500, 6000))
"""What each of them looks for, in US cents: much of it is the same."""


@dataclass(frozen=True, slots=True)
class Products:
    """Some products."""

    asins: tuple[str, ...]
    options: ProductOptions = field(hash=False)


@dataclass(frozen=True, slots=True)
class Discovery:
    """Well ranked products of a root category whose new price lies in a band, and the details of the first of them."""

    root: int
    prices: tuple[int, int]
    details: int
    options: ProductOptions = field(hash=False)

    @property
    def selection(self) -> dict[str, object]:
        """Keepa's JSON for the product finder."""
        low, high = self.prices
        return {
            "rootCategory": [str(self.root)],
            "current_SALES_lte": _RANK_MAX,
            "current_NEW_gte": low,
            "current_NEW_lte": high,
            "sort": [["current_SALES", "asc"]],
            "perPage": max(50, self.details),
        }


@dataclass(frozen=True, slots=True)
class BestSellers:
    """The best-seller list of a category."""

    category: int


@dataclass(frozen=True, slots=True)
class Categories:
    """What one sees of one level of the category tree."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sellers:
    """A competitor, with all that it sells or without."""

    ids: tuple[str, ...]
    storefront: bool


What = Products | Discovery | BestSellers | Categories | Sellers


@dataclass(frozen=True, slots=True)
class Request:
    """What `who` (a program, maybe somebody's) asks for at a time of the day.

    `max_age` is how old the answer may be for its purpose; None says nothing of it, and keepahead's setting holds.
    """

    at: timedelta
    kind: str
    who: str
    what: What
    max_age: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much of everything the day holds."""

    watched: int = 200
    analyses: int = 32  # of each person
    pool: int = 150  # that people choose from to analyse; half of it is watched
    details: int = 100
    clicks: int = 60
    seller_looks: int = 40
    moments: timedelta = timedelta(minutes=30)  # from one to the next at which the programs look up the same
    shared: int = 10


def workday(sizes: Sizes | None = None) -> Sequence[Request]:
    """Return the day in the order of time."""
    maker = _Maker(sizes or Sizes())
    return sorted(maker.day(), key=lambda request: request.at)


class _Maker:
    def __init__(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._rng = random.Random(SEED)
        self._catalogue = Catalogue(SEED)
        known = [index for numbers in self._catalogue.index(1).values() for index in numbers]
        strangers = sizes.pool - sizes.pool // 2
        asins = [self._catalogue.asin(index) for index in self._rng.sample(known, sizes.watched + strangers)]
        self._watched = tuple(asins[: sizes.watched])
        self._pool = (*self._watched[: sizes.pool // 2], *asins[sizes.watched :])

    def day(self) -> Iterator[Request]:
        yield from self._watching()
        yield from self._analyses()
        yield from self._discoveries()
        yield from self._best_sellers()
        yield from self._browsing()
        yield from self._competitors()
        yield from self._same_moments()

    def _watching(self) -> Iterator[Request]:
        """Every hour a dashboard wants the prices of this hour."""
        what = Products(self._watched, LISTED)
        for hour in range(24):
            yield Request(timedelta(hours=hour), "watch list", "dashboard", what, timedelta(minutes=50))

    def _analyses(self) -> Iterator[Request]:
        """Three people look closely at one product after the other, sometimes at what another looked at."""
        for person in _PEOPLE:
            for _ in range(self._sizes.analyses):
                what = Products((self._rng.choice(self._pool),), ANALYSED)
                yield Request(self._between(9, 17), "analyses", f"analysis of {person}", what)

    def _discoveries(self) -> Iterator[Request]:
        """Before and after noon each of them looks through two categories; what a product was yesterday will do."""
        for hour in (9, 14):
            for person, prices in zip(_PEOPLE, _BANDS, strict=True):
                for root in (_PETS, _GROCERY):
                    what = Discovery(root, prices, self._sizes.details, LISTED)
                    when = self._between(hour, hour + 1)
                    yield Request(when, "discoveries", f"discovery of {person}", what, timedelta(hours=24))

    def _best_sellers(self) -> Iterator[Request]:
        """Four times a day a report draws three lists; people look at one of them now and then."""
        categories = (_PETS, _GROCERY, _OFFICE)
        for hour in (8, 12, 16, 20):
            for category in categories:
                yield Request(timedelta(hours=hour, minutes=1), "best sellers", "report", BestSellers(category))
        for _ in range(8):
            what = BestSellers(self._rng.choice(categories))
            yield Request(self._between(8, 20), "best sellers", f"lists of {self._person()}", what)

    def _browsing(self) -> Iterator[Request]:
        """Each click in the category tree opens a category and shows what is below it, up to ten."""
        nodes = [node for node in tree().nodes.values() if node.children]
        for _ in range(self._sizes.clicks):
            what = Categories(self._rng.choice(nodes).children[:10])
            yield Request(self._between(8, 20), "categories", f"browser of {self._person()}", what)

    def _competitors(self) -> Iterator[Request]:
        """One look in four is at all that the competitor sells."""
        ids = [self._catalogue.numbers.seller_id(number) for number in range(500, 515)]
        for _ in range(self._sizes.seller_looks):
            what = Sellers((self._rng.choice(ids),), storefront=self._rng.random() < 0.25)
            yield Request(self._between(9, 18), "sellers", f"sellers of {self._person()}", what)

    def _same_moments(self) -> Iterator[Request]:
        """Four programs on timers of their own look up the same products one by one; one of them needs more of each."""
        shared = self._watched[: self._sizes.shared]
        when = timedelta(hours=7, minutes=10)
        while when < timedelta(hours=21):
            for program, options in self._shuffled(_PROGRAMS):
                for asin in shared:
                    what = Products((asin,), options)
                    yield Request(when, "same moment", program, what, timedelta(minutes=10))
            when += self._sizes.moments

    def _between(self, since: int, until: int) -> timedelta:
        return timedelta(seconds=self._rng.randrange(since * 3600, until * 3600))

    def _person(self) -> str:
        return self._rng.choice(_PEOPLE)

    def _shuffled(self, items: Sequence[tuple[str, ProductOptions]]) -> Sequence[tuple[str, ProductOptions]]:
        return self._rng.sample(items, len(items))
