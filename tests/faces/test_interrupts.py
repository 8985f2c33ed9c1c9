"""Ctrl-C: during a wait, during a slow call, and after something was delivered. The ledger is right each time."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from tests.faces.conftest import see
from tests.served import Served

ASIN = "B0D8W1YVBX"


def start(*arguments: str) -> subprocess.Popen[str]:
    """Start a program to be interrupted."""
    return subprocess.Popen(
        [sys.executable, "-m", "keepahead", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
    )


def interrupt(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Press Ctrl-C once."""
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert "Traceback" not in err
    return process.returncode, out, err


@pytest.fixture(scope="module")
def poor_url() -> Iterator[str]:
    """A Keepa that has 20 tokens and gives 5 a minute."""
    served = Served("--rate", "5", "--balance", "20")
    yield served.url
    served.kill()


def until_it_waits(process: subprocess.Popen[str]) -> None:
    """Read what the program says until it waits for tokens."""
    assert process.stderr is not None
    assert any(line.startswith("waiting ") for line in process.stderr)


def test_during_a_wait(cli, poor_url, monkeypatch):
    """Ctrl-C while waiting for tokens: what was delivered before is printed, nothing stays reserved or in the queue."""
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", poor_url)
    process = start("product", *(f"B0{number:08d}" for number in range(30)), "--no-history", "--json")
    until_it_waits(process)
    code, out, err = interrupt(process)
    assert code == 130
    document = json.loads(out)
    assert document["account"]["spent"] == len(document["products"]) == 10
    assert len(document["missing"]) == 20
    assert err.splitlines()[-1].startswith("keepahead: interrupted; what was sent stays counted")
    account = cli("status", "--json").json["account"]
    assert (account["reserved"], account["unknown"], account["waiting"]) == (0, 0, 0)
    assert account["free"] == account["balance"] >= 10


def test_before_anything_came(cli, poor_url, monkeypatch):
    """Ctrl-C before the first answer: code 130, one sentence, nothing on stdout, nothing spent."""
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", poor_url)
    monkeypatch.setenv("KEEPAHEAD_FLOOR", "60")
    process = start("bestsellers", "3760911", "--json")
    until_it_waits(process)
    code, out, err = interrupt(process)
    assert (code, out) == (130, "")
    assert len(err.splitlines()) == 1
    account = cli("status", "--json").json["account"]
    assert (account["reserved"], account["unknown"], account["waiting"]) == (0, 0, 0)
    assert {entry["kind"] for entry in cli("ledger", "--json").json["entries"]} <= {"reserved", "settled"}


def test_during_a_slow_call(cli, serve):
    """Ctrl-C while Keepa is at work: what was sent counts as unknown until a newer meter proves otherwise."""
    serve("--latency", "30")
    see(500)
    process = start("product", ASIN, "--offers", "20")
    deadline = time.monotonic() + 20
    while not cli("ledger", "--kind", "reserved", "--json").json["entries"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    code, out, err = interrupt(process)
    assert (code, out) == (130, "")
    assert "keepahead: interrupted" in err
    lost = cli("ledger", "--kind", "lost", "--json").json["entries"]
    assert [(entry["tokens"], entry["reason"], entry["endpoint"]) for entry in lost] == [(12, "interrupted", "product")]
    account = cli("status", "--json").json["account"]
    assert (account["unknown"], account["free"]) == (12, account["balance"] - 12)
