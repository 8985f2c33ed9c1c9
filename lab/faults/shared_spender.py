"""A program that spends until it is told to stop, and puts down what came of each call. `Spender` starts it.

It reads its order from its first line of input; at the next one, or at the end of it, every task ends its last call.
"""

import asyncio
import json
import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import httpx2
from tests.system.children import ROOT, clock_of

from keepahead import AsyncKeepa, KeepaheadError, LedgerUnavailableError

ANSWERED = "answered"
SENT = "sent"
LEDGER_AWAY = "LedgerUnavailableError"

PAUSE_SECONDS = 0.1
"""After an error, of the real time: a ledger that is away is an error at once, and nobody wants a busy loop."""


@dataclass(frozen=True, slots=True)
class Told:
    """One line of what a program put down: when (the machine's monotonic time), which task, what, how long it took."""

    at: float
    task: int
    what: str
    seconds: float
    items: Sequence[str] = ()


class Spender:
    """A process that spends. It gets ready at once, and begins when it is given its order."""

    def __init__(self, number: int, folder: Path, **settings: str) -> None:
        self.number = number
        self.caller = f"spender {number}"
        self.is_well = True
        self._report = folder / f"spender-{number}"
        self._report.touch()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("KEEPA_", "KEEPAHEAD_"))}
        path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH"))))
        with (folder / f"spender-{number}.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "lab.faults.shared_spender"],
                stdin=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                env={**kept, "PYTHONPATH": path, **settings},
            )

    def begin(self, **order: Any) -> None:
        """Tell it where and what to spend."""
        assert self.process.stdin is not None
        self.process.stdin.write(
            json.dumps({**order, "number": self.number, "caller": self.caller, "report": str(self._report)}) + "\n"
        )
        self.process.stdin.flush()

    def told(self, since: float = 0) -> Sequence[Told]:
        """Return what it put down since a moment of the machine's monotonic time."""
        lines = self._report.read_text().rpartition("\n")[0].splitlines()
        return [told for told in (Told(*json.loads(line)) for line in lines) if told.at >= since]

    def ask_to_stop(self) -> None:
        """Have it end when its calls have."""
        assert self.process.stdin is not None
        self.process.stdin.close()

    def end(self) -> None:
        """Kill it if it still lives."""
        self.process.kill()
        self.process.wait(20)
        if self.process.stdin is not None and not self.process.stdin.closed:
            self.process.stdin.close()


class Wire(httpx2.AsyncHTTPTransport):
    """httpx2's own transport. It puts down what is sent, and may be less patient than keepahead asks for.

    The system is no more patient then: it does not send later what has been given up.
    """

    def __init__(self, put: "Report", patience_seconds: float | None) -> None:
        milliseconds = round((patience_seconds or 0) * 1000)
        options = [(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)] if milliseconds else None
        super().__init__(socket_options=options)
        self._put = put
        self._patience_seconds = patience_seconds

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send it."""
        if self._patience_seconds is not None:
            request.extensions["timeout"] = dict.fromkeys(("connect", "read", "write", "pool"), self._patience_seconds)
        asked = request.url.params.get("asin")
        self._put.line(-1, SENT, time.monotonic(), asked.split(",") if asked else [])
        return await super().handle_async_request(request)


class Report:
    """Where this program puts down what happens to it."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def line(self, task: int, what: str, began: float, items: Sequence[str] = ()) -> None:
        """Put down one thing, so that it is there even if this program dies next."""
        now = time.monotonic()
        self._file.write(json.dumps([now, task, what, round(now - began, 3), list(items)]) + "\n")
        self._file.flush()


async def spend(keepa: AsyncKeepa, number: int, task: int, put: Report, stop: asyncio.Event) -> None:
    """Ask for products that nobody else asks for, one call after the other, until it is told to stop."""
    rng = random.Random(f"{number}/{task}")
    count = 0
    while not stop.is_set():
        count += 1
        items = [f"B{number}{task:02}{count:04}{item:02}" for item in range(rng.randint(2, 20))]
        began = time.monotonic()
        try:
            await keepa.products(items, max_age=0)
        except KeepaheadError as error:
            put.line(task, type(error).__name__, began)
            await asyncio.sleep(PAUSE_SECONDS)
        else:
            put.line(task, ANSWERED, began)


def opened(told: dict[str, Any], put: Report) -> AsyncKeepa:
    """Open the ledger, however busy the machine is."""
    while True:
        try:
            return AsyncKeepa(
                told["key"],
                upstream_url=told["upstream_url"],
                database_url=told["database_url"],
                caller=told["caller"],
                clock=clock_of(told),
                transport=Wire(put, told["patience_seconds"]),
            )
        except LedgerUnavailableError:
            time.sleep(PAUSE_SECONDS)


async def work(told: dict[str, Any]) -> None:
    """Let all tasks spend until the input ends."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(sys.stdin, stop.set)
    with Path(told["report"]).open("a") as file:  # noqa: ASYNC230 - nothing else is to be done yet
        put = Report(file)
        keepa = opened(told, put)
        async with keepa:
            number = told["number"]
            await asyncio.gather(*(spend(keepa, number, task, put, stop) for task in range(told["tasks"])))


if __name__ == "__main__":
    asyncio.run(work(json.loads(sys.stdin.readline())))
