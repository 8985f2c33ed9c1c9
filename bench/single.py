"""The chapters of one operation a line: a pair and its parts, a quote, the command line."""

import resource
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from pytest_benchmark.stats import Stats

from bench import bodies
from bench.chapter import Chapter, Row, chapter_of_rows, shown_time
from bench.neighbour import ENVIRONMENT, LeftOutError, Neighbour, environment
from bench.pairs import Bare, Memory, OnSqlite
from bench.parts import largest_parts
from bench.ratio import Measure, Ratio
from bench.rounds import each, in_turns, times_as_fast
from keepahead.keepa.costs import quote

ROUNDS = 15
_PAIRS = 150  # in one round
_BARE = "two bare commits"


def pair(folder: Path) -> Iterator[Chapter]:
    """Measure one reserve + settle, with token-throttle where it runs."""
    try:
        with Neighbour(environment(ENVIRONMENT), folder) as neighbour:
            yield chapter_of_rows("One reserve + settle", *_pairs(folder, neighbour))
    except LeftOutError as error:
        title = f"One reserve + settle (token-throttle is left out: {error})"
        yield chapter_of_rows(title, *_pairs(folder, None, str(error)))


def _pairs(folder: Path, neighbour: Neighbour | None, why: str = "") -> tuple[list[Row], list[Ratio]]:
    ours = OnSqlite(folder)
    with closing(ours.database), closing(Bare(folder)) as bare:
        contenders: dict[str, Callable[[], float]] = {
            "memory": each(Memory().pairs, _PAIRS),
            "bare": each(bare.pairs, _PAIRS),
            "ours": each(ours.pairs, _PAIRS),
        }
        if neighbour:
            contenders["neighbour"] = lambda: neighbour.measure(_PAIRS)
        taken = in_turns(contenders, ROUNDS)
    ratios = _pair_ratios(taken, why)
    rows = [
        row("two bare BEGIN IMMEDIATE; UPDATE; INSERT; COMMIT", taken["bare"]),
        row("ours in memory: decide and apply", taken["memory"]),
        row("ours on SQLite", taken["ours"], f"{times(ratios[0])} the time of the bare commits"),
    ]
    if neighbour:
        what = f"token-throttle {neighbour.version} on SQLite"
        rows.append(row(what, taken["neighbour"], f"ours: {times(ratios[1])} as fast (> 1)"))
    return rows, ratios


def _pair_ratios(taken: Mapping[str, Stats], why: str) -> list[Ratio]:
    ours, memory = (measure(name, taken[key]) for name, key in (("on SQLite", "ours"), ("in memory", "memory")))
    theirs = taken.get("neighbour")
    return [
        ours.floor(times_as_fast(taken["bare"], taken["ours"]), _BARE, "lower"),
        ours.peer(times_as_fast(taken["ours"], theirs), "token-throttle", "higher")
        if theirs
        else ours.no_peer(f"token-throttle is left out: {why}"),
        memory.no_floor("the rules alone: nothing lies below them"),
        memory.no_peer("no peer in memory is measured"),
    ]


def parts(folder: Path) -> Iterator[Chapter]:
    """Say where the time of a pair goes."""
    ours = OnSqlite(folder)
    with closing(ours.database):
        ours.pairs(_PAIRS)
        found = largest_parts(ours.pairs, 5 * _PAIRS)
    of = Measure("the largest part", f"{found[0][1]:.0%}")
    ratios = [of.no_floor("a share of our own time"), of.no_peer("a share of our own time")]
    rows = [Row(part, 0, f"{share:.0%}") for part, share in found]
    yield chapter_of_rows("Parts of a reserve + settle on SQLite", rows, ratios)


def before(_folder: Path) -> Iterator[Chapter]:
    """Measure what is done before a call."""
    call = bodies.call_of_100()
    taken = in_turns({"quote": each(lambda times: [quote(call) for _ in range(times)], 500)}, ROUNDS)
    of = measure("quote of 100 ASINs", taken["quote"])
    ratios = [of.no_floor("arithmetic: nothing lies below it"), of.no_peer("no peer with quotes is measured")]
    yield chapter_of_rows(
        "Before a call", [row("quote of a 100-ASIN call with offers and stats", taken["quote"])], ratios
    )


def command(_folder: Path) -> Iterator[Chapter]:
    """Measure the command line beside a Python that does nothing."""
    commands = {"python -c pass": ["-c", "pass"], "keepahead --help": ["-m", "keepahead", "--help"]}
    taken = in_turns({name: lambda rest=rest: _cpu_seconds(rest) for name, rest in commands.items()}, 5)
    rows = [row(name, stats, "(< 400 ms)" if "keepahead" in name else "") for name, stats in taken.items()]
    of = measure("keepahead --help", taken["keepahead --help"])
    ratio = times_as_fast(taken["python -c pass"], taken["keepahead --help"])
    ratios = [of.floor(ratio, "python -c pass", "lower"), of.no_peer("the package keepa has no command line")]
    yield chapter_of_rows("The command line, CPU time", rows, ratios)


def _cpu_seconds(arguments: Sequence[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def row(what: str, stats: Stats, beside: str = "") -> Row:
    """Return a line of the table."""
    return Row(what, statistics.median(stats.data), beside)


def measure(name: str, stats: Stats) -> Measure:
    """Return what of ours was measured, with its median."""
    return Measure(name, shown_time(statistics.median(stats.data)))


def times(ratio: Ratio) -> str:
    """Return a ratio as it is said within a sentence."""
    return f"{ratio.value:.2g} times"
