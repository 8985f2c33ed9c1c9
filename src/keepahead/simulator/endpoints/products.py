"""GET /product: by ASIN or by code, with everything that can be asked of a product."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.catalogue.listing import Listing, Wanted
from keepahead.simulator.catalogue.noise import mix
from keepahead.simulator.catalogue.numbers import PRODUCTS
from keepahead.simulator.endpoints.costs import Asked, Hidden, offers_are_fresh, product_cost
from keepahead.simulator.endpoints.moment import Execute, Moment, keepa_minutes
from keepahead.simulator.request import Outcome, Params, RejectedError

_DAY = 1_440


@dataclass(frozen=True, slots=True)
class StatsInterval:
    """What `stats` asks: the last `days` (0: everything), or an interval in Keepa minutes."""

    days: int = 0
    start: int = 0
    end: int = 0

    def around(self, at: int) -> tuple[int, int]:
        """Return start and end for a product stored at a moment."""
        if self.end:
            return self.start, self.end
        return (at - self.days * _DAY if self.days else 0), at


def stats_interval(params: Params) -> StatsInterval | None:
    """Read `stats`: days, or two Unix milliseconds or ISO dates with a comma between."""
    raw = params.query.get("stats", "").strip()
    if not raw:
        return None
    if "," not in raw:
        return StatsInterval(days=params.integer("stats", least=0))
    first, _, last = raw.partition(",")
    start, end = _moment(first), _moment(last)
    if end <= start:
        raise RejectedError("Parameter stats is not an interval.")
    return StatsInterval(start=start, end=end)


def _moment(text: str) -> int:
    if text.isdigit():
        return keepa_minutes(int(text))
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise RejectedError("Parameter stats is not an interval.") from None
    return keepa_minutes(int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000))


def _offers(params: Params) -> int:
    """Read `offers`. Outside 20..100 Keepa answers 200 with an error inside, with `code` and 0 a plain 400."""
    if not params.query.get("offers", "").strip():
        return 0
    wanted = params.integer("offers")
    if not 20 <= wanted <= 100:
        status = 400 if wanted == 0 and params.query.get("code") else 200
        raise RejectedError("Either no or a minimum of 20 offers must be requested", status=status)
    return wanted


@dataclass(frozen=True, slots=True)
class Request:
    """A product request, read."""

    domain: int
    asked: Asked
    wanted: Wanted
    stats: StatsInterval | None

    def wanted_at(self, at: int, *, retrieved: bool) -> Wanted:
        """Return what is wanted of a product that is stored at a moment."""
        return replace(self.wanted, stats=self.stats.around(at) if self.stats else None, retrieved=retrieved)


def read(params: Params) -> Request:
    """Read the options of a product request."""
    offers = _offers(params)
    asked = Asked(
        update=params.integer("update", 1, least=-1),
        offers=offers,
        only_live=params.flag("only-live-offers"),
        rating=params.flag("rating"),
        buybox=params.flag("buybox"),
        stock=params.flag("stock") and offers > 0,
        historical_variations=params.flag("historical-variations"),
    )
    wanted = Wanted(
        history=params.flag("history", default=True),
        days=params.integer("days", least=1) if params.query.get("days") else None,
        rating=asked.rating,
        buybox=asked.buybox,
        offers=offers,
        only_live=asked.only_live,
        stock=asked.stock,
        historical_variations=asked.historical_variations,
        videos=params.flag("videos"),
        aplus=params.flag("aplus"),
    )
    return Request(params.domain(), asked, wanted, stats_interval(params))


def product(params: Params) -> Execute:
    """Read a product request; what it returns executes it."""
    by_asin, by_code = bool(params.query.get("asin")), bool(params.query.get("code"))
    if by_asin == by_code:
        raise RejectedError("Exactly one of asin and code must be given.")
    request = read(params)
    names = params.items("asin" if by_asin else "code", 100)
    limit = params.integer("code-limit", least=1) if params.query.get("code-limit") else PRODUCTS

    def execute(moment: Moment) -> Outcome:
        catalogue, domain = moment.catalogue, request.domain
        if by_asin:
            found: list[tuple[str, int | None]] = [(asin, catalogue.find(asin, domain)) for asin in names]
        else:
            hits = dict.fromkeys(n for code in names for n in catalogue.find_code(code, domain)[:limit])
            found = [(catalogue.asin(n), n) for n in hits]
        return _deliver(moment, request, found)

    return execute


def _deliver(moment: Moment, request: Request, found: list[tuple[str, int | None]]) -> Outcome:
    tokens, bodies = 0, list[Callable[[], dict[str, Any]]]()
    for asin, index in sorted(found):  # Keepa promises no order
        if request.asked.update < 0 and (index is None or not is_stored(moment, index, request.domain)):
            continue
        if index is None:
            tokens += 1
            bodies.append(lambda asin=asin: unknown(asin, request.domain))
            continue
        cost, body = collect(moment, request, index)
        tokens += cost
        bodies.append(body)
    return Outcome(tokens, lambda: {"products": [body() for body in bodies]})


def is_stored(moment: Moment, index: int, domain: int) -> bool:
    """Say whether Keepa's database has a product."""
    known = index >= PRODUCTS or moment.catalogue.is_known(index, domain)
    return known or moment.seen("update", f"{domain}/{index}") is not None


