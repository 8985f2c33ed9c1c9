"""The roads to products: which criteria each applies by itself, which calls it takes, and what those can cost. Pure.

Every road ends at the details. What it does not apply is checked there, so such a road looks up more than it brings.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal, cast

from keepahead.budget.cost import Cost, sum_costs
from keepahead.errors import InvalidCallError
from keepahead.keepa.calls import BestSellersCall, Call, CategoryCall, DealCall, FinderCall, ProductCall
from keepahead.keepa.costs import counted, quote
from keepahead.keepa.domains import BRAZIL
from keepahead.keepa.plans import ProductOptions
from keepahead.keepa.selections import PER_PAGE_DEFAULT
from keepahead.work.discovery.criteria import RESULTS_MAX, Criteria
from keepahead.work.discovery.filters import changed_since
from keepahead.work.discovery.measures import DROP_DAYS, MEASURES, NEEDS, NEW, OPTIONS

RoadName = Literal["finder", "best-sellers", "deals", "archive"]

SORTS = {
    "rank": ("current_SALES", "asc"),
    "price": ("current_NEW", "asc"),
    "-price": ("current_NEW", "desc"),
    "sold": ("monthlySold", "desc"),
    "any": ("current_SALES", "asc"),
}
"""What comes first: a finder field and its direction."""

STATS_DAYS = 90
DEALS_PER_PAGE = 150
DEALS_HOURS = 12
DEALS_DROP_MIN = 10
SPARE_SHARE = 10
"""One in so many more is looked up than wanted: what a road found may have changed since."""

LOOKUPS_LIKELY, LOOKUPS_MAX = 3, 10
"""How many are looked up for each that is wanted, where the details decide."""

_SOME_ASIN = "B000000000"
_DEAL_PAGES_MAX = 67
_LARGEST = 2**31 - 1
_QUARTER = 3  # Keepa's dateRange for 90 days
_BY_RANK = 3  # Keepa's sortType


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is asked of Keepa, in words, and what it can cost."""

    what: str
    calls: tuple[Call, ...]
    cost: Cost


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """One road: its steps, the details last. `applies` are the criteria that it applies by itself.

    `only_if_asked` says why it is not taken by itself: it would show less than meets the criteria, or in another order.
    """

    name: RoadName
    steps: tuple[Step, ...]
    applies: frozenset[str]
    options: ProductOptions
    lookups_max: int
    because: tuple[str, ...]
    only_if_asked: str = ""

    @property
    def cost(self) -> Cost:
        """What all of it costs, carried out to the end."""
        return sum_costs(step.cost for step in self.steps)

    @property
    def tokens_max(self) -> int:
        """The most that all of it can cost."""
        return self.cost.tokens_max or 0

    @property
    def carried(self) -> frozenset[str]:
        """The criteria that the details can answer with these options."""
        return frozenset(name for name in _every_criterion() if _is_carried(name, self.options))


@dataclass(frozen=True, slots=True)
class Closed:
    """A road that cannot be taken, and why."""

    name: RoadName
    because: str


def finder_road(criteria: Criteria, now: datetime) -> Road | Closed:
    """Return the road over one page of the product finder."""
    if criteria.branch is not None:
        return Closed("finder", "it knows a sub-category only by what is listed directly in it, not the branch below")
    wanted = with_spare(criteria.max_results)
    call = FinderCall(selection=finder_selection(criteria, now, wanted), domain=criteria.site)
    page = Step(f"product finder, a page of {call.per_page:,}", (call,), _or_free(quote(call)))
    options = _options(criteria, ())
    because = ["the product finder applies every criterion itself"]
    if unchecked := [name for name in criteria.given if not _is_carried(name, options)]:
        because.append(f"{' and '.join(unchecked)} cannot be checked again: details with it would cost more")
    return Road(
        name="finder",
        steps=(*_category_step(criteria), page, _details(criteria, options, criteria.max_results, wanted)),
        applies=frozenset(criteria.given),
        options=options,
        lookups_max=wanted,
        because=tuple(because),
    )


def best_sellers_road(criteria: Criteria) -> Road | Closed:
    """Return the road over the best-seller list of one category, looked up from the top."""
    node = criteria.branch or criteria.subcategory or criteria.category
    if node is None:
        return Closed("best-sellers", "there is no list without a category")
    try:
        call = BestSellersCall(category=str(node), domain=criteria.site, variations=True)
    except InvalidCallError as error:
        return Closed("best-sellers", str(error))
    applies: set[str] = {"branch"} if criteria.branch else {"category"} if criteria.subcategory is None else set()
    if criteria.rank[0] in (None, 1):
        applies.add("rank")
    on_details = [name for name in criteria.given if name not in applies]
    options = _options(criteria, (*on_details, "rank"))
    likely, most = _lookups(criteria, on_details)
    return Road(
        name="best-sellers",
        steps=(
            *_category_step(criteria),
            Step(f"best-seller list of category {node}", (call,), _or_free(quote(call))),
            _details(criteria, options, likely, most),
        ),
        applies=frozenset(applies),
        options=options,
        lookups_max=most,
        because=("the best-seller list is in order of rank", *_decided_by_details(on_details)),
        only_if_asked=_order(criteria, "the list is in order of rank"),
    )


