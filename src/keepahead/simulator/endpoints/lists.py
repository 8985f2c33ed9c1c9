"""GET /bestsellers and GET /topseller: long lists of ids at a flat price."""

from typing import Any

from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.catalogue.sellers import seats_by_seller
from keepahead.simulator.catalogue.statistics import track
from keepahead.simulator.catalogue.taxonomy import Node, id_from, id_in, root_of, roots, tree
from keepahead.simulator.endpoints.finder import candidates
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.request import DOMAINS_WITH_LISTS, Outcome, Params, RejectedError

_DAY = 1_440
_HOUR = 60


def bestsellers(params: Params) -> Execute:
    """Read a best-seller request; what it returns executes it."""
    domain, name = params.domain(DOMAINS_WITH_LISTS), params.text("category")
    days = params.integer("range", 0)
    if days not in {0, 30, 90, 180}:
        raise RejectedError("Parameter range is outside its range.", status=405)
    month, year = params.query.get("month"), params.query.get("year")
    if bool(month) != bool(year):
        raise RejectedError("Parameters month and year belong together.")
    sublist, every = params.flag("sublist"), params.flag("variations")
    if (days and month) or (sublist and (days or month)):
        raise RejectedError("Parameters range, month and sublist exclude each other.")
    if month:
        params.integer("month", least=1, most=12)
        params.integer("year", least=2011)

    def execute(moment: Moment) -> Outcome:
        if month and not _month_has_list(moment, int(month), int(year or 0)):
            return Outcome(0, error=RejectedError("There is no list for this month.").error)
        node = _node(domain, name)
        hour = moment.now // _HOUR * _HOUR
        at = hour if not month else min(hour, _month_end(int(month), int(year or 0)))
        asins = [] if node is None else best_of(moment, domain, node, at, days or (30 if month else 0), every=every)
        if node is None or not asins:
            return Outcome(0, lambda: {"bestSellersList": None})
        cat_id = id_in(domain, node.cat_id) if name.isdigit() else 0
        body = {"domainId": domain, "lastUpdate": hour, "categoryId": cat_id, "asinList": asins}
        return Outcome(50, lambda: {"bestSellersList": body})

    return execute


def _months(moment_minutes: int) -> int:
    """Return roughly how many months lie between 2011 and a moment."""
    return moment_minutes // 43_830


def _month_end(month: int, year: int) -> int:
    return ((year - 2011) * 12 + month) * 43_830


def _month_has_list(moment: Moment, month: int, year: int) -> bool:
    age = _months(moment.now) - ((year - 2011) * 12 + month - 1)
    return 1 <= age <= 36


def _node(domain: int, name: str) -> Node | None:
    """Return the category of an id, or of a display-group name."""
    if name.isdigit():
        plain = id_from(domain, int(name))
        return tree().nodes[plain] if plain is not None else None
    return next((tree().nodes[root.cat_id] for root in roots() if name in {root.group, root.name}), None)


def best_of(moment: Moment, domain: int, node: Node, at: int, days: int, *, every: bool) -> list[str]:
    """Return the ASINs below a category by rank (or by its mean over some days), best first."""

    def make() -> list[str]:
        catalogue, ranked = moment.catalogue, list[tuple[int, str]]()
        families: set[str] = set()
        for index in candidates(catalogue, domain, [id_in(domain, root_of(node).cat_id)]):
            if index < PRODUCTS and node.cat_id not in catalogue.traits(index, domain).leaf.path:
                continue
            listing = catalogue.listing(index, domain, at)
            if index >= PRODUCTS and id_in(domain, node.cat_id) not in _path(listing.attribute("categoryTree")):
                continue
            first = at - days * _DAY
            ranks = track(listing.rows(3, first), at)
            rank = ranks.mean(first, at) if days else ranks.at(at)
            if rank > 0:
                ranked.append((rank, listing.asin))
        ranked.sort()
        if every:
            return [asin for _, asin in ranked]
        chosen: list[str] = []
        for _, asin in ranked:
            index = catalogue.find(asin, domain)
            traits = catalogue.traits(index, domain) if index is not None and index < PRODUCTS else None
            family = catalogue.asin(traits.family) if traits and traits.family is not None else asin
            if family not in families:
                families.add(family)
                chosen.append(asin)
        return chosen

    return moment.catalogue.remember(("best", domain, node.cat_id, at, days, every), make)


def _path(branch: list[dict[str, Any]]) -> set[int]:
    return {node["catId"] for node in branch}


def topseller(params: Params) -> Execute:
    """Read a top-seller request; what it returns executes it."""
    params.domain(DOMAINS_WITH_LISTS)

    def execute(moment: Moment) -> Outcome:
        numbers = moment.catalogue.numbers
        return Outcome(
            50,
            lambda: {"sellerIdList": [numbers.seller_id(n) for n, seats in enumerate(seats_by_seller()) if seats]},
        )

    return execute
