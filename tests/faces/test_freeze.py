"""`keepahead freeze`: what one process forbids no other does, in the rule's own words, until its end."""

from datetime import UTC, datetime

import pytest

from keepahead import FrozenError, Keepa

ASIN = "B0D8W1YVBX"


def test_a_freeze_holds_in_every_process(shared, rich, cli, program):
    """A freeze is refused in its own words by every process, shown in the status, and over when it is removed."""
    made = cli("freeze", "add", "--above", "10", "--until", "2h", "--why", "month's end:\nask Ann")
    assert made.out == "freeze 1: month's end: ask Ann; keepahead freeze remove 1 takes it back\n"
    dear = ("product", ASIN, "--offers", "100", "--max-wait", "0", "--json")
    for ended in (program(*dear), cli(*dear)):
        assert (ended.code, ended.out) == (3, "")
        assert ended.sentence.startswith("freeze 1 forbids this: month's end: ask Ann. It ends at ")
    with Keepa(max_wait_seconds=0) as keepa, pytest.raises(FrozenError) as caught:
        keepa.products([ASIN], offers=100)
    assert (caught.value.freeze_id, caught.value.words) == (1, "month's end: ask Ann")
    assert 7000 < (caught.value.wait_seconds or 0) <= 7200
    assert cli("product", ASIN, "--no-history", "--max-wait", "0").code == 0
    assert "freeze 1     month's end: ask Ann (ends " in program("status").out
    (shown,) = cli("status", "--json").json["freezes"]
    assert (shown["freeze_id"], shown["above"], shown["words"]) == (1, 10, "month's end: ask Ann")
    (refused, *_) = cli("ledger", "--kind", "refusal", "--json").json["entries"]
    assert refused["reason"] == "frozen: month's end: ask Ann"
    assert program("freeze", "remove", "1").out == "freeze 1 removed\n"
    assert program(*dear).code == 0
    assert cli("status", "--json").json["freezes"] == []


def test_a_freeze_until_the_balance_is_back(seen, cli):
    """A freeze ends by itself when the balance has recovered; with --until as well, the first of them ends it."""
    seen(20, 1)
    cli("freeze", "add", "--until-balance", "50", "--until", "1d")
    refused = cli("product", ASIN, "--max-wait", "0")
    assert refused.code == 3
    assert "until 20" in refused.sentence
    assert "or 50 tokens are there" in refused.sentence
    assert "at a balance of 50" in cli("freeze").out
    seen(60, 1)
    allowed = cli("product", ASIN, "--max-wait", "0")
    assert allowed.code == 1
    assert "Keepa cannot be reached" in allowed.sentence
    assert cli("freeze", "--json").json == {"freezes": []}


@pytest.mark.parametrize(
    ("options", "forbidden", "allowed"),
    [
        ([], ["product", ASIN], None),
        (["--above", "1"], ["product", ASIN, "--offers", "20"], ["product", ASIN]),
        (["--endpoint", "bestsellers", "--endpoint", "deal"], ["deals"], ["product", ASIN]),
        (["--lane", "jobs"], ["product", ASIN, "--lane", "jobs"], ["product", ASIN]),
        (["--caller", "nightly"], ["product", ASIN, "--caller", "nightly"], ["product", ASIN]),
        (
            ["--caller", "nightly", "--endpoint", "product", "--above", "1"],
            ["product", ASIN, "--caller", "nightly", "--rating"],
            ["product", ASIN, "--caller", "nightly"],
        ),
    ],
)
def test_what_a_freeze_forbids(seen, cli, options, forbidden, allowed):
    """Only calls that fit every option are refused; free calls never are. Without an end it holds until removed."""
    seen(500)
    words = cli("freeze", "add", *options, "--json").json["freeze"]["words"]
    refused = cli(*forbidden, "--max-wait", "0")
    assert refused.code == 3
    assert f"freeze 1 forbids this: {words}. It ends when it is removed" in refused.sentence
    if allowed:
        assert "Keepa cannot be reached" in cli(*allowed, "--max-wait", "0").sentence
    assert cli("status").code == 0


@pytest.mark.parametrize(
    ("options", "words", "forbidden", "ends"),
    [
        ([], "no call until this is removed", "all calls", "when removed"),
        (["--above", "1"], "no call above 1 token until this is removed", "all calls above 1 token", "when removed"),
        (
            ["--endpoint", "product", "--endpoint", "product", "--endpoint", "deal", "--until-balance", "1000"],
            "no product or deal call until 1,000 tokens are there",
            "product and deal calls",
            "at a balance of 1,000",
        ),
        (
            ["--lane", "jobs", "--caller", "nightly", "--until", "2099-11-03 14:38+00:00"],
            "no call in the jobs lane by nightly until 2099-11-03 14:38 UTC",
            "all calls in the jobs lane by nightly",
            "(in ",
        ),
    ],
)
def test_freezes_in_words(cli, options, words, forbidden, ends):
    """The rule says what it forbids and until when, in the list as when it is made."""
    assert cli("freeze", "add", *options).out.startswith(f"freeze 1: {words}; ")
    listed = cli("freeze").out.splitlines()[1]
    assert words in listed
    assert forbidden in listed
    assert ends in listed


