"""Several programs that share one budget on one PostgreSQL and one simulated Keepa, while something is away."""

import shutil
import tempfile
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self, TypeVar

from tests.house import KEY
from tests.postgres import NoServerError, Server, command, find_binaries, own_server, url_of
from tests.served import Served
from tests.system.children import spot

from keepahead.faces.wiring import fingerprint_of
from keepahead.store.database import open_database
from lab.faults.fault import LeftOutError
from lab.faults.shared_spender import ANSWERED, LEDGER_AWAY, SENT, Spender, Told

P = TypeVar("P")

LOST_ANSWER = "OutcomeUnknown"

TIMEOUT_SECONDS = 1.0
"""How long a step of these programs' ledger may take, in real time."""

TASKS = 4
RATE = 300
BALANCE = 400
LIMIT_SECONDS = 120.0
"""Whoever waits longer than this, in real time, waits for ever; usually it is a second."""

ERROR_SECONDS = 30 * TIMEOUT_SECONDS
"""A call takes several steps, and the machine may be busy; where nobody watches the clock it would be for ever."""

LOOK_SECONDS = 0.05


class StillWaitingError(Exception):
    """Something that was promised to end has not ended."""


class Scene:
    """A server, a simulated Keepa and programs that spend. Use it as a context manager.

    `speed` is how much faster than the real time the time of Keepa and of the ledger runs.
    """

    all_tasks = frozenset(range(TASKS))

    def __init__(
        self, folder: Path, *, count: int = 2, speed: float = 30, latency: str = "0.3..2", host: str = "127.0.0.1"
    ) -> None:
        self._folder = folder
        self._count = count
        bucket = ("--rate", RATE, "--balance", BALANCE)
        self._options = (*bucket, "--speed", speed, "--latency", latency, "--host", host)
        self._after = ExitStack()
        self.spenders_database_url = ""  # where they look for the ledger, if something stands in between
        self.patience_seconds: float | None = None
        self.spenders: list[Spender] = []

    def __enter__(self) -> Self:
        try:
            find_binaries()
        except NoServerError as error:
            raise LeftOutError(str(error)) from None
        try:
            self.set_up()
        except BaseException:
            self._after.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._after.close()

    def set_up(self) -> None:
        """Start everything but the work; programs get ready while the servers start."""
        for _ in range(self._count):
            self.add()
        self.served = Served(*map(str, self._options))
        self._after.callback(self.served.kill)
        self.upstream_url = self.served.url
        self.server = self.enter(self.make_server())
        command(self.server.url, "CREATE DATABASE ledger")
        self.database_url = url_of(self.server.url, "ledger")
        open_database(self.database_url).close()

    def make_server(self) -> AbstractContextManager[Server]:
        """Give a running server."""
        return own_server()

    @property
    def fingerprint(self) -> str:
        """The name of the account."""
        return fingerprint_of(self.upstream_url, KEY)

    def enter(self, part: AbstractContextManager[P]) -> P:
        """Have something else end with the scene."""
        return self._after.enter_context(part)

    def add(self) -> Spender:
        """Start one more program."""
        settings = {"KEEPAHEAD_LEDGER_TIMEOUT_SECONDS": str(TIMEOUT_SECONDS), "HOME": str(self._folder)}
        spender = Spender(len(self.spenders), self._folder, **settings)
        self._after.callback(spender.end)
        self.spenders.append(spender)
        return spender

    def begin(self) -> None:
        """Let all spend, and return when every task has been answered once."""
        told = spot(self.served, self.spenders_database_url or self.database_url, KEY)
        for spender in self.spenders:
            spender.begin(
                **told | {"upstream_url": self.upstream_url}, tasks=TASKS, patience_seconds=self.patience_seconds
            )
        self.wait_until(lambda: self.all_told(0, ANSWERED), "the first answers")

    def told(self, since: float = 0) -> Sequence[Told]:
        """Return what all programs put down, oldest first."""
        return sorted((told for each in self.spenders for told in each.told(since)), key=lambda told: told.at)

    def all_told(self, since: float, what: str, spenders: Sequence[Spender] | None = None) -> bool:
        """Tell whether every task of these programs, or of all that are well, met with this since then."""
        chosen = [each for each in self.spenders if each.is_well] if spenders is None else spenders
        return all({told.task for told in each.told(since) if told.what == what} >= self.all_tasks for each in chosen)

    def wait_until(self, holds: Callable[[], bool], what: str) -> float:
        """Wait for a condition; return how many seconds of real time it took. Raises StillWaitingError."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > LIMIT_SECONDS:
                raise StillWaitingError(f"{what}: not there after {LIMIT_SECONDS:.0f} s")
            time.sleep(LOOK_SECONDS)
        return time.monotonic() - began

    def truth(self) -> dict[str, Any]:
        """Return what really happened at Keepa."""
        return self.served.truth(KEY)

    def stop(self) -> None:
        """Have all programs end in good order."""
        well = [each for each in self.spenders if each.is_well]
        for spender in well:
            spender.ask_to_stop()
        self.wait_until(lambda: all(each.process.poll() is not None for each in well), "the end of all programs")
        codes = [each.process.returncode for each in well]
        if any(codes):
            logs = (self._folder.glob("spender-*.log")) if self._folder.exists() else ()
            raise StillWaitingError(f"programs ended with {codes}: {[each.read_text()[-500:] for each in logs]}")


class Outage:
    """What happened while nothing could be reserved, on some programs or on all."""

    def __init__(self, scene: Scene, spenders: Sequence[Spender] | None = None) -> None:
        self._scene = scene
        self._spenders = spenders
        self._began = 0.0
        self.sent = 0
        self.slowest_seconds = 0.0
        self.back_seconds = 0.0

    def go_through(self, down: Callable[[], object], up: Callable[[], object]) -> None:
        """Take something away, hold it away, give it back, and wait until all go on; again if that is wanted."""
        self.begin(down)
        self.hold()
        up()
        self.end()

    def begin(self, down: Callable[[], object]) -> None:
        """Take something away; an error from before that may have had another reason, on a busy machine."""
        down()
        self._began = time.monotonic()

    def hold(self) -> None:
        """Stay in it until every task was refused, and was refused once more: nothing is sent between the two."""
        self._wait_for(self._began, LEDGER_AWAY)
        between = time.monotonic()
        before = self._requests()
        self._wait_for(between, LEDGER_AWAY)
        self.sent += self._requests() - before
        told = (told for told in self._scene.told(self._began) if told.what == LEDGER_AWAY)
        # Who waited for tokens when it began has waited for that, and not for the ledger.
        took = (min(each.seconds, each.at - self._began) for each in told)
        self.slowest_seconds = max(self.slowest_seconds, *took)

    def end(self) -> None:
        """Wait until every task is answered again."""
        self.back_seconds = max(self.back_seconds, self._wait_for(time.monotonic(), ANSWERED))

    def _wait_for(self, since: float, what: str) -> float:
        return self._scene.wait_until(
            lambda: self._scene.all_told(since, what, self._spenders), f"{what} at every task"
        )

    def _requests(self) -> int:
        """Count what these programs have sent: what arrived at Keepa, where all of them are in it."""
        if self._spenders is None:
            return self._scene.truth()["requests"]
        return sum(told.what == SENT for each in self._spenders for told in each.told())


@contextmanager
def new_server(folder: Path | None = None) -> Generator[Server]:
    """Give a server that does not run yet, in a folder of its own or in that one; it is shut down at the end."""
    with ExitStack() as after:
        if folder is None:
            folder = Path(tempfile.mkdtemp(prefix="keepahead-pg-"))
            after.callback(shutil.rmtree, folder, ignore_errors=True)
        server = Server(folder)
        after.callback(server.shut_down)
        yield server
