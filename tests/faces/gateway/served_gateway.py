"""A gateway on a port, in a process of its own, before a simulated Keepa on another: what real clients talk to."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any, Self

import httpx2
from tests.house import KEY
from tests.served import Served

from keepahead.simulator.catalogue.catalogue import Catalogue


@cache
def for_sale() -> tuple[Catalogue, list[int]]:
    """Return the simulator's catalogue, and which of its products are for sale."""
    catalogue = Catalogue(1)
    return catalogue, list(catalogue.index(1)[1])


class ServedGateway:
    """`keepahead serve`, its simulator, and the first key. Use it as a context manager.

    `serve` are more options of it. `beside` is another one, with whose simulator and ledger it works.
    """

    def __init__(
        self,
        folder: Path,
        *simulate: str,
        serve: Sequence[str] = (),
        beside: "ServedGateway | None" = None,
        **settings: str,
    ) -> None:
        self._beside = beside
        self.upstream = Served(*simulate) if beside is None else beside.upstream
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("KEEPA_", "KEEPAHEAD_"))},
            "KEEPA_API_KEY": KEY,
            "KEEPAHEAD_UPSTREAM_URL": self.upstream.url,
            "KEEPAHEAD_DATABASE_URL": f"sqlite:///{folder / 'ledger.db'}",
            **({} if beside is None else beside.environment),
            **settings,
        }
        command = [sys.executable, "-m", "keepahead", "serve", "--port", "0", "--json", *serve]
        self.log = folder / ("gateway.log" if beside is None else "beside.log")
        self._log = self.log.open("w")
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=self._log, text=True, env=self.environment, cwd=folder
        )
        assert self.process.stdout is not None
        told = json.loads(self.process.stdout.readline())
        self.base: str = told["url"]
        self.url: str = told["keepa"]
        self.key: str = told["admin_key"] or (beside.key if beside is not None else "")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._log.close()
        if self._beside is None:
            self.upstream.kill()

    def client(self, key: str | None = None) -> httpx2.Client:
        """Return a client with a key, the first one if none is given."""
        return httpx2.Client(base_url=self.base, headers={"X-API-Key": key or self.key}, timeout=60)

    def command(self, *words: str, folder: Path) -> Any:
        """Run a command beside the gateway, on the same ledger; return its document."""
        command = [sys.executable, "-m", "keepahead", *words]
        done = subprocess.run(command, capture_output=True, env=self.environment, cwd=folder, check=True)
        return json.loads(done.stdout)

    def some(self, count: int, skip: int = 0) -> list[str]:
        """Return ASINs that are for sale."""
        catalogue, numbers = for_sale()
        return [catalogue.asin(number) for number in numbers[skip : skip + count]]

    def truth(self) -> dict[str, Any]:
        """Return what really happened to the bucket."""
        return self.upstream.truth(KEY)

    def tokens(self) -> dict[str, Any]:
        """Return what the gateway says of the bucket."""
        return httpx2.get(f"{self.url}/token", params={"key": self.key}).json()
