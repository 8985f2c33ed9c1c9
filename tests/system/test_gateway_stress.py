"""The gateway under stress, as real processes: clients that hang up, signals, full houses, time limits, and leaks."""

import asyncio
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
import pytest
from tests.faces.gateway.served_gateway import ServedGateway
from tests.gateway_house import GatewayHouse
from tests.house import KEY, run
from tests.system.children import FLOOR, Books

from keepahead.store.database import open_database

T = TypeVar("T")
SOON = 15.0
"""Whatever has not happened after so many seconds does not happen."""

LIST = "/api/v1/bestsellers/283155"
"""Costs 50 tokens."""


def until(happens: Callable[[], T]) -> T:
    """Wait until something is so; return it."""
    end = time.monotonic() + SOON
    while not (found := happens()):
        assert time.monotonic() < end, "it never happens"
        time.sleep(0.02)
    return found


@contextmanager
def books_of(gateway: ServedGateway) -> Iterator[Books]:
    """Give the books of a gateway's account."""
    database = open_database(gateway.environment["KEEPAHEAD_DATABASE_URL"])
    try:
        yield Books(database, gateway.upstream, KEY)
    finally:
        database.close()


@contextmanager
def asking(gateway: ServedGateway, path: str) -> Iterator[socket.socket]:
    """Send a request, and hang up at the end without having read a byte of its answer."""
    place = urlsplit(gateway.base)
    with socket.create_connection((place.hostname, place.port)) as line:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {gateway.key}\r\n\r\n".encode())
        yield line


def asked(gateway: ServedGateway, *paths: str) -> list[Future[httpx2.Response]]:
    """Ask all of these at once, each on a connection of its own."""
    threads = ThreadPoolExecutor(len(paths))

    def ask(path: str) -> httpx2.Response:
        with gateway.client() as client:
            return client.get(path)

    found = [threads.submit(ask, path) for path in paths]
    threads.shutdown(wait=False)
    return found


def products(gateway: ServedGateway, count: int, skip: int = 0) -> list[str]:
    """Return the paths of products; each costs a token."""
    return [f"/api/v1/products/{asin}" for asin in gateway.some(count, skip)]


def under_way(books: Books) -> int:
    """Return how many calls are under way."""
    return len([each for each in books.ledger.account().reservations if not each.is_unknown])


def test_a_client_that_hangs_up(tmp_path):
    """Who hangs up while it waits leaves the queue at once; while Keepa answers, the answer is settled and kept."""
    with ServedGateway(tmp_path, "--rate", "30", "--balance", "14") as gateway, books_of(gateway) as books:
        with gateway.client() as client:
            client.get(products(gateway, 1)[0]).raise_for_status()
            with asking(gateway, f"{LIST}?deadline=140s"):
                until(lambda: books.ledger.account().tickets)
            until(lambda: not books.ledger.account().tickets)
            assert books.held() == (0, 0)

            gateway.upstream.make_trouble(latency_seconds=(1.0, 1.0))
            path = products(gateway, 1, skip=1)[0]
            with asking(gateway, path):
                until(lambda: under_way(books))
            until(lambda: not under_way(books))
            again = client.get(path)
            assert (again.status_code, again.headers["X-Keepa-Tokens-Consumed"]) == (200, "0")
            assert gateway.truth()["consumed"] == 2
        books.demand_agreement()


