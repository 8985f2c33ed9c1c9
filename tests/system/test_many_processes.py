"""Many processes, one budget: lost answers, an outsider and SIGKILLs at random spend nothing that is not there."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.house import KEY
from tests.served import Served
from tests.system.children import FLOOR, Books, spot, start

from keepahead import AsyncKeepa
from keepahead.budget.decide import UNKNOWN_HOLD
from keepahead.keepa.calls import TokenCall
from keepahead.store.database import open_database
from keepahead.store.record import Filter

BALANCE = 300
RATE = 60
TASKS = 110
"""About 13 tokens each: twenty minutes' refill, of which two seconds pass for each."""

KILLS = 5
EARLY = 0.3
"""All kills come before so much is finished: what the dead hold for eight minutes is back long before the end."""

REAL_SECONDS = 150
"""Nothing takes longer than this; usually it is a minute."""


class Crew:
    """Processes that share the tasks; whoever is killed is replaced by one that goes on with the rest of its list."""

    def __init__(self, told: dict[str, Any], folder: Path, count: int) -> None:
        self._told = told
        self._folder = folder
        self._count = count
        self._members: dict[int, subprocess.Popen[str]] = {}
        self.killed = 0

    def begin(self) -> None:
        """Start everybody."""
        for number in range(self._count):
            self._start(number)

    def kill(self, number: int) -> bool:
        """Kill one that still works, and start another in its place; tell whether it was alive."""
        member = self._members[number]
        if member.poll() is not None:
            return False
        member.kill()
        assert member.wait(REAL_SECONDS) == -signal.SIGKILL
        assert member.stdout is not None
        member.stdout.close()
        self.killed += 1
        self._start(number)
        return True

    def is_at_work(self) -> bool:
        """Tell whether somebody still works; nobody may have failed."""
        codes = [member.poll() for member in self._members.values()]
        assert not any(codes), codes
        return None in codes

    def done(self) -> int:
        """Count the tasks that are finished."""
        return sum(len(self._put_down(number)) for number in range(self._count))

    def end(self) -> None:
        """Kill whoever still lives."""
        for member in self._members.values():
            member.kill()
            member.communicate()

    def _put_down(self, number: int) -> set[int]:
        path = self._folder / f"done-{number}"
        return {int(line) for line in path.read_text().splitlines()} if path.exists() else set()

    def _start(self, number: int) -> None:
        share = set(range(number, TASKS, self._count)) - self._put_down(number)
        self._members[number] = start(
            "worker",
            **self._told,
            tasks=sorted(share),
            lane=("live", "jobs")[number % 2],
            caller=f"process {number}",
            done=str(self._folder / f"done-{number}"),
        )


@pytest.fixture
def served() -> Iterator[Served]:
    """A Keepa where a minute passes in two seconds: slow, sometimes mute, and somebody else spends there too."""
    options = ("--rate", RATE, "--balance", BALANCE, "--speed", 30, "--latency", "0.2..3", "--drop", 3, "--outsider", 3)
    served = Served(*map(str, options))
    yield served
    served.kill()


@pytest.mark.parametrize(("url", "count"), [("sqlite", 4), ("postgresql", 8)], indirect=["url"])
async def test_many_processes(served, url, count, tmp_path):
    """Never below the floor less what the outsider took, 95% of the refill used, all work done, every token agreed."""
    database = open_database(url)
    books = Books(database, served, KEY)
    crew = Crew({**spot(served, url, KEY), "seed": 4711}, tmp_path, count)
    try:
        crew.begin()
        look_after(crew, random.Random(4711), count)
    finally:
        crew.end()
    truth = books.truth()
    assert crew.done() == TASKS
    assert crew.killed == KILLS
    assert truth["lowest_balance"] >= FLOOR - truth["consumed_by_outsider"]
    assert truth["expired"] == 0
    came = BALANCE - FLOOR + truth["refilled"] - truth["consumed_by_outsider"]
    assert idle_at_the_last_grant(books) <= 0.05 * came

    served.make_trouble()
    served.clock.sleep(UNKNOWN_HOLD.total_seconds())
    async with AsyncKeepa(KEY, upstream_url=served.url, database_url=url, clock=served.clock) as keepa:
        await keepa.send(TokenCall())
    books.demand_agreement()
    database.close()


def look_after(crew: Crew, rng: random.Random, count: int) -> None:
    """Kill at random, early, until all is done; the work tells the moments, so that a slow machine changes nothing."""
    moments = sorted(rng.randrange(1, round(EARLY * TASKS)) for _ in range(KILLS))
    until = time.monotonic() + REAL_SECONDS
    while crew.is_at_work():
        assert time.monotonic() < until, f"{crew.done()} of {TASKS} are done"
        if moments and crew.done() >= moments[0] and crew.kill(rng.randrange(count)):
            moments.pop(0)
        time.sleep(0.02)


def idle_at_the_last_grant(books: Books) -> int:
    """Return what was left above its lane's floor when the last call was granted: until then work was waiting."""
    granted = (line.entry for line in books.record.lines(Filter(kind="reserved")) if line.entry.tokens)
    last = next(granted)
    return last.free - last.tokens - last.floor
