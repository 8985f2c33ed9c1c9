"""Ctrl-C: during a wait, during a slow call, and after something was delivered. The ledger is right each time."""

import json
import os
import signal
import subprocess
import sys
import time

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


def wait_for(condition) -> None:
    """Wait until something is so, in the ledger."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_during_a_wait(cli, serve):
    """Ctrl-C while waiting for tokens: code 130, one sentence, nothing reserved, no place in the queue kept."""
    serve("--rate", "5", "--balance", "14")
    assert cli("status").code == 0
    process = start("bestsellers", "3760911", "--json")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("waiting ")
    code, out, err = interrupt(process)
    assert (code, out) == (130, "")
    assert err.startswith("keepahead: interrupted; what was sent stays counted")
    account = cli("status", "--json").json["account"]
    assert (account["reserved"], account["unknown"], account["waiting"], account["free"]) == (0, 0, 0, 14)


def test_during_a_slow_call(cli, serve):
    """Ctrl-C while Keepa is at work: what was sent counts as unknown until a newer meter proves otherwise."""
    serve("--latency", "30", "--balance", "500")
    # The first /token is as slow: give the ledger a meter of this account by hand, through a fast one.
    process = start("product", ASIN)
    wait_for(lambda: cli("ledger", "--kind", "reserved", "--json").json["entries"])
    code, out, err = interrupt(process)
    assert (code, out) == (130, "")
    assert "interrupted" in err
    account = cli("ledger", "--json").json["entries"]
    assert [entry["kind"] for entry in account] == ["lost", "reserved"]
    assert account[0]["reason"] == "interrupted"


def test_what_came_before_is_kept(serve):
    """Ctrl-C between two parts: the delivered products are printed, and the rest is not sent."""
    serve("--rate", "5", "--balance", "60")
    asins = [f"B0{number:08d}" for number in range(100)]
    process = start("product", *asins, "--no-history", "--json")
    assert process.stderr is not None
    assert process.stderr.readline().startswith("waiting ")
    code, out, err = interrupt(process)
    assert code == 130
    document = json.loads(out)
    assert document["account"]["spent"] == len(document["products"]) > 0
    assert document["account"]["reserved"] == 0
    assert err.splitlines()[-1].startswith("keepahead: interrupted; ")
