"""`make sim` runs one seed; `make soak` runs fresh seeds side by side until the time is up or a law is broken."""

import gc
import logging
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field

import structlog
from rich.console import Console
from rich.table import Table

from lab.world import Report, run

STEPS = 20_000
_AT_ONCE = 2
"""So many runs wait for each worker, so that none is ever idle."""

console = Console(width=118)


@dataclass
class Soak:
    """What has come of all runs so far."""

    began_at: float
    runs: int = 0
    steps: int = 0
    grants: int = 0
    consumed: int = 0
    virtual_seconds: float = 0.0
    strict: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    deaths_at: set[str] = field(default_factory=set)
    broken: list[Report] = field(default_factory=list)

    def take(self, report: Report) -> None:
        """Add a run."""
        self.runs += 1
        self.steps += report.steps
        self.grants += report.grants
        self.consumed += report.consumed
        self.virtual_seconds += report.virtual_seconds
        self.strict += report.is_strict
        self.faults.update(report.faults)
        self.outcomes.update(report.outcomes)
        self.deaths_at |= report.deaths_at
        if report.broken:
            self.broken.append(report)

    def is_on(self, end: float, *, goes_on: bool) -> bool:
        """Tell whether another run is to begin."""
        return time.monotonic() < end and (goes_on or not self.broken)

    def line(self, now: float) -> str:
        """Return how it stands, in one line."""
        seconds = max(now - self.began_at, 1e-9)
        return (
            f"{seconds / 60:6.1f} min  {self.runs:,} runs  {self.steps:,} steps  {self.steps / seconds:,.0f} a second  "
            f"{self.faults.total():,} faults  {self.virtual_seconds / 86_400:,.1f} days  {len(self.broken)} broken"
        )


def simulate(seed: int, steps: int) -> int:
    """Run one seed and show what came of it; 1 where a law is broken."""
    silence()
    began = time.perf_counter()
    report = run(seed, steps)
    seconds = time.perf_counter() - began
    table = Table(title=f"seed {seed}, digest {report.digest}", show_header=False)
    for name, value in (
        ("steps", f"{report.steps:,} ({report.steps / seconds:,.0f} a second)"),
        ("virtual time", f"{report.virtual_seconds / 60:,.1f} minutes"),
        ("calls granted", f"{report.grants:,}"),
        ("tokens charged", f"{report.consumed:,}"),
        ("lowest balance", f"{report.lowest_balance} (floor {report.floor})"),
        ("something that nobody could know", "no" if report.is_strict else "yes: outsiders, plans or clocks"),
        ("faults", _counts(report.faults)),
        ("outcomes", _counts(report.outcomes)),
        ("longest wait", f"{report.longest_wait_seconds:,.0f} s"),
        ("laws", f"BROKEN: {report.broken}" if report.broken else "all kept"),
    ):
        table.add_row(name, value)
    console.print(table)
    return int(report.broken is not None)


def soak(minutes: float, steps: int, workers: int, first_seed: int | None = None, *, goes_on: bool = False) -> int:
    """Run fresh seeds side by side; show the first broken law with its seed, or all if it `goes_on`, and return 1."""
    seeds = _seeds(first_seed)
    total = Soak(time.monotonic())
    end, told = total.began_at + minutes * 60, total.began_at
    with ProcessPoolExecutor(workers, initializer=silence, max_tasks_per_child=None) as pool:
        waiting: set[Future[Report]] = set()
        while waiting or total.is_on(end, goes_on=goes_on):
            while len(waiting) < workers * _AT_ONCE and total.is_on(end, goes_on=goes_on):
                waiting.add(pool.submit(attempt, next(seeds), steps))
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for each in done:
                total.take(each.result())
                if each.result().broken:
                    print(_reproduction(each.result(), steps), file=sys.stderr, flush=True)
            if time.monotonic() - told > 30:
                told = time.monotonic()
                print(total.line(told), file=sys.stderr, flush=True)
    _show(total, steps)
    return int(bool(total.broken))


def attempt(seed: int, steps: int) -> Report:
    """Run, and take a crash of the laboratory for a broken law: one run must not end all."""
    try:
        return run(seed, steps)
    except Exception as error:  # noqa: BLE001 - whatever it is, its seed shows it again
        return Report(seed, broken=f"the laboratory crashed: {type(error).__name__}: {error}")


def silence() -> None:
    """Have nobody log: thousands of faults are no news here. What is there stays: no collection looks at it again."""
    gc.collect()
    gc.freeze()
    logging.disable(logging.CRITICAL)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _seeds(first: int | None) -> Iterator[int]:
    if first is not None:
        while True:
            yield first
            first += 1
    while True:
        yield random.SystemRandom().randrange(1 << 31)


def _show(total: Soak, steps: int) -> None:
    console.print(total.line(time.monotonic()).strip())
    table = Table("fault", "times", title="faults by kind")
    for kind, count in sorted(total.faults.items()):
        table.add_row(kind, f"{count:,}")
    console.print(table)
    console.print(f"outcomes: {_counts(total.outcomes)}")
    console.print(f"{total.grants:,} calls granted, {total.consumed:,} tokens charged")
    console.print(f"processes were killed at {len(total.deaths_at)} different awaits of keepahead")
    console.print(f"{total.strict:,} runs in which nothing happened that nobody could know")
    for report in total.broken:
        console.print(_reproduction(report, steps), style="bold red")


def _reproduction(report: Report, steps: int) -> str:
    return f"BROKEN: {report.broken}\n  make sim SEED={report.seed} STEPS={steps}"


def _counts(counts: dict[str, int] | Counter[str]) -> str:
    return ", ".join(f"{name} {count:,}" for name, count in sorted(counts.items())) or "none"


def workers_here() -> int:
    """Return how many runs go side by side: one for each core that this process may use."""
    return len(os.sched_getaffinity(0))
