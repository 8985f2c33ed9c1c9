"""`keepahead ledger export`: every entry, in every format, however many there are."""

import csv
import json
import sys
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from tests.store.makers import ask

from keepahead.budget.entry import Label, Served
from keepahead.budget.meter import Meter
from keepahead.faces.cli.entry_files import write_file, write_lines
from keepahead.faces.cli.progress import Tally
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.audit import Audit
from keepahead.store.ledger import Ledger
from keepahead.store.record import ROW_TYPES, Filter, Record
from keepahead.store.rows import KINDS

SHAPE = 'product "B0D8W1YVBX", domain=1\nsecond line; =1+1 Ünï'


@pytest.fixture
def kept(shared):
    """Return every row of a ledger with entries of every kind, one of them with signs that need quoting."""
    database, fingerprint = open_ledger(read_settings())
    ledger, at = Ledger(database, fingerprint), datetime.now(UTC) - timedelta(days=10)

    def meter(seconds: float, left: int) -> Meter:
        moment = at + timedelta(seconds=seconds)
        return Meter(moment, moment, moment, left, 20, 60_000)

    def reserve(call: str, tokens: int, seconds: float) -> None:
        ledger.reserve(ask(call, tokens, caller='Ann, "A"', opened_at=at), at + timedelta(seconds=seconds))

    ledger.observe(meter(0, 500), at)
    reserve("folded", 5, 0)
    ledger.settle("folded", 5, meter(1, 495), at + timedelta(seconds=1))
    Audit(database, fingerprint).fold(at + timedelta(days=2))
    for call, tokens in (("settled", 5), ("released", 6), ("lost", 7)):
        reserve(call, tokens, 2 * 86_400)
    now = at + timedelta(days=2)
    ledger.settle("settled", 5, meter(2 * 86_400 + 1, 1000), now + timedelta(seconds=1))
    reserve("refused", 100_000, 2 * 86_400 + 2)
    ledger.release("released", SHAPE, now + timedelta(seconds=2))
    ledger.lose("lost", "no answer", now + timedelta(seconds=3), answered=False)
    label = Label("served", "product", "live", 'Ann, "A"')
    ledger.serve(Served(at=now + timedelta(seconds=4), label=label, tokens=3, shape=SHAPE, paid_by="settled"))
    ledger.observe(meter(2 * 86_400 + 600, 900), now + timedelta(seconds=600))
    rows = list(Record(database, fingerprint).rows(Filter()))
    database.close()
    return rows


def test_every_kind_is_tried(kept):
    """What the tests below compare holds every kind of entry."""
    assert {row["kind"] for row in kept} == set(KINDS)
    assert any(row["reason"] == SHAPE for row in kept)
    assert all(tuple(row) == tuple(ROW_TYPES) for row in kept)


def test_csv(kept, program):
    """A csv has a header and a line for each entry; nothing is empty, moments are ISO 8601, signs are quoted."""
    ended = program("ledger", "export", "--format", "csv")
    assert ended.code == 0
    header, *lines = csv.reader(StringIO(ended.out))
    assert tuple(header) == tuple(ROW_TYPES)
    assert [dict(zip(header, line, strict=True)) for line in lines] == [
        {name: text_of(value) for name, value in row.items()} for row in kept
    ]


def test_jsonl(kept, program):
    """A jsonl has a document for each entry, numbers as numbers and what is not there as null."""
    ended = program("ledger", "export", "--format", "jsonl")
    assert ended.code == 0
    found = [json.loads(line) for line in ended.out.splitlines()]
    assert found == [
        {name: text_of(value) if isinstance(value, datetime) else value for name, value in row.items()} for row in kept
    ]


def test_parquet(kept, program):
    """A parquet file has a column of its own type for each column, and a row for each entry."""
    ended = program("ledger", "export", "--format", "parquet", "--output", "entries.parquet", "--json")
    path = Path("entries.parquet").absolute()
    assert ended.json == {"entries": len(kept), "format": "parquet", "output": str(path)}
    frame = pl.read_parquet(path)
    assert list(frame.iter_rows(named=True)) == kept
    assert (frame.schema["at"], frame.schema["tokens"]) == (pl.Datetime("us", "UTC"), pl.Int64())
    assert [each.name for each in Path().iterdir()] == ["entries.parquet"]


@pytest.mark.parametrize("file_format", ["csv", "jsonl"])
def test_a_file_holds_what_stdout_would(kept, cli, file_format):
    """--output writes the same bytes; how many entries is said on stderr."""
    out = cli("ledger", "export", "--format", file_format).out
    ended = cli("ledger", "export", "--format", file_format, "-o", "entries")
    assert (ended.code, ended.out) == (0, "")
    assert f"{len(kept)} entries written to {Path('entries').absolute()}" in ended.err
    assert Path("entries").read_text() == out


