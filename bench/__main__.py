"""`make bench`: tables, and build/bench.json. Nothing here passes or fails; the targets stand beside the figures.

`make bench ARGS="many growth"` measures these chapters only.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path

import orjson
from pytest_benchmark.stats import Stats
from rich.console import Console

from bench import bodies
from bench.archive import archive
from bench.chapter import Chapter, chapter_of_rows
from bench.dashboard import dashboard
from bench.decoding import decoding
from bench.economy import economy
from bench.gateway import gateway
from bench.growth import growth
from bench.looks import looks
from bench.many import many_clients
from bench.neighbour import LeftOutError, Neighbour, environment
from bench.pairs import Bare, Memory, OnSqlite
from bench.parts import largest_parts
from bench.rounds import Row, each, in_turns, once, times_as_fast
from bench.scrape import scrape
from keepahead.keepa import objects
from keepahead.keepa.costs import quote
from keepahead.keepa.wire import read

_BUILD = Path(__file__).parents[1] / "build"
_ROUNDS = 15
_PAIRS = 150  # in one round


def main() -> None:
    """Measure what is asked for, print it, keep it."""
    asked = _asked(sys.argv[1:])
    _BUILD.mkdir(exist_ok=True)
    console = Console(width=118)
    kept: dict[str, object] = {}
    with tempfile.TemporaryDirectory(dir=_BUILD, prefix="bench-") as folder:
        for name in asked:
            for chapter in _CHAPTERS[name](Path(folder)):
                console.print(chapter.table)
                kept[chapter.title] = chapter.kept
    (_BUILD / "bench.json").write_text(json.dumps(kept, indent=2) + "\n")
    console.print("kept in build/bench.json", style="dim")


def _asked(names: list[str]) -> list[str]:
    unknown = [name for name in names if name not in _CHAPTERS]
    if unknown:
        sys.exit(f"no chapter {', '.join(unknown)}; there are {', '.join(_CHAPTERS)}")
    return names or list(_CHAPTERS)


def _one_pair(folder: Path) -> Iterator[Chapter]:
    try:
        with Neighbour(environment(_BUILD / "bench-token-throttle"), folder) as neighbour:
            yield chapter_of_rows("One reserve + settle", _pairs(folder, neighbour))
    except LeftOutError as error:
        title = f"One reserve + settle (token-throttle is left out: {error})"
        yield chapter_of_rows(title, _pairs(folder, None))


def _profile(folder: Path) -> Iterator[Chapter]:
    yield chapter_of_rows("Parts of a reserve + settle on SQLite", _parts(folder))


def _before(_folder: Path) -> Iterator[Chapter]:
    yield chapter_of_rows("Before a call", _quotes())


def _bodies(_folder: Path) -> Iterator[Chapter]:
    yield chapter_of_rows("An answer of 7 MB, 100 products", _answers())
    yield chapter_of_rows("An answer of 43 MB", _meters(43_000_000, products=207))


def _command(_folder: Path) -> Iterator[Chapter]:
    yield chapter_of_rows("The command line, CPU time", _help())


def _many(folder: Path) -> Iterator[Chapter]:
    yield from many_clients(folder, _BUILD)


def _pairs(folder: Path, neighbour: Neighbour | None) -> list[Row]:
    ours = OnSqlite(folder)
    with closing(ours.database), closing(Bare(folder)) as bare:
        contenders: dict[str, Callable[[], float]] = {
            "memory": each(Memory().pairs, _PAIRS),
            "bare": each(bare.pairs, _PAIRS),
            "ours": each(ours.pairs, _PAIRS),
        }
        if neighbour:
            contenders["neighbour"] = lambda: neighbour.measure(_PAIRS)
        taken = in_turns(contenders, _ROUNDS)
    rows = [
        _row("two bare BEGIN IMMEDIATE; UPDATE; INSERT; COMMIT", taken["bare"]),
        _row("ours in memory: decide and apply", taken["memory"]),
        _row("ours on SQLite", taken["ours"], f"{_ratio(taken['bare'], taken['ours'])} the time of the bare commits"),
    ]
    if neighbour:
        ratio = _ratio(taken["ours"], taken["neighbour"])
        rows.append(
            _row(f"token-throttle {neighbour.version} on SQLite", taken["neighbour"], f"ours: {ratio} as fast (> 1)")
        )
    return rows


def _parts(folder: Path) -> list[Row]:
    ours = OnSqlite(folder)
    with closing(ours.database):
        ours.pairs(_PAIRS)
        parts = largest_parts(ours.pairs, 5 * _PAIRS)
    return [Row(part, 0, f"{share:.0%}") for part, share in parts]


def _quotes() -> list[Row]:
    call = bodies.call_of_100()
    taken = in_turns({"quote": each(lambda times: [quote(call) for _ in range(times)], 500)}, _ROUNDS)
    return [_row("quote of a 100-ASIN call with offers and stats", taken["quote"])]


def _answers() -> list[Row]:
    content = bodies.body(products=100, size=7_000_000)
    answer = bodies.answer(content)
    taken = in_turns(
        {
            "orjson": once(lambda: orjson.loads(content)),
            "meter": once(lambda: read(bodies.inbound(content))),
            "all": once(answer.json),
            "split": once(lambda: objects.products([answer])[50].asin),
            "one": once(lambda: objects.products([answer])[50].title),
        },
        _ROUNDS,
    )
    return [
        _row("orjson.loads of all", taken["orjson"]),
        _row("reading the meter", taken["meter"], f"{_ratio(taken['meter'], taken['orjson'])} as fast as orjson (> 4)"),
        _row("msgspec: decoding all", taken["all"]),
        _row(
            "split into products, one ASIN read",
            taken["split"],
            f"{_ratio(taken['split'], taken['all'])} as fast as all",
        ),
        _row("the same, and one title read", taken["one"], f"{_ratio(taken['one'], taken['all'])} as fast as all"),
    ]


def _meters(size: int, products: int) -> list[Row]:
    content = bodies.body(products, size)
    inbound = bodies.inbound(content)
    taken = in_turns({"orjson": once(lambda: orjson.loads(content)), "meter": once(lambda: read(inbound))}, 5)
    return [
        _row("orjson.loads of all", taken["orjson"]),
        _row("reading the meter", taken["meter"], f"{_ratio(taken['meter'], taken['orjson'])} as fast as orjson (> 4)"),
    ]


def _help() -> list[Row]:
    commands = {"python -c pass": ["-c", "pass"], "keepahead --help": ["-m", "keepahead", "--help"]}
    taken = in_turns({name: lambda rest=rest: _cpu_seconds(rest) for name, rest in commands.items()}, 5)
    return [_row(name, stats, "(< 400 ms)" if "keepahead" in name else "") for name, stats in taken.items()]


def _cpu_seconds(arguments: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)


def _row(what: str, stats: Stats, beside: str = "") -> Row:
    return Row(what, statistics.median(stats.data), beside)


def _ratio(fast: Stats, slow: Stats) -> str:
    return f"{times_as_fast(fast, slow):.2g} times"


_CHAPTERS: Mapping[str, Callable[[Path], Iterator[Chapter]]] = {
    "pair": _one_pair,
    "parts": _profile,
    "quote": _before,
    "answers": _bodies,
    "decoding": decoding,
    "command": _command,
    "many": _many,
    "growth": growth,
    "looks": looks,
    "archive": archive,
    "economy": economy,
    "gateway": gateway,
    "scrape": scrape,
    "dashboard": dashboard,
}

main()
