"""A gateway on a port, in a process of its own, before a simulated Keepa on another: what real clients talk to."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, Self

import httpx2
from tests.house import KEY
from tests.served import Served

from keepahead.simulator.catalogue.catalogue import Catalogue


class ServedGateway:
    """`keepahead serve`, its simulator, and the first key. Use it as a context manager."""

    def __init__(self, folder: Path, *simulate: str, **settings: str) -> None:
        self.upstream = Served(*simulate)
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("KEEPA_", "KEEPAHEAD_"))},
            "KEEPA_API_KEY": KEY,
            "KEEPAHEAD_UPSTREAM_URL": self.upstream.url,
            "KEEPAHEAD_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
            **settings,
        }
        command = [sys.executable, "-m", "keepahead", "serve", "--port", "0", "--json", "--log", "json"]
        self._log = (folder / "gateway.log").open("w")
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, text=True, env=self.environment, cwd=folder
        )
        assert self._process.stdout is not None
        told = json.loads(self._process.stdout.readline())
        self.url: str = told["keepa"]
        self.key: str = told["admin_key"]
        self.log = folder / "gateway.log"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._log.close()
        self.upstream.kill()

    def command(self, *words: str, folder: Path) -> Any:
        """Run a command beside the gateway, on the same ledger; return its document."""
        command = [sys.executable, "-m", "keepahead", *words]
        done = subprocess.run(command, capture_output=True, env=self.environment, cwd=folder, check=True)
        return json.loads(done.stdout)

    def some(self, count: int, skip: int = 0) -> list[str]:
        """Return ASINs that are for sale."""
        catalogue = Catalogue(1)
        numbers = list(catalogue.index(1)[1])[skip : skip + count]
        return [catalogue.asin(number) for number in numbers]

    def truth(self) -> dict[str, Any]:
        """Return what really happened to the bucket."""
        return self.upstream.truth(KEY)

    def tokens(self) -> dict[str, Any]:
        """Return what the gateway says of the bucket."""
        return httpx2.get(f"{self.url}/token", params={"key": self.key}).json()
