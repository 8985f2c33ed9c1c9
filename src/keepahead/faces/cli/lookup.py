"""Products by ASIN for the commands that look into them: analyse, verify, chart."""

from collections.abc import Sequence

import typer

from keepahead.faces.cli.spending import Outcome, Terms, spend
from keepahead.faces.cli.streams import say
from keepahead.keepa import plans
from keepahead.keepa.client import AsyncKeepa
from keepahead.keepa.objects import Product
from keepahead.keepa.plans import ProductOptions, SpendOptions


def look_up(
    asins: Sequence[str], domain: int, chosen: ProductOptions, terms: Terms, limits: SpendOptions
) -> Outcome[list[Product]]:
    """Ask for products; what was delivered comes back even when it ends early."""
    if not asins:
        raise typer.BadParameter("give ASINs, as words or with --file", param_hint="'ASINS'")
    plan = plans.products(asins, domain, chosen)
    wanted: ProductOptions = {**chosen, **limits}

    async def work(keepa: AsyncKeepa) -> list[Product]:
        return await keepa.products(asins, domain=domain, **wanted)

    return spend(terms, work, plan.result, items=len(set(asins)))


def missing_of(asins: Sequence[str], outcome: Outcome[list[Product]]) -> list[str]:
    """Return the ASINs that were asked for and did not come."""
    had = {product.asin for product in outcome.result}
    return [asin for asin in dict.fromkeys(asins) if asin not in had]


def say_missing(missing: Sequence[str], outcome: Outcome[list[Product]]) -> None:
    """Name what Keepa does not have; what failed is told by the failure."""
    if missing and outcome.failure is None:
        say(f"Keepa has nothing for {', '.join(missing)}")
