"""--output: four kinds of files that hold the same, found out to be possible before anything is spent."""

import csv
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import polars as pl
import pytest
from tests.faces.conftest import see

from keepahead.faces import sheet
from keepahead.faces.cli import output
from keepahead.faces.cli.exits import NotWritten

RECORDED, OTHER = "B0D8W1YVBX", "B0F7XPYCSJ"
FIELDS = (
    output.Field("text", str),
    output.Field("whole", int),
    output.Field("price", float),
    output.Field("is_so", bool),
    output.Field("at", datetime),
)
AT = datetime(2026, 11, 22, 20, 15, tzinfo=UTC)
ROWS = [["=1+1 \u65e5\u672c", 7, 14.99, True, AT], ["", None, None, None, None], [None, -1, 0.5, False, AT]]


def write(name: str) -> Path:
    """Write the rows into a file of that name."""
    written = output.output_to(name, force=False)
    assert written
    written.write(FIELDS, ROWS)
    return Path(name)


def test_csv():
    """Csv has a header, empty cells for what is missing, moments in ISO 8601, and no cell that is computed."""
    lines = list(csv.reader(write("a.csv").read_text(encoding="utf-8").splitlines()))
    assert lines[0] == ["text", "whole", "price", "is_so", "at"]
    assert lines[1] == ["'=1+1 \u65e5\u672c", "7", "14.99", "True", "2026-11-22T20:15:00.000000Z"]
    assert lines[2] == ["", "", "", "", ""]


def test_jsonl():
    """Jsonl is a document a line; what is missing is null."""
    told = [json.loads(line) for line in write("a.jsonl").read_text().splitlines()]
    assert told[0] == {
        "text": "=1+1 \u65e5\u672c", "whole": 7, "price": 14.99, "is_so": True, "at": "2026-11-22T20:15:00.000000Z",
    }  # fmt: skip
    assert told[1]["price"] is None


def test_parquet():
    """Parquet keeps the types, even of a column without values."""
    frame = pl.read_parquet(write("a.parquet"))
    assert frame.schema == {
        "text": pl.String, "whole": pl.Int64, "price": pl.Float64, "is_so": pl.Boolean,
        "at": pl.Datetime("us", "UTC"),
    }  # fmt: skip
    assert frame.rows()[0] == tuple(ROWS[0])
    empty = output.output_to("empty.parquet", force=False)
    empty.write(FIELDS, [])
    assert pl.read_parquet("empty.parquet").schema == frame.schema


def test_xlsx():
    """Excel has numbers as numbers, dates as dates, text as text whatever it begins with, and a header that stays."""
    sheet = openpyxl.load_workbook(write("a.XLSX")).active
    first, second, third, fourth = sheet.iter_rows(values_only=True)
    assert first == ("text", "whole", "price", "is_so", "at")
    assert second == ("=1+1 \u65e5\u672c", 7, 14.99, True, AT.replace(tzinfo=None))
    assert sheet["A2"].data_type == "s"
    assert third[1:] == (None,) * 4
    assert fourth[1:4] == (-1, 0.5, False)
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:E4"
    assert sheet["C2"].number_format == "#,##0.00"
    assert sheet["E2"].is_date


def test_long_texts_and_many_rows_in_excel(monkeypatch):
    """Excel's own limits: a text is cut at its end, too many rows are refused and leave nothing."""
    written = output.output_to("long.xlsx", force=False)
    written.write(FIELDS[:1], [["x" * 40_000]])
    assert len(openpyxl.load_workbook("long.xlsx").active["A2"].value) == 32_767
    monkeypatch.setattr(sheet, "EXCEL_ROWS", 2)
    with pytest.raises(NotWritten, match="Excel holds 2 rows"):
        output.output_to("many.xlsx", force=False).write(FIELDS, ROWS)
    assert not Path("many.xlsx").exists()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("a.xls", "did you mean .xlsx?"),
        ("a", "'a' is not known; known are .csv, .xlsx, .parquet, .jsonl"),
        ("nowhere/a.csv", "No such file or directory; nothing was spent"),
        ("a.txt/b.csv", "Not a directory; nothing was spent"),
        ("there.csv", "is there already; --force replaces it"),
        ("folder.csv", "is no file"),
    ],
)
@pytest.mark.parametrize(
    "command",
    [["product", RECORDED], ["discover", "--rank", "1..9"], ["bestsellers", "1"], ["deals"], ["analyse", RECORDED]],
)
def test_found_out_before_spending(cli, seen, command, name, told):
    """A file that cannot be written is a usage error before anything is sent, on every command that writes one."""
    seen(500)
    Path("a.txt").write_text("x")
    Path("there.csv").write_text("mine")
    Path("folder.csv").mkdir()
    ended = cli(*command, "--output", name)
    assert (ended.code, ended.out) == (2, "")
    assert told in ended.sentence
    assert [each["kind"] for each in cli("ledger", "--json").json["entries"]] == ["observed"]
    assert Path("there.csv").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(cli, seen):
    """A folder without permission is found out before anything is sent."""
    see(500)
    Path("closed").mkdir(mode=0o500)
    assert cli("product", RECORDED, "-o", "closed/a.csv").code == 2


def test_force_without_a_file(cli, seen):
    """--force that is for nothing is a usage error."""
    assert cli("product", RECORDED, "--force").code == 2


@pytest.mark.parametrize("ending", ["csv", "xlsx", "parquet", "jsonl"])
def test_products_to_files(cli, rich, ending):
    """Products go into the file and onto the screen, prices in the main unit; nothing else is left in the folder."""
    ended = cli("product", RECORDED, OTHER, "-o", f"found.{ending}")
    assert ended.code == 0
    assert RECORDED in ended.out
    assert "2 rows written to " in ended.err
    assert [path.name for path in Path().iterdir()] == [f"found.{ending}"]
    again = cli("product", RECORDED, "-o", f"found.{ending}", "--force", "--json")
    assert again.json["products"]
    if ending == "jsonl":
        (told,) = [json.loads(line) for line in Path("found.jsonl").read_text().splitlines()]
        assert (told["asin"], told["price_new"], told["currency"], told["rank"]) == (RECORDED, 14.99, "USD", 23)
        assert told["category"].startswith("Beauty & Personal Care > Skin Care")


def test_lists_to_files(cli, rich):
    """A best-seller list and a page of deals go into files as a whole, whatever the table shows."""
    cli("bestsellers", "3760911", "--limit", "3", "-o", "best.csv")
    lines = Path("best.csv").read_text().splitlines()
    assert lines[0] == "place,asin,domain,category,updated_at"
    assert len(lines) > 1000
    cli("deals", "--limit", "3", "-o", "deals.parquet")
    frame = pl.read_parquet("deals.parquet")
    assert len(frame) == 150
    assert frame["price"].max() > 1
    assert cli("discover", "--category", "3760911", "--max-results", "4", "-o", "found.xlsx").code == 0
    assert openpyxl.load_workbook("found.xlsx").active.max_row == 5
