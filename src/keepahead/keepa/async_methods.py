"""The methods of AsyncKeepa.

One line each: plans.py says what a method does, client.py does it. A test holds the two lists of methods equal.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, TypeVar, Unpack

from keepahead.budget.cost import Cost
from keepahead.budget.status import Status
from keepahead.keepa import objects, plans
from keepahead.keepa.calls import Call
from keepahead.keepa.plans import (
    BestSellersOptions,
    Domain,
    Plan,
    ProductOptions,
    SearchOptions,
    SpendOptions,
    State,
    own,
)
from keepahead.keepa.wire import Answer

R = TypeVar("R")


class AsyncMethods(Protocol):
    """What one can ask of Keepa.

    Every method takes max_wait_seconds, max_tokens, allow_unbounded, max_age and on_refusal (terms.Terms).

    Each raises InvalidCallError before anything is sent, RefusedError for lack of tokens, KeepaError when the exchange
    fails, PartialResultError when a part was delivered, and LedgerError when nothing may be spent.
    """

    async def _run(self, plan: Plan[R], options: Mapping[str, Any]) -> R: ...

    async def status(self) -> Status:
        """Return the account as it stands; asks Keepa's free /token only if nothing is known yet."""
        ...

    async def archived(
        self, *, domain: Domain = 1, most: int = 1_000, **options: Unpack[ProductOptions]
    ) -> list[objects.Product]:
        """Return archived products that would do for these options, the newest first; costs nothing, saves nothing."""
        ...

    def quote(self, call: Call) -> Cost:
        """Return the bounds of what the call may cost, in tokens. Sends nothing."""
        ...

    async def foresee(self, shape: str, tokens_max: int, **options: Unpack[SpendOptions]) -> None:
        """Refuse work that cannot all be paid for in time, before its first call; it lets all go first who wait.

        `shape` says what it is: "this scan: ASINs of list 7" is called "this scan" where it is refused. Its calls are
        its parts if they are given `work=shape`: what was there for all of it is then kept for them.
        """
        ...

    async def end_work(self, shape: str) -> None:
        """Give up what is still kept for work that `foresee` let in and that has ended; else it is kept for 60 s."""
        ...

    async def products(
        self, asins: Iterable[str], *, domain: Domain = 1, **options: Unpack[ProductOptions]
    ) -> list[objects.Product]:
        """Return the products that Keepa delivers, in the order asked; 1 token each and what the options add."""
        return await self._run(plans.products(asins, domain, own(options)), options)

    async def products_by_code(
        self,
        codes: Iterable[str],
        *,
        code_limit: int | None = None,
        domain: Domain = 1,
        **options: Unpack[ProductOptions],
    ) -> list[objects.Product]:
        """Return the products behind UPC, EAN or ISBN-13 codes; without `code_limit` the cost has no bound."""
        return await self._run(plans.products_by_code(codes, code_limit, domain, own(options)), options)

    async def best_sellers(
        self, category: int | str, *, domain: Domain = 1, **options: Unpack[BestSellersOptions]
    ) -> objects.BestSellers:
        """Return the best-seller list of a category or a product group; 50 tokens, 0 if there is none."""
        return await self._run(plans.best_sellers(category, domain, own(options)), options)

    async def deals(self, selection: Mapping[str, Any], **options: Unpack[SpendOptions]) -> objects.Deals:
        """Return one page of up to 150 deals for Keepa's deal `selection`; 5 tokens."""
        return await self._run(plans.deals(selection), options)

    async def find(
        self, selection: Mapping[str, Any], *, domain: Domain = 1, stats: bool = False, **options: Unpack[SpendOptions]
    ) -> objects.Found:
        """Return one page of the product finder; 10 tokens and 1 for every 100 ASINs; unbounded with `stats`."""
        return await self._run(plans.find(selection, domain, stats=stats), options)

    async def search(self, term: str, *, domain: Domain = 1, **options: Unpack[SearchOptions]) -> list[objects.Product]:
        """Return what Amazon finds for these words; 10 tokens a page, up to 40 without `page`."""
        return await self._run(plans.search(term, domain, own(options)), options)

    async def search_categories(
        self, term: str, *, domain: Domain = 1, **options: Unpack[SpendOptions]
    ) -> dict[int, objects.Category]:
        """Return up to 50 categories whose names hold all these words; 1 token."""
        return await self._run(plans.search_categories(term, domain), options)

    async def categories(
        self, ids: Iterable[int | str], *, domain: Domain = 1, parents: bool = False, **options: Unpack[SpendOptions]
    ) -> dict[int, objects.Category]:
        """Return category nodes by their ids, all roots for 0; 1 token for every 10."""
        return await self._run(plans.categories(ids, domain, parents=parents), options)

    async def sellers(
        self, ids: Iterable[str], *, domain: Domain = 1, storefront: bool = False, **options: Unpack[SpendOptions]
    ) -> dict[str, objects.Seller]:
        """Return sellers by their ids; 1 token each, 10 with their storefronts."""
        return await self._run(plans.sellers(ids, domain, storefront=storefront), options)

    async def find_sellers(
        self, selection: Mapping[str, Any], *, domain: Domain = 1, **options: Unpack[SpendOptions]
    ) -> list[str]:
        """Return the ids of one page of the seller finder; 10 tokens and 1 for every 100."""
        return await self._run(plans.find_sellers(selection, domain), options)

    async def top_sellers(self, *, domain: Domain = 1, **options: Unpack[SpendOptions]) -> list[str]:
        """Return the ids of the most rated sellers; 50 tokens."""
        return await self._run(plans.top_sellers(domain), options)

    async def lightning_deals(
        self,
        asin: str | None,
        *,
        domain: Domain = 1,
        state: State | None = None,
        **options: Unpack[SpendOptions],
    ) -> list[objects.LightningDeal]:
        """Return the lightning deal of one product; 1 token. All of them with None, for 500."""
        return await self._run(plans.lightning_deals(asin, domain, state), options)

    async def graph_image(
        self, asin: str, *, domain: Domain = 1, graph: Mapping[str, Any] | None = None, **options: Unpack[SpendOptions]
    ) -> bytes:
        """Return a PNG of the price graph; 1 token. `graph` holds the options of GraphImageCall."""
        return await self._run(plans.graph_image(asin, domain, graph or {}), options)

    async def trackings(
        self, *, list_name: str | None = None, **options: Unpack[SpendOptions]
    ) -> list[objects.Tracking]:
        """Return all trackings of a list; free."""
        return await self._run(plans.tracking("list", objects.trackings, list_name=list_name), options)

    async def track(
        self, trackings: Iterable[Mapping[str, Any]], *, list_name: str | None = None, **options: Unpack[SpendOptions]
    ) -> list[objects.Tracking]:
        """Add trackings; 1 token each, and every one lowers the refill for as long as it stays."""
        return await self._run(plans.track(trackings, list_name), options)

    async def untrack(self, asin: str, *, list_name: str | None = None, **options: Unpack[SpendOptions]) -> None:
        """Remove one tracking; free."""
        return await self._run(plans.tracking("remove", objects.nothing, asin=asin, list_name=list_name), options)

    async def notifications(
        self, *, since: int = 0, revise: bool = False, list_name: str | None = None, **options: Unpack[SpendOptions]
    ) -> list[objects.Notification]:
        """Return what trackings told since a Keepa minute, and mark it read; free. `revise` repeats read ones."""
        return await self._run(
            plans.tracking("notification", objects.notifications, since=since, revise=revise, list_name=list_name),
            options,
        )

    async def send(self, call: Call, **options: Unpack[SpendOptions]) -> Answer:
        """Send any call, in one piece, and return the raw answer; an archived one only with `max_age`."""
        return await self._run(plans.raw(call), options)
