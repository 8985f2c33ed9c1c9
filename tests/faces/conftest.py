"""The command line as its user has it: in this process where speed matters, as a program of its own where it counts."""

import json
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from keepahead.faces.cli.main import run

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


class Served:
    """A simulated Keepa on a port, by `keepahead simulate`."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "keepahead", "simulate", "--port", "0", "--json", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        self.url: str = json.loads(self.process.stdout.readline())["url"]

    def stop(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


@pytest.fixture(scope="session")
def rich_url() -> Iterator[str]:
    """One simulated Keepa with tokens for everybody: its catalogue is worked out once."""
    served = Served("--rate", "1000")
    yield served.url
    served.stop()


@pytest.fixture
def rich(rich_url, monkeypatch) -> str:
    """Commands of this test spend at a Keepa with plenty."""
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", rich_url)
    return rich_url


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
        each.stop()
