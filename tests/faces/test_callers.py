"""`keepahead callers`: limits that every process keeps, and names that the ledger can bear."""

import sys

import pytest

from keepahead import AsyncKeepa, CallerLimitError, Keepa, SettingsError
from keepahead.budget.rule import is_caller_name

ASIN = "B0D8W1YVBX"
ABSURD = ["", " ", " nightly", "nightly ", "a\x1b[31m", "a\nb", "a\x00b", "a\u202eb", "\udcff", "x" * 101, "x" * 10_000]
"""No name of a caller: empty, blanks at its ends, control characters, no text, too long."""


def test_a_limit_holds_in_every_process(shared, rich, cli, program):
    """What one process sets, another keeps: the caller is refused with code 3 until its limit is raised or removed."""
    assert cli("callers", "add", "nightly", "--per-day", "2").out == "nightly may spend 2 tokens a day\n"
    spend = ("product", ASIN, "--no-history", "--caller", "nightly", "--max-wait", "0", "--max-age", "0", "--json")
    assert [program(*spend).code, cli(*spend).code] == [0, 0]
    refused = program(*spend)
    assert (refused.code, refused.out) == (3, "")
    assert refused.sentence.startswith("nightly may spend 2 tokens a day, and 2 are spent or held; the next day begins")
    assert cli(*spend, "--caller", "me").code == 0
    with Keepa(caller="nightly", max_wait_seconds=0) as keepa, pytest.raises(CallerLimitError) as caught:
        keepa.products([ASIN], max_age=0)
    assert (caught.value.caller, caught.value.limit, caught.value.spent) == ("nightly", 2, 2)
    assert cli("callers", "limit", "nightly", "--per-day", "3").code == 0
    assert [cli(*spend).code, cli(*spend).code] == [0, 3]
    assert cli("callers", "remove", "nightly").out == "nightly has no limit any more\n"
    assert cli(*spend).code == 0
    counts = {each["group"]: each["charged"] for each in cli("ledger", "--by", "caller", "--json").json["totals"]}
    assert (counts["nightly"], counts["me"]) == (4, 1)


def test_a_call_above_the_limit_never_waits(seen, cli):
    """A call bigger than its caller's limit is refused at once, with what can be done."""
    seen(100)
    cli("callers", "add", "nightly", "--per-hour", "40")
    refused = cli("bestsellers", "1", "--caller", "nightly")
    assert refused.code == 3
    assert "40 tokens an hour, and this may cost up to 50 tokens. Ask for less, or raise the limit" in refused.sentence


def test_the_list(shared, rich, cli):
    """Who has a limit or has called today is listed, with what was spent, as a table and as JSON; status has limits."""
    assert "nobody has called today" in cli("callers").err
    assert cli("callers", "--json").json["callers"] == []
    cli("product", ASIN, "--no-history", "--caller", "nightly")
    cli("callers", "add", "nightly", "--per-hour", "50", "--per-day", "500")
    cli("callers", "add", "web", "--per-day", "1000")
    document = cli("callers", "--json").json
    assert {"hour_ends_at", "day_ends_at"} < document.keys()
    spent = {"spent_hour": 1, "spent_day": 1, "held": 0}
    nightly = {"caller": "nightly", "tokens_per_hour": 50, "tokens_per_day": 500, **spent}
    web = {"caller": "web", "tokens_per_hour": None, "tokens_per_day": 1000, **dict.fromkeys(spent, 0)}
    assert document["callers"] == [nightly, web]
    rows = [line.split() for line in cli("callers").out.splitlines()[1:]]
    assert rows == [["nightly", "1", "50", "1", "500", "0"], ["web", "0", "-", "0", "1,000", "0"]]
    assert cli("status", "--json").json["limits"] == [nightly, web]
    status = cli("status").out
    assert "limit of nightly  1 of 50 tokens this hour, 1 of 500 tokens today" in status
    assert "limit of web      0 of 1,000 tokens today" in status


def test_limits_are_changed_one_by_one(cli):
    """What is not given stays; none takes one limit away; without any the caller has no limit."""
    added = cli("callers", "add", "nightly", "--per-hour", "50", "--json").json
    assert added == {"limit": {"caller": "nightly", "tokens_per_hour": 50, "tokens_per_day": None}}
    changed = cli("callers", "limit", "nightly", "--per-day", "500")
    assert changed.out == "nightly may spend 50 tokens an hour and 500 tokens a day\n"
    assert cli("callers", "limit", "nightly", "--per-hour", "none").out == "nightly may spend 500 tokens a day\n"
    assert cli("callers", "limit", "nightly", "--per-day", "none").out == "nightly has no limit\n"
    assert cli("callers", "--json").json["callers"] == []
    cli("callers", "limit", "new", "--per-day", "0")
    assert cli("callers", "remove", "new", "--json").json == {"removed": "new"}


