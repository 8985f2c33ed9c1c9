"""A child of test_single_flight.py: asks for products like others at the same time, and says what it paid.

Told to die, it kills itself when Keepa has its request and has charged for it.
"""

import asyncio
import os
import signal
import sys
from typing import Any

import httpx2
from tests.system.children import clock_of, order

from keepahead import AsyncKeepa


class Wire(httpx2.AsyncHTTPTransport):
    """httpx2's own transport; dies when a paid request was answered, if it is told to."""

    def __init__(self, *, dies: bool) -> None:
        super().__init__()
        self._dies = dies

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        paid = request.url.path != "/token"
        if paid:
            print("sends", flush=True)  # noqa: T201 - its parent reads it
        response = await super().handle_async_request(request)
        if paid and self._dies:
            os.kill(os.getpid(), signal.SIGKILL)
        return response


async def main(told: dict[str, Any]) -> None:
    """Ask once; print how many of the products were paid for here."""
    async with AsyncKeepa(
        told["key"],
        upstream_url=told["upstream_url"],
        database_url=told["database_url"],
        clock=clock_of(told),
        transport=Wire(dies=told["dies"]),
        caller=told["caller"],
    ) as keepa:
        products = await keepa.products(told["asins"])
        print(sum(each.paid_now for each in products), len(products), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    sys.exit(asyncio.run(main(order())))
