"""What a discovery asks, what it costs, and whether it can be paid for: all of it before the first call. Pure.

The road is one page of the product finder, as large as what is wanted, then the details of what it found.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from keepahead.budget.cost import Cost
from keepahead.budget.meter import TICK_MS
from keepahead.budget.status import Status
from keepahead.errors import InsufficientTokensError, InvalidCallError
from keepahead.keepa.calls import FinderCall, ProductCall
from keepahead.keepa.costs import quote
from keepahead.keepa.flow import too_dear
from keepahead.keepa.plans import ProductOptions
from keepahead.keepa.selections import PER_PAGE_DEFAULT, PER_PAGE_MAX

SORTS: Mapping[str, tuple[str, str]] = {
    "rank": ("current_SALES", "asc"),
    "price": ("current_NEW", "asc"),
    "-price": ("current_NEW", "desc"),
    "sold": ("monthlySold", "desc"),
}
"""What can be sorted by: a finder field and its direction."""

STATS_DAYS = 90
_SOME_ASIN = "B000000000"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What somebody wants to discover. Prices are lowest new prices in the smallest unit; None is any.

    `category` is a root category with all below it, `subcategory` one in which the products are listed directly.
    """

    domain: int
    category: int | None = None
    subcategory: int | None = None
    rank: tuple[int | None, int | None] = (None, None)
    price: tuple[int | None, int | None] = (None, None)
    title: str | None = None
    brands: tuple[str, ...] = ()
    sort: str = "rank"
    max_results: int = 20
    rating: bool = True
    history: bool = False


@dataclass(frozen=True, slots=True)
class DiscoveryPlan:
    """The calls of a discovery, and the bounds of what each step and all together cost."""

    wish: Wish
    finder: FinderCall
    details: ProductOptions
    finder_cost: Cost
    details_cost: Cost

    @property
    def cost(self) -> Cost:
        """What all of it costs."""
        return self.finder_cost + self.details_cost

    @property
    def tokens_max(self) -> int:
        """The most that all of it can cost."""
        return (self.finder_cost.tokens_max or 0) + (self.details_cost.tokens_max or 0)


def plan_discovery(wish: Wish) -> DiscoveryPlan:
    """Return the cheapest road to what is wished. Raises InvalidCallError."""
    if not 1 <= wish.max_results <= PER_PAGE_MAX:
        message = f"A discovery lists 1 to {PER_PAGE_MAX:,} products, not {wish.max_results}."
        raise InvalidCallError("max_results_out_of_range", message, parameter="max-results")
    finder = FinderCall(selection=_selection(wish), domain=wish.domain)
    options: dict[str, Any] = {"stats": STATS_DAYS, "history": wish.history}
    if wish.rating:
        options["rating"] = True
    one = quote(ProductCall(asins=(_SOME_ASIN,), domain=wish.domain, **options))
    most = wish.max_results
    details = Cost(
        0,
        most * one.tokens_likely,
        most * (one.tokens_max or 0),
        (f"up to {most} products", *one.because[1:]),
    )
    return DiscoveryPlan(wish, finder, cast("ProductOptions", options), quote(finder), details)


def check_tokens(plan: DiscoveryPlan, max_tokens: int | None) -> None:
    """Raise MaxTokensError if the whole may cost more than is allowed."""
    if max_tokens is not None and plan.tokens_max > max_tokens:
        raise too_dear(plan.finder, plan.tokens_max, max_tokens)


def seconds_until_paid(plan: DiscoveryPlan, status: Status, now: datetime) -> float | None:
    """Return in how many seconds all the tokens will have come, if nobody else spends; None if they never will."""
    short = max(plan.tokens_max + status.floor - status.free, 1 - status.balance)
    if short <= 0:
        return 0.0
    net = status.refill_rate_per_minute - status.flow_reduction_per_minute
    if status.next_refill_at is None or net <= 0:
        return None
    lumps = -(-short // net)
    return max(0.0, (status.next_refill_at - now).total_seconds()) + (lumps - 1) * TICK_MS / 1000


def check_time(plan: DiscoveryPlan, status: Status, now: datetime, max_wait_seconds: float | None) -> None:
    """Raise InsufficientTokensError if the whole cannot be paid for in time."""
    seconds = seconds_until_paid(plan, status, now)
    if seconds is not None and (max_wait_seconds is None or seconds <= max_wait_seconds):
        return
    when = "trackings take the whole refill" if seconds is None else f"they will be there in about {seconds:.0f} s"
    raise InsufficientTokensError(
        f"this discovery may cost up to {plan.tokens_max} tokens; {status.free} are free (balance {status.balance}) "
        f"and {status.floor} must stay; {when}. Wait longer, or ask for fewer results. Nothing was sent",
        balance=status.balance,
        free=status.free,
        tokens_max=plan.tokens_max,
        floor=status.floor,
        wait_seconds=seconds,
        call=plan.finder,
    )


def _selection(wish: Wish) -> dict[str, Any]:
    selection: dict[str, Any] = {}
    if wish.category is not None:
        selection["rootCategory"] = [wish.category]
    if wish.subcategory is not None:
        selection["categories_include"] = [wish.subcategory]
    for field, ends in (("current_SALES", wish.rank), ("current_NEW", wish.price)):
        for end, value in zip(("gte", "lte"), ends, strict=True):
            if value is not None:
                selection[f"{field}_{end}"] = value
    if wish.title:
        selection["title"] = wish.title
    if wish.brands:
        selection["brand"] = list(wish.brands)
    selection["sort"] = [list(SORTS[wish.sort])]
    selection["page"] = 0
    selection["perPage"] = max(PER_PAGE_DEFAULT, wish.max_results)
    return selection
