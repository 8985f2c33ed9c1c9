"""keepahead as it comes: AsyncKeepa with its ledger and its archive, both new, on the clock of the fake Keepa."""

from datetime import datetime

import keepahead
from bench.field.terms import Item, Terms
from keepahead import AsyncKeepa
from keepahead.simulator import ScaledClock


class Ours:
    """One client for all workers. It takes a clock, so nothing of it is replaced."""

    version = keepahead.__version__

    def __init__(self, terms: Terms) -> None:
        clock = ScaledClock(terms.speed, since=datetime.fromisoformat(terms.since))
        url = f"sqlite:///{terms.folder}/ledger.db"
        self._keepa = AsyncKeepa(terms.key, upstream_url=terms.url, database_url=url, floor=10, clock=clock)

    async def asks(self, item: Item) -> bool:
        """Call the method for it."""
        match item["kind"]:
            case "product":
                return await self._products(item["asins"])
            case "best_sellers":
                return bool((await self._keepa.best_sellers(item["category"], domain=1)).asins)
            case "deals":
                return (await self._keepa.deals(item["selection"])) is not None
            case _:
                found = await self._keepa.find(item["selection"], domain=1)
                return await self._products(list(found.asins))

    async def aclose(self) -> None:
        """Close the client."""
        await self._keepa.aclose()

    async def _products(self, asins: list[str]) -> bool:
        products = await self._keepa.products(asins, domain=1, history=False)
        return {product.asin for product in products} == set(asins)
