"""The command line as its user has it: in this process where speed matters, as a program of its own where it counts."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from tests.served import Served

from keepahead.budget.meter import Meter
from keepahead.faces.cli.main import run
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.ledger import Ledger

KEY = "k" * 64
"""No real key: made up, of the right shape."""


@dataclass(frozen=True)
class Result:
    """How a command line ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def sentence(self) -> str:
        """The error: the last line of stderr, and the only one that begins so."""
        lines = [line for line in self.err.splitlines() if line.startswith("keepahead: ")]
        assert len(lines) == 1, self.err
        assert self.err.splitlines()[-1] == lines[0], self.err
        return lines[0].removeprefix("keepahead: ")


Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def _quiet_logs() -> Iterator[None]:
    """Give the loggers back as they were."""
    log = logging.getLogger("keepahead")
    before = log.handlers, log.propagate
    yield
    log.handlers, log.propagate = before


@pytest.fixture
def cli(capfd) -> Run:
    """Run a command line in this process."""

    def call(*arguments: str) -> Result:
        capfd.readouterr()
        code = run(arguments)
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return Result(code, out, err)

    return call


@pytest.fixture
def program() -> Run:
    """Run a command line as a program of its own."""

    def call(*arguments: str, env: dict[str, str] | None = None) -> Result:
        ended = subprocess.run(
            [sys.executable, "-m", "keepahead", *arguments],
            capture_output=True,
            text=True,
            env={**os.environ, **(env or {})},
            timeout=60,
            check=False,
        )
        assert "Traceback" not in ended.stderr
        return Result(ended.returncode, ended.stdout, ended.stderr)

    return call


@pytest.fixture(scope="session")
def rich_url() -> Iterator[str]:
    """One simulated Keepa with tokens for everybody: its catalogue is worked out once."""
    served = Served("--rate", "1000")
    yield served.url
    served.kill()


@pytest.fixture
def rich(rich_url, monkeypatch) -> str:
    """Commands of this test spend at a Keepa with plenty."""
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", rich_url)
    return rich_url


Seen = Callable[..., None]


def see(balance: int, rate: int = 20) -> None:
    """Let the ledger know a meter, as if Keepa had just answered."""
    database, fingerprint = open_ledger(read_settings())
    now = datetime.now(UTC)
    Ledger(database, fingerprint).observe(Meter(now, now, now, balance, rate, 60_000), now)
    database.close()


@pytest.fixture
def seen(monkeypatch) -> Seen:
    """An account whose bucket was seen, at a Keepa that cannot be reached: whatever is sent fails."""
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", "http://127.0.0.1:1")
    return see


@pytest.fixture
def shared(url, monkeypatch) -> str:
    """The ledger of this test, once on SQLite and once on PostgreSQL."""
    monkeypatch.setenv("KEEPAHEAD_DATABASE_URL", url)
    return url


@pytest.fixture
def serve(monkeypatch) -> Iterator[Callable[..., Served]]:
    """Start a simulated Keepa with options of this test's own."""
    started: list[Served] = []

    def start(*options: str) -> Served:
        started.append(Served(*options))
        monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", started[-1].url)
        return started[-1]

    yield start
    for each in started:
        each.kill()


@pytest.fixture
def answers(monkeypatch) -> Iterator[Callable[..., None]]:
    """A server that says the same to everything: status, bytes, and how many bytes it announces."""
    said: list[tuple[int, bytes, int]] = []

    class Parrot(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, body, length = said.pop(0) if len(said) > 1 else said[0]
            self.send_response(status)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body.replace(b"PATH", self.path.encode()))

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Parrot)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", f"http://127.0.0.1:{server.server_port}")

    def say(*every: tuple[int, bytes]) -> None:
        said[:] = [(status, body, len(body)) for status, body in every]

    yield say
    server.shutdown()
    thread.join()
    server.server_close()
