"""Every path that the simulated Keepa serves, and which requests run whatever the balance."""

from collections.abc import Callable

from keepahead.simulator.endpoints.categories import category
from keepahead.simulator.endpoints.deals import deal
from keepahead.simulator.endpoints.finder import query
from keepahead.simulator.endpoints.graph import graphimage
from keepahead.simulator.endpoints.lightning import lightningdeal
from keepahead.simulator.endpoints.lists import bestsellers, topseller
from keepahead.simulator.endpoints.moment import Execute, Moment
from keepahead.simulator.endpoints.products import product
from keepahead.simulator.endpoints.search import search
from keepahead.simulator.endpoints.sellers import seller, sellerquery
from keepahead.simulator.endpoints.trackings import tracking
from keepahead.simulator.request import Outcome, Params

__all__ = ["ROUTES", "Execute", "Moment", "is_free"]


def _token(_: Params) -> Execute:
    return lambda _moment: Outcome(0)


ROUTES: dict[str, Callable[[Params], Execute]] = {
    "token": _token,
    "product": product,
    "search": search,
    "query": query,
    "deal": deal,
    "category": category,
    "bestsellers": bestsellers,
    "topseller": topseller,
    "seller": seller,
    "sellerquery": sellerquery,
    "lightningdeal": lightningdeal,
    "tracking": tracking,
    "graphimage": graphimage,
}


def is_free(path: str, params: Params) -> bool:
    """Say whether a request runs at any balance: the token status, and trackings unless one is added."""
    name = path.strip("/")
    return name == "token" or (name == "tracking" and params.query.get("type") != "add")
