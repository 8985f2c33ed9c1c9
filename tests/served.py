"""A simulated Keepa on a port, in a process of its own: what programs and the children of a test spend at."""

import json
import signal
import subprocess
import sys
from datetime import datetime
from typing import Any

import httpx2

from keepahead.simulator import ScaledClock


class Served:
    """`keepahead simulate` with these options. Its clock is for all who spend here."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "keepahead", "simulate", "--port", "0", "--json", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.url: str = told["url"]
        self.clock = ScaledClock(told["speed"], since=datetime.fromisoformat(told["since"]))

    def truth(self, key: str) -> dict[str, Any]:
        """Return what really happened to the bucket of that key."""
        return httpx2.get(f"{self.url}/_simulator/truth", params={"key": key}).json()

    def warm_up(self) -> None:
        """Have it look through its catalogue, which takes seconds: clients of others wait no longer than ten."""
        deals = json.dumps({"page": 0, "domainId": 1, "priceTypes": [1]})
        for path, query in (("deal", {"selection": deals}), ("category", {"domain": 1, "category": 0})):
            asked = {"key": "w" * 64, **query}
            httpx2.get(f"{self.url}/{path}", params=asked, timeout=120).raise_for_status()

    def make_trouble(self, **faults: Any) -> None:
        """Set what goes wrong from now on, and who else spends; nothing given: nothing and nobody."""
        assert httpx2.put(f"{self.url}/_simulator/faults", json=faults).status_code == 204

    def stop(self) -> int:
        """Press Ctrl-C; return the exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(20)

    def kill(self) -> None:
        """End it without waiting for requests under way."""
        self.process.kill()
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
