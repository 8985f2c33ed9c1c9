"""A program that was written for Keepa, with the PyPI package as it is; only the address behind its host is another.

Runs as `python -m tests.system.keepa_program ORDER` until it is killed, and waits by itself when it is told 429.
"""

import asyncio
import random
from typing import Any

import aiohttp
import requests
from tests.system.children import order
from tests.system.workload import asins
from yarl import URL

import keepa

DEAR = 0.1
"""One in ten of what is asked costs much: the others find something in two minutes."""

_HOST = "https://api.keepa.com"


def go_elsewhere(url: str) -> None:
    """Have both transports go to the gateway at `url`."""

    class Elsewhere(requests.adapters.HTTPAdapter):
        def send(self, request: Any, *args: Any, **options: Any) -> Any:
            request.url = url + request.url.removeprefix(_HOST)
            return super().send(request, *args, **options)

    ask = aiohttp.ClientSession._request

    async def ask_elsewhere(self: Any, method: str, asked: Any, **options: Any) -> Any:
        return await ask(self, method, URL(url + str(asked).removeprefix(_HOST), encoded=True), **options)

    requests.sessions.HTTPAdapter = Elsewhere
    aiohttp.ClientSession._request = ask_elsewhere


def work(key: str, rng: random.Random) -> None:
    """Ask for products, searches and lists, one after the other."""
    api = keepa.Keepa(key)
    while True:
        api.query(asins(rng, rng.choice((1, 2, 3))), progress_bar=False, history=False)
        if rng.random() < DEAR:
            api.product_finder({"current_SALES_lte": rng.randrange(1_000, 100_000), "perPage": 50})


async def work_async(key: str, rng: random.Random) -> None:
    """Do the same with its client for asyncio."""
    api = await keepa.AsyncKeepa.create(key)
    while True:
        await api.query(asins(rng, rng.choice((1, 2, 3))), progress_bar=False, history=False)
        if rng.random() < DEAR:
            words = f"word{rng.randrange(1000)}"
            await api.deals({"page": 0, "domainId": 1, "priceTypes": [1], "titleSearch": words})


if __name__ == "__main__":
    told = order()
    go_elsewhere(told["url"])
    rng = random.Random(told["seed"])
    if told["kind"] == "async":
        asyncio.run(work_async(told["key"], rng))
    else:
        work(told["key"], rng)
