"""`make bench-field`: the field beside each other, on the same work. Progress goes to stderr; nothing passes or fails.

`make bench-field ARGS="keepahead 'rhythm throttle'"` measures these only; `--json` prints one document instead.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.chapter import empty_table
from bench.field.measured import ENTRANTS, Entrant, Row, measure
from bench.field.work import Scenario, incident, workload
from bench.neighbour import LeftOutError

_SCENARIOS = {"workload": workload, "incident": incident}


def main() -> None:
    """Measure what is asked for, and print it."""
    asked = _asked()
    chosen = [each for each in ENTRANTS if not asked.names or each.name in asked.names]
    scenarios = [make() for name, make in _SCENARIOS.items() if asked.scenario in {None, name}]
    if asked.speed:
        scenarios = [replace(scenario, speed=asked.speed) for scenario in scenarios]
    rows = {scenario.name: list(_rows(chosen, scenario)) for scenario in scenarios}
    if asked.json:
        print(json.dumps({name: [row.kept() for row in those] for name, those in rows.items()}, indent=2))
        return
    for scenario in scenarios:
        Console(width=150).print(_table(scenario, rows[scenario.name]))


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.field", description=__doc__)
    names = [each.name for each in ENTRANTS]
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(map(repr, names))}; none: all")
    parser.add_argument("--scenario", choices=_SCENARIOS, help="this one only")
    parser.add_argument("--speed", type=float, help="times as fast as the real time; else what the scenario says")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    asked = parser.parse_args()
    if unknown := [name for name in asked.names if name not in names]:
        parser.error(f"no {unknown[0]!r} here; there are {', '.join(map(repr, names))}")
    return asked


def _rows(chosen: Sequence[Entrant], scenario: Scenario) -> Iterator[Row]:
    for entrant in chosen:
        print(f"{scenario.name}: {entrant.name} …", file=sys.stderr)
        with tempfile.TemporaryDirectory(prefix="keepahead-field-") as folder:
            try:
                row = measure(entrant, scenario, Path(folder))
            except LeftOutError as error:
                print(f"{entrant.name} is left out: {error}", file=sys.stderr)
                continue
        for error, times in row.errors.items():
            print(f"  {times} times {error}", file=sys.stderr)
        yield row


def _table(scenario: Scenario, rows: Sequence[Row]) -> Table:
    least = f"{rows[0].minimum_seconds / 60:.1f}" if rows else "?"
    table = empty_table(
        f"{scenario.name}: {len(scenario.items):,} asked by {scenario.workers}, {scenario.opening} tokens and "
        f"{scenario.refill_rate} a minute; {scenario.price:,} tokens and {least} minutes at least; "
        f"{scenario.speed:g} times as fast"
    )
    headers = (
        "",
        "version",
        "lowest",
        "429",
        "sent at <= 0",
        "lost",
        "tokens",
        "per answer",
        "for nothing new",
        "time",
    )
    for header in (*headers, "CPU"):
        table.add_column(header, justify="right" if header not in {"", "version"} else "left", no_wrap=True)
    for row in rows:
        table.add_row(*_cells(row))
    table.caption = "time: of the least; lost: (not done when the time was over); CPU: client and server, of one core"
    return table


def _cells(row: Row) -> Sequence[str]:
    return (
        row.name,
        row.version,
        f"{row.lowest_balance:,}",
        f"{row.refused_429:,}",
        f"{row.sent_at_or_below_zero:,}",
        f"{row.lost:,}" + (f" ({row.late:,})" if row.late else ""),
        f"{row.tokens:,}",
        f"{row.tokens_per_distinct_answer:.2f}",
        f"{row.tokens_for_nothing_new:,}",
        f"{'> ' if row.late else ''}{row.of_minimum:.3f}",
        f"{row.client_cpu:.0%} {row.server_cpu:.0%}",
    )


if __name__ == "__main__":
    main()
