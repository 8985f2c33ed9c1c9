"""One whole run: a store, a Keepa, processes that come and go, weather, and the auditor; all of it from one seed."""

import asyncio
import gc
import hashlib
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from unittest import mock

from keepahead.errors import LedgerError
from keepahead.faces import wiring
from keepahead.faces.settings import KEEPA_URL
from keepahead.faces.wiring import fingerprint_of
from keepahead.simulator import Outsider, Simulator
from keepahead.simulator.answers import Reply
from keepahead.simulator.bucket import Drain
from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.store.audit import Audit
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from lab import admin, programs, weather
from lab.auditor import Auditor, BrokenLawError
from lab.clock import HostClock
from lab.laws.books import Books
from lab.laws.laws import Laws
from lab.laws.places import Queue
from lab.loop import LabLoop, NothingToDoError
from lab.network import OUTSIDE, Ears, Exchange, Network
from lab.process import Process
from lab.programs import KEY, Diary
from lab.seeded import seeded
from lab.store import Gate, StoreWeather, open_for

CATALOGUE = Catalogue(1)
"""One for all runs: it takes long to make, and nothing changes it."""

QUIET_SECONDS = 24 * 3600.0
"""Once nothing goes wrong any more, everybody is served within this."""

CLOCKS_AGREE_SECONDS = 28.0
"""The clocks of hosts that share a ledger differ by less than this (docs/design.md says 30)."""

AUDIT_EVERY = 5_000
ACCOUNT = fingerprint_of(KEEPA_URL, KEY)
_MEMORY = Path("/dev/shm")  # noqa: S108 - a folder in memory, where there is one


@cache
def _empty_ledger() -> bytes:
    """Return a ledger that nobody has used: the steps of its making take longer than a thousand steps of a run."""
    with tempfile.TemporaryDirectory(prefix="keepahead-lab-") as folder:
        path = Path(folder, "ledger.db")
        open_database(f"sqlite:///{path}").close()
        return path.read_bytes()


@dataclass
class Report:
    """What came of a run."""

    seed: int
    steps: int = 0
    virtual_seconds: float = 0.0
    broken: str | None = None
    faults: dict[str, int] = field(default_factory=dict)
    outcomes: dict[str, int] = field(default_factory=dict)
    grants: int = 0
    consumed: int = 0
    lowest_balance: int = 0
    floor: int = 0
    is_strict: bool = True
    deaths_at: set[str] = field(default_factory=set)
    longest_wait_seconds: float = 0.0
    digest: str = ""


