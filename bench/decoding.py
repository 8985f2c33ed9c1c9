"""The chapter on decoding: a body of 40 MB into all its series, beside json and the package keepa, time and memory."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bench import bodies
from bench.chapter import Chapter, empty_table, shown_time
from bench.decode_child import CONTENDERS

_ROUNDS = 7
_SIZE = 40_000_000
_WORDS = {
    "ours": "ours: all series of all products",
    "ours, arrays": "ours, and times and values as numpy arrays",
    "keepa": "json.loads, and keepa's parse_csv",
    "keepa, bare": "the same with to_datetime=False",
}
_Taken = Sequence[Mapping[str, float]]


def decoding(folder: Path) -> Iterator[Chapter]:
    """Measure every contender in a process of its own, in turns; the first round is thrown away."""
    place = folder / "body.json"
    place.write_bytes(bodies.long_body(products=100, size=_SIZE))
    rounds = [{name: _measured(name, place) for name in CONTENDERS} for _ in range(_ROUNDS + 1)][1:]
    taken = {name: [each[name] for each in rounds] for name in CONTENDERS}
    table = empty_table(f"A body of {place.stat().st_size / 1e6:.0f} MB, 100 products, into all its series")
    for header in ("", "time", "memory", "faster than keepa (> 9)", "its memory (< 1/5)"):
        table.add_column(header, justify="left" if not header else "right")
    kept = [_row(name, taken[name], taken["keepa"]) for name in CONTENDERS]
    for row in kept:
        beside = (
            (f"{row['faster']:.1f} times", f"{row['memory']:.2f}") if str(row["what"]).startswith("ours") else ("", "")
        )
        table.add_row(
            _WORDS[str(row["what"])], shown_time(float(row["seconds"])), f"{float(row['bytes']) / 1e6:,.0f} MB", *beside
        )
    yield Chapter((table.title and str(table.title)) or "", table, kept)


def _row(name: str, taken: _Taken, theirs: _Taken) -> dict[str, str | float]:
    pairs = list(zip(taken, theirs, strict=True))
    return {
        "what": name,
        "seconds": statistics.median(each["seconds"] for each in taken),
        "bytes": statistics.median(each["bytes"] for each in taken),
        "faster": statistics.median(slow["seconds"] / fast["seconds"] for fast, slow in pairs),
        "memory": statistics.median(small["bytes"] / big["bytes"] for small, big in pairs),
    }


def _measured(name: str, place: Path) -> Mapping[str, float]:
    command = [sys.executable, "-m", "bench.decode_child", name, str(place)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
