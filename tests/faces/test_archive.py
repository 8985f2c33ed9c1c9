"""The archive on the command line: what it saves, what is in it, and its care."""

import json
import sqlite3
from pathlib import Path

import pytest
from tests.faces.conftest import see

from keepahead.faces.cli.archive_files import FORMAT
from keepahead.faces.settings import data_folder

RECORDED = "B0D8W1YVBX"

try:
    from backports import zstd
except ImportError:
    from compression import zstd


def test_the_second_time_is_free(cli, rich):
    """A product asked for twice is paid for once; both say where it came from, and status says what was saved."""
    first = cli("product", RECORDED, "--json").json
    second = cli("product", RECORDED, "--json")
    assert (first["account"]["spent"], first["account"]["archived"]) == (1, 0)
    assert (second.json["account"]["spent"], second.json["account"]["archived"]) == (0, 1)
    assert first["origin"][RECORDED]["paid_now"]
    assert second.json["origin"][RECORDED] == {**first["origin"][RECORDED], "paid_now": False}
    assert "1 from the archive, the oldest fetched" in second.err
    assert cli("status", "--json").json["account"]["saved_today"] == 1
    assert "1 token, by the archive" in cli("status").out
    [entry] = cli("ledger", "--kind", "served_from_archive", "--json").json["entries"]
    assert entry["tokens"] == 1
    shown = cli("ledger", "--kind", "served_from_archive").out
    assert f"paid for by {entry['paid_by'][:10]}" in shown
    assert cli("ledger", "--by", "endpoint", "--json").json["totals"][0]["saved"] == 1


def test_max_age(cli, rich):
    """--max-age 0 asks Keepa; what is no age is a usage error, before anything is sent."""
    for age, spent in (("0", 1), ("2h", 0), ("0s", 1), ("7200", 0)):
        assert cli("product", RECORDED, "--max-age", age, "--json").json["account"]["spent"] == spent
    wrong = cli("product", RECORDED, "--max-age", "soon")
    assert wrong.code == 2
    assert "'soon' is no age" in wrong.sentence


@pytest.mark.parametrize(
    "command", [("bestsellers", "3760911"), ("deals",), ("category", "3760911"), ("search", "serum")]
)
def test_every_command_reuses(cli, rich, command):
    """Lists are free the second time, and live with --max-age 0."""
    spent = [cli(*command, *more, "--json").json["account"]["spent"] for more in ((), (), ("--max-age", "0"))]
    assert spent[0] > 0
    assert spent[1:] == [0, spent[0]]


def test_stale(cli, rich, monkeypatch):
    """With --on-refusal stale whatever there is is shown for want of tokens, with its age and a warning."""
    cli("product", RECORDED)
    monkeypatch.setenv("KEEPAHEAD_MAX_AGE_PRODUCT", "0")
    refused = cli("product", RECORDED, "--max-tokens", "0")
    assert refused.code == 3
    shown = cli("product", RECORDED, "--max-tokens", "0", "--on-refusal", "stale", "--json")
    assert shown.code == 0
    assert shown.json["origin"][RECORDED]["is_stale"]
    assert shown.json["account"]["stale"] == 1
    assert "older than was accepted, for want of tokens" in shown.err
    assert cli("product", "B0F7XPYCSJ", "--max-tokens", "0", "--on-refusal", "stale").code == 3


def test_what_is_there(cli, rich):
    """Stats tells how much of what there is; archive alone says the same."""
    empty = cli("archive", "--json").json["archive"]
    assert (empty["parts"], empty["total_size"]) == ([], 0)
    cli("product", RECORDED, "B0F7XPYCSJ")
    cli("bestsellers", "3760911")
    told = cli("archive", "stats", "--json").json
    assert [(part["endpoint"], part["items"], part["tokens"]) for part in told["archive"]["parts"]] == [
        ("bestsellers", 1, 50),
        ("product", 2, 2),
    ]
    assert told["limit"] == 1_024_000_000
    assert "product" in cli("archive").out


def test_the_simulator_is_no_keepa(cli, rich, monkeypatch):
    """What one upstream said is not counted with another's."""
    cli("product", RECORDED)
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", "http://127.0.0.1:1")
    assert cli("archive", "--json").json["archive"]["parts"] == []


def test_prune(cli, rich):
    """Prune needs to be told what is to go, and says how much went."""
    cli("product", RECORDED, "B0F7XPYCSJ")
    cli("bestsellers", "3760911")
    assert cli("archive", "prune").code == 2
    assert "did you mean product?" in cli("archive", "prune", "--endpoint", "products").err
    assert cli("archive", "prune", "--older-than", "1h", "--json").json == {"dropped": 0}
    assert cli("archive", "prune", "--endpoint", "bestsellers", "--json").json == {"dropped": 1}
    assert "2 archived items dropped" in cli("archive", "prune", "--all").err


