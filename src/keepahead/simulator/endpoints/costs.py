"""What a product costs, from what is hidden behind it. Source: protocol sheet sections 7 and 10.2."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Asked:
    """The paid options of a product request. update: hours, -1 never; offers: 0 when not asked."""

    update: int = 1
    offers: int = 0
    only_live: bool = False
    rating: bool = False
    buybox: bool = False
    stock: bool = False
    historical_variations: bool = False


@dataclass(frozen=True, slots=True)
class Hidden:
    """What only Keepa knows of a product at the moment of the request. Ages in minutes, None: never collected."""

    age: int
    offers_age: int | None
    stock_age: int | None
    rating_age: int | None
    offers_found: int
    retrieval_works: bool
    has_parent: bool


def offers_are_fresh(asked: Asked, hidden: Hidden) -> bool:
    """Say whether stored offers are young enough, so that none are fetched; with update=-1 none ever are."""
    if asked.update < 0:
        return True
    return hidden.offers_age is not None and hidden.offers_age < asked.update * 60


def offers_cost(asked: Asked, hidden: Hidden) -> int:
    """Return what live offers cost instead of the base token."""
    if offers_are_fresh(asked, hidden):
        return 5
    if not hidden.retrieval_works:
        return 0 if asked.only_live else 1
    if hidden.offers_found == 0:
        return 5
    return 6 * pages(min(hidden.offers_found, asked.offers), 10)


def product_cost(asked: Asked, hidden: Hidden) -> int:
    """Return what one product costs."""
    tokens = offers_cost(asked, hidden) if asked.offers else 1
    if asked.update == 0 and hidden.age < 60 and not asked.offers:
        tokens += 1
    if asked.rating and not asked.offers and hidden.rating_age is not None and hidden.rating_age < 14 * 1_440:
        tokens += 1
    if asked.buybox and not asked.offers:
        tokens += 2
    if asked.stock and asked.offers and hidden.stock_age is not None and hidden.stock_age < 7 * 1_440:
        tokens += 2
    if asked.historical_variations and hidden.has_parent:
        tokens += 1
    return tokens


def pages(entries: int, size: int) -> int:
    """Return how many pages of a size hold so many entries."""
    return -(-entries // size)


def query_cost(returned: int, total: int, *, stats: bool) -> int:
    """Return what a finder page costs: 10, 1 per hundred returned, and with stats 30 and 1 per million matched."""
    return 10 + pages(returned, 100) + (30 + pages(total, 1_000_000) if stats else 0)


def search_cost(delivered: int, *, paged: bool, fresh: int, rated: int) -> int:
    """Return what a product search costs: 10 per result page delivered (an empty result is one), and its surcharges."""
    result_pages = 1 if paged else max(1, pages(delivered, 10))
    return 10 * result_pages + fresh + min(5, rated)