def collect(moment: Moment, request: Request, index: int) -> tuple[int, Callable[[], dict[str, Any]]]:
    """Refresh a product as its options ask, remember what was collected, and return its cost and how to build it."""
    item, now, asked = f"{request.domain}/{index}", moment.now, request.asked
    hidden = look_behind(moment, index, request.domain, offers=asked.offers > 0)
    fetched = asked.offers > 0 and not offers_are_fresh(asked, hidden)
    at = now - hidden.age
    if fetched or (asked.update >= 0 and hidden.age >= asked.update * 60):
        at = now
        moment.mark("update", item)
    if fetched and hidden.retrieval_works:
        moment.mark("offers", item)
        if asked.stock:
            moment.mark("stock", item)
    listing = moment.catalogue.listing(index, request.domain, at)
    wanted = request.wanted_at(listing.at, retrieved=asked.offers > 0 and (hidden.retrieval_works or not fetched))
    return product_cost(asked, hidden), lambda: listing.body(wanted)


def look_behind(moment: Moment, index: int, domain: int, *, offers: bool) -> Hidden:
    """Return the hidden properties of a product on which its cost depends."""
    item, now = f"{domain}/{index}", moment.now
    at = moment.stored_at(index, domain)

    def age(kind: str) -> int | None:
        seen = moment.seen(kind, item)
        return None if seen is None else now - seen

    listing = moment.catalogue.listing(index, domain, now)
    return Hidden(
        age=now - at,
        offers_age=age("offers"),
        stock_age=age("stock"),
        rating_age=rating_age(moment.catalogue, listing, index, domain, now),
        offers_found=listing.offer_count() if offers else 0,
        retrieval_works=retrieval_works(moment.catalogue, index, domain, now),
        has_parent=bool(listing.attribute("parentAsin")),
    )


def rating_age(catalogue: Catalogue, listing: Listing, index: int, domain: int, now: int) -> int | None:
    """Return how old (minutes) the rating data is, None when there is none."""
    if index >= PRODUCTS:
        return now - listing.attribute("lastRatingUpdate")
    if not listing.rows(16, now):
        return None
    return catalogue.traits(index, domain).own % 28 * _DAY


def retrieval_works(catalogue: Catalogue, index: int, domain: int, now: int) -> bool:
    """Say whether offers can be fetched now: one product in fifty fails for an hour, digital ones always."""
    if index >= PRODUCTS:
        return True
    traits = catalogue.traits(index, domain)
    return traits.type == 0 and mix(traits.own, now // 60) % 50 != 0


def unknown(asin: str, domain: int) -> dict[str, Any]:
    """Return the object for an ASIN that Amazon does not know."""
    return {"asin": asin, "domainId": domain, "productType": 4, "title": None, "csv": None, "lastUpdate": 0}
