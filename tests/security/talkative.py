"""A gateway with every logger at DEBUG, written to stderr as it comes: asks itself, and keeps its key in a file.

A program of its own for test_keepa_key.py, because levels of logs are for a whole process.
"""

import asyncio
import logging
import sys
from pathlib import Path

import httpx2

from keepahead.faces.dashboard.opening import add_dashboard
from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.gateway.server import Address, server_of
from keepahead.faces.settings import read_settings


async def main() -> None:
    """Serve, ask with the key in each place where it may stand, and end."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, format="%(name)s %(message)s", force=True)
    for name in ("httpx2", "httpcore2", "sqlalchemy", "sqlalchemy.engine", "uvicorn", "keepahead"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    opened = open_gateway(read_settings())
    add_dashboard(opened)
    server = server_of(opened.app, Address(port=0))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn tells nobody
        await asyncio.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    key = opened.first_key or ""
    Path("own").write_text(key)  # noqa: ASYNC240 - nobody waits
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
        logging.getLogger("httpx2").setLevel(logging.WARNING)  # this client's own lines: it is no part of the gateway
        logging.getLogger("httpcore2").addFilter(lambda record: key not in record.getMessage())
        await client.get("/api/v1/products/B0D8W1YVBX", headers={"X-API-Key": key})
        await client.get("/api/v1/budget", headers={"Authorization": f"Bearer {key}"})
        await client.get("/keepa/product", params={"domain": 1, "asin": "B0F7XPYCSJ", "key": key})
        await client.post("/login", data={"key": key})
        await client.get("/ledger")
    server.should_exit = True
    await serving


if __name__ == "__main__":
    asyncio.run(main())
