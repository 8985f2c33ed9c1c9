"""`make bench`: tables, one report in build/bench.json, and how its ratios stand beside the last report's.

`make bench ARGS="many growth"` measures these chapters only; the report keeps the others as they were. It ends with 1
if a ratio got worse by more than 30%, with 2 if it was asked for what there is not, else with 0.
"""

import argparse
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from bench.chapters import CHAPTERS, load
from bench.measuring import keep, last_report, measure_all
from bench.report import written
from bench.summary import print_summary, print_worse

_BUILD = Path(__file__).parents[1] / "build"
_NARROW, _WIDE = 118, 150  # characters: the tables of chapters need the one, a line of the last table the other


def main(words: Sequence[str]) -> int:
    """Measure what is asked for, print it, compare it, keep it."""
    parser = _parser()
    asked = parser.parse_args(words)
    if asked.list:
        print("\n".join(f"{name:10} {says}" for name, (_, says) in CHAPTERS.items()))
        return 0
    if unknown := [name for name in asked.chapters if name not in CHAPTERS]:
        parser.error(f"no chapter {', '.join(unknown)}; there are {', '.join(CHAPTERS)}")
    try:
        runs = {name: load(name) for name in asked.chapters or CHAPTERS}
    except ModuleNotFoundError as error:
        parser.error(f"{error}: `make bench` installs what the chapters need")
    asked.into.mkdir(parents=True, exist_ok=True)
    place = asked.into / "bench.json"
    columns = shutil.get_terminal_size((_WIDE, 0)).columns
    console = Console(width=max(_NARROW, min(_WIDE, columns)), stderr=asked.json)
    last, why = last_report(place)
    report = measure_all(runs, list(CHAPTERS), last, asked.into, console)
    keep(report, place)
    if asked.json:
        print(written(report), end="", flush=True)
    print_summary(console, report, last)
    console.print(f"kept in {place}{f'; {why}' if why else ''}", style="dim", markup=False, highlight=False)
    return int(print_worse(console, report, last))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Speed, as ratios within one run.")
    parser.add_argument("chapters", nargs="*", help="which to measure; all of them if none is named")
    parser.add_argument("--list", action="store_true", help="say which chapters there are, and end")
    parser.add_argument("--json", action="store_true", help="print the report on stdout, the tables on stderr")
    parser.add_argument("--into", type=Path, default=_BUILD, help="the folder of the reports; build/ if none is named")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
