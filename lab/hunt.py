"""`make sim-bugs`: hunts the deliberate bugs, each until a law is broken or its steps are used up."""

import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from lab.bugs import BUGS, Bug
from lab.soak import silence
from lab.weather import Climate
from lab.world import run

console = Console(width=150)


@dataclass(frozen=True, slots=True)
class Hunt:
    """What came of one bug: after how many steps it was caught, at which seed, and by which law. None: it was not."""

    bug: Bug
    steps: int
    seed: int
    law: str | None

    @property
    def is_caught(self) -> bool:
        """Tell whether a law was broken in time."""
        return self.law is not None and self.steps <= self.bug.steps


def hunt(bug: Bug) -> Hunt:
    """Plant a bug, and run its seeds until a law is broken or its steps are used up."""
    silence()
    steps = seed = 0
    for seed in bug.seeds:
        with bug.planted():
            report = run(seed, bug.turns, bug.climate, becomes_quiet=bug.ends_quiet)
        steps += report.steps
        if report.broken or steps >= bug.steps:
            return Hunt(bug, steps, seed, report.broken)
    return Hunt(bug, steps, seed, None)


def hunt_all(*, with_slow: bool = True, names: Sequence[str] = ()) -> int:
    """Hunt every bug, or those of `names`, then run the same seeds without any; show a table. 1 where one gets away."""
    sys.unraisablehook = lambda _: None  # what is cut short by a broken law has its last word after its world
    began = time.monotonic()
    hunts: list[Hunt] = []
    table = Table("bug", "within", "after", "seed", "broken law", title="deliberate bugs")
    for bug in BUGS:
        if (bug.is_slow and not with_slow) or (names and not any(name in bug.name for name in names)):
            continue
        hunts.append(hunt(bug))
        table.add_row(*_cells(hunts[-1]))
        print(f"{bug.name}: {hunts[-1].law or 'NOT CAUGHT'}", file=sys.stderr, flush=True)
    wrong = list(control(hunts))
    console.print(table)
    escaped = [each.bug.name for each in hunts if not each.is_caught]
    console.print(f"{len(hunts) - len(escaped)} of {len(hunts)} caught, {time.monotonic() - began:.0f} s")
    for line in (*(f"NOT CAUGHT: {name}" for name in escaped), *(f"WITHOUT ANY BUG: {line}" for line in wrong)):
        console.print(line, style="bold red")
    return int(bool(escaped or wrong))


def control(hunts: Sequence[Hunt]) -> Iterator[str]:
    """Run without any bug whatever these hunts have run; yield what breaks."""
    last: dict[tuple[Climate | None, int, bool], int] = {}
    for each in hunts:
        bug = each.bug
        kind = (bug.climate, bug.turns, bug.ends_quiet)
        last[kind] = max(last.get(kind, 0), each.seed)
    for (climate, turns, ends_quiet), most in last.items():
        for seed in range(1, most + 1):
            report = run(seed, turns, climate, becomes_quiet=ends_quiet)
            if report.broken:
                kinds = "drawn" if climate is None else ", ".join(sorted(climate.kinds)) or "none"
                yield f"seed {seed}, {turns} steps, climate {kinds}: {report.broken}"


def _cells(each: Hunt) -> Sequence[str]:
    bug = each.bug
    name = f"{bug.name} (slow)" if bug.is_slow else bug.name
    return name, f"{bug.steps:,}", f"{each.steps:,}", str(each.seed), each.law or "NOT CAUGHT"
