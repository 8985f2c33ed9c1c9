"""The one database of a simulation, a real SQLite file, with a gate before each process's way to it."""

import random
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from keepahead.errors import LedgerUnavailableError
from keepahead.store.database import Database, open_database
from lab.laws.places import WISH, Wish
from lab.process import PROCESS, KilledError, Process

PATIENCE_SECONDS = 600.0
"""Real seconds: nobody waits for a lock here, so that only a real fault ends it."""


@dataclass
class StoreWeather:
    """How the database fares: away altogether, slow, or failing at a commit; percent of all transactions."""

    is_away: bool = False
    stall_percent: float = 0.0
    stall_seconds: float = 0.0
    fail_percent: float = 0.0
    lost_commit_percent: float = 0.0
    death_percent: float = 0.0


@dataclass
class StoreFaults:
    """How often each happened."""

    counts: dict[str, int] = field(default_factory=dict)

    def count(self, kind: str) -> None:
        """Add one."""
        self.counts[kind] = self.counts.get(kind, 0) + 1


class Gate:
    """What stands between a process and the database."""

    def __init__(self, rng: random.Random, seconds: Callable[[], float], kill: Callable[[Process], None]) -> None:
        self.weather = StoreWeather()
        self.faults = StoreFaults()
        self.has_changed = False
        self.wish: Wish | None = None
        self._rng = rng
        self._seconds = seconds
        self._kill = kill

    def delay(self, process: Process | None) -> float:
        """Return how long a job waits for its turn, in virtual seconds."""
        weather = self.weather
        if process is None or not self._happens(weather.stall_percent):
            return 0.0
        self.faults.count("database stalls")
        return self._rng.uniform(0.0, weather.stall_seconds)

    @contextmanager
    def pass_(self, process: Process, *, writes: bool) -> Generator[None]:
        """Let a transaction through, or not."""
        if not process.is_alive:
            raise LedgerUnavailableError("its process is dead")
        weather = self.weather
        if weather.is_away:
            self._trouble(process, "database away")
        if not writes:
            yield
            return
        if self._happens(weather.fail_percent):
            self._trouble(process, "transaction fails")
        dies = self._happens(weather.death_percent)
        comes_late = self._rng.random() < 0.5
        yield
        if dies and not comes_late:
            self._die(process, "killed before a commit")
        self._dies_after = dies
        self.has_changed, self.wish = True, WISH.get()

    def after_commit(self, process: Process) -> None:
        """Have happen what happens once it is committed."""
        if self._dies_after:
            self._dies_after = False
            self._die(process, "killed after a commit")
        if self._happens(self.weather.lost_commit_percent):
            self._trouble(process, "commit unheard")

    _dies_after = False

    def _trouble(self, process: Process, kind: str) -> None:
        process.store_troubled_at = self._seconds()
        self.faults.count(kind)
        raise LedgerUnavailableError(f"the laboratory says: {kind}")

    def _die(self, process: Process, kind: str) -> None:
        self.faults.count(kind)
        self._kill(process)
        raise KilledError

    def _happens(self, percent: float) -> bool:
        return percent > 0 and self._rng.random() * 100 < percent


class LabDatabase(Database):
    """The database as one process has it."""

    gate: Gate
    process: Process

    @contextmanager
    def write(self) -> Generator[Connection]:
        """See Database; through the gate."""
        with super().write() as connection, self.gate.pass_(self.process, writes=True):
            yield connection
        self.gate.after_commit(self.process)

    @contextmanager
    def read(self, *, at_length: bool = False) -> Generator[Connection]:
        """See Database; through the gate."""
        with self.gate.pass_(self.process, writes=False), super().read(at_length=at_length) as connection:
            yield connection


def open_for(gate: Gate) -> Callable[..., Database]:
    """Return what opens the database for the process whose turn it is."""

    def open_(url: str, timeout_seconds: float = PATIENCE_SECONDS) -> Database:
        _ = timeout_seconds
        process = PROCESS.get()
        if process is None:
            return open_database(url, PATIENCE_SECONDS)
        if gate.weather.is_away:
            raise LedgerUnavailableError("the laboratory says: database away")
        opened: Any = open_database(url, PATIENCE_SECONDS)
        opened.__class__ = LabDatabase
        opened.gate, opened.process = gate, process
        return opened

    return open_
