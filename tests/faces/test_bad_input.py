"""All that a person can type, set or meet wrongly: one clear sentence, the right exit code, nothing spent or lost."""

import os
import sqlite3
from pathlib import Path

import pytest
from tests.keepa.envelopes import answer

ASIN = "B0D8W1YVBX"


WELL = (200, answer(left=500, consumed=0).content)
"""The answer to the first /token."""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["product"], "give ASINs"),
        (["product", ASIN, "--code", "123456789012"], "give ASINs"),
        (["product", "B0D8W1YVB"], "10 characters, A-Z and 0-9"),
        (["product", "b0d8w1yvbx"], "must be in capitals (B0D8W1YVBX)"),
        (["product", ASIN, "B0D8W1YVB!"], "10 characters"),
        (["product", ASIN, "--offers", "10"], "20 to 100"),
        (["product", ASIN, "--stats", "-1"], "'--stats': Input should be greater"),
        (["product", ASIN, "--domain", "7"], "domain does not exist"),
        (["product", ASIN, "--max-tokens", "-1"], "'--max-tokens': Input should be greater"),
        (["product", ASIN, "--max-wait", "soon"], "'--max-wait'"),
        (["product", "--code", "12"], "8 to 14 digits"),
        (["product", "--file", "no/such/file"], "no/such/file cannot be read: No such file"),
        (["product", "--file", "."], "Is a directory"),
        (["search", " "], "term is missing"),
        (["search", "coffee", "--page", "10"], "from 0 to 9"),
        (["bestsellers", "1,2"], "node id"),
        (["bestsellers", "1", "--range", "7"], "0, 30, 90, 180"),
        (["bestsellers", "1", "--month", "3"], "give both or none"),
        (["category", "tv"], "at least 3 characters"),
        (["category", "0", "1"], "0 alone"),
        (["seller"], "seller is missing"),
        (["seller", "a b"], "A-Z and 0-9"),
        (["deals", "--percent", "5..20"], "10 percent or more"),
        (["deals", "--price", "10"], "is no range; write 10..20"),
        (["deals", "--price-type", "gold"], "'gold'"),
        (["discover"], "at least one criterion"),
        (["discover", "--rank", "20..10"], "runs backwards"),
        (["discover", "--rank", "1.5..10"], "whole numbers"),
        (["discover", "--price", "1.005..2"], "at most 2 decimals"),
        (["discover", "--price", "10.5..20", "--domain", "jp"], "whole JPY"),
        (["discover", "--category", "Beauty"], 'keepahead category "Beauty" finds it'),
        (["discover", "--rank", "1..9", "--max-results", "10001"], "1 to 10,000"),
        (["discover", "--rank", "1..9", "--max-results", "0"], "1 to 10,000"),
        (["discover", "--rank", "1..9", "--sort", "luck"], "'luck'"),
        (["ledger", "--since", "yesterday"], "is no time; write an age"),
        (["ledger", "--by", "colour"], "'colour'"),
        (["ledger", "--kind", "spent"], "'spent'"),
        (["simulate", "--latency", "2..1"], "no range of seconds"),
        (["simulate", "--drop", "101"], "'--drop': Input should be less"),
        (["simulate", "--port", "70000"], "'--port': Input should be less"),
        (["estimate", "GET", "/produkt?domain=1"], "did you mean /product"),
        (["estimate", "PUT", "/product?domain=1"], "takes GET"),
        (["estimate", "GET", "/product?domain=1&asin=B0D8W1YVBX&only_live_offers=1"], "only-live-offers"),
        (["estimate", "GET", "/product?domain=1&domain=2"], "twice"),
        (["estimate", "POST", "/query?domain=1", "--body", "{"], "no JSON"),
        (["estimate", "POST", "/query?domain=1", "--body", "@no-file"], "no-file cannot be read"),
    ],
)
def test_wrong_words(cli, arguments, words, tmp_path):
    """What is typed wrong ends with code 2 and one sentence; no ledger is even opened."""
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("settings", "code", "words"),
    [
        ({"KEEPA_API_KEY": "short"}, 2, "has 5 characters; a Keepa key has 64"),
        ({"KEEPAHEAD_UPSTREAM_URL": "https://api.keepa.com"}, 2, "no KEEPA_API_KEY is set"),
        ({"KEEPAHEAD_UPSTREAM_URL": "ftp://x"}, 2, "must look like https://api.keepa.com"),
        ({"KEEPAHEAD_UPSTREAM_URL": "http://127.0.0.1:1"}, 1, "Keepa cannot be reached"),
        ({"KEEPAHEAD_FLOOR": "many"}, 2, "KEEPAHEAD_FLOOR cannot be used"),
        ({"KEEPAHEAD_DATABASE_URL": "mysql://x"}, 2, "KEEPAHEAD_DATABASE_URL is not a database URL"),
        ({"KEEPAHEAD_DATABASE_URL": "sqlite:////proc/ledger.db"}, 1, "ledger"),
        ({"XDG_DATA_HOME": "/proc/nothing"}, 2, "/proc/nothing/keepahead"),
    ],
)
def test_wrong_settings(cli, monkeypatch, settings, code, words):
    """A setting that cannot be used is named, and nothing is spent."""
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    ended = cli("product", ASIN)
    assert (ended.code, ended.out) == (code, "")
    assert words in ended.sentence


def test_a_broken_settings_file(cli):
    """A keepahead.toml that is no TOML is named."""
    Path("keepahead.toml").write_text("floor = ")
    ended = cli("product", ASIN)
    assert ended.code == 2
    assert "settings file cannot be read" in ended.sentence


