"""A whole keepahead on virtual time: simulator, ledger, clients. Nothing waits for real and nothing is patched."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2

from keepahead import AsyncKeepa, Keepa
from keepahead.faces.settings import KEEPA_URL
from keepahead.faces.wiring import fingerprint_of
from keepahead.simulator import Faults, LoopClock, Outsider, Simulator, SimulatorTransport, SteppedClock, VirtualLoop
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from keepahead.store.record import Record

R = TypeVar("R")
START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
KEY = "k" * 64
"""No real key: made up, of the right shape."""

ACCOUNT = fingerprint_of(KEEPA_URL, KEY)


def run(main: Coroutine[Any, Any, R]) -> R:
    """Run `main` on a loop whose time jumps when everything waits."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


class House:
    """One simulator and one ledger; as many clients as a test wants."""

    def __init__(
        self,
        folder: Path,
        *,
        rate: int = 20,
        balance: int | None = None,
        faults: Faults | None = None,
        outsider: Outsider | None = None,
        seed: int = 1,
        clock: LoopClock | SteppedClock | None = None,
    ) -> None:
        self.clock = clock or LoopClock(None, START)
        self.simulator = Simulator(
            now=self.clock.now, refill_rate=rate, balance=balance, faults=faults, outsider=outsider, seed=seed
        )
        self.database_url = f"sqlite:///{folder / 'house.db'}"

    def keepa(self, **options: Any) -> AsyncKeepa:
        """Return a client of this house."""
        return AsyncKeepa(
            KEY, **{"database_url": self.database_url, "clock": self.clock, "transport": self.transport(), **options}
        )

    def keepa_sync(self, **options: Any) -> Keepa:
        """Return a blocking client of this house; it needs a SteppedClock."""
        return Keepa(
            KEY, **{"database_url": self.database_url, "clock": self.clock, "transport": self.transport(), **options}
        )

    def transport(self) -> SimulatorTransport:
        """Return the way to this house's simulator."""
        return SimulatorTransport(self.simulator, sleep=self.clock.sleep, sleep_async=self.clock.sleep_async)

    def truth(self) -> Any:
        """Return what really happened to the bucket."""
        return self.simulator.truth(KEY)

    @contextmanager
    def books(self) -> Iterator[tuple[Ledger, Record]]:
        """Open this house's ledger and its record."""
        database = open_database(self.database_url)
        yield Ledger(database, ACCOUNT), Record(database, ACCOUNT)
        database.close()


class Canned(httpx2.AsyncBaseTransport, httpx2.BaseTransport):
    """Answers from a list: bytes, a response, an error to raise, or a function of the request."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, BaseException):
            raise answer
        if isinstance(answer, bytes):
            return httpx2.Response(200, content=answer)
        assert isinstance(answer, httpx2.Response)
        return answer

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return self.handle_request(request)