@pytest.mark.parametrize(
    "name", ["nightly", "Ünï cödé", "日本", "[bold]red[/]", "=1+1", "x" * 100, "'; DROP TABLE limits"]
)
def test_names_that_are_odd_but_good(shared, cli, name):
    """Any printable text of 100 characters is a name, and is shown as it is."""
    assert cli("callers", "add", name, "--per-day", "5").out == f"{name} may spend 5 tokens a day\n"
    assert [each["caller"] for each in cli("callers", "--json").json["callers"]] == [name]
    assert name in cli("callers").out
    assert cli("callers", "remove", name).code == 0


@pytest.mark.parametrize("name", ABSURD)
def test_names_that_are_none(cli, name, tmp_path):
    """The same names are refused by every command, before a ledger is opened."""
    for arguments in (
        ("callers", "add", name, "--per-day", "5"),
        ("callers", "limit", name, "--per-day", "5"),
        ("callers", "remove", name),
        ("freeze", "add", "--caller", name),
        ("product", ASIN, "--caller", name),
        ("ledger", "--caller", name),
        ("ledger", "export", "--format", "csv", "--caller", name),
    ):
        ended = cli(*arguments)
        assert (ended.code, ended.out) == (2, ""), arguments
        assert "a caller's name has 1 to 100 printable characters" in ended.sentence
        assert len(ended.err) < 300
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("name", [name for name in ABSURD if name])
def test_clients_refuse_the_same_names(monkeypatch, name, tmp_path):
    """A client asks the same of a caller's name as the commands do, wherever the name comes from."""
    for client in (Keepa, AsyncKeepa):
        with pytest.raises(SettingsError, match="1 to 100 printable characters") as caught:
            client(caller=name)
        assert caught.value.name == "KEEPAHEAD_CALLER"
    if "\x00" not in name:
        monkeypatch.setenv("KEEPAHEAD_CALLER", name)
        with pytest.raises(SettingsError, match="KEEPAHEAD_CALLER"):
            Keepa()
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("argv", "caller"),
    [(["/usr/bin/nightly.py"], "nightly.py"), (["x" * 200], "python"), ([""], "python"), ([], "python")],
)
def test_a_program_gives_its_name(monkeypatch, argv, caller):
    """Who names no caller is charged by the name of the program, where that is a name."""
    monkeypatch.setattr(sys, "argv", argv)
    with Keepa() as keepa:
        assert keepa._parts.terms.caller == caller
    assert is_caller_name(caller)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["callers", "add"], "Missing argument"),
        (["callers", "add", "nightly"], "how many tokens? Give one of them, or both"),
        (["callers", "limit", "nightly"], "how many tokens?"),
        (["callers", "add", "nightly", "--per-day", "-5"], "'-5' is no number of tokens; write 0, 500 or none"),
        (["callers", "add", "nightly", "--per-hour", "1.5"], "'1.5' is no number of tokens"),
        (["callers", "add", "nightly", "--per-hour", "many"], "'many' is no number of tokens"),
        (["callers", "limit", "nightly", "--per-day", "9" * 10], "is no number of tokens"),
        (["callers", "remove", "nightly"], "nightly has no limit; keepahead callers shows who has one"),
        (["callers", "fire", "nightly"], "No such command 'fire'"),
        (["callers", "--json", "add", "nightly", "--per-day", "5"], "Write --json after add"),
    ],
)
def test_wrong_words(cli, arguments, words):
    """What is typed wrong ends with code 2 and one sentence, and no limit comes of it."""
    ended = cli(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert cli("callers", "--json").json["callers"] == []


def test_what_is_there_or_is_not(cli):
    """A second limit is not added, and a misspelt name is not removed but corrected."""
    cli("callers", "add", "nightly", "--per-day", "5")
    again = cli("callers", "add", "nightly", "--per-day", "6")
    assert (again.code, again.out) == (2, "")
    assert "nightly has a limit already; keepahead callers limit nightly changes it" in again.sentence
    misspelt = cli("callers", "remove", "nigthly")
    assert misspelt.code == 2
    assert "nigthly has no limit; did you mean nightly?" in misspelt.sentence
    assert cli("callers", "--json").json["callers"][0]["tokens_per_day"] == 5
