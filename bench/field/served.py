"""A fake Keepa in a process of its own, in accelerated time, warm and at the beginning of an hour.

What the simulator ranks it ranks anew each hour, which takes it a second that an accelerated client would take for
twenty: so all is ranked before anybody asks, and the hour does not end while they do.
"""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx2

from bench.field.work import SEED, Item, Scenario
from keepahead.simulator import Faults, ScaledClock
from keepahead.simulator.bucket import TICK_MS
from keepahead.simulator.server import run_server

KEY = "k" * 64
LATENCY_SECONDS = (0.3, 1.5)
TICK_SECONDS = TICK_MS / 1000

_LATE_SECONDS = 20.0  # after the full hour

_ROOT = Path(__file__).parents[2]


class Upstream:
    """Keepa for one contender: a bucket of its own, and what really happened to it."""

    def __init__(self, scenario: Scenario) -> None:
        self.since = _since(scenario.speed)
        order: dict[str, object] = {"speed": scenario.speed, "since": self.since.isoformat()}
        order |= {"rate": scenario.refill_rate, "balance": scenario.opening}
        command = [sys.executable, "-m", "bench.field.served", json.dumps(order)]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout
        self.url = self._process.stdout.readline().strip()
        self._http = httpx2.Client(base_url=self.url, timeout=60)

    def warm(self, items: Sequence[Item]) -> None:
        """Have it rank what the items ask for, at the cost of keys that nobody else uses."""
        keys = iter("abcdefghijlmnopqrstuvwxyz0123456789")
        key = next(keys)
        for path, query in [each for item in items for each in _ranked(item)]:
            while self._http.get(path, params={**query, "key": key * 64}).status_code == httpx2.codes.TOO_MANY_REQUESTS:
                key = next(keys)

    def open(self) -> tuple[int, float]:
        """Open the bucket; return its tokens and the seconds to the first tick, of the accelerated time."""
        told = self._http.get("/token", params={"key": KEY}).json()
        return int(told["tokensLeft"]), told["refillIn"] / 1000

    def truth(self) -> dict[str, Any]:
        """Return what happened to the bucket."""
        return self._http.get("/_simulator/truth", params={"key": KEY}).json()

    def cpu_seconds(self) -> float:
        """Return the CPU time that it has taken so far; 0 where the system does not tell."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        if not stat.exists():
            return 0.0
        fields = stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()
        self._process.kill()
        self._process.communicate()


def _since(speed: float) -> datetime:
    """Return where a clock of that speed has to begin to show a little after a full hour now."""
    now = datetime.now(UTC)
    if speed <= 1:
        return now
    hour = now.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1, seconds=_LATE_SECONDS)
    return now - (hour - now) / (speed - 1)


def _ranked(item: Item) -> Sequence[tuple[str, dict[str, str]]]:
    match item["kind"]:
        case "best_sellers":
            return [("/bestsellers", {"domain": "1", "category": str(item["category"])})]
        case "deals":
            return [("/deal", {"selection": json.dumps(item["selection"])})]
        case "discovery":
            return [("/query", {"domain": "1", "selection": json.dumps(item["selection"])})]
        case _:
            return []


def main() -> None:
    """Serve until killed; the address is printed."""
    order = json.loads(sys.argv[1])
    run_server(
        port=0,
        rate=order["rate"],
        balance=order["balance"],
        seed=SEED,
        clock=ScaledClock(order["speed"], since=datetime.fromisoformat(order["since"])),
        faults=Faults(latency_seconds=LATENCY_SECONDS),
        ready=lambda url: print(url, flush=True),
    )


if __name__ == "__main__":
    main()