def test_sigterm(tmp_path):
    """Who is under way is answered, who waits is sent away, streams end, nobody new comes in; it all ends in time."""
    drain = 8.0
    told = {"KEEPAHEAD_DRAIN_SECONDS": f"{drain:.0f}"}
    with ServedGateway(tmp_path, "--rate", "30", "--balance", "40", **told) as gateway, books_of(gateway) as books:
        with gateway.client() as client:
            client.get(products(gateway, 1)[0]).raise_for_status()
        gateway.upstream.make_trouble(latency_seconds=(1.5, 1.5))
        [streamed] = asked(gateway, "/api/v1/events")
        bought = asked(gateway, *products(gateway, 5, skip=1))
        until(lambda: under_way(books))
        [waits] = asked(gateway, f"{LIST}?deadline=140s")
        until(lambda: books.ledger.account().tickets)
        until(lambda: books.ledger.account().reserved)

        gateway.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        until(lambda: is_refused(gateway))
        assert not waits.done()
        assert [each.result(SOON).status_code for each in bought] == [200] * 5
        assert streamed.result(SOON).text.rstrip().endswith("the gateway is going down: resume with Last-Event-ID")
        answer = waits.result(SOON)
        assert time.monotonic() - began < drain * 0.75
        assert (answer.status_code, answer.json()["type"]) == (503, "/problems/shutting-down")
        assert int(answer.headers["Retry-After"]) >= 1
        assert gateway.process.wait(drain) in {0, -signal.SIGTERM}
        assert time.monotonic() - began < drain
        assert books.ledger.account().tickets == ()
        assert books.truth()["consumed"] == 6
        books.demand_agreement()
    assert "Traceback" not in gateway.log.read_text()


def test_sigterm_cuts_off_what_takes_too_long(tmp_path):
    """A call that would go on beyond the limit has what is left of it, not a second one; then it counts as lost."""
    drain = 2.0
    told = {"KEEPAHEAD_DRAIN_SECONDS": f"{drain:.0f}"}
    with ServedGateway(tmp_path, "--balance", "100", **told) as gateway, books_of(gateway) as books:
        with gateway.client() as client:
            client.get(products(gateway, 1)[0]).raise_for_status()
        gateway.upstream.make_trouble(latency_seconds=(30.0, 30.0))
        [late] = asked(gateway, products(gateway, 1, skip=1)[0])
        until(lambda: under_way(books))
        gateway.process.send_signal(signal.SIGTERM)
        began = time.monotonic()
        assert late.result(SOON).json()["type"] == "/problems/shutting-down"
        gateway.process.wait(SOON)
        assert time.monotonic() - began < drain * 1.6
        assert books.held() == (0, 1)


def is_refused(gateway: ServedGateway) -> bool:
    """Tell whether nobody takes connections there."""
    place = urlsplit(gateway.base)
    try:
        socket.create_connection((place.hostname, place.port)).close()
    except ConnectionRefusedError:
        return True
    return False


def test_sigkill(tmp_path):
    """A second gateway on the same ledger goes on when the first is killed; the lost call counts as charged."""
    with (
        ServedGateway(tmp_path, "--balance", "100") as first,
        books_of(first) as books,
        ServedGateway(tmp_path, beside=first) as second,
        second.client() as client,
    ):
        client.get(products(first, 1)[0]).raise_for_status()
        first.upstream.make_trouble(latency_seconds=(1.0, 1.0))
        arrived = books.truth()["requests"]
        [lost] = asked(first, *products(first, 1, skip=1))
        until(lambda: books.truth()["requests"] > arrived)
        first.process.kill()
        assert isinstance(lost.exception(SOON), httpx2.TransportError)
        assert first.process.wait(SOON) == -signal.SIGKILL

        until(lambda: books.truth()["consumed"] == 2)
        first.upstream.make_trouble()
        assert client.get(products(first, 1, skip=2)[0]).status_code == 200
        assert sum(books.held()) == 1
        budget = client.get("/api/v1/budget").json()
        assert (budget["balance"], budget["free"]) == (books.truth()["balance"], books.truth()["balance"] - 1)


