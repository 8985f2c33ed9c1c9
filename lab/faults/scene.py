"""What a fault on a SQLite ledger is played with: a simulated Keepa as a process, a file, workers, and the books."""

import multiprocessing
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, Self

from tests.served import Served
from tests.system.children import FLOOR, Books

from keepahead import Keepa
from keepahead.budget.decide import CALL_LIMIT, UNKNOWN_HOLD
from keepahead.budget.entry import Absorbed
from keepahead.store.database import open_database
from keepahead.store.record import Filter, GroupBy
from lab.faults.spender import ANSWERED, STOP, Order, Outcome, read_journal, spend

KEY = "k" * 64
PLAN = ("--rate", "60", "--balance", "200", "--speed", "90", "--latency", "1..5")
"""Fewer tokens than the workers want, so that the floor is where they stand. An answer takes 10 to 50 ms.

The eight minutes for which the reservation of a dead process is held are five seconds: faster, and on a busy machine
calls of the living would lapse as well.
"""

RICH = ("--rate", "120", "--balance", "2000", "--speed", "60", "--latency", "0.5..3")
"""Enough tokens for calls of few products: who does not get on is held up by the fault and by little else."""

WAIT_SECONDS = 120
"""Nothing that is waited for takes so long, however busy the machine."""

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["lab.faults.spender", "lab.faults.serving"])


class Scene:
    """A Keepa, a ledger in `ledger_folder` (None: `folder`), workers. A context manager: at its end nobody is left."""

    def __init__(self, folder: Path, *simulate: str, ledger_folder: Path | None = None, **order: Any) -> None:
        self.folder = folder
        self.path = (ledger_folder or folder) / "ledger.db"
        self.url = f"sqlite:///{self.path}"
        self._order = order
        self.workers: dict[int, Worker] = {}
        self._started: list[Worker] = []
        self.served = Served(*(simulate or PLAN))

    def __enter__(self) -> Self:
        open_database(self.url).close()
        return self

    def __exit__(self, *_: object) -> None:
        self.end_workers()
        self.served.kill()

    def start(self, number: int, **order: Any) -> "Worker":
        """Start a worker, in place of another of the same number if there was one."""
        life = len(self._started)
        worker = Worker(self.order(f"worker {number}", f"journal-{life}", seed=f"{number}/{life}", **order))
        self.workers[number] = worker
        self._started.append(worker)
        return worker

    def order(self, caller: str, journal: str, **order: Any) -> Order:
        """Return what a process of this scene is told."""
        clock = self.served.clock
        return Order(
            key=KEY,
            upstream_url=self.served.url,
            database_url=self.url,
            speed=clock.speed,
            since=clock.since.isoformat(),
            journal=str(self.folder / journal),
            caller=caller,
            **{**self._order, **order},
        )

    def start_four(self) -> None:
        """Start four workers, and wait until each has had an answer."""
        for number in range(4):
            self.start(number)
        wait_until(lambda: all(worker.count(ANSWERED) for worker in self.workers.values()), "an answer for each worker")

    def end_workers(self) -> None:
        """Kill whoever still works."""
        for worker in self._started:
            worker.kill()

    def let_workers_end(self) -> None:
        """Have all workers end what is under way and close their clients, and wait for it."""
        (self.folder / STOP).touch()
        wait_until(lambda: not any(worker.is_alive() for worker in self._started), "the end of the workers")

    def outcomes(self) -> list[Outcome]:
        """Return how all calls ended, those of dead workers as well."""
        return [outcome for worker in self._started for outcome in worker.outcomes()]

    def answers(self) -> int:
        """Count the calls that were answered."""
        return sum(worker.count(ANSWERED) for worker in self._started)

    def truth(self) -> dict[str, Any]:
        """Return what really happened to the bucket."""
        return self.served.truth(KEY)

    def come_to_rest(self) -> None:
        """Wait until whatever the dead held is free, and ask for one product more: its meter says what is true."""
        self.served.make_trouble()
        with self.books() as books:
            is_held = any(books.held())
        if is_held:
            self.served.clock.sleep((CALL_LIMIT + UNKNOWN_HOLD).total_seconds())
        with Keepa(
            KEY, upstream_url=self.served.url, database_url=self.url, floor=FLOOR, clock=self.served.clock
        ) as keepa:
            keepa.products(["B000000000"], max_age=0)

    @contextmanager
    def books(self) -> Iterator[Books]:
        """Open the ledger beside the truth."""
        database = open_database(self.url)
        yield Books(database, self.served, KEY)
        database.close()

    def sums(self) -> dict[str, int]:
        """Return what the ledger has of the whole: charged, unknown, external."""
        with self.books() as books:
            sums = books.record.sums(GroupBy.CALLER, Filter())
        return {name: sum(getattr(each, name) for each in sums) for name in ("charged", "unknown", "external")}

    def archived(self) -> set[str]:
        """Return the items that the archive has."""
        with closing(sqlite3.connect(self.path)) as connection:
            return {item for (item,) in connection.execute("SELECT item FROM answers")}

    def broken(self, *, archives_all: bool = True, is_any_lost: bool = False, of_another_ledger: int = 0) -> list[str]:
        """Come to rest, and return each promise of the books that is broken. Nobody may be at work.

        `archives_all`: the ledger was there all the time, so that whatever was delivered must be archived.
        `is_any_lost`: processes were killed, and what their calls have cost can only be guessed.
        `of_another_ledger`: tokens that were charged before this ledger began.
        """
        self.come_to_rest()
        truth, sums = self.truth(), self.sums()
        found = [f"PRAGMA integrity_check says {told}" for told in self._damages()]
        try:
            with self.books() as books:
                books.demand_agreement()
        except AssertionError as error:
            found.append(f"ledger and bucket disagree at rest: {error!r}, line {_line_of(error)}")
        if truth["lowest_balance"] < FLOOR:
            found.append(f"the balance was {truth['lowest_balance']}, below the floor of {FLOOR}")
        charged, given_up = truth["consumed"] - of_another_ledger, self._given_up()
        if sum(sums.values()) + given_up < charged:
            found.append(f"Keepa charged {charged}, and the ledger has only {sums} and {given_up} of lost calls")
        if not is_any_lost and sums["external"] > truth["consumed_by_outsider"]:
            found.append(f"the ledger says that somebody else spent {sums['external']}, and nobody did")
        return found + (self._unarchived() if archives_all else [])

    def _given_up(self) -> int:
        """Return what lost calls were held for beyond what a meter was short of: it may have been charged or not.

        How much it was short of cannot be said where an answer was on its way for so long that the clocks disagree,
        which on a fast clock takes a third of a second.
        """
        tokens = seq = 0
        with self.books() as books:
            while lines := books.record.after(seq, Filter(kind="absorbed")):
                absorbed = [line.entry for line in lines if isinstance(line.entry, Absorbed)]
                tokens += sum(each.tokens - each.charged for each in absorbed)
                seq = lines[-1].seq
        return tokens

    def _unarchived(self) -> list[str]:
        delivered = {asin for each in self.outcomes() if each.name == ANSWERED for asin in each.asins}
        gone = delivered - self.archived()
        return [f"{len(gone)} products were delivered and are not archived"] if gone else []

    def _damages(self) -> Sequence[str]:
        with closing(sqlite3.connect(self.path)) as connection:
            return [told for (told,) in connection.execute("PRAGMA integrity_check") if told != "ok"]


