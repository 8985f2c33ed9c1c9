"""Whether a reserve + settle costs more in a ledger that has grown: a small one and a large one, in turns."""

import os
import statistics
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.chapter import Chapter, empty_table, shown_time
from bench.databases import databases, text_of
from bench.fill import fill
from bench.neighbour import LeftOutError
from bench.ours import FINGERPRINT, Ours
from bench.ratio import Measure, Ratio
from bench.rounds import each, in_turns
from keepahead.store.database import open_database

SMALL = 1_000
LARGE = int(os.environ.get("KEEPAHEAD_BENCH_ENTRIES", "5000000"))
_ROUNDS = 30
_PAIRS = 200  # in one round


@dataclass(frozen=True, slots=True)
class _Line:
    """One database: the median pair in the small and in the large ledger, and the quartiles of the rounds' ratios."""

    database: str
    small_seconds: float
    large_seconds: float
    ratios: tuple[float, float, float]
    filled_seconds: float


def growth(folder: Path) -> Iterator[Chapter]:
    """Measure on both databases."""
    lines = [_measured("SQLite", *(f"sqlite:///{folder / name}.db" for name in ("small", "large")))]
    for path in folder.glob("large.db*"):
        path.unlink()
    left_out = []
    try:
        with databases() as made:
            lines.append(_measured("PostgreSQL", *(text_of(made.new(name)) for name in ("small", "large"))))
    except LeftOutError as error:
        left_out.append(f"PostgreSQL is left out: {error}")
    yield _drawn(lines, left_out)


def _measured(database: str, small_url: str, large_url: str) -> _Line:
    began = time.monotonic()
    for url, entries in ((small_url, SMALL), (large_url, LARGE)):
        open_database(url).close()
        fill(url, FINGERPRINT, entries, datetime.now(UTC))
    filled = time.monotonic() - began
    with closing(Ours(small_url)) as small, closing(Ours(large_url)) as large:
        taken = in_turns({"small": each(small.pairs, _PAIRS), "large": each(large.pairs, _PAIRS)}, _ROUNDS)
    ratios = [late / soon for soon, late in zip(taken["small"].data, taken["large"].data, strict=True)]
    low, middle, high = statistics.quantiles(ratios, n=4)
    medians = [statistics.median(taken[name].data) for name in ("small", "large")]
    return _Line(database, medians[0], medians[1], (low, middle, high), filled)


def _drawn(lines: list[_Line], left_out: list[str]) -> Chapter:
    title = f"One reserve + settle in a ledger of {SMALL:,} and of {LARGE:,} entries"
    table = empty_table(title)
    for name in ("", f"{SMALL:,}", f"{LARGE:,}", "times the time", "middle half of rounds", "filling"):
        table.add_column(name, justify="right" if name else "left")
    for line in lines:
        low, middle, high = line.ratios
        table.add_row(
            line.database,
            shown_time(line.small_seconds),
            shown_time(line.large_seconds),
            f"{middle:.2f} (0.9 to 1.1)",
            f"{low:.2f} to {high:.2f}",
            f"{line.filled_seconds:.0f} s",
        )
    table.caption = "\n".join(left_out)
    table.caption_justify = "left"
    kept = [
        {
            "database": line.database,
            "entries": [SMALL, LARGE],
            "seconds": [line.small_seconds, line.large_seconds],
            "ratio_quartiles": line.ratios,
        }
        for line in lines
    ]
    ratios = [ratio for line in lines for ratio in _ratios(line)]
    return Chapter(title, table, [*kept, *({"left_out": why} for why in left_out)], ratios)


def _ratios(line: _Line) -> Iterator[Ratio]:
    measure = Measure(f"{line.database}, {LARGE:,} entries", shown_time(line.large_seconds))
    yield measure.itself(line.ratios[1], f"{SMALL:,} entries", "lower")
    yield measure.no_peer("no peer with a ledger is measured")
