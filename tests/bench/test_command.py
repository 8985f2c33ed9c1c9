"""The command of the bench: it measures worse chapters again, keeps the last report, and fails loudly only then."""

import importlib.util
import io
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bench.__main__ import main
from bench.chapter import Chapter, empty_table
from bench.chapters import CHAPTERS
from bench.measuring import keep, last_report, measure_all
from bench.ratio import Measure
from bench.report import read
from bench.summary import print_summary, print_worse
from rich.console import Console

ROOT = Path(__file__).parents[2]


class Runs:
    """A made-up chapter: its ratio in each measurement, lower is better; nobody else's stands beside it."""

    def __init__(self, *values: float) -> None:
        self.values = list(values)
        self.folders: list[Path] = []

    def __call__(self, folder: Path):
        assert list(folder.iterdir()) == []
        self.folders.append(folder)
        (folder / "ledger.db").touch()
        value = self.values.pop(0)
        measure = Measure("on SQLite", f"{value} ms")
        ratios = [measure.floor(value, "bare commits", "lower"), measure.no_peer("nobody [yet]")]
        yield Chapter("A pair", empty_table("A pair"), [{"seconds": value}], ratios)


class Place:
    """A folder of reports."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.json = folder / "bench.json"

    def bench(self, **runs: Runs) -> tuple[bool, str]:
        """Measure, keep and compare; whether it got worse, and all that was printed."""
        console = Console(width=118, file=io.StringIO())
        last, why = last_report(self.json)
        report = measure_all(runs, ["pair", "many"], last, self.folder, console)
        keep(report, self.json)
        print_summary(console, report, last)
        is_worse = print_worse(console, report, last)
        return is_worse, f"{console.file.getvalue()}{why}"

    def value(self, chapter: str, name="bench.json") -> float | None:
        """The first ratio of a chapter in a report."""
        return read((self.folder / name).read_bytes()).chapters[chapter].ratios[0].value


@pytest.fixture
def place(tmp_path) -> Place:
    """An empty folder."""
    (tmp_path / "reports").mkdir()
    return Place(tmp_path / "reports")


def test_worse_twice_is_said_in_the_last_lines(place):
    """What is worse in both measurements fails, names the ratio in the last line, and counts as the better of both."""
    assert place.bench(pair=Runs(7.0), many=Runs(3.0))[0] is False
    pair, many = Runs(15.0, 14.0), Runs(3.3)
    is_worse, printed = place.bench(pair=pair, many=many)
    assert is_worse
    title, line = printed.splitlines()[-2:]
    assert title.startswith("WORSE by more than 30%")
    assert re.search(r"pair: on SQLite, to bare commits: 14, was 7 on \S+Z \(\+100% WORSE\); load \S+, was \S+$", line)
    assert (len(pair.folders), len(many.folders)) == (2, 1)
    assert (place.value("pair"), place.value("pair", "bench-last.json")) == (14.0, 7.0)
    assert json.loads(place.json.read_text())["chapters"]["pair"]["tables_again"] == {"A pair": [{"seconds": 14.0}]}


def test_worse_once_is_no_failure(place):
    """What is as good as before in the second measurement was the weather: that one counts."""
    place.bench(pair=Runs(7.0))
    is_worse, printed = place.bench(pair=Runs(15.0, 7.5))
    assert not is_worse
    assert "pair is measured once more" in printed
    assert "WORSE" not in printed
    assert place.value("pair") == 7.5


def test_chapters_not_asked_for_stay_and_are_not_compared(place):
    """They are in the new report and in the table, with a date of their own, and fail nothing."""
    place.bench(pair=Runs(7.0), many=Runs(3.0))
    before = read(place.json.read_bytes()).chapters["many"]
    is_worse, printed = place.bench(pair=Runs(7.0))
    assert not is_worse
    assert read(place.json.read_bytes()).chapters["many"] == before
    assert re.search(rf"^many +as of {before.measured_at} *$", printed, re.MULTILINE)


@pytest.mark.parametrize("content", [None, b"{", b'{"One reserve + settle": []}'])
def test_without_a_last_report_there_is_nothing_to_fail(place, content):
    """A last report that is missing, cut or of another shape is no error; it says so, and what there was is kept."""
    if content is not None:
        place.json.write_bytes(content)
    is_worse, printed = place.bench(pair=Runs(7.0))
    assert not is_worse
    assert ("cannot be read" if content else "there is no last report") in printed
    assert place.value("pair") == 7.0
    assert content is None or (place.folder / "bench-last.json").read_bytes() == content


def test_the_summary_is_a_line_for_each_measure(place):
    """It has ours, the ratios, the last one and the change in a line, and says once why there is no ratio."""
    place.bench(pair=Runs(7.0))
    _, printed = place.bench(pair=Runs(7.7), many=Runs(3.0))
    line = r"^ +on SQLite +{} ms +{} ↓ bare commits +- \(1\) +{} +{} *$"
    assert re.search(line.format("7.7", "7.7", "7", r"\+10%"), printed, re.MULTILINE)
    assert re.search(line.format("3.0", "3", "-", "new"), printed, re.MULTILINE)
    assert printed.count("(1) nobody [yet]") == 1


def test_nothing_of_a_measurement_stays(place):
    """Every measurement has an empty folder of its own, which is gone afterwards."""
    pair = Runs(7.0)
    place.bench(pair=pair)
    assert [each.exists() for each in pair.folders] == [False]
    assert [each.name for each in place.folder.iterdir()] == ["bench.json"]


def test_list_says_all_chapters(capsys):
    """`--list` names each chapter with what it measures, and measures nothing."""
    assert main(["--list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(CHAPTERS)


def test_an_unknown_chapter_is_no_worse_ratio(capsys, tmp_path):
    """It ends with 2, not with 1, and says which there are."""
    with pytest.raises(SystemExit) as ended:
        main(["pears", "--into", str(tmp_path)])
    assert ended.value.code == 2
    assert "no chapter pears; there are pair, parts" in capsys.readouterr().err


def test_every_bench_is_reached():
    """No file of the bench lies outside of what the one command measures; the bench of the field has its own."""
    names = {path.stem: path.read_text() for path in (ROOT / "bench").glob("*.py") if not path.stem.startswith("__")}
    reached = {place.partition(":")[0].partition(".")[2] for place, _ in CHAPTERS.values()} | {"report"}
    waiting = {*reached, "measuring", "summary", "chapters"}
    while waiting:
        source = names[waiting.pop()]
        named = set(re.findall(r"\bbench\.(\w+)", source)) | set(re.findall(r"from bench import (\w+)", source))
        waiting |= (named & set(names)) - reached
        reached |= waiting
    assert set(names) - reached == {"measuring", "summary", "chapters"} - reached


@pytest.mark.skipif(
    importlib.util.find_spec("pytest_benchmark") is None,
    reason="the group bench is not installed: `make bench` installs it",
)
def test_a_real_run_fails_loudly(tmp_path):
    """`python -m bench` ends with 0 without a last report, and with 1 if that one was far better; --json is strict."""
    first = bench("command", "--into", tmp_path)
    assert first.returncode == 0, first.stderr
    assert "there is no last report" in first.stdout
    told = json.loads((tmp_path / "bench.json").read_text())
    told["chapters"]["command"]["ratios"][0]["value"] /= 10
    (tmp_path / "bench.json").write_text(json.dumps(told))
    second = bench("command", "--json", "--into", tmp_path)
    assert second.returncode == 1, second.stderr
    assert "command: keepahead --help, to python -c pass:" in second.stderr.splitlines()[-1]
    assert second.stderr.count("The command line, CPU time") == 2
    assert json.loads(second.stdout) == json.loads((tmp_path / "bench.json").read_text())
    assert json.loads((tmp_path / "bench-last.json").read_text()) == told


def bench(*words: object) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "bench", *map(str, words)], cwd=ROOT, capture_output=True, text=True, check=False
    )
