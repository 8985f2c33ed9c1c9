"""`keepahead ledger verify` and `fold`: drift is found and told, and old entries go without changing a total."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text
from tests.store.makers import ask

from keepahead.budget.meter import Meter
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.ledger import Ledger

ASIN = "B0D8W1YVBX"
HONEST = "the account and its sums are what the entries add up to"


def write(statement: str) -> None:
    """Do to the ledger what nobody should."""
    database, _ = open_ledger(read_settings())
    with database.write() as connection:
        connection.execute(text(statement))
    database.close()


def spend(at: datetime, count: int, balance: int = 1000) -> None:
    """Let the ledger have had so many calls of 5 tokens then, and one that was lost."""
    database, fingerprint = open_ledger(read_settings())
    ledger = Ledger(database, fingerprint)
    ledger.observe(Meter(at, at, at, balance, 20, 60_000), at)
    for number in range(1, count + 1):
        now = at + timedelta(milliseconds=number)
        call = f"{at:%j%H%M%S}{number:04}"
        ledger.reserve(ask(call, 5, caller="nightly" if number % 2 else "web", opened_at=now), now)
        ledger.settle(call, 5, Meter(now, now, now, balance - 5 * number, 20, 60_000), now)
    database.close()


def test_an_honest_ledger(shared, rich, cli, program):
    """Nothing drifts after calls of every sort; the code is 0, and the ledger is left as it is."""
    assert cli("ledger", "verify").out.startswith("0 entries read: no meter yet, 0 reserved")
    cli("product", ASIN, "--no-history")
    cli("product", ASIN, "--offers", "100", "--max-wait", "0", "--max-tokens", "5")
    cli("freeze", "add", "--endpoint", "bestsellers")
    cli("bestsellers", "1", "--max-wait", "0")
    before = cli("ledger", "--limit", "100", "--json").json
    told = program("ledger", "verify")
    assert (told.code, told.out.splitlines()[-1]) == (0, HONEST)
    assert told.out.startswith(f"{len(before['entries'])} entries read: ")
    document = cli("ledger", "verify", "--json").json
    assert (document["ok"], document["drifts"], document["entries"]) == (True, [], len(before["entries"]))
    assert (document["account"]["reserved"], document["account"]["unknown"]) == (0, 0)
    assert cli("ledger", "--limit", "100", "--json").json == before


@pytest.mark.parametrize(
    ("lie", "told"),
    [
        ("UPDATE accounts SET tokens_left = 123", ["meter: tokens_left 123 900"]),
        ("UPDATE accounts SET gap = 7", ["gap 7 0"]),
        (
            "UPDATE hours SET charged = charged + 1 WHERE caller = 'web'",
            ["sums of web, product, live, HOUR: charged 51 50"],
        ),
        ("DELETE FROM hours WHERE caller = 'web'", ["sums of web, product, live, HOUR nothing calls 10, charged 50"]),
        (
            "DELETE FROM entries WHERE seq = (SELECT max(seq) FROM entries)",
            ["meter: tokens_left 900 905", "reservation CALL nothing", "sums of web, product, live, HOUR: calls 10 9"],
        ),
        (
            "DELETE FROM entries",
            ["meter measured_at", "sums of nightly, product, live, HOUR calls 10, charged 50 nothing"],
        ),
    ],
)
def test_drift_is_told(shared, cli, program, lie, told):
    """What does not follow from the entries is named with both values; the code is 1, and nothing is mended."""
    at = datetime.now(UTC) - timedelta(minutes=1)
    spend(at, 20)
    write(lie)
    ended = program("ledger", "verify")
    assert ended.code == 1
    lines = [" ".join(line.split()) for line in ended.out.splitlines()]
    assert lines[1] == "drift kept entries say"
    for words in told:
        wanted = words.replace("HOUR", f"{at:%Y-%m-%d %H:00} UTC").replace("CALL", f"{at:%j%H%M%S}0020")
        assert [line for line in lines if line.startswith(wanted)], (wanted, ended.out)
    assert "the entries are the record; what is kept differs from it" in ended.err
    document = cli("ledger", "verify", "--json")
    assert (document.code, document.json["ok"]) == (1, False)
    assert len(document.json["drifts"]) == len(lines) - 2
    assert {"what", "kept", "rebuilt"} == document.json["drifts"][0].keys()
    assert cli("ledger", "verify").code == 1


def test_an_entry_that_cannot_be_read(shared, cli):
    """An entry of a kind that there is not is named by its number, with code 1."""
    spend(datetime.now(UTC), 1)
    write("UPDATE entries SET kind = 'gift' WHERE seq = 2")
    ended = cli("ledger", "verify")
    assert (ended.code, ended.out) == (1, "")
    assert "entry 2 of the ledger is of a kind that there is not: gift" in ended.sentence


def test_folding(shared, cli, program, monkeypatch):
    """Old entries are put away; totals, limits, today's figures and the balance stay, and nothing drifts."""
    monkeypatch.setenv("KEEPAHEAD_KEEP_ENTRIES_DAYS", "1000")
    now = datetime.now(UTC)
    for days in (100, 95, 3):
        spend(now - timedelta(days=days), 20)
    spend(now, 20)
    reports = [("ledger", "--by", by, "--json") for by in ("caller", "endpoint", "lane", "hour")]
    reports += [("callers", "--json"), ("ledger", "--since", "4d", "--limit", "1000", "--json")]
    before = [cli(*report).json for report in reports]
    status = cli("status", "--json").json["account"]
    lines = len(cli("ledger", "--limit", "1000", "--json").json["entries"])
    old, mid = (
        len(cli("ledger", "--until", age, "--limit", "1000", "--json").json["entries"]) for age in ("90d", "50h")
    )
    assert cli("ledger", "fold").out.startswith("0 entries from before ")
    told = program("ledger", "fold", env={"KEEPAHEAD_KEEP_ENTRIES_DAYS": "90"})
    assert told.code == 0
    assert told.out.startswith(f"{old} entries from before ")
    left = cli("ledger", "--limit", "1000", "--json").json["entries"]
    assert (len(left), left[-1]["kind"]) == (lines - old + 1, "carried")
    assert "older entries were put away here" in cli("ledger", "--kind", "carried").out
    assert [cli(*report).json for report in reports] == before
    after = cli("status", "--json").json["account"]
    for name in ("balance", "reserved", "unknown", "spent_today", "external_today", "measured_at"):
        assert after[name] == status[name]
    assert cli("ledger", "verify").code == 0
    assert cli("ledger", "fold", "--older-than", "90d").out.startswith("0 entries from before ")
    assert cli("ledger", "fold", "--older-than", "2d", "--json").json["folded"] == mid - old
    assert [cli(*report).json for report in reports[:5]] == before[:5]
    assert cli("ledger", "verify").out.endswith(f"{HONEST}\n")
    write("UPDATE accounts SET tokens_left = tokens_left + 1")
    assert "meter: tokens_left" in cli("ledger", "verify").out