def test_a_full_house(tmp_path):
    """One request more than may be under way is told to come back, in each language; health answers all the same."""
    places = 5
    told = {"KEEPAHEAD_MAX_REQUESTS": f"{places}"}
    with ServedGateway(tmp_path, "--rate", "30", "--balance", "14", **told) as gateway, gateway.client() as client:
        [path] = products(gateway, 1)
        client.get(path).raise_for_status()
        with ExitStack() as guests:
            for _ in range(places):
                guests.enter_context(asking(gateway, f"{LIST}?deadline=140s"))
            until(lambda: client.get(path).status_code == 503)
            own = client.get(path)
            assert own.json()["type"] == "/problems/too-busy"
            assert int(own.headers["Retry-After"]) >= 1
            door = client.get("/keepa/product", params={"key": gateway.key, "domain": 1, "asin": gateway.some(1)[0]})
            assert (door.status_code, door.json()["error"]["type"]) == (429, "tooManyRequests")
            assert door.json()["refillIn"] > 0
            assert int(door.headers["Retry-After"]) >= 1
            for each in ("/health", "/health/live", "/health/ready"):
                assert client.get(each).status_code == 200
        until(lambda: client.get(path).status_code == 200)


def test_a_time_limit(tmp_path):
    """What takes longer than a request may is 504, in each language; its answer is archived, and paid for once."""
    told = {"KEEPAHEAD_REQUEST_SECONDS": "1"}
    with ServedGateway(tmp_path, "--balance", "100", **told) as gateway, gateway.client() as client:
        client.get(products(gateway, 1)[0]).raise_for_status()
        gateway.upstream.make_trouble(latency_seconds=(2.0, 2.0))
        own, other = gateway.some(2, skip=1)
        asks: tuple[tuple[str, Any], ...] = (
            (f"/api/v1/products/{own}", None),
            ("/keepa/product", {"key": gateway.key, "domain": 1, "asin": other}),
        )
        late = [client.get(path, params=query) for path, query in asks]
        assert [each.status_code for each in late] == [504, 504]
        assert late[0].json()["type"] == "/problems/took-too-long"
        with books_of(gateway) as books:
            until(lambda: not books.ledger.account().reservations)
            again = [client.get(path, params=query) for path, query in asks]
            assert [(each.status_code, each.headers["X-Keepa-Tokens-Consumed"]) for each in again] == [(200, "0")] * 2
            assert gateway.truth()["consumed"] == 3
            books.demand_agreement()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_two_gateways_are_one(tmp_path, url):
    """On one PostgreSQL: one budget, one set of keys, events of both, and what both are asked for is paid for once."""
    told = {"KEEPAHEAD_DATABASE_URL": url}
    with (
        ServedGateway(tmp_path, "--balance", "100", "--rate", "2", **told) as one,
        ServedGateway(tmp_path, beside=one) as two,
        one.client() as first,
        two.client() as second,
        books_of(one) as books,
    ):
        [path] = products(one, 1)
        told_of = Listening(two)
        one.upstream.make_trouble(latency_seconds=(0.5, 0.5))
        both = asked(one, path) + asked(two, path)
        assert [each.result(SOON).status_code for each in both] == [200, 200]
        assert one.truth()["consumed"] == 1

        one.upstream.make_trouble()
        made = one.command("keys", "create", "shared", "--json", folder=tmp_path)
        with two.client(made["key"]) as shared:
            assert shared.get(LIST).status_code == 200
            short = first.get("/api/v1/bestsellers/1000")
            problem = short.json()
            assert (short.status_code, problem["type"]) == (503, "/problems/insufficient-tokens"), problem
            assert problem["free"] == second.get("/api/v1/budget").json()["free"]
            assert problem["missing"] > 0
            one.command("keys", "revoke", "shared", "--json", folder=tmp_path)
            revoked_at = time.monotonic()
            until(lambda: shared.get("/api/v1/budget").status_code == 401)
            assert time.monotonic() - revoked_at < 2.5
        first.get(f"{path}?max_age=0").raise_for_status()
        until(lambda: told_of.callers >= {"admin", "shared"} and len(told_of.paid) >= 3)
        assert sorted(told_of.paid) == [1, 1, 50]  # beside free questions for the meter, as many as there were
        assert one.truth()["consumed"] == 52
        books.demand_agreement()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