def test_filters(kept, cli):
    """Only the entries that every filter takes are written."""

    def seqs(*filters: str) -> list[int]:
        return [
            json.loads(line)["seq"] for line in cli("ledger", "export", "--format", "jsonl", *filters).out.splitlines()
        ]

    assert seqs("--kind", "lost") == [row["seq"] for row in kept if row["kind"] == "lost"]
    assert seqs("--caller", 'Ann, "A"') == [row["seq"] for row in kept if row["caller"]]
    assert seqs("--endpoint", "product", "--lane", "live") == [row["seq"] for row in kept if row["endpoint"]]
    assert seqs("--until", "9d") == [row["seq"] for row in kept if row["kind"] == "carried"]
    assert seqs("--since", "9d") == [row["seq"] for row in kept if row["kind"] != "carried"]
    assert seqs("--lane", "jobs") == seqs("--since", "1m") == []


@pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
def test_an_empty_ledger(shared, cli, file_format):
    """Without entries there is a file all the same: a header, nothing, or a table without rows."""
    ended = cli("ledger", "export", "--format", file_format, "-o", "entries", "--json")
    assert (ended.code, ended.json["entries"]) == (0, 0)
    if file_format == "parquet":
        frame = pl.read_parquet("entries")
        assert (frame.height, tuple(frame.columns)) == (0, tuple(ROW_TYPES))
    else:
        assert Path("entries").read_text() == (",".join(ROW_TYPES) + "\n" if file_format == "csv" else "")


@pytest.mark.parametrize(("file_format", "part"), [("csv", 1_000), ("jsonl", 1_000), ("parquet", 10_000)])
def test_memory_is_bounded(tmp_path, file_format, part):
    """However many entries there are, only a part of them is ever in memory, and all are written, in their order."""
    alive = peak = 0

    class Row(dict):
        def __del__(self) -> None:
            nonlocal alive
            alive -= 1

    def rows():
        nonlocal alive, peak
        for seq in range(25_000):
            alive += 1
            peak = max(peak, alive)
            yield Row({**dict.fromkeys(ROW_TYPES), "seq": seq, "kind": "observed", "at": datetime.now(UTC)})

    path, tally = tmp_path / "entries", Tally("entries")
    write_file(file_format, rows(), path, tally)
    assert (tally.done, alive) == (25_000, 0)
    assert peak <= 2 * part  # one that is written, one that is read
    if file_format == "parquet":
        assert pl.read_parquet(path)["seq"].to_list() == list(range(25_000))
    else:
        assert path.read_bytes().count(b"\n") == 25_000 + (file_format == "csv")


def test_lines_are_written_as_they_are_read():
    """Who reads the other end of a pipe has the first lines before the last entry is read."""
    read = 0

    def rows():
        nonlocal read
        for read in range(1, 5_001):
            yield {**dict.fromkeys(ROW_TYPES), "seq": read}

    seen: list[int] = []
    write_lines("jsonl", rows(), lambda _: seen.append(read), Tally("entries"))
    assert seen == [1_000, 2_000, 3_000, 4_000, 5_000]


def test_parquet_without_polars(cli, monkeypatch, tmp_path):
    """Without polars parquet is refused with what to install, before a ledger is opened; the other formats work."""
    monkeypatch.setitem(sys.modules, "polars", None)
    ended = cli("ledger", "export", "--format", "parquet", "-o", "entries")
    assert (ended.code, ended.out) == (2, "")
    assert "parquet needs polars, which is not installed: pip install 'keepahead[data]'" in ended.sentence
    assert not (tmp_path / "data").exists()
    assert list(Path().iterdir()) == []
    assert cli("ledger", "export", "--format", "csv").code == 0


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_files_that_are_there(cli, file_format):
    """A file is replaced only with --force, and only by a complete one; a folder never is."""
    Path("entries").write_text("precious")
    Path("folder").mkdir()
    kept = cli("ledger", "export", "--format", file_format, "-o", "entries")
    assert kept.code == 2
    assert "is there already; --force replaces it" in kept.sentence
    assert Path("entries").read_text() == "precious"
    assert cli("ledger", "export", "--format", file_format, "-o", "folder", "--force").code == 2
    assert cli("ledger", "export", "--format", file_format, "-o", "entries", "--force").code == 0
    assert b"precious" not in Path("entries").read_bytes()
    for nowhere in ("no/such/folder/entries", "entries/inside", "x" * 300):
        ended = cli("ledger", "export", "--format", file_format, "-o", nowhere)
        assert (ended.code, ended.out) == (1, "")
        assert "cannot be written" in ended.sentence
    assert sorted(each.name for each in Path().iterdir()) == ["entries", "folder"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Missing option '--format'"),
        (["--format", "xlsx"], "'xlsx'"),
        (["--format", "parquet"], "parquet needs a file to write the entries to"),
        (["--format", "csv", "--json"], "--json needs a file to write the entries to"),
        (["--format", "csv", "--since", "yesterday"], "is no time; write an age"),
        (["--format", "csv", "--kind", "spent"], "'spent'"),
        (["--format", "csv", "--lane", "fast"], "'fast'"),
        (["--format", "csv", "--endpoint", "prodct"], "did you mean product?"),
    ],
)
def test_wrong_words(cli, arguments, words, tmp_path):
    """What is typed wrong ends with code 2 and one sentence; no ledger is opened."""
    ended = cli("ledger", "export", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert not (tmp_path / "data").exists()


def text_of(value: object) -> str:
    """Return a value as a csv has it."""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
    return "" if value is None else str(value)