def test_a_local_moment(program):
    """--until takes the time on the wall; the rule that everybody reads is in UTC."""
    made = program("freeze", "add", "--until", "2060-11-03 14:38", "--json", env={"TZ": "Asia/Tokyo"}).json["freeze"]
    assert datetime.fromisoformat(made["until"]) == datetime(2060, 11, 3, 5, 38, tzinfo=UTC)
    assert made["words"] == "no call until 2060-11-03 05:38 UTC"
    assert "2060-11-03 14:38 (in " in program("freeze", env={"TZ": "Asia/Tokyo"}).out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["add", "--above", "-1"], "'--above'"),
        (["add", "--above", "ten"], "'--above'"),
        (["add", "--above", "9" * 12], "'--above'"),
        (["add", "--endpoint", "produkt"], "'produkt' is not known; did you mean product?"),
        (["add", "--endpoint", ""], "is not known; known are"),
        (["add", "--lane", "fast"], "'fast'"),
        (["add", "--until", "2025-11-03 14:38"], "'2025-11-03 14:38' has passed"),
        (["add", "--until", "0s"], "has passed"),
        (["add", "--until", "tomorrow"], "'tomorrow' is no time; write how long from now"),
        (["add", "--until", ""], "is no time"),
        (["add", "--until", "9999-12-31T23:59:59-12:00"], "is no time"),
        (["add", "--until", "9999-01-01"], "more than 100 years from now"),
        (["add", "--until", "999999999w"], "is no"),
        (["add", "--until-balance", "lots"], "'--until-balance'"),
        (["add", "--until-balance", "9" * 12], "'--until-balance'"),
        (["add", "--why", "x" * 10_000], "say it in 500 characters"),
        (["remove"], "Missing argument"),
        (["remove", "1"], "there is no freeze 1; none is in force"),
        (["remove", "everything"], "there is no freeze everything"),
        (["remove", "9" * 30], "there is no freeze 9"),
        (["thaw", "1"], "No such command 'thaw'"),
    ],
)
def test_wrong_words(cli, arguments, words):
    """What is typed wrong ends with code 2 and one sentence; nothing is forbidden by it."""
    ended = cli("freeze", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert cli("freeze", "--json").json == {"freezes": []}


def test_ends_that_are_none(seen, cli):
    """A balance that is there already is refused; one that the bucket cannot hold is warned of."""
    seen(100, 5)
    there = cli("freeze", "add", "--until-balance", "80")
    assert there.code == 2
    assert "the balance is 100 already: the freeze would end at once" in there.sentence
    never = cli("freeze", "add", "--until-balance", "400")
    assert never.code == 0
    assert "the bucket holds no more than 300 tokens, so only removing it ends this freeze" in never.err
    assert "warning" not in cli("freeze", "add", "--until-balance", "400", "--until", "1h").err


def test_removing(cli):
    """One freeze or all of them; what is not there is named beside what is."""
    for _ in range(3):
        cli("freeze", "add", "--above", "5")
    unknown = cli("freeze", "remove", "7")
    assert unknown.code == 2
    assert "there is no freeze 7; in force: 1, 2, 3" in unknown.sentence
    assert cli("freeze", "remove", "2", "--json").json == {"removed": [2]}
    assert cli("freeze", "remove", "all").out == "freezes 1, 3 removed\n"
    assert cli("freeze", "remove", "all").out == "no freeze was in force\n"
    assert "no freeze is in force" in cli("freeze").err


def test_freezes_of_one_key_only(cli, monkeypatch):
    """Another key in the same ledger has rules of its own: its freezes are not touched, nor are its limits."""
    cli("freeze", "add", "--above", "5")
    cli("callers", "add", "nightly", "--per-day", "5")
    monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", "http://127.0.0.1:1")
    assert cli("freeze", "remove", "1").code == 2
    assert cli("freeze", "remove", "all").out == "no freeze was in force\n"
    assert cli("callers", "remove", "nightly").code == 2
    monkeypatch.delenv("KEEPAHEAD_UPSTREAM_URL")
    assert len(cli("freeze", "--json").json["freezes"]) == 1
    assert len(cli("callers", "--json").json["callers"]) == 1
