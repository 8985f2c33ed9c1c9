"""GET /search: products or categories by words."""

import re
from typing import Any

from keepahead.simulator.catalogue import words
from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.catalogue.recorded import RECORDED, recorded
from keepahead.simulator.catalogue.taxonomy import tree
from keepahead.simulator.endpoints.categories import category_body
from keepahead.simulator.endpoints.costs import search_cost
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.endpoints.products import collect, look_behind, read
from keepahead.simulator.request import Outcome, Params, RejectedError

_PAGE = 10
_MOST_CATEGORIES = 50


def search(params: Params) -> Execute:
    """Read a search request of either type; what it returns executes it."""
    kind = params.text("type")
    if kind == "product":
        return _products(params)
    if kind == "category":
        return _categories(params)
    raise RejectedError("Parameter type must be product or category.")


def _products(params: Params) -> Execute:
    plain = {name: value for name, value in params.query.items() if name not in {"offers", "buybox", "stock", "days"}}
    request = read(Params(plain))
    if request.asked.update < 0:
        raise RejectedError("Parameter update is outside its range.", status=405)
    term, asins_only = params.text("term"), params.flag("asins-only")
    page = params.integer("page", least=0, most=9) if params.query.get("page") else None

    def execute(moment: Moment) -> Outcome:
        first = (page or 0) * _PAGE
        last = first + _PAGE if page is not None else 4 * _PAGE
        found = by_words(moment, request.domain, term)[first:last]
        hidden = [look_behind(moment, index, request.domain, offers=False) for index in found]
        fresh = sum(behind.age < 60 for behind in hidden) if request.asked.update == 0 else 0
        rated = sum(behind.rating_age is not None and behind.rating_age < 14 * 1_440 for behind in hidden)
        tokens = search_cost(
            len(found), paged=page is not None, fresh=fresh, rated=rated if request.asked.rating else 0
        )
        if asins_only:
            return Outcome(tokens, lambda: {"asinList": [moment.catalogue.asin(index) for index in found]})
        bodies = [collect(moment, request, index)[1] for index in found]
        return Outcome(tokens, lambda: {"products": [body() for body in bodies]})

    return execute


def _title(catalogue: Catalogue, index: int, domain: int) -> str:
    if index >= PRODUCTS:
        return str(recorded(RECORDED[index - PRODUCTS])["title"])
    return words.title(catalogue.traits(index, domain))


def titles(catalogue: Catalogue, domain: int) -> list[tuple[str, int]]:
    """Return every title of a domain in small letters, with its index."""

    def make() -> list[tuple[str, int]]:
        every = [index for indexes in catalogue.index(domain).values() for index in indexes]
        every += [PRODUCTS + n for n in range(len(RECORDED))] if domain == 1 else []
        return [(_title(catalogue, index, domain).lower(), index) for index in every]

    return catalogue.remember(("titles", domain), make)


def by_words(moment: Moment, domain: int, term: str) -> list[int]:
    """Return up to 100 products whose title holds every word, the best selling first."""
    wanted = re.findall(r"[^\s]+", term.lower())
    hits = [index for title, index in titles(moment.catalogue, domain) if all(word in title for word in wanted)]

    def fame(index: int) -> float:
        return 6.0 if index >= PRODUCTS else moment.catalogue.traits(index, domain).log_rank

    return sorted(hits, key=fame)[:100]


def _categories(params: Params) -> Execute:
    domain, term, parents = params.domain(), params.text("term").lower().split(), params.flag("parents")
    if any(len(word) < 3 for word in term):
        raise RejectedError("A keyword is shorter than 3 characters.")

    def execute(moment: Moment) -> Outcome:
        nodes = [node for node in tree().nodes.values() if all(word in node.name.lower() for word in term)]
        chosen = [node.cat_id for node in nodes[:_MOST_CATEGORIES]]

        def render() -> dict[str, Any]:
            return category_body(moment.catalogue, domain, chosen, parents=parents)

        return Outcome(1, render)

    return execute