def test_a_client_folds_by_itself(shared, cli, monkeypatch):
    """When a client closes, entries older than the setting are put away; younger ones stay."""
    spend(datetime.now(UTC) - timedelta(days=10), 5)
    cli("status")
    assert cli("ledger", "--kind", "carried", "--json").json["entries"] == []
    monkeypatch.setenv("KEEPAHEAD_KEEP_ENTRIES_DAYS", "9")
    cli("status")
    (carried,) = cli("ledger", "--kind", "carried", "--json").json["entries"]
    assert carried["meter"]["tokens_left"] == 975
    assert cli("ledger", "verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fold", "--older-than", "1d"], "the entries of the last 2 days stay; write 2d or more"),
        (["fold", "--older-than", "0s"], "write 2d or more"),
        (["fold", "--older-than", "-90d"], "'-90d' is no age; write 12h, 90d or 12w"),
        (["fold", "--older-than", "2025-01-01"], "is no age"),
        (["fold", "--older-than", "999999999w"], "is no age"),
        (["fold", "now"], "unexpected extra argument"),
        (["verify", "--fix"], "No such option"),
        (["--json", "verify"], "Write --json after verify"),
        (["--endpoint", "prodct"], "'prodct' is not known; did you mean product?"),
        (["--call", "../x"], "letters and digits only"),
    ],
)
def test_wrong_words(cli, arguments, words, tmp_path):
    """What is typed wrong ends with code 2 and one sentence; no ledger is opened."""
    ended = cli("ledger", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert not (tmp_path / "data").exists()