def test_export_and_import(cli, rich, tmp_path):
    """One file goes from archive to archive; the newer stays, and what was paid for there is free here."""
    cli("product", RECORDED, "B0F7XPYCSJ")
    cli("bestsellers", "3760911")
    file = tmp_path / "archive.zst"
    told = cli("archive", "export", "--output", str(file), "--json").json
    assert told == {"written": 3, "output": str(file)}
    assert "is there already" in cli("archive", "export", "--output", str(file)).sentence
    cli("archive", "prune", "--all")
    assert cli("archive", "import", str(file), "--json").json == {"taken_in": 3, "damaged": 0, "upstream": rich}
    assert cli("product", RECORDED, "--json").json["account"]["spent"] == 0
    assert cli("bestsellers", "3760911", "--json").json["account"]["spent"] == 0
    assert "3 archived items taken in" in cli("archive", "import", str(file)).err


def write(path: Path, *lines: object) -> str:
    """Write an archive by hand."""
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_bytes(zstd.compress(text.encode()))
    return str(path)


def test_bad_files(cli, rich, tmp_path):
    """A newer archive, a damaged one, none at all: one sentence each, and nothing is taken in."""
    newer = write(tmp_path / "newer", {"keepahead_archive": FORMAT + 1, "upstream": rich, "more": 1})
    assert "newer keepahead" in cli("archive", "import", newer).sentence
    for name, content in (("text", b"hello"), ("empty", b""), ("other", zstd.compress(b'{"a": 1}\n'))):
        (tmp_path / name).write_bytes(content)
        ended = cli("archive", "import", str(tmp_path / name))
        assert ended.code == 1
        assert "no archive of keepahead's" in ended.sentence
    assert "cannot be read" in cli("archive", "import", str(tmp_path / "nowhere")).sentence
    assert cli("archive", "--json").json["archive"]["parts"] == []


def test_a_file_that_is_cut_off(cli, rich, tmp_path):
    """Of a file that ends in the middle, what came before is taken in, and the error says so."""
    cli("product", RECORDED, "B0F7XPYCSJ")
    file = tmp_path / "archive.zst"
    cli("archive", "export", "--output", str(file))
    file.write_bytes(file.read_bytes()[:-2000])
    cli("archive", "prune", "--all")
    ended = cli("archive", "import", str(file))
    assert ended.code == 1
    assert "damaged" in ended.sentence


def test_damaged_items_in_a_file(cli, rich, tmp_path):
    """Items whose bytes are damaged are left out and counted."""
    row = {
        "endpoint": "product",
        "domain": 1,
        "item": RECORDED,
        "contents": "{}",
        "fetched_at": "2026-11-22T20:00:00Z",
        "used_at": "2026-11-22T20:00:00Z",
        "tokens": 1,
        "call_id": "x",
        "body": "anVuaw==",
    }
    file = write(tmp_path / "damaged", {"keepahead_archive": FORMAT, "upstream": rich}, row)
    told = cli("archive", "import", file, "--json")
    assert told.json == {"taken_in": 0, "damaged": 1, "upstream": rich}
    assert "1 were damaged" in told.err


def test_damaged_bytes_in_the_archive(cli, rich):
    """Damaged bytes in the archive cost the item once more, and are counted."""
    cli("product", RECORDED)
    with sqlite3.connect(data_folder() / "ledger.db") as ledger:
        ledger.execute("UPDATE answers SET body = X'00'")
    ledger.close()
    assert cli("product", RECORDED, "--json").json["account"]["spent"] == 1
    assert cli("archive", "--json").json["archive"]["damaged"] == 1


def test_an_archive_of_a_newer_version(cli, seen):
    """A database that a newer keepahead wrote is refused in one sentence; nothing is spent."""
    see(100)
    with sqlite3.connect(data_folder() / "ledger.db") as ledger:
        ledger.execute("UPDATE keepahead_version SET version_num = '9999'")
    ledger.close()
    for command in (("archive",), ("product", RECORDED)):
        ended = cli(*command)
        assert ended.code == 1
        assert "newer keepahead" in ended.sentence


def test_an_output_that_cannot_be_written(cli, rich, tmp_path):
    """A folder that is not there is said at once."""
    ended = cli("archive", "export", "--output", str(tmp_path / "none" / "archive.zst"))
    assert ended.code == 1
    assert "cannot be written" in ended.sentence


@pytest.mark.parametrize(
    ("setting", "value"), [("MAX_AGE_PRODUCT", "soon"), ("MAX_AGE_DEAL", "-1"), ("ARCHIVE_MEGABYTES", "-5")]
)
def test_settings_that_cannot_be(cli, monkeypatch, setting, value):
    """A setting that is no age or no size is named."""
    monkeypatch.setenv(f"KEEPAHEAD_{setting}", value)
    assert f"KEEPAHEAD_{setting}" in cli("archive").sentence
