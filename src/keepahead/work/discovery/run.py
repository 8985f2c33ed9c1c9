"""Runs a discovery: the finder, then the details. What was found and paid for comes back even if the details fail."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from keepahead.clock import Clock
from keepahead.errors import KeepaheadError, PartialResultError
from keepahead.keepa import objects
from keepahead.keepa.calls import FinderCall
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.objects import Product
from keepahead.keepa.plans import ProductOptions
from keepahead.keepa.wire import Answer
from keepahead.work.discovery.plan import DiscoveryPlan, check_time, check_tokens


@dataclass(frozen=True, slots=True)
class Discovery:
    """What was found: the chosen `asins` in the finder's order, of `total` by Keepa's estimate, and their details."""

    asins: tuple[str, ...]
    total: int
    products: tuple[Product, ...]


async def discover(
    keepa: AsyncKeepa,
    plan: DiscoveryPlan,
    clock: Clock,
    *,
    max_wait_seconds: float | None = None,
    max_tokens: int | None = None,
) -> Discovery:
    """Carry out the plan. Nothing is sent unless the whole can be paid for within the limits.

    Raises RefusedError before the first call, KeepaError if the finder fails, and PartialResultError (its `results`
    is a Discovery) if details are missing.
    """
    check_tokens(plan, max_tokens)
    began = clock.now()
    check_time(plan, await keepa.status(), began, max_wait_seconds)
    deadline = None if max_wait_seconds is None else began + timedelta(seconds=max_wait_seconds)

    def left() -> float | None:
        return None if deadline is None else max(0.0, (deadline - clock.now()).total_seconds())

    found = await keepa.find(plan.finder.filters, domain=plan.finder.domain, max_wait_seconds=left())
    asins = found.asins[: plan.wish.max_results]
    if not asins:
        return Discovery((), found.total, ())
    try:
        details: ProductOptions = {**plan.details, "max_wait_seconds": left()}
        products = await keepa.products(asins, domain=plan.finder.domain, **details)
    except PartialResultError as partial:
        had = Discovery(asins, found.total, tuple(partial.results))
        raise PartialResultError(str(partial), results=had, missing=partial.missing, cause=partial.cause) from partial
    except KeepaheadError as error:
        nothing = Discovery(asins, found.total, ())
        message = f"{len(asins)} products were found, and their details are missing: {error}"
        raise PartialResultError(message, results=nothing, missing=asins, cause=error) from error
    return Discovery(asins, found.total, tuple(products))


def gather(plan: DiscoveryPlan, answers: Sequence[Answer]) -> Discovery:
    """Return what a discovery had when it was interrupted."""
    pages = [answer for answer in answers if isinstance(answer.call, FinderCall)]
    if not pages:
        return Discovery((), 0, ())
    found = objects.found(pages)
    asins = found.asins[: plan.wish.max_results]
    rest = [answer for answer in answers if answer not in pages]
    return Discovery(asins, found.total, tuple(objects.products(rest, asked=asins)))
