"""Twenty programs of mixed kinds hammer one gateway from a balance of 220 at 20 a minute, for two real minutes."""

import json
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from tests.faces.gateway.served_gateway import ServedGateway
from tests.house import KEY
from tests.system.children import FLOOR, Books, start
from tests.system.workload import asins

from keepahead.store.database import open_database

SECONDS = 130
"""Two minutes, and what it takes to see who comes back after the second lump."""

OWN, CURL, PACKAGE = 10, 6, 4
LATE_SECONDS = 2.0

Ask = Callable[[str], tuple[int, dict[str, Any]]]

Make = Callable[[random.Random], str]

OWN_PATHS: tuple[Make, ...] = (
    *[lambda rng: f"/api/v1/products/{asins(rng, 1)[0]}"] * 20,
    *[lambda rng: f"/api/v1/products?asins={','.join(asins(rng, 3))}"] * 5,
    lambda _: "/api/v1/budget",
)
CURL_PATHS: tuple[Make, ...] = (
    *[lambda rng: f"/keepa/product?domain=1&asin={asins(rng, 1)[0]}"] * 10,
    *[lambda rng: f"/api/v1/products/{asins(rng, 1)[0]}?rating=true"] * 5,
    lambda rng: f"/keepa/product?domain=1&offers=20&asin={asins(rng, 1)[0]}",
)
DEAR: tuple[str, ...] = (
    "/api/v1/bestsellers/3760911?max_age=0",
    "/api/v1/products/discover?category=3760911&max_results=3&rank=1..1000",
    *[f"/api/v1/search?term=word{number}" for number in range(4)],
)
"""What the first programs ask first, while there are tokens: later each would take a lump or more from all others."""


class Program(threading.Thread):
    """One program: asks, and when it is refused comes back when it was told to, if that is before the end."""

    def __init__(self, ask: Ask, first: str | None, paths: Any, seed: int, until: float) -> None:
        super().__init__(daemon=True)
        self._ask, self._first, self._paths = ask, first, paths
        self._rng, self._until = random.Random(seed), until
        self.error = ""

    def run(self) -> None:
        """Work until the end."""
        try:
            if self._first:
                self._do(self._first)
            while time.monotonic() < self._until:
                self._do(self._rng.choice(self._paths)(self._rng))
        except Exception as error:  # noqa: BLE001 - the test says it
            self.error = repr(error)

    def _do(self, path: str) -> None:
        status, told = self._ask(path)
        while status in {429, 503}:
            wait = _wait(told) + self._rng.uniform(0, LATE_SECONDS)
            if time.monotonic() + wait > self._until:
                self._until = 0
                return
            time.sleep(wait)
            status, told = self._ask(path)
        assert status in {200, 404}, (path, status, told)
        time.sleep(self._rng.uniform(0, 0.2))


def _wait(told: dict[str, Any]) -> float:
    if "refillIn" in told:
        return told["refillIn"] / 1000
    return max(0.0, (datetime.fromisoformat(told["retry_at"]) - datetime.now(UTC)).total_seconds())


def own_client(base: str, key: str) -> Ask:
    """A program of our own API."""

    def ask(path: str) -> tuple[int, dict[str, Any]]:
        answer = httpx2.get(f"{base}{path}", headers={"X-API-Key": key}, timeout=30)
        return answer.status_code, answer.json()

    return ask


def curl(base: str, key: str) -> Ask:
    """A few lines of shell."""

    def ask(path: str) -> tuple[int, dict[str, Any]]:
        url = f"{base}{path}&key={key}" if path.startswith("/keepa") else f"{base}{path}"
        command = ["curl", "--silent", "--max-time", "30", "--header", f"X-API-Key: {key}", "-w", "%{http_code}", url]
        said = subprocess.run(command, capture_output=True, check=True).stdout
        return int(said[-3:]), json.loads(said[:-3])

    return ask


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed here")
def test_twenty_programs(tmp_path):
    """Never below the floor; whoever comes back when he was told to is answered; every token agrees."""
    with ServedGateway(tmp_path, "--rate", "20", "--balance", "220", KEEPAHEAD_KEEP_PLACE="30m") as gateway:
        gateway.upstream.warm_up()
        base = gateway.url.removesuffix("/keepa")
        keys = [_make_key(gateway, tmp_path, f"program {number}") for number in range(OWN + CURL + PACKAGE)]
        until = time.monotonic() + SECONDS
        makers = [(own_client, OWN_PATHS)] * OWN + [(curl, CURL_PATHS)] * CURL
        firsts = [*DEAR, *[None] * (OWN + CURL - len(DEAR))]
        programs = [
            Program(make(base, key), first, paths, number, until)
            for number, (key, first, (make, paths)) in enumerate(zip(keys, firsts, makers, strict=False))
        ]
        packages = [
            start("keepa_program", url=gateway.url, key=key, kind=("sync", "async")[number % 2], seed=number)
            for number, key in enumerate(keys[OWN + CURL :])
        ]
        try:
            for program in programs:
                program.start()
            for program in programs:
                program.join()
            assert all(package.poll() is None for package in packages)  # they wait by themselves
        finally:
            for package in packages:
                package.kill()
                package.communicate()
        time.sleep(2)
        truth = gateway.truth()
        database = open_database(f"sqlite:///{tmp_path / 'ledger.db'}")
        Books(database, gateway.upstream, KEY).demand_agreement()
        database.close()
    seen = _seen(gateway.log)
    assert [program.error for program in programs if program.error] == []
    assert truth["lowest_balance"] >= FLOOR
    assert truth["refused_429"] == 0
    assert seen["refused"] >= 15
    assert seen["came back"] >= 5
    assert seen["told wrongly"] == 0
    assert {f"program {number}" for number in range(20)} <= set(seen)


def _make_key(gateway: ServedGateway, folder: Path, name: str) -> str:
    return gateway.command("keys", "create", name, "--json", folder=folder)["key"]


def _seen(log: Path) -> Counter[str]:
    """Count in the gateway's log who was refused and came back: whoever does finds his place kept."""
    seen: Counter[str] = Counter()
    was_refused: dict[str, bool] = {}
    for line in (json.loads(line) for line in log.read_text().splitlines() if line.startswith("{")):
        if line.get("event") != "request" or not line["caller"]:
            continue
        caller, refused = line["caller"], line["status"] in {429, 503}
        seen[caller] += 1
        seen["refused"] += refused
        if was_refused.get(caller):
            seen["told wrongly" if refused else "came back"] += 1
        was_refused[caller] = refused
    return seen
