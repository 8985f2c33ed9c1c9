"""Many clients at once: ours, the bare SQL floor and the field's limiters, at the same points, in turns."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bench.chapter import Chapter, empty_table, shown_time
from bench.crowd import Contender, Crowd, Point, Taken
from bench.databases import databases, text_of
from bench.neighbour import ENVIRONMENT, LeftOutError, environment
from bench.ratio import Measure, Ratio
from bench.redis_server import redis_server

POINTS = (
    Point(1, processes=1),
    Point(4, processes=1),
    Point(16, processes=1),
    Point(64, processes=1),
    Point(4, processes=4),
    Point(16, processes=4),
    Point(64, processes=4),
)
_ROUNDS = 3
_SECONDS = 1.0  # for each contender in each round
_WARM_UP_SECONDS = 0.3
_OURS = "ours"

_Found = Mapping[str, Sequence[Taken] | str]
"""For each contender what it did in each round, or why it did nothing."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One contender at one point: medians over the rounds, latencies over all of them together."""

    point: Point
    name: str
    pairs_per_second: float
    p50_seconds: float
    p99_seconds: float
    slowest_share: float
    ours_as_fast: float | None
    """How many times as fast ours was, in the same rounds; None for ours itself."""


def many_clients(folder: Path) -> Iterator[Chapter]:
    """Measure both databases, one after the other."""
    contenders, left_out = _on_sqlite(folder)
    yield _chapter("Many clients on SQLite (WAL, synchronous=NORMAL)", contenders, left_out)
    with ExitStack() as servers:
        try:
            made = servers.enter_context(databases())
        except LeftOutError as error:
            yield _chapter("Many clients on PostgreSQL", [], [f"PostgreSQL is left out: {error}"])
            return
        bare, ours, pyrate = (made.new(name) for name in ("bare", "ours", "pyrate"))
        contenders = [
            Contender("bare UPDATE", "bench.floor:BarePostgres", text_of(bare)),
            Contender(_OURS, "bench.ours:Ours", text_of(ours)),
            Contender("pyrate-limiter", "bench.limiters:PyratePostgres", text_of(pyrate)),
        ]
        left_out = []
        try:
            socket = servers.enter_context(redis_server())
        except LeftOutError as error:
            left_out.append(f"limits and throttled-py on Redis are left out: {error}")
        else:
            contenders += [
                Contender("limits on Redis", "bench.limiters:Limits", socket),
                Contender("throttled-py on Redis", "bench.limiters:ThrottledPy", socket),
            ]
        yield _chapter(f"Many clients on PostgreSQL ({made.durability})", contenders, left_out)


def _on_sqlite(folder: Path) -> tuple[list[Contender], list[str]]:
    contenders = [
        Contender("bare BEGIN; UPDATE; INSERT", "bench.floor:BareSqlite", str(folder)),
        Contender(_OURS, "bench.ours:Ours", f"sqlite:///{folder / 'many.db'}"),
        Contender(
            "pyrate-limiter as shown (FULL)", "bench.limiters:PyrateSqlite", str(folder / "pyrate.db"), processes=(1,)
        ),
        Contender("pyrate-limiter", "bench.limiters:PyrateSqliteWal", str(folder / "pyrate-wal.db"), processes=(1,)),
        Contender(
            "pyrate-limiter, lock file",
            "bench.limiters:PyrateSqliteLocked",
            str(folder / "pyrate-locked.db"),
            processes=(4,),
        ),
    ]
    try:
        python = environment(ENVIRONMENT)
    except LeftOutError as error:
        return contenders, [f"token-throttle is left out: {error}"]
    place = str(folder / "token-throttle-many.db")
    contenders.append(Contender("token-throttle", "bench.token_throttle_pairs:TokenThrottle", place, python))
    return contenders, []


def _chapter(title: str, contenders: Sequence[Contender], left_out: list[str]) -> Chapter:
    lines: list[_Line] = []
    with ExitStack() as after:
        crowds = [after.enter_context(Crowd(contender)) for contender in contenders]
        for point in POINTS:
            found = _in_turns([crowd for crowd in crowds if point.processes in crowd.contender.processes], point)
            lines += _lines(point, found)
            left_out += [
                f"{name}, {point.clients} clients in {point.processes} processes: {why}"
                for name, why in found.items()
                if isinstance(why, str)
            ]
        versions = {crowd.contender.name: crowd.version for crowd in crowds if crowd.version}
    return _drawn(title, lines, left_out, versions)