def test_a_place_is_kept_at_all_gateways(tmp_path, url):
    """Who was refused at one gateway and comes back when he was told to is served at the other, before anybody else."""

    async def main() -> list[int]:
        one, two = GatewayHouse(tmp_path, balance=50), GatewayHouse(tmp_path)
        two.clock, two.simulator, one.database_url, two.database_url = one.clock, one.simulator, url, url
        async with one.opened(), two.opened(), one.client() as first:
            two.keys = one.keys
            async with two.client("spend") as second, two.client("admin") as other:
                refused = await first.get(LIST)
                back_at = datetime.fromisoformat(refused.json()["retry_at"])
                await asyncio.sleep((back_at - one.clock.now()).total_seconds())
                answers = [refused, await other.get("/api/v1/bestsellers/1000"), await second.get(LIST)]
                assert one.truth().lowest_balance >= FLOOR
                return [each.status_code for each in answers]

    assert run(main()) == [503, 503, 200]


class Listening(threading.Thread):
    """Follows the events of a gateway until it ends."""

    def __init__(self, gateway: ServedGateway) -> None:
        super().__init__(daemon=True)
        self._gateway = gateway
        self.paid: list[int] = []
        self.callers: set[str] = set()
        self._begins = threading.Event()
        self.start()
        assert self._begins.wait(SOON)

    def run(self) -> None:
        """Listen."""
        with self._gateway.client() as client, client.stream("GET", "/api/v1/events") as answer:
            for line in answer.iter_lines():
                self._begins.set()
                name, _, value = line.partition(": ")
                if name == "data":
                    told = json.loads(value)
                    self.callers.add(told.get("caller"))
                    self.paid += [told["tokens"]] if told.get("kind") == "settled" and told["tokens"] else []


def test_nothing_leaks(tmp_path):
    """After many requests and many who hung up, the gateway has no more files open than before, and no more memory."""
    with ServedGateway(tmp_path, "--rate", "1000") as gateway, books_of(gateway) as books:
        asyncio.run(crowd(gateway, 500))
        files, kilobytes = held_by(gateway.process.pid)
        asyncio.run(crowd(gateway, 1500))
        until(lambda: held_by(gateway.process.pid)[0] <= files + 2)
        assert held_by(gateway.process.pid)[1] - kilobytes < 12_000
        until(lambda: not books.ledger.account().reservations)
        assert books.ledger.account().tickets == ()
        books.demand_agreement()


async def crowd(gateway: ServedGateway, count: int) -> None:
    """Send so many requests, of which every fifth hangs up before it is answered."""
    bought, dear = products(gateway, 40), [f"{each}?max_age=0" for each in products(gateway, 5, skip=40)]
    place = urlsplit(gateway.base)
    numbers = iter(range(count))

    async def work(client: httpx2.AsyncClient) -> None:
        for number in numbers:
            path = dear[number % 5] if number % 50 == 0 else (*bought, "/api/v1/budget", "/api/v1/ledger")[number % 42]
            if number % 5:
                (await client.get(path)).raise_for_status()
                continue
            _, line = await asyncio.open_connection(place.hostname, place.port)
            line.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {gateway.key}\r\n\r\n".encode())
            await line.drain()
            await asyncio.sleep(number % 3 / 500)
            line.close()

    async with httpx2.AsyncClient(base_url=gateway.base, headers={"X-API-Key": gateway.key}, timeout=60) as client:
        await asyncio.gather(*(work(client) for _ in range(16)))


def held_by(pid: int) -> tuple[int, int]:
    """Return how many files a process has open, and how much memory it has, in kilobytes."""
    files = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names are enough
    status = Path(f"/proc/{pid}/status").read_text()
    return files, int(status.partition("VmRSS:")[2].split()[0])