class Worker:
    """One worker process and what it has put down."""

    def __init__(self, order: Order) -> None:
        self._journal = Path(order.journal)
        self._process: ForkServerProcess = PROCESSES.Process(target=spend, args=(order,), daemon=True)
        self._process.start()

    @property
    def pid(self) -> int:
        """The number of the process."""
        assert self._process.pid is not None
        return self._process.pid

    def kill(self) -> None:
        """End it as a power cut would: no handler, no clean-up. A second time it does nothing."""
        self._process.kill()
        self._process.join()

    def is_alive(self) -> bool:
        """Tell whether it still runs."""
        return self._process.is_alive()

    def outcomes(self) -> list[Outcome]:
        """Return how its calls ended so far."""
        return read_journal(self._journal.read_text()) if self._journal.exists() else []

    def count(self, name: str) -> int:
        """Count the calls that ended so."""
        return sum(each.name == name for each in self.outcomes())


def wait_until(is_so: Callable[[], object], what: str) -> None:
    """Wait for a condition. Raises TimeoutError, with what was waited for."""
    until = time.monotonic() + WAIT_SECONDS
    while not is_so():
        if time.monotonic() > until:
            raise TimeoutError(f"{what} did not come within {WAIT_SECONDS} s")
        time.sleep(0.02)


def _line_of(error: BaseException) -> int:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    return trace.tb_lineno if trace is not None else 0
