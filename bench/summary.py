"""The end of a bench for who reads it: all ratios in one table, what is no longer measured, loudly what got worse."""

from collections.abc import Iterator, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from bench.chapter import empty_table
from bench.ratio import Ratio
from bench.report import WORSE_BY_MOST, Change, Measured, Report, changes, gone, much_worse

_FIGURES = {"ours", "last time", "change"}
_WORDY = ("to the floor, or to itself", "to the best peer")
_BETTER = {"lower": "↓", "higher": "↑"}


def print_summary(console: Console, report: Report, last: Report | None) -> None:
    """Print all chapters of the report beside the last one's; those that were not measured this time say of when."""
    table = empty_table("Ours, to the floor and to the best peer (↓ lower is better, ↑ higher is better)")
    for header in ("", "ours", *_WORDY, "last time", "change"):
        table.add_column(header, justify="right" if header in _FIGURES else "left", no_wrap=header not in _WORDY)
    whys = _Whys()
    for name, measured in report.chapters.items():
        before = last.chapters.get(name) if last else None
        is_kept = measured == before
        table.add_row(
            Text(name, style="bold"), "", Text(f"as of {measured.measured_at}" if is_kept else "", style="bold")
        )
        _add_rows(table, measured, before, whys, is_kept=is_kept)
    console.print(table)
    for line in whys:
        console.print(line, style="dim", markup=False, highlight=False)
    if last and (last.machine.cores, last.machine.python) != (report.machine.cores, report.machine.python):
        there = f"{last.machine.cores} cores, Python {last.machine.python}"
        console.print(f"the last report is of another machine: {there}", style="bold", highlight=False)
    for line in _gone(report, last):
        console.print(line, style="dim", markup=False, highlight=False)


def print_worse(console: Console, report: Report, last: Report | None) -> bool:
    """Print loudly what got worse by more than is put up with; tell whether anything did."""
    found = list(_worse(report, last))
    if found:
        found.insert(0, f"WORSE by more than {WORSE_BY_MOST:.0%} than in the last report, in both of two measurements:")
    for line in found:
        console.print(line, style="bold red", markup=False, highlight=False, soft_wrap=True)
    return bool(found)


def _worse(report: Report, last: Report | None) -> Iterator[str]:
    for name, measured, before in _beside(report, last):
        for each in much_worse(measured.ratios, before.ratios):
            what = f"{name}: {each.ratio.name}, to {each.ratio.of}"
            was = f"was {_short(each.last)} on {before.measured_at} ({_change(each)})"
            yield f"  {what}: {_short(each.ratio.value)}, {was}; load {max(measured.load)}, was {max(before.load)}"


def _gone(report: Report, last: Report | None) -> Iterator[str]:
    for name, measured, before in _beside(report, last):
        for each in gone(measured.ratios, before.ratios):
            yield f"no longer measured: {name}: {each.name}, to {each.of} (was {_short(each.value)})"


def _beside(report: Report, last: Report | None) -> Iterator[tuple[str, Measured, Measured]]:
    before = last.chapters if last else {}
    return ((name, measured, before[name]) for name, measured in report.chapters.items() if name in before)


class _Whys:
    """Why there is no ratio, each reason once; beneath the table, where it takes no room from the figures."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number(self, why: str) -> int:
        """Return the number of a reason."""
        return self._numbers.setdefault(why, len(self._numbers) + 1)

    def __iter__(self) -> Iterator[str]:
        return (f"({number}) {why}" for why, number in self._numbers.items())


def _add_rows(table: Table, measured: Measured, last: Measured | None, whys: _Whys, *, is_kept: bool) -> None:
    told = changes(measured.ratios, last.ratios if last else [])
    for name in dict.fromkeys(each.ratio.name for each in told):
        same = [each for each in told if each.ratio.name == name]
        low, peer = ([each for each in same if (each.ratio.against == "peer") is is_peer] for is_peer in (False, True))
        compared = [each for each in same if each.ratio.value is not None and not is_kept]
        table.add_row(
            Text(f"  {name}"),
            Text(same[0].ratio.ours),
            _cell(low, whys),
            _cell(peer, whys),
            " · ".join(_short(each.last) for each in compared),
            " · ".join(_change(each) for each in compared),
        )


def _cell(told: Sequence[Change], whys: _Whys) -> Text:
    return Text("\n").join(_words(each.ratio, whys) for each in told) if told else Text("-")


def _words(ratio: Ratio, whys: _Whys) -> Text:
    if ratio.value is None:
        return Text(f"- ({whys.number(ratio.why)})", style="dim")
    return Text(f"{_short(ratio.value)} {_BETTER[ratio.better]} {ratio.of}")


def _short(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if value < 1000 else f"{value:,.0f}"


def _change(change: Change) -> str:
    if change.share is None:
        return "new" if change.ratio.value is not None and change.last is None else "-"
    return f"{change.share:+.0%}{' WORSE' if change.is_much_worse else ''}"
