"""The chapter on decoding: a body of 40 MB into all its series, beside json and the package keepa, time and memory."""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench import bodies
from bench.chapter import Chapter, empty_table, shown_time
from bench.decode_child import CONTENDERS
from bench.ratio import Measure, Ratio

_ROUNDS = 7
_SIZE = 40_000_000
_WORDS = {
    "ours": "ours: all series of all products",
    "ours, with the meter": "ours, the meter read before",
    "ours, arrays": "ours, and times and values as numpy arrays",
    "keepa": "json.loads, and keepa's parse_csv",
    "keepa, bare": "the same with to_datetime=False",
}
_PEERS = {"keepa": "keepa", "keepa, bare": "keepa, to_datetime=False"}
_Taken = Sequence[Mapping[str, float]]


def decoding(folder: Path) -> Iterator[Chapter]:
    """Measure every contender in a process of its own, in turns; the first round is thrown away."""
    place = folder / "body.json"
    place.write_bytes(bodies.long_body(products=100, size=_SIZE))
    rounds = [{name: _measured(name, place) for name in CONTENDERS} for _ in range(_ROUNDS + 1)][1:]
    taken = {name: [each[name] for each in rounds] for name in CONTENDERS}
    title = f"A body of {place.stat().st_size / 1e6:.0f} MB, 100 products, into all its series"
    kept = [_row(name, taken[name], taken["keepa"]) for name in CONTENDERS]
    table = empty_table(title)
    for header in ("", "CPU time", "memory", "as fast as keepa (> 9)", "its memory (< 1/5)"):
        table.add_column(header, justify="right" if header else "left")
    for row in kept:
        table.add_row(
            _WORDS[row["what"]],
            shown_time(row["seconds"]),
            f"{row['bytes'] / 1e6:,.0f} MB",
            f"{row['faster']:.1f} times",
            f"{row['memory']:.2f}",
        )
    yield Chapter(title, table, kept, [ratio for row in kept for ratio in _ratios(row, taken)])


def _row(name: str, taken: _Taken, theirs: _Taken) -> dict[str, Any]:
    return {
        "what": name,
        "seconds": statistics.median(each["seconds"] for each in taken),
        "bytes": statistics.median(each["bytes"] for each in taken),
        "faster": _faster(taken, theirs),
        "memory": _memory(taken, theirs),
    }


def _faster(taken: _Taken, theirs: _Taken) -> float:
    return statistics.median(slow["seconds"] / fast["seconds"] for fast, slow in zip(taken, theirs, strict=True))


def _memory(taken: _Taken, theirs: _Taken) -> float:
    return statistics.median(small["bytes"] / big["bytes"] for small, big in zip(taken, theirs, strict=True))


def _ratios(row: Mapping[str, Any], taken: Mapping[str, _Taken]) -> Iterator[Ratio]:
    """Yield ours beside both ways of the package keepa, time and memory."""
    if row["what"] in _PEERS:
        return
    seconds = Measure(f"{row['what']}: CPU time", shown_time(row["seconds"]))
    memory = Measure(f"{row['what']}: memory", f"{row['bytes'] / 1e6:,.0f} MB")
    for measure in (seconds, memory):
        yield measure.no_floor("json.loads is a part of the peer and not measured by itself")
    for peer, named in _PEERS.items():
        yield seconds.peer(_faster(taken[row["what"]], taken[peer]), named, "higher")
        yield memory.peer(_memory(taken[row["what"]], taken[peer]), named, "lower")


def _measured(name: str, place: Path) -> Mapping[str, float]:
    command = [sys.executable, "-m", "bench.decode_child", name, str(place)]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
