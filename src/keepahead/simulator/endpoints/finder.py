"""/query, the product finder: filters that truly filter, sorting, paging, and the insights of stats=1."""

from typing import Any, cast

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.listing import Listing
from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.catalogue.recorded import RECORDED, recorded
from keepahead.simulator.catalogue.taxonomy import id_from, roots
from keepahead.simulator.endpoints.costs import query_cost
from keepahead.simulator.endpoints.filters import Filter, filters, number, rank_bounds
from keepahead.simulator.endpoints.insights import insights
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import Outcome, Params, RejectedError

_FRAME = frozenset({"page", "perPage", "sort", "minMatch", "domainId"})
Order = list[tuple[str, bool]]


def query(params: Params) -> Execute:
    """Read a finder request; what it returns executes it."""
    domain, stats = params.domain(), params.flag("stats")
    selection = params.json_object("selection")
    if not set(selection) - _FRAME:
        raise RejectedError("At least one filter is required.")
    page, per_page = _frame(selection)
    order = _order(selection.get("sort"))
    wanted = filters(selection)

    def execute(moment: Moment) -> Outcome:
        matches = find(moment, domain, selection, wanted, order)
        chosen = matches[page * per_page : (page + 1) * per_page]
        asins = [listing.asin for listing in chosen]

        def render() -> dict[str, Any]:
            body: dict[str, Any] = {"asinList": asins, "totalResults": len(matches)}
            if stats:
                body["searchInsights"] = insights(matches)
            return body

        return Outcome(query_cost(len(chosen), len(matches), stats=stats), render)

    return execute


def _frame(selection: dict[str, Any]) -> tuple[int, int]:
    page, per_page = selection.get("page", 0), selection.get("perPage", 50)
    if not isinstance(page, int) or not isinstance(per_page, int):
        raise RejectedError("page and perPage must be numbers.")
    if page < 0 or not 50 <= per_page <= 10_000 or (page and (page + 1) * per_page > 10_000):
        raise RejectedError("page or perPage is outside its range.", status=405)
    return page, per_page


def _order(sort: Any) -> Order:
    """Read `sort`: up to three [field, "asc" or "desc"]. True means descending."""
    if sort is None:
        return [("current_SALES", False)]
    order: Order = []
    for entry in cast("list[Any]", sort) if isinstance(sort, list) else [None]:
        match entry:
            case [str() as field, "asc" | "desc" as way]:
                order.append((field, way == "desc"))
            case _:
                raise RejectedError("Parameter sort is malformed.")
    if not 1 <= len(order) <= 3:
        raise RejectedError("Parameter sort takes one to three entries.")
    return order


def find(moment: Moment, domain: int, selection: dict[str, Any], wanted: list[Filter], order: Order) -> list[Listing]:
    """Return the stored listings that pass every filter, in order; what has no value comes last."""
    least, most = rank_bounds(selection)
    matches: list[Listing] = []
    for index in candidates(moment.catalogue, domain, root_ids(selection)):
        if index < PRODUCTS and not least <= moment.catalogue.traits(index, domain).log_rank <= most:
            continue
        listing = moment.stored(index, domain)
        if all(fits(listing) for fits in wanted):
            matches.append(listing)
    for field, descending in reversed(order):
        matches.sort(key=lambda listing: _place(number(listing, field), descending=descending))
    return matches


def _place(value: Any, *, descending: bool) -> tuple[bool, Any]:
    if value is None or (not isinstance(value, str) and value < 0):
        return True, 0
    if isinstance(value, str):
        return False, [-ord(letter) if descending else ord(letter) for letter in value]
    return False, -value if descending else value


def root_ids(selection: dict[str, Any]) -> list[int] | None:
    """Return the root categories that a selection is limited to, None for all."""
    asked = selection.get("rootCategory")
    if asked is None:
        return None
    entries = cast("list[Any]", asked) if isinstance(asked, list) else [asked]
    return [int(entry) for entry in entries if isinstance(entry, int) or str(entry).isdigit()]


def candidates(catalogue: Catalogue, domain: int, ids: list[int] | None) -> list[int]:
    """Return the indexes of all listings below the root categories with these ids."""
    by_root = catalogue.index(domain)
    if ids is None:
        chosen = set(by_root)
    else:
        plain = {id_from(domain, cat_id) for cat_id in ids}
        chosen = {root.number for root in roots() if root.cat_id in plain}
    found = [index for number_, indexes in by_root.items() if number_ in chosen for index in indexes]
    if domain == 1:
        found += [
            PRODUCTS + place
            for place, asin in enumerate(RECORDED)
            if ids is None or recorded(asin)["rootCategory"] in ids
        ]
    return found
