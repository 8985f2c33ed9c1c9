"""The key is in no log, exception, repr, ledger or file, on any road."""

import asyncio
import logging
import traceback
from pathlib import Path

import httpx2
import pytest
from tests.house import KEY, Canned, House, run
from tests.keepa.envelopes import ALL_ZERO, answer

from keepahead import KeepaheadError
from keepahead.simulator import Faults

RECORDED = "B0D8W1YVBX"
TOKEN = answer(left=1000, consumed=0)


def echo(request: httpx2.Request) -> httpx2.Response:
    """A server that repeats the whole URL in its error."""
    return httpx2.Response(400, content=f'{{"error":{{"message":"bad call {request.url}"}}}}'.encode())


def redirect(request: httpx2.Request) -> httpx2.Response:
    """A server that sends us, key and all, elsewhere."""
    return httpx2.Response(302, headers={"Location": f"https://elsewhere.example{request.url.raw_path.decode()}"})


def fail(request: httpx2.Request) -> httpx2.Response:
    """A transport that puts the URL into its error."""
    raise httpx2.ReadError(f"while reading {request.url}", request=request)


ROADS = {
    "well": [TOKEN, answer(left=999, products=[{"asin": RECORDED}])],
    "bad key": [ALL_ZERO],
    "echoed": [TOKEN, echo],
    "redirected": [TOKEN, redirect],
    "html": [TOKEN, httpx2.Response(502, content=b"<html>" + KEY.encode())],
    "cut off": [TOKEN, httpx2.Response(200, content=b'{"products": [' + KEY.encode())],
    "read error": [TOKEN, fail],
    "connect error": [TOKEN, httpx2.ConnectError(f"https://api.keepa.com/product?key={KEY}")],
    "timeout": [TOKEN, httpx2.ReadTimeout(f"https://api.keepa.com/product?key={KEY}")],
    "protocol": [TOKEN, httpx2.RemoteProtocolError(KEY)],
    "429": [TOKEN, *[answer(429, left=-5, consumed=0)] * 9],
    "odd shape": [TOKEN, answer(left=999, products=KEY)],
    "os error": [TOKEN, OSError(f"/product?key={KEY}")],
}


@pytest.mark.parametrize("road", ROADS)
def test_no_road_shows_the_key(tmp_path, caplog, capfd, road):
    """Whatever goes wrong, with all loggers at their most talkative, the key is nowhere but in the request itself."""
    house = House(tmp_path)
    canned = Canned(*ROADS[road])
    seen: list[str] = []

    async def main():
        async with house.keepa(transport=canned, watch=lambda step: seen.append(repr(step))) as keepa:
            try:
                products = await keepa.products([RECORDED], max_wait_seconds=0)
                seen.append(repr(products))
            except KeepaheadError as error:
                seen.append("".join(traceback.format_exception(error)))
                seen.append(repr(vars(error)))
            seen.append(repr(keepa) + repr(vars(keepa)))

    for name in ("", "httpx2", "httpcore2"):
        caplog.set_level(logging.DEBUG, name)
    run(main())
    assert all(request.url.params["key"] == KEY for request in canned.requests)
    out, err = capfd.readouterr()
    everything = "\n".join([*seen, caplog.text, *map(repr, caplog.records), out, err])
    assert KEY not in everything
    for file in Path(tmp_path).rglob("*"):
        if file.is_file():
            assert KEY.encode() not in file.read_bytes(), file


def test_real_sockets_log_no_key(tmp_path, caplog):
    """Over a real connection too, with httpx2 and httpcore2 at DEBUG, the key stays out of the logs."""
    house = House(tmp_path)
    got: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        body = TOKEN.content
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s" % (len(body), body))
        await writer.drain()
        writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}"
        async with house.keepa(transport=None, clock=None, upstream_url=url) as keepa:
            await keepa.status()
        server.close()

    for name in ("", "httpx2", "httpcore2"):  # the command line, run in-process by another test, quietens the last two
        caplog.set_level(logging.DEBUG, name)
    asyncio.run(main())
    assert KEY.encode() in got[0]
    assert "httpcore2" in {record.name.split(".")[0] for record in caplog.records}
    assert KEY not in caplog.text


def test_the_simulator_keeps_no_key(tmp_path):
    """The built-in simulator's own log of requests holds no key either."""
    house = House(tmp_path, faults=Faults())

    async def main():
        async with house.keepa() as keepa:
            await keepa.products([RECORDED])

    run(main())
    assert KEY not in repr(house.truth())