@pytest.mark.parametrize("what", ["folder", "text", "foreign", "newer"])
def test_a_ledger_that_is_not_ours(cli, monkeypatch, tmp_path, what):
    """A folder, a text, another program's database and a newer version are refused, and left as they are."""
    path = tmp_path / "ledger.db"
    monkeypatch.setenv("KEEPAHEAD_DATABASE_URL", f"sqlite:///{path}")
    if what == "folder":
        path.mkdir()
    elif what == "text":
        path.write_text("Dear diary, " * 100)
    else:
        made = sqlite3.connect(path)
        if what == "foreign":
            made.execute("CREATE TABLE diary (day TEXT)")
        else:
            made.execute("CREATE TABLE keepahead_version (version_num TEXT)")
            made.execute("INSERT INTO keepahead_version VALUES ('9999')")
        made.commit()
        made.close()
    before = _content(path)
    for arguments in (["product", ASIN], ["status"], ["ledger"], ["estimate", "GET", "/token"]):
        ended = cli(*arguments)
        assert (ended.code, ended.out) == (1, ""), arguments
        assert "ledger" in ended.sentence or str(path) in ended.sentence
    assert _content(path) == before
    checked = cli("doctor", "--json")
    assert checked.code == 1
    assert checked.json["ok"] is False


def _content(path: Path) -> object:
    """Return what is in a file: of a database every statement that would make it again."""
    if not path.read_bytes().startswith(b"SQLite") if path.is_file() else True:
        return path.read_bytes() if path.is_file() else None
    database = sqlite3.connect(path)
    try:
        return list(database.iterdump())
    finally:
        database.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written(cli, monkeypatch, tmp_path):
    """An unwritable data folder is named, with what to do."""
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    monkeypatch.setenv("XDG_DATA_HOME", str(folder))
    ended = cli("product", ASIN)
    assert ended.code == 1
    assert "Make it writable" in ended.sentence


def test_an_answer_that_is_no_json_is_kept(cli, answers, tmp_path):
    """An answer that was paid for and cannot be read ends with code 1; its bytes lie in a file that is named."""
    cut = answer(left=499, consumed=1, products=[{"asin": ASIN}]).content[:-4]
    answers(WELL, (200, cut))
    ended = cli("product", ASIN, "--json")
    assert (ended.code, ended.out) == (1, "")
    path = Path(ended.sentence.rpartition(" ")[2])
    assert path.read_bytes() == cut
    assert path.is_relative_to(tmp_path)


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (400, b'{"error":{"type":"invalidParameter","message":"No PATH"}}', "Keepa refused the call (HTTP 400)"),
        (402, b"", "subscription"),
        (500, b"", "HTTP 500"),
        (502, b"<html>bad gateway</html>", "HTTP 502"),
        (200, b"<html>hello</html>", "cut off or no JSON"),
        (200, b"", "cut off or no JSON"),
        (200, b"\xff\xfe\x00", "cut off or no JSON"),
        (200, b'{"tokensLeft": 5', "cut off or no JSON"),
    ],
)
def test_answers_that_are_none(cli, answers, status, body, words):
    """Whatever stands where Keepa should be: one sentence, code 1, nothing on stdout."""
    answers(WELL, (status, body))
    ended = cli("product", ASIN, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert words in ended.sentence


def test_something_that_is_not_keepa(cli, answers):
    """A server without a meter is found out by the free /token, before anything is spent."""
    answers((200, b"{}"))
    ended = cli("product", ASIN)
    assert ended.code == 1
    assert "does not say how many tokens are left" in ended.sentence
    entries = cli("ledger", "--json").json["entries"]
    assert {entry["endpoint"] for entry in entries} == {"token"}


def test_what_was_delivered_is_shown(cli, answers, monkeypatch):
    """When a later part fails, the delivered part is printed, the rest is named, and the exit code says so."""
    asins = [f"B{number:09d}" for number in range(150)]
    first = answer(left=400, consumed=100, products=[{"asin": asin} for asin in asins[:100]]).content
    answers(WELL, (200, first), (500, b""))
    monkeypatch.setenv("KEEPAHEAD_MAX_CONCURRENCY", "1")
    Path("asins").write_text("\n".join(asins))
    ended = cli("product", "--file", "asins", "--json")
    assert ended.code == 1
    assert [each["asin"] for each in ended.json["products"]] == asins[:100]
    assert ended.json["missing"] == asins[100:]
    assert "not delivered: B000000" in ended.sentence
    assert "and 45 more" in ended.sentence
    assert "HTTP 500" in ended.sentence


def test_a_part_that_cannot_be_read_is_kept(cli, answers):
    """The part of a batch that cannot be read lies in a file that is named, beside the parts that are shown."""
    found = answer(left=489, consumed=11, asinList=[ASIN], totalResults=1).content
    cut = answer(left=487, consumed=2, products=[{"asin": ASIN}]).content[:-4]
    answers(WELL, (200, found), (200, cut))
    ended = cli("discover", "--rank", "1..5", "--max-results", "1", "--json")
    assert ended.code == 1
    assert (ended.json["found"]["candidates"], ended.json["found"]["asins"]) == (1, [])
    (warning,) = (line for line in ended.err.splitlines() if line.startswith("warning: what could not be read"))
    assert Path(warning.rpartition(" ")[2]).read_bytes() == cut
    assert f"not delivered: {ASIN}; Keepa's answer is cut off" in ended.sentence


def test_control_characters_stay_out_of_the_terminal(cli, answers):
    """A title cannot move the cursor, recolour the screen or add lines."""
    product = {"asin": ASIN, "title": "a\x1b[31mred\r\nb &amp; c [bold]d"}
    answers(WELL, (200, answer(left=499, products=[product]).content))
    shown = cli("product", ASIN)
    assert "a [31mred b & c [bold]d" in shown.out
    assert "\x1b" not in shown.out
    assert len(shown.out.splitlines()) == 2
