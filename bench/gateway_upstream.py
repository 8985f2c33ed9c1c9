"""What stands around the gateway in its chapter: a local upstream, the least proxy, the least route, each a process.

Runs as `python -m bench.gateway_upstream ROLE [UPSTREAM]` and prints its URL.
"""

import socket
import sys
import time

import httpx2
import msgspec
import uvicorn
from fastapi import FastAPI, Request, Response
from starlette.applications import Starlette
from starlette.routing import Route

from bench import bodies

_RATE = 1_000_000
_SEEN = b'"B0D8W1YVBX"'
_SIZE = 67_000


def _stamped(body: bytes, consumed: int) -> bytes:
    """Return a body with a fresh envelope: a bucket that never runs dry."""
    head = (
        f'{{"timestamp":{int(time.time() * 1000)},"tokensLeft":{_RATE},"refillIn":30000,"refillRate":{_RATE},'
        f'"tokenFlowReduction":0,"tokensConsumed":{consumed},"processingTimeInMs":1,"products":['
    )
    return head.encode() + body + b"]}"


def _product() -> tuple[bytes, bytes]:
    """Return the recorded product, its series cut to 67 kB, as what stands before and after its own ASIN."""
    product = msgspec.json.decode(bodies.body(products=1, size=10_000_000))["products"][0]
    points = 1 << 14
    while len(encoded := msgspec.json.encode(product)) > _SIZE:
        points //= 2
        product["csv"] = [series and series[-6 * points :] for series in product["csv"]]
        product["salesRanks"] = {node: series[-6 * points :] for node, series in product["salesRanks"].items()}
        if points < 8:
            product["offers"] = None
    before, _, after = encoded.partition(b'"asin":' + _SEEN)
    return before + b'"asin":"', b'"' + after


_BEFORE, _AFTER = _product()


def _products(asins: str) -> bytes:
    names = asins.split(",")
    return _stamped(b",".join(_BEFORE + name.encode() + _AFTER for name in names), len(names))


def upstream() -> Starlette:
    """Answer every Keepa path at once, with a product of 67 kB for every ASIN."""

    async def answer(request: Request) -> Response:
        asins = request.query_params.get("asin", "B000000000")
        return Response(_products(asins), media_type="application/json")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])


def proxy(url: str) -> FastAPI:
    """Pass everything through, as the shortest FastAPI program does it."""
    app = FastAPI()
    client = httpx2.AsyncClient(base_url=url, timeout=60)

    @app.get("/{path:path}")
    async def relay(path: str, request: Request) -> Response:
        answer = await client.get(f"/{path}", params=request.query_params)
        return Response(answer.content, answer.status_code, media_type=answer.headers["content-type"])

    return app


def memory() -> FastAPI:
    """Return the same bytes from memory, as the shortest FastAPI program does it."""
    app = FastAPI()
    body = _products("B000000000")

    @app.get("/{path:path}")
    async def same(path: str) -> Response:
        _ = path
        return Response(body, media_type="application/json")

    return app


def main(role: str, *told: str) -> None:
    """Serve one role until killed."""
    app = {"upstream": upstream, "proxy": proxy, "memory": memory}[role](*told)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="critical", access_log=False)).run(sockets=[listener])


if __name__ == "__main__":
    main(*sys.argv[1:])
