"""Measures chapters into a report: what got much worse is measured once more, and only the better of both counts."""

import os
import platform
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from bench.chapters import Run
from bench.ratio import Ratio
from bench.report import Machine, Measured, Report, UnreadableError, better_of_both, merged, much_worse, read, written

_ROOT = Path(__file__).parents[1]


def last_report(place: Path) -> tuple[Report | None, str]:
    """Return the report that was written there last, or why there is none to compare with."""
    try:
        return read(place.read_bytes()), ""
    except FileNotFoundError:
        return None, "there is no last report to compare with"
    except (OSError, UnreadableError) as error:
        return None, f"the last report is not compared with, since it cannot be read: {error}"


def keep(report: Report, place: Path) -> None:
    """Write the report; the one that was there stays beside it as `bench-last.json`."""
    new = place.with_name(f"{place.name}.new")
    new.write_text(written(report))
    if place.exists():
        place.replace(place.with_name(f"{place.stem}-last.json"))
    new.replace(place)


def measure_all(runs: Mapping[str, Run], names: list[str], last: Report | None, into: Path, console: Console) -> Report:
    """Measure the chapters of `runs`; those of `names` that are not among them stay as the last report has them."""
    load = _load()
    before = last.chapters if last else {}
    new = {name: _measured(run, into, console) for name, run in runs.items()}
    for name, first in new.items():
        worse = much_worse(first.ratios, before[name].ratios) if name in before else []
        if worse:
            which = ", ".join(dict.fromkeys(each.ratio.name for each in worse))
            console.print(f"{name} is measured once more, because of: {which}", style="bold", markup=False)
            again = _measured(runs[name], into, console)
            new[name] = better_of_both(first, again, {each.ratio.name for each in worse})
    machine = Machine(os.cpu_count() or 0, platform.python_version(), (load, _load()))
    return Report(_now(), _commit(), machine, merged(new, last, names))


def _measured(run: Run, into: Path, console: Console) -> Measured:
    began, load = _now(), _load()
    tables: dict[str, object] = {}
    ratios: list[Ratio] = []
    with tempfile.TemporaryDirectory(dir=into, prefix="bench-") as folder:
        for chapter in run(Path(folder)):
            console.print(chapter.table)
            tables[chapter.title] = chapter.kept
            ratios += chapter.ratios
    return Measured(began, _commit(), (load, _load()), tables, ratios)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _load() -> float:
    return round(os.getloadavg()[0], 2)


def _commit() -> str | None:
    """Return the commit, `-dirty` if it is not quite that; None where there is no git or no repository."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None
