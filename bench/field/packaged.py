"""The PyPI client keepa as it is, sync and async; only the address behind its host is another."""

import asyncio
import importlib.metadata
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import aiohttp
import requests
from yarl import URL

import keepa
from bench.field.terms import Item, Terms

_HOST = "https://api.keepa.com"
_QUIET: dict[str, Any] = {"history": False, "progress_bar": False}
_WORKERS_MAX = 200


class Sync:
    """One client for all worker threads, with everything as it comes: it waits on a 429, and 10 s for an answer."""

    def __init__(self, terms: Terms) -> None:
        _go_elsewhere(terms.url)
        self.version = importlib.metadata.version("keepa")
        self._api = keepa.Keepa(terms.key)
        self._threads = ThreadPoolExecutor(_WORKERS_MAX)

    async def asks(self, item: Item) -> bool:
        """Ask in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._asks, item)

    async def aclose(self) -> None:
        """Let the threads go."""
        self._threads.shutdown(wait=False)

    def _asks(self, item: Item) -> bool:
        match item["kind"]:
            case "product":
                return _are(self._api.query(item["asins"], **_QUIET), item["asins"])
            case "best_sellers":
                return bool(self._api.best_sellers_query(str(item["category"])))
            case "deals":
                return "dr" in self._api.deals(item["selection"])
            case _:
                found = self._api.product_finder(item["selection"], n_products=item["selection"]["perPage"])
                return _are(self._api.query(found, **_QUIET), found)


class Async:
    """Its client for asyncio, one for all workers; `timeout_seconds` None: as it comes, 10 s."""

    def __init__(self, terms: Terms, timeout_seconds: float | None = None) -> None:
        _go_elsewhere(terms.url)
        self.version = importlib.metadata.version("keepa")
        self._api: keepa.AsyncKeepa | None = None
        self._create: Callable[[], Any] = lambda: keepa.AsyncKeepa.create(
            terms.key, **({} if timeout_seconds is None else {"timeout": timeout_seconds})
        )

    async def asks(self, item: Item) -> bool:
        """Ask on the loop."""
        api = self._api = self._api or await self._create()
        match item["kind"]:
            case "product":
                return _are(await api.query(item["asins"], **_QUIET), item["asins"])
            case "best_sellers":
                return bool(await api.best_sellers_query(str(item["category"])))
            case "deals":
                return "dr" in await api.deals(item["selection"])
            case _:
                found = await api.product_finder(item["selection"], n_products=item["selection"]["perPage"])
                return _are(await api.query(found, **_QUIET), found)

    async def aclose(self) -> None:
        """Nothing stays open."""


def _are(products: Any, asins: list[str]) -> bool:
    return {product["asin"] for product in products} == set(asins)


def _go_elsewhere(url: str) -> None:
    """Have both of its transports go to the fake Keepa."""

    class Elsewhere(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            request.url = url + request.url.removeprefix(_HOST)
            return super().send(request, *args, **options)

    ask = aiohttp.ClientSession._request  # noqa: SLF001 - the one road of all its methods

    async def ask_elsewhere(self: Any, method: str, asked: Any, **options: Any) -> Any:
        return await ask(self, method, URL(url + str(asked).removeprefix(_HOST), encoded=True), **options)

    requests.sessions.HTTPAdapter = Elsewhere  # type: ignore[misc]
    aiohttp.ClientSession._request = ask_elsewhere  # type: ignore[method-assign]  # noqa: SLF001
