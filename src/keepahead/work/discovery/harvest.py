"""What a discovery has so far, and what it looks up next. No product is dropped without being counted. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from keepahead.keepa.objects import Deal, Product
from keepahead.work.discovery.filters import Rejection, Sieve, deal_sieve, details_sieve
from keepahead.work.discovery.measures import MEASURES
from keepahead.work.discovery.plan import DiscoveryPlan

Ended = Literal["enough", "all seen", "bound", "beyond the rank", "early"]
"""Why a discovery ended: enough were found; all that the road brought were seen; as many as planned were looked up; the
list went on beyond the rank; something failed."""

Doing = Literal["categories", "candidates", "details"]
"""Whether the categories are there; a page of the road; the details of a chunk."""

SURPLUS = Rejection("more than wanted")
"""What meets the criteria and came in the last chunk, after enough had been found."""

_STRIDE = 10
"""Where hardly anything fits, so many are looked up at once; one at a time would take for ever."""

_BEYOND_RANK = 25
"""A list in order of rank is left when so many in a row lie beyond: ranks move a little from hour to hour."""


@dataclass(frozen=True, slots=True)
class Rejected:
    """How many products did not meet a criterion, or `lacks` what it asks about; `on` the details or a deal."""

    criterion: str
    lacks: bool
    on: Literal["details", "deal"]
    products: int


@dataclass(frozen=True, slots=True)
class Stage:
    """What a discovery asks for next, and how far it has come: how many candidates, looked up, and found to fit."""

    what: Doing
    candidates: int
    looked_up: int
    found: int


@dataclass(frozen=True, slots=True)
class Discovery:
    """The products that meet all criteria, in the road's order, and what became of the others.

    `total` is how many the road says there are (None: it does not). Of the `candidates` that it brought, `looked_up`
    were asked for; `undelivered` are those that Keepa did not know, `unseen` those that nobody looked at.
    """

    products: tuple[Product, ...]
    total: int | None
    candidates: int
    looked_up: int
    rejected: tuple[Rejected, ...]
    undelivered: tuple[str, ...]
    unseen: int
    ended: Ended

    @property
    def asins(self) -> tuple[str, ...]:
        """The ASINs of the products."""
        return tuple(product.asin for product in self.products)


@dataclass(slots=True)
class Harvest:
    """The work of one discovery, without its calls: candidates come in, chunks go out, products come back."""

    plan: DiscoveryPlan
    total: int | None = None
    _products: list[Product] = field(default_factory=list[Product])
    _waiting: list[str] = field(default_factory=list[str])
    _known: set[str] = field(default_factory=set[str])
    _candidates: int = 0
    _looked_up: int = 0
    _undelivered: list[str] = field(default_factory=list[str])
    _refused: Counter[tuple[Rejection, Literal["details", "deal"]]] = field(
        default_factory=Counter[tuple[Rejection, Literal["details", "deal"]]]
    )
    _barren: int = 0
    _beyond: int = 0

    @property
    def missing(self) -> int:
        """How many more products are wanted."""
        return self.plan.criteria.max_results - len(self._products)

    @property
    def found(self) -> int:
        """How many products were found so far."""
        return len(self._products)

    @property
    def is_over(self) -> bool:
        """Tell whether nothing more is to be looked up, whatever comes."""
        return self._why_over() is not None

    def stage(self, what: Doing) -> Stage:
        """Return how far it has come, at the beginning of something."""
        return Stage(what, self._candidates, self._looked_up, len(self._products))

    def found_since(self, count: int) -> Sequence[Product]:
        """Return the products that were found after the first so many."""
        return self._products[count:]

    def offer(self, asins: Iterable[str]) -> None:
        """Take what the road found; each once."""
        fresh = [asin for asin in dict.fromkeys(asins) if asin not in self._known]
        self._known.update(fresh)
        self._waiting += fresh
        self._candidates += len(fresh)

    def offer_deals(self, deals: Iterable[Deal]) -> None:
        """Take a page of deals; what surely does not fit is refused here, for free."""
        sieve = deal_sieve(self.plan.criteria, self.plan.now)
        for deal in deals:
            asin = str(deal.get("asin") or "")
            if not asin or asin in self._known:
                continue
            rejection = sieve.reject(deal)
            if rejection is None:
                self.offer((asin,))
            else:
                self._known.add(asin)
                self._candidates += 1
                self._refused[rejection, "deal"] += 1

    def chunk(self) -> list[str]:
        """Return what to look up next: as many as are missing, some more where hardly anything fits."""
        if self.is_over:
            return []
        left = self.plan.road.lookups_max - self._looked_up
        return self._waiting[: min(left, max(self.missing, min(_STRIDE, 2 * self._barren)))]

    def take(self, asked: Sequence[str], products: Iterable[Product], *, lost: Sequence[str] = ()) -> None:
        """Take the details of a chunk. `lost` were not delivered because something failed: nobody looked at them."""
        sieve = self._sieve()
        came = {product.asin: product for product in products}
        failed = set(lost)
        looked = [asin for asin in asked if asin in came or asin not in failed]
        self._leave(looked)
        self._looked_up += len(looked)
        found = 0
        for asin in looked:
            if asin not in came:
                self._undelivered.append(asin)
                continue
            rejection = sieve.reject(came[asin]) or (SURPLUS if self.missing <= 0 else None)
            self._note_rank(came[asin])
            if rejection is None:
                self._products.append(came[asin])
                found += 1
            else:
                self._refused[rejection, "details"] += 1
        self._barren = 0 if found else self._barren + len(looked)

    def result(self, *, early: bool = False) -> Discovery:
        """Return what there is."""
        rejected = [
            Rejected(each.criterion, each.lacks, on, count) for (each, on), count in self._refused.most_common()
        ]
        return Discovery(
            products=tuple(self._products),
            total=self.total,
            candidates=self._candidates,
            looked_up=self._looked_up,
            rejected=tuple(rejected),
            undelivered=tuple(self._undelivered),
            unseen=len(self._waiting),
            ended="early" if early else self._why_over() or "all seen",
        )

    def _leave(self, looked: Sequence[str]) -> None:
        """Take what was looked up out of those that wait; it is mostly what stands in front."""
        if self._waiting[: len(looked)] == list(looked):
            del self._waiting[: len(looked)]
        else:
            gone = set(looked)
            self._waiting = [asin for asin in self._waiting if asin not in gone]

    def _why_over(self) -> Ended | None:
        if self.missing <= 0:
            return "enough"
        if self._looked_up >= self.plan.road.lookups_max and self._waiting:
            return "bound"
        return "beyond the rank" if self._beyond >= _BEYOND_RANK else None

    def _sieve(self) -> Sieve[Product]:
        return details_sieve(self.plan.criteria, self.plan.now, self.plan.road.carried)

    def _note_rank(self, product: Product) -> None:
        most = self.plan.criteria.rank[1]
        if self.plan.road.name == "best-sellers" and most is not None:
            rank = MEASURES["rank"].read(product)
            self._beyond = self._beyond + 1 if rank is None or rank > most else 0