def deals_road(criteria: Criteria) -> Road | Closed:
    """Return the road over the pages of deals: what has fallen in price within 12 hours."""
    if criteria.site == BRAZIL:
        return Closed("deals", "Keepa does not say that this marketplace has deals")
    if criteria.branch is not None:
        return Closed("deals", "they know a sub-category only by what is listed directly in it, not the branch below")
    applies = _deal_applies(criteria)
    on_details = [name for name in criteria.given if name not in applies]
    unseen = [name for name in on_details if not _is_shown_by_deals(name)]
    options = _options(criteria, on_details)
    likely, most = _lookups(criteria, unseen)
    pages = min(_DEAL_PAGES_MAX, -(-most // DEALS_PER_PAGE))
    calls = tuple(DealCall(selection=deal_selection(criteria, page)) for page in range(pages))
    first, rest = quote(calls[0]), sum_costs(map(quote, calls[1:]))
    cost = Cost(0, first.tokens_likely, (first.tokens_max or 0) + (rest.tokens_max or 0), first.because)
    return Road(
        name="deals",
        steps=(
            *_category_step(criteria),
            Step(f"deals, up to {counted(pages, 'page')} of {DEALS_PER_PAGE}", calls, cost),
            _details(criteria, options, likely, most),
        ),
        applies=frozenset(applies),
        options=options,
        lookups_max=most,
        because=("deals are what has fallen in price within 12 hours", *_decided_by_details(unseen)),
        only_if_asked=_deals_are_too_few(criteria) or _order(criteria, "deals come in order of rank"),
    )


def archive_road(criteria: Criteria, archived: Collection[str]) -> Road | Closed:
    """Return the road that asks Keepa nothing: over the archived products that are known to meet all criteria."""
    if not archived:
        return Closed("archive", "nothing in the archive is known to meet the criteria")
    enough = len(archived) >= criteria.max_results
    short = "" if enough else f"it holds only {len(archived)} of {criteria.max_results} that meet the criteria"
    free = Cost(0, 0, 0, (f"{len(archived):,} in the archive meet all criteria",))
    return Road(
        name="archive",
        steps=(Step(f"archive, up to {len(archived):,} products", (), free),),
        applies=frozenset(),
        options=archive_options(criteria),
        lookups_max=len(archived),
        because=("the archive holds what meets the criteria, and costs nothing",),
        only_if_asked=short or ("" if criteria.sort == "any" else "it cannot know what comes first at Keepa"),
    )


def archive_options(criteria: Criteria) -> ProductOptions:
    """Return what archived details must have been asked for with, to answer all criteria."""
    return _options(criteria, criteria.given)


def _or_free(cost: Cost) -> Cost:
    """Return what a list costs that may lie in the archive."""
    return replace(cost, tokens_min=0)


def with_spare(wanted: int) -> int:
    """Return how many are looked up at most for so many that are wanted, where the road applies every criterion."""
    return min(RESULTS_MAX, wanted + -(-wanted // SPARE_SHARE))


def finder_selection(criteria: Criteria, now: datetime, wanted: int) -> dict[str, Any]:
    """Return the product finder's selection. An upper end alone would also match "none", which Keepa writes as -1."""
    selection: dict[str, Any] = {}
    if criteria.category is not None:
        selection["rootCategory"] = [criteria.category]
    if criteria.subcategory is not None:
        selection["categories_include"] = [criteria.subcategory]
    for name, (low, high) in criteria.ranges.items():
        measure = MEASURES[name]
        least = measure.least if low is None else low
        ends = {"gte": least, "lte": high}
        selection |= {f"{measure.finder}_{end}": value for end, value in ends.items() if value is not None}
    if criteria.changed_within_hours is not None:
        selection["lastPriceChange_NEW_gte"] = changed_since(criteria, now)
    if criteria.amazon_in_stock is not None:
        selection["availabilityAmazon"] = [0] if criteria.amazon_in_stock else [-1, 1, 2, 3, 4]
    if criteria.title:
        selection["title"] = criteria.title
    if criteria.brands or criteria.brands_excluded:
        selection["brand"] = [*criteria.brands, *(f"✜{brand}" for brand in criteria.brands_excluded)]
    selection["sort"] = [list(SORTS[criteria.sort])]
    selection["page"] = 0
    selection["perPage"] = max(PER_PAGE_DEFAULT, wanted)
    return selection


def deal_selection(criteria: Criteria, page: int) -> dict[str, Any]:
    """Return the selection of one page of deals, best rank first."""
    drop = criteria.price_drop[0] or 0
    ranges = {
        "currentRange": _ends(criteria, "new_price"),
        "salesRankRange": _ends(criteria, "rank", open_end=-1),
        "deltaPercentRange": _ends(criteria, "price_drop", open_end=100) if drop >= DEALS_DROP_MIN else None,
    }
    categories = [node for node in (criteria.category, criteria.subcategory) if node is not None][-1:]
    filters: dict[str, Any] = {
        "includeCategories": categories or None,
        "titleSearch": criteria.title,
        "brand": list(criteria.brands) or None,
        "minRating": criteria.rating[0],
        "mustHaveAmazonOffer": criteria.amazon_in_stock or None,
        "mustNotHaveAmazonOffer": True if criteria.amazon_in_stock is False else None,
    }
    return {
        "page": page,
        "domainId": criteria.site,
        "priceTypes": [NEW],
        "dateRange": _QUARTER,
        "sortType": _BY_RANK,
        **{name: value for name, value in {**ranges, **filters}.items() if value is not None},
        "isRangeEnabled": any(value is not None for value in ranges.values()),
        "isFilterEnabled": any(value is not None for value in filters.values()),
    }


def _ends(criteria: Criteria, name: str, *, open_end: int = _LARGEST) -> list[int] | None:
    low, high = getattr(criteria, name)
    if (low, high) == (None, None):
        return None
    return [low if low is not None else MEASURES[name].least or 0, high if high is not None else open_end]


def _deal_applies(criteria: Criteria) -> set[str]:
    """Return what Keepa's deals apply; of two categories they take one."""
    applies = {"rank", "new_price", "title", "brands", "amazon_in_stock"}
    applies.add("category" if criteria.subcategory is None else "subcategory")
    if (criteria.price_drop[0] or 0) >= DEALS_DROP_MIN:
        applies.add("price_drop")
    if criteria.rating[1] is None:
        applies.add("rating")
    return applies & set(criteria.given)


def _is_shown_by_deals(name: str) -> bool:
    """Tell whether a page of deals shows this of each, so that few are looked up in vain."""
    return name == "changed_within_hours" or (name in MEASURES and MEASURES[name].csv_type is not None)


def _deals_are_too_few(criteria: Criteria) -> str:
    hours, drop = criteria.changed_within_hours, criteria.price_drop[0]
    if hours is None or hours > DEALS_HOURS:
        return f"deals are only what changed within {DEALS_HOURS} hours"
    if drop is None or drop < DEALS_DROP_MIN:
        return f"deals are only what has fallen by {DEALS_DROP_MIN}% or more below its mean of {DROP_DAYS} days"
    return ""


def _order(criteria: Criteria, what: str) -> str:
    return "" if criteria.sort in ("rank", "any") else f"{what}, not of {criteria.sort.removeprefix('-')}"


def _decided_by_details(names: Collection[str]) -> tuple[str, ...]:
    return (f"the details decide on {', '.join(names)}: up to {LOOKUPS_MAX} are looked up for each",) if names else ()


def _lookups(criteria: Criteria, on_details: Collection[str]) -> tuple[int, int]:
    wanted = criteria.max_results
    if not on_details:
        return wanted, with_spare(wanted)
    return min(RESULTS_MAX, LOOKUPS_LIKELY * wanted), min(RESULTS_MAX, LOOKUPS_MAX * wanted)


def _category_step(criteria: Criteria) -> tuple[Step, ...]:
    """Ask for the categories first, where that is documented: 1 token tells of a wrong id before more is spent."""
    if not criteria.nodes or criteria.site == BRAZIL:
        return ()
    call = CategoryCall(categories=tuple(map(str, criteria.nodes)), domain=criteria.site)
    return (Step(f"category {' and '.join(call.categories)}: is there such a one", (call,), quote(call, found=0)),)


def _options(criteria: Criteria, decided: Collection[str]) -> ProductOptions:
    """Return the options of the details: what is wished, and what the criteria that they decide need."""
    options: dict[str, Any] = {"stats": STATS_DAYS, "history": criteria.with_history}
    needs: set[str] = {NEEDS.get(name, "") for name in decided}
    if criteria.with_rating:
        needs.add("rating")
    if "changed_within_hours" in criteria.given:
        needs.add("history")  # it costs nothing
    for need in ("rating", "buybox", "offers", "history"):
        if need in needs:
            options |= OPTIONS[need]
    if "offers" in options:  # they bring rating and Buy Box
        options = {name: value for name, value in options.items() if name not in ("rating", "buybox")}
    return cast("ProductOptions", options)


def _is_carried(name: str, options: ProductOptions) -> bool:
    need = NEEDS.get(name, "")
    return need == "" or bool(options.get(need)) or ("offers" in options and need in ("rating", "buybox"))


def _every_criterion() -> tuple[str, ...]:
    return (*NEEDS, "category", "subcategory", "branch", "amazon_in_stock", "brands", "brands_excluded", "title")


def _details(criteria: Criteria, options: ProductOptions, likely: int, most: int) -> Step:
    one = quote(ProductCall(asins=(_SOME_ASIN,), domain=criteria.site, **cast("dict[str, Any]", options)))
    because = (f"up to {counted(most, 'product')}", *one.because[1:])
    cost = Cost(0, likely * one.tokens_likely, most * (one.tokens_max or 0), because)
    return Step(f"details of up to {most:,} products", (), cost)
