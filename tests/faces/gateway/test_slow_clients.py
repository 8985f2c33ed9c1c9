"""Clients that send or read too slowly: they hold nothing that others need, and lose their connection in the end."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx2
import pytest
from tests.gateway_house import GatewayHouse
from tests.gateway_wire import talk
from tests.house import run

from keepahead.faces.gateway.gateway import Patience
from keepahead.faces.gateway.server import Address, Server, server_of

PLACES = 2
PATIENCE = Patience(body_seconds=0.4, send_seconds=0.8, max_requests=PLACES)
SOON = 15.0
"""Whatever has not happened after so many seconds does not happen."""

SMALL = 4096
"""What a socket of a slow client, and of the server that serves him, may hold."""


class Slow:
    """A client on a socket of its own, which does not want to hold much."""

    def __init__(self, url: httpx2.URL, key: str) -> None:
        self._url, self._key = url, key
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
        self.socket.setblocking(False)

    async def connect(self) -> None:
        """Open the connection."""
        await asyncio.get_running_loop().sock_connect(self.socket, (self._url.host, self._url.port))

    async def send(self, line: str, *headers: str, body: bytes = b"") -> None:
        """Send a request, or as much of it as is given."""
        lines = [f"{line} HTTP/1.1", "Host: localhost", f"X-API-Key: {self._key}", *headers, "", ""]
        await self.send_bytes("\r\n".join(lines).encode() + body)

    async def send_bytes(self, data: bytes) -> None:
        """Send bytes."""
        await asyncio.get_running_loop().sock_sendall(self.socket, data)

    async def read(self, most: int = 65_536) -> bytes:
        """Return what comes next; nothing when the connection has ended."""
        try:
            async with asyncio.timeout(SOON):
                return await asyncio.get_running_loop().sock_recv(self.socket, most)
        except ConnectionError:
            return b""

    async def read_all(self) -> bytes:
        """Return all until the end of the connection."""
        found = b""
        while part := await self.read():
            found += part
        return found


class Scene:
    """A server, a client of it in good order, and slow ones."""

    def __init__(self, server: Server, client: httpx2.AsyncClient, key: str) -> None:
        self.server, self.client = server, client
        self._key = key
        self.slow: list[Slow] = []

    async def connect(self) -> Slow:
        """Return one more slow client."""
        self.slow.append(Slow(self.client.base_url, self._key))
        await self.slow[-1].connect()
        return self.slow[-1]

    async def status(self) -> int:
        """Return how a free question of the good client is answered, who keeps no connection."""
        return (await self.client.get("/api/v1/budget")).status_code

    async def until_idle(self) -> None:
        """Wait until no request is under way and no connection is left."""
        state = self.server.server_state
        async with asyncio.timeout(SOON):
            while state.tasks or state.connections:  # noqa: ASYNC110 - nobody is told
                await asyncio.sleep(0.02)


@asynccontextmanager
async def served(house: GatewayHouse) -> AsyncIterator[Scene]:
    """Put the gateway on a port whose connections hold little."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
        server = server_of(house.app, Address())
        server.config.lifespan = "off"  # it has begun
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn says it in no other way
            await asyncio.sleep(0.01)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        key = house.keys["spend"]
        client = httpx2.AsyncClient(base_url=url, headers={"X-API-Key": key, "Connection": "close"}, timeout=SOON)
        scene = Scene(server, client, key)
        try:
            async with client:
                yield scene
        finally:
            for each in scene.slow:
                each.socket.close()
            server.should_exit = True
            await task


async def demand_nothing_held(house: GatewayHouse) -> None:
    """Demand that nothing is set aside, and that nobody waits."""
    with house.books() as (ledger, _):
        account = ledger.account()
    assert (account.reservations, account.tickets) == ((), ())


@pytest.mark.parametrize("line", ["POST /api/v1/products/discover", "POST /keepa/query?domain=1"])
def test_a_body_that_comes_byte_by_byte(tmp_path, line):
    """Whoever has not sent his request in time is told 408, however many of its bytes come; others are served."""

    async def main():
        async with GatewayHouse(tmp_path).opened(patience=PATIENCE) as house, served(house) as scene:
            slow = await scene.connect()
            await slow.send(line, "Content-Type: application/json", "Content-Length: 1000")
            trickle = asyncio.create_task(send_slowly(slow))
            answers = [await scene.status() for _ in range(5)]
            said = await slow.read_all()
            trickle.cancel()
            await scene.until_idle()
            await demand_nothing_held(house)
            return answers, said

    async def send_slowly(slow: Slow) -> None:
        while True:
            await slow.send_bytes(b" ")
            await asyncio.sleep(0.05)

    answers, said = asyncio.run(main())
    assert answers == [200] * 5
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"a request must be here within" in said