def run(seed: int, steps: int, climate: weather.Climate | None = None, *, becomes_quiet: bool = True) -> Report:
    """Run so many steps from a seed, then let all become quiet, if that is wanted, and check everything once more.

    `climate` is in place of the one that the seed draws.
    """
    _empty_ledger()  # the ids in it are drawn from no seed: the first run is as any other
    with (
        tempfile.TemporaryDirectory(prefix="keepahead-lab-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder,
        seeded(seed),
        _settings(Path(folder)),
    ):
        gc.collect()
        gc.disable()
        world = World(seed, Path(folder), climate)
        try:
            world.live(steps, becomes_quiet=becomes_quiet)
        finally:
            report = world.end()
            gc.enable()
    return report


@contextmanager
def _settings(folder: Path) -> Generator[None]:
    """Have no settings but these: nothing of the machine's."""
    with mock.patch.dict("os.environ", {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}, clear=True):
        yield


class World:
    """Everything of one run."""

    def __init__(self, seed: int, folder: Path, climate: weather.Climate | None = None) -> None:
        self.report = Report(seed)
        self._rng = random.Random(seed)
        self._loop = LabLoop(random.Random(self._rng.getrandbits(64)))
        drawn = weather.climate_of(self._rng)
        self._climate = climate or drawn
        self._diary = Diary()
        self._url = f"sqlite:///{folder / 'ledger.db'}"
        (folder / "ledger.db").write_bytes(_empty_ledger())
        keepa_clock = HostClock(
            self._loop, offset_seconds=self._rng.uniform(-40, 40), drift=self._rng.uniform(-2e-5, 2e-5)
        )
        self._keepa_clock = keepa_clock
        rate = self._rng.choice((5, 20, 20, 60, 300))
        balance = self._rng.choice((None, None, 60, 60, rate * 10, -2 * rate))
        self._simulator = Simulator(now=keepa_clock.now, seed=1, refill_rate=rate, balance=balance)
        self._simulator.catalogue = CATALOGUE
        self._simulator._rng = random.Random(self._rng.getrandbits(64))
        with self._simulator._account_now(KEY) as account:
            self._bucket = account.bucket
        self._keepa_ahead_ms = 0
        if "plans" in self._climate.kinds:
            self._track(self._rng.choice((0, 1, 3)))
        self._clocks = self._host_clocks()
        self._auditor = Auditor(
            folder / "ledger.db",
            self._bucket,
            clock_lumps=self._lumps_between_clocks(),
        )
        self._books = Books(folder / "ledger.db", self._bucket, is_steady=not self._climate.kinds & {"plans", "clocks"})
        self._queue = Queue(
            folder / "ledger.db",
            self._clocks[0],
            self._auditor.asks_for_meter,
            is_judged=not self._climate.kinds & {"plans", "clocks", "outsiders", "store"},
        )
        self._network = Network(
            self._loop, self._simulator, random.Random(self._rng.getrandbits(64)), lambda: self._bucket.consumed
        )
        self._laws = Laws(
            folder / "ledger.db", self._bucket, self._climate.kinds, self._loop.time, self._diary.waiting.values
        )
        self._diary.ended, self._diary.asks = self._laws.over, self._laws.asks
        self._network.ears = Ears(
            sent=self._lawful(self._books.sent, self._auditor.sent, self._laws.sent),
            ended=self._lawful(self._auditor.ended, self._laws.ended),
            vanished=self._lawful(self._auditor.vanished),
            delivered=self._delivered,
            measured=self._measured,
        )
        self._gate = Gate(random.Random(self._rng.getrandbits(64)), lambda: self._loop.seconds, self._kill)
        self._loop.job_delay = self._gate.delay
        self._loop.after_step = self._after_step
        self._processes: list[Process] = []
        self._graves: list[object] = []
        self._trace = hashlib.sha256()
        self._death_percent = 0.0
        self._moment, self._moment_began = 0.0, 0
        self._raised: BrokenLawError | None = None
        self.report.is_strict = self._climate.is_strict
        self.report.floor = 10

    # A life

    def live(self, steps: int, *, becomes_quiet: bool = True) -> None:
        """Run, then become quiet or look at the books as they are; what breaks is in the report."""
        try:
            with mock.patch.object(wiring, "open_database", open_for(self._gate)):
                self._people()
                self._change_weather()
                self._loop.run_steps(steps)
                if becomes_quiet:
                    self._become_quiet()
                else:
                    self._audit()
        except BrokenLawError as error:
            self.report.broken = str(error)
        except NothingToDoError as error:
            self.report.broken = f"livelock: {error}"

    def end(self) -> Report:
        """Close everything and return what came of it."""
        report, bucket = self.report, self._bucket
        report.steps, report.virtual_seconds = self._loop.steps, self._loop.seconds
        report.faults = dict(sorted({**self._network.counts, **self._gate.faults.counts, **report.faults}.items()))
        report.outcomes = dict(sorted(self._diary.counts.items()))
        report.grants, report.consumed = self._auditor.grants, bucket.consumed
        report.lowest_balance = bucket.lowest
        report.longest_wait_seconds = self._diary.longest_wait_seconds
        report.digest = self._trace.hexdigest()[:16]
        self._loop.close()
        self._auditor.close()
        self._laws.close()
        self._books.close()
        self._queue.close()
        self._bury_all()
        return report

    def _bury_all(self) -> None:
        """Let go of all tasks; what they want to do at their end is done by dead processes."""
        for process in self._processes:
            self._graves.extend(process.tasks)
            process.is_alive = False
        self._diary.waiting.clear()
        hook, sys.unraisablehook = sys.unraisablehook, lambda _: None
        try:
            with warnings.catch_warnings(action="ignore"):
                self._graves.clear()
                self._processes.clear()
                gc.collect()
        finally:
            sys.unraisablehook = hook

    def _people(self) -> None:
        """Start the processes."""
        for number in range(self._rng.choice((1, 2, 3, 4))):
            self._start(f"client {number}", lane=self._rng.choice(("live", "live", "jobs")))
        if self._rng.random() < 0.5:
            self._start("worker", lane="jobs")
        for number in range(self._rng.choice((0, 0, 0, 1, 1, 2))):
            self._start(f"gateway {number}", lane="live")
        if self._rng.random() < 0.4:
            self._start("admin", lane="live")

    def _start(self, name: str, lane: str) -> None:
        process = Process(name, self._rng.choice(self._clocks))
        self._processes.append(process)
        rng = random.Random(self._rng.getrandbits(64))
        if name.startswith("gateway"):
            work = programs.serve(
                self._network, process.clock, rng, self._diary, url=self._url, users=rng.choice((2, 6))
            )
        elif name == "admin":
            work = admin.rule(process.clock, rng, self._diary, url=self._url, account=ACCOUNT)
        else:
            work = programs.spend(
                self._network, process.clock, rng, self._diary, url=self._url, lane=lane, tasks=rng.choice((1, 3, 6))
            )
        task = self._loop.start(process, work)
        task.add_done_callback(lambda task: self._has_ended(name, lane, process, task), context=OUTSIDE)

    def _has_ended(self, name: str, lane: str, process: Process, task: "asyncio.Task[object]") -> None:
        """Look at how a process ended by itself; one that could not begin for want of a ledger is started again."""
        process.is_alive = False
        error = None if task.cancelled() else task.exception()
        if error is not None:
            self._diary.count(f"process ended: {type(error).__name__}")
            if not _is_for_want_of_a_ledger(error):
                self._diary.surprises.append(f"{name} ended: {type(error).__name__}: {error}")
        if not self._diary.is_over:
            self._later(5.0, self._start, name, lane)

    def _kill(self, process: Process) -> None:
        """Kill a process as SIGKILL does; another is started in its place, a little later."""
        process.is_alive = False
        self.report.deaths_at |= process.stands_at
        self._graves.extend(process.tasks)
        self._loop.bury(process)
        self._laws.died(process)
        self._count("process killed")
        if not self._diary.is_over:
            lane = "jobs" if process.name == "worker" else "live"
            self._later(self._rng.uniform(0.1, 30.0), self._start, process.name, lane)

    # Weather

    def _change_weather(self) -> None:
        rng, kinds = self._rng, self._climate.kinds
        if "clocks" in kinds and rng.random() < 0.2:
            self._jump_clock()
        self._simulator.faults = weather.keepa_faults(rng, kinds)
        self._network.weather = weather.network_weather(rng, kinds)
        self._network.weather.keepa_ahead_ms = self._keepa_ahead_ms
        self._gate.weather = weather.store_weather(rng, kinds)
        self._death_percent = rng.choice((0.0, 0.02, 0.1, 0.5)) if "deaths" in kinds else 0.0
        if "outsiders" in kinds:
            tokens = rng.choice((0.0, 0.0, 2.0, 15.0))
            self._simulator.outsider = Outsider(tokens) if tokens else None
            if tokens:
                self._count("outsider spends")
        if "plans" in kinds and rng.random() < 0.15:
            self._change_plan()
        self._later(rng.expovariate(1 / 120), self._change_weather)

    def _change_plan(self) -> None:
        self._auditor.plans += 1
        if self._rng.random() < 0.5:
            self._count("plan changed")
            self._simulator.set_refill_rate(self._rng.choice((1, 5, 20, 60)), KEY)
        else:
            self._count("trackings changed")
            self._track(self._rng.choice((0, 0, 1, 3)))

    def _track(self, tokens_per_minute: int) -> None:
        """Have trackings take so much of the refill from now on; the bucket looks at them again and again."""
        self._bucket.drains = {"laboratory": Drain(float(tokens_per_minute), 0)} if tokens_per_minute else {}
        self._bucket.flow_reduction = tokens_per_minute

    def _jump_clock(self) -> None:
        self._count("clock jumps")
        seconds = self._rng.choice((1.0, 20.0, 100.0)) * self._rng.uniform(-1, 1)
        self._auditor.clocks += 1 + int(max(0.0, seconds) // 60)
        jumping = self._rng.choice([*self._clocks, None])
        if jumping is None:
            self._keepa_ahead_ms += round(seconds * 1000)
            return
        jumping.jump(seconds)
        if self._spread() > CLOCKS_AGREE_SECONDS:  # more than is allowed between hosts: then it is one machine's clock
            for each in self._clocks:
                each.jump(0.0 if each is jumping else seconds)

    def _host_clocks(self) -> list[HostClock]:
        """Return the clocks of one host, or of two or three that differ by less than they may."""
        if "clocks" not in self._climate.kinds:
            return [HostClock(self._loop, offset_seconds=self._rng.uniform(-3, 3))]
        return [
            HostClock(self._loop, offset_seconds=self._rng.uniform(-14, 14), drift=self._rng.uniform(-5e-5, 5e-5))
            for _ in range(self._rng.randint(2, 3))
        ]

    def _lumps_between_clocks(self) -> int:
        """Return how many lumps may be counted that are not there, or not yet.

        One by a host that reads a meter by another's clock. And each further clock may have an older meter taken for
        newer than one that came by another, which shows up to a lump less (Meter.is_newer_than).
        """
        return len(self._clocks) if self._spread() else 0

    def _spread(self) -> float:
        offsets = [clock.offset_seconds for clock in self._clocks]
        return max(offsets) - min(offsets)

    # Laws

    def _after_step(self, process: Process | None) -> None:
        if self._loop.steps & 15 == 0:
            self._trace.update(
                f"{self._loop.steps} {process.name if process else ''} {self._loop.seconds:.6f}\n".encode()
            )
        if self._gate.has_changed:
            self._gate.has_changed = False
            self._advance()
            self._auditor.after_commit(process)
            self._laws.after_commit()
            self._books.after_commit(process, self._loop.seconds)
            self._queue.after_commit(process, self._gate.wish, self._loop.seconds)
        if self._loop.seconds != self._moment:
            self._moment, self._moment_began = self._loop.seconds, self._loop.steps
        elif self._loop.steps - self._moment_began > 20_000:
            raise BrokenLawError("livelock: 20,000 steps and no time has passed")
        if self._loop.seconds >= self._laws.due_at:
            self._laws.check()
        if self._raised is not None:
            raise self._raised
        if self._laws.broken is not None:
            self._laws.demand()
        if self._diary.surprises:
            raise BrokenLawError(f"a surprise: {self._diary.surprises[0]}")
        if self._loop.complaints:
            raise BrokenLawError(f"nobody heard: {self._loop.complaints[0]}")
        if process is not None and process.is_alive and self._happens(self._death_percent):
            self._kill(process)
        if self._loop.steps % AUDIT_EVERY == 0:
            self._audit()

    def _delivered(self, exchange: Exchange, reply: Reply) -> None:
        self._books.delivered(exchange, reply, self._loop.seconds)
        self._laws.delivered(exchange, reply)

    def _lawful(self, *checks: Callable[..., None]) -> Callable[..., None]:
        """Keep a broken law until the step is over: within it somebody might catch it."""

        def checked(*facts: object) -> None:
            try:
                for check in checks:
                    check(*facts)
            except BrokenLawError as error:
                self._raised = self._raised or error

        return checked

    def _audit(self) -> None:
        self._auditor.check_conservation()
        self._laws.check()
        database = open_database(self._url)
        try:
            finding = Audit(database, ACCOUNT).verify()
        finally:
            database.close()
        try:
            finding.account.check()
        except AssertionError as error:
            raise BrokenLawError(f"the account contradicts itself: {error}") from error
        if finding.drifts:
            raise BrokenLawError(f"the account has drifted from its entries: {finding.drifts[0]}")

    def _become_quiet(self) -> None:
        """Nothing goes wrong any more and nobody begins anything: all are served, and then the books agree."""
        self._diary.is_over = True
        self._climate = weather.Climate(frozenset())
        self._death_percent = 0.0
        self._change_weather()
        self._simulator.outsider = None
        self._auditor.plans += 1
        if self._bucket.rate < 20:  # a day of one a minute pays for little
            self._simulator.set_refill_rate(20, KEY)
            self._books.is_steady = False
            self._laws.plan_changes()
        self._track(0)
        self._gate.weather = StoreWeather()
        end = self._loop.seconds + QUIET_SECONDS
        self._loop.run_steps(
            2_000_000, lambda: not any(each.is_alive for each in self._processes) or self._loop.seconds > end
        )
        if any(each.is_alive for each in self._processes):
            waiting = [f"{asked.name} since {asked.at:.0f} s" for asked in self._diary.waiting.values()]
            raise BrokenLawError(f"starved: a day has passed, and there still wait {', '.join(waiting) or 'processes'}")
        self._settle_up()

    def _settle_up(self) -> None:
        """Let the last reservations lapse, read the meter thrice, and compare just after a refill."""
        for _ in range(3):
            self._loop.run_steps(10_000, self._until(self._loop.seconds + 700))
            process = Process(
                "auditor", HostClock(self._loop, offset_seconds=max(c.offset_seconds for c in self._clocks))
            )
            self._processes.append(process)
            task = self._loop.start(process, programs.look(self._network, process.clock, url=self._url))
            self._loop.run_steps(50_000, task.done)
            if not task.done() or task.cancelled() or task.exception() is not None:
                raise BrokenLawError(f"all is quiet, and the meter cannot be read: {_outcome(task)}")
        self._audit()
        self._advance()
        to_refill_ms = self._bucket.next_tick_ms - self._keepa_clock.now().timestamp() * 1000
        self._loop.seconds += to_refill_ms / 1000 + 3  # just after a refill: around it both may be right
        self._advance()
        database = open_database(self._url)
        account = Ledger(database, ACCOUNT).account()
        now = process.clock.now()  # the meter is by this host's clock
        balance, free = account.balance_at(now), account.free_at(now)
        database.close()
        if account.reservations or balance != free:
            raise BrokenLawError(
                f"all is quiet, and {len(account.reservations)} calls still hold {balance - free} tokens"
            )
        if balance != self._bucket.balance:
            raise BrokenLawError(f"all is quiet; the ledger says {balance}, and Keepa {self._bucket.balance}")
        self._laws.when_quiet(self._auditor.overlap)

    def _until(self, end: float) -> Callable[[], bool]:
        return lambda: self._loop.seconds >= end

    # Small things

    def _advance(self) -> None:
        """Let happen at Keepa what happens by itself until now."""
        with self._simulator._account_now(KEY):
            pass

    def _measured(self) -> None:
        self._advance()
        self._auditor.measured(round(self._keepa_clock.now().timestamp() * 1000) + self._keepa_ahead_ms)

    def _later(self, seconds: float, do: Callable[..., None], *args: object) -> None:
        self._loop.call_later(seconds, do, *args, context=OUTSIDE)

    def _happens(self, percent: float) -> bool:
        return percent > 0 and self._rng.random() * 100 < percent

    def _count(self, kind: str) -> None:
        self.report.faults[kind] = self.report.faults.get(kind, 0) + 1


def _outcome(task: "asyncio.Task[object]") -> str:
    """Say how a task that has no result has ended."""
    if not task.done():
        return "it goes on"
    return "cancelled" if task.cancelled() else repr(task.exception())


def _is_for_want_of_a_ledger(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(map(_is_for_want_of_a_ledger, error.exceptions))
    return isinstance(error, LedgerError)