def _in_turns(crowds: Sequence[Crowd], point: Point) -> _Found:
    """Measure every contender once in each round, after a short one for warming up."""
    found: dict[str, list[Taken] | str] = {crowd.contender.name: [] for crowd in crowds}
    for seconds in (_WARM_UP_SECONDS, *[_SECONDS] * _ROUNDS):
        for crowd in crowds:
            taken = found[crowd.contender.name]
            if isinstance(taken, str):
                continue
            try:
                done = crowd.measure(point, seconds)
            except LeftOutError as error:
                if crowd.contender.name == _OURS:
                    raise
                found[crowd.contender.name] = str(error)
                continue
            if seconds == _SECONDS:
                taken.append(done)
    return found


def _lines(point: Point, found: _Found) -> Iterator[_Line]:
    ours = found.get(_OURS)
    for name, taken in found.items():
        if isinstance(taken, str):
            continue
        microseconds = sorted(took for each in taken for took in each.microseconds)
        yield _Line(
            point,
            name,
            statistics.median(each.pairs_per_second for each in taken),
            microseconds[len(microseconds) // 2] / 1e6,
            microseconds[len(microseconds) * 99 // 100] / 1e6,
            statistics.median(each.slowest_share for each in taken),
            None if name == _OURS or ours is None or isinstance(ours, str) else _as_fast(ours, taken),
        )


def _as_fast(ours: Sequence[Taken], other: Sequence[Taken]) -> float:
    """Return the median of the ratios within the rounds; who did nothing in one is left behind without measure."""
    ratios = [
        mine.pairs_per_second / its.pairs_per_second if its.pairs_per_second else float("inf")
        for mine, its in zip(ours, other, strict=True)
    ]
    return statistics.median(ratios)


def _drawn(title: str, lines: Sequence[_Line], left_out: Sequence[str], versions: Mapping[str, str]) -> Chapter:
    table = empty_table(title)
    table.add_column("clients", justify="right", ratio=2)
    table.add_column("in", ratio=3)
    table.add_column("", ratio=8)
    for name in ("pairs a second", "p50", "p99", "slowest", "ours is"):
        table.add_column(name, justify="right", ratio=4 if name == "pairs a second" else 3)
    for number, line in enumerate(lines):
        is_new = number == 0 or lines[number - 1].point != line.point
        processes = f"{line.point.processes} process{'es' if line.point.processes > 1 else ''}"
        table.add_row(
            str(line.point.clients) if is_new else "",
            processes if is_new else "",
            line.name,
            f"{line.pairs_per_second:,.0f}",
            shown_time(line.p50_seconds),
            shown_time(line.p99_seconds),
            f"{line.slowest_share:.0%}",
            "" if line.ours_as_fast is None else f"{line.ours_as_fast:.2g} times",
        )
    table.caption = "\n".join([*(f"{name}: {version}" for name, version in versions.items()), *left_out])
    table.caption_justify = "left"
    kept = [
        {
            "clients": line.point.clients,
            "processes": line.point.processes,
            "who": line.name,
            "version": versions[line.name],
            "pairs_per_second": line.pairs_per_second,
            "p50_seconds": line.p50_seconds,
            "p99_seconds": line.p99_seconds,
            "slowest_share": line.slowest_share,
            "ours_as_fast": line.ours_as_fast,
        }
        for line in lines
    ]
    return Chapter(title, table, [*kept, *({"left_out": why} for why in left_out)], list(_ratios(title, lines)))


def _ratios(title: str, lines: Sequence[_Line]) -> Iterator[Ratio]:
    """Yield how many times as fast ours is as everybody else at the same point."""
    database = "PostgreSQL" if "PostgreSQL" in title else "SQLite"
    for ours in (line for line in lines if line.name == _OURS):
        point = ours.point
        name = f"{database}, clients: {point.clients}, processes: {point.processes}"
        measure = Measure(name, f"{ours.pairs_per_second:,.0f}/s")
        for line in lines:
            if line.point == point and line.ours_as_fast is not None:
                beside = measure.floor if line.name.startswith("bare") else measure.peer
                yield beside(line.ours_as_fast, line.name, "higher")
        if not any(line.point == point and not line.name.startswith(("bare", _OURS)) for line in lines):
            yield measure.no_peer("all are left out; the table says why")