def test_a_body_that_nobody_reads_is_too_slow(tmp_path):
    """A request that works while its body trickles in has no longer time for it than others."""

    async def main():
        house = GatewayHouse(tmp_path, balance=12)
        async with house.opened(patience=PATIENCE) as house, served(house) as scene:
            slow = await scene.connect()
            await slow.send("GET /api/v1/bestsellers/283155?deadline=140s", "Content-Length: 1000", body=b" ")
            said = await slow.read_all()
            await scene.until_idle()
            await demand_nothing_held(house)
            return said

    assert asyncio.run(main()).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize(
    "sent", [b"", b"GET /api/v1/budget HTTP/1.1\r\nHost: local", b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\nGET /he"]
)
def test_half_a_header(tmp_path, sent):
    """Whoever sends half a header and nothing more, first or after a whole request, takes no place and is cut off."""

    async def main():
        async with GatewayHouse(tmp_path).opened(patience=PATIENCE) as house, served(house) as scene:
            slow = [await scene.connect() for _ in range(PLACES * 2)]
            for each in slow:
                await each.send_bytes(sent)
            status = await scene.status()
            for each in slow:
                await each.read_all()
            await scene.until_idle()
            return status

    assert asyncio.run(main()) == 200


def test_an_idle_connection_stays(tmp_path):
    """A connection that waits for its next request is not cut off as one that is slow to send it."""

    async def main():
        async with GatewayHouse(tmp_path).opened(patience=PATIENCE) as house, served(house) as scene:
            slow = await scene.connect()
            codes = []
            for _ in range(2):
                await slow.send("GET /health/live")
                codes.append((await slow.read())[:12])
                await asyncio.sleep(PATIENCE.body_seconds * 2)
            return codes

    assert asyncio.run(main()) == [b"HTTP/1.1 200"] * 2


@pytest.mark.parametrize("accept", ["application/x-ndjson", "application/json"])
def test_an_answer_that_nobody_reads(tmp_path, accept):
    """Who does not read his answer gives his place back after a time, and his connection; nothing is held for him."""

    async def main():
        house = GatewayHouse(tmp_path, rate=200)
        async with house.opened(patience=PATIENCE) as house, served(house) as scene:
            listed = (await scene.client.get("/api/v1/bestsellers/283155")).json()["asins"]
            line = f"GET /api/v1/products?asins={','.join(listed[:100])}"
            for _ in range(PLACES):
                slow = await scene.connect()
                await slow.send(line, f"Accept: {accept}")
                assert (await slow.read(12)) == b"HTTP/1.1 200"
                await demand_nothing_held(house)
            busy = await scene.status()
            await scene.until_idle()
            await demand_nothing_held(house)
            return busy, await scene.status(), house.truth().consumed

    assert asyncio.run(main()) == (503 if "ndjson" in accept else 200, 200, 50 + 100)


def test_an_answer_that_is_read_steadily(tmp_path):
    """Who reads slowly, but more than a little in the time for a part, is given all of a large answer."""

    async def main():
        house = GatewayHouse(tmp_path, rate=200)
        async with house.opened(patience=PATIENCE) as house, served(house) as scene:
            listed = (await scene.client.get("/api/v1/bestsellers/283155")).json()["asins"]
            slow = await scene.connect()
            await slow.send(f"GET /api/v1/products?asins={','.join(listed[:100])}", "Connection: close")
            found, loop = b"", asyncio.get_running_loop()
            began = loop.time()
            while part := await slow.read(20_000):
                found += part
                pause = len(found) / 300_000 - (loop.time() - began)  # bytes a second
                await asyncio.sleep(max(0.0, min(pause, 0.1)) if loop.time() - began < 4 else 0)
            return found, loop.time() - began

    found, took = asyncio.run(main())
    head, _, body = found.partition(b"\r\n\r\n")
    assert len(body) == int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
    assert len(json.loads(body)["products"]) == 100
    assert took > PATIENCE.send_seconds * 2


def test_no_reservation_waits_for_a_reader(tmp_path):
    """While a client lets the lines of a long answer wait, nothing is set aside for him and no call is under way."""

    async def main():
        async with GatewayHouse(tmp_path, rate=200).opened() as house, house.client() as client:
            listed = (await client.get("/api/v1/bestsellers/283155")).json()["asins"]
            reading = asyncio.create_task(
                talk(
                    house,
                    "/api/v1/products",
                    query=f"asins={','.join(listed[:400])}",
                    accept="application/x-ndjson",
                    reads_after=5,
                )
            )
            held = []
            for _ in range(20):
                await asyncio.sleep(30)
                with house.books() as (ledger, _):
                    held.append(ledger.account().reserved)
            reading.cancel()
            return held, house.clock.now()

    held, _ = run(main())
    assert held == [0] * 20


def test_what_is_usual():
    """By itself the gateway gives a request 20 seconds to be sent, and each part of an answer a minute."""
    usual = Patience()
    assert timedelta(seconds=usual.body_seconds) == timedelta(seconds=20)
    assert timedelta(seconds=usual.send_seconds) == timedelta(minutes=1)
