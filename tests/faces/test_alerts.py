"""`keepahead alerts`: rules, deliveries and silences as they stand, and a test of every address."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.work.alerts.letters import alert
from tests.work.alerts.sinks import free_port, mail_sink, webhook_sink

from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.alarms import Alarm, Alarms, Change
from keepahead.store.outbox import Outbox
from keepahead.work.alerts.letters import letters_of
from keepahead.work.alerts.rules import NAMES


@pytest.fixture
def fired(shared) -> None:
    """A critical balance that two channels were to be told of: one was, one could not be reached."""
    database, fingerprint = open_ledger(read_settings())
    now = datetime.now(UTC)
    firing = Alarm(
        rule="critical",
        subject="",
        severity="critical",
        is_firing=True,
        is_told=True,
        began_at=now,
        changed_at=now,
        told_at=now,
        headline="18 tokens are left; critical is below 20",
    )
    letters = letters_of(alert(), ["mail:ann@example.com", "slack:8a29d9"])
    Alarms(database, fingerprint).change(lambda *_: Change(alarms=[firing], letters=letters), now)
    outbox = Outbox(database, fingerprint)
    for failure in ("", "Connection refused"):
        parcel = outbox.claim("one", now, hold=timedelta(minutes=1))
        assert parcel is not None
        if failure:
            outbox.failed(parcel, failure, now + timedelta(minutes=30), now)
        else:
            outbox.delivered(parcel, now)
    database.close()


def test_how_it_stands(fired, cli):
    """The list shows every rule, what fires since when, and how it went with each delivery; list is the same."""
    shown = cli("alerts")
    assert shown.code == 0
    rows = shown.out.splitlines()
    assert [row.split()[0] for row in rows[1 : 1 + len(NAMES)]] == list(NAMES)
    critical = next(row for row in rows if row.startswith("critical"))
    assert "firing" in critical
    assert critical.endswith("18 tokens are left; critical is below 20")
    assert "fires at 50 tokens, over at 60 tokens" in shown.out
    assert any("mail:ann@example.com" in row and "delivered" in row for row in rows)
    assert any("slack:8a29d9" in row and "again in 30 min" in row and "Connection refused" in row for row in rows)
    assert cli("alerts", "list").out == shown.out


def test_how_it_stands_as_json(fired, cli):
    """The document has the same, for programs."""
    told = cli("alerts", "--json").json
    critical = next(rule for rule in told["rules"] if rule["rule"] == "critical")
    assert (critical["state"], critical["threshold"], critical["alarms"][0]["is_told"]) == ("firing", 20, True)
    assert [each["state"] for each in told["deliveries"]] == ["waiting", "delivered"]
    assert told["waiting"] == 1
    assert cli("alerts", "list", "--json").json == told


def test_silences(shared, cli):
    """A silence is shown to everybody until it is taken back; one rule, or all."""
    made = cli("alerts", "silence", "low", "--for", "2h", "--words", "month's end:\nimport")
    assert made.out.startswith("silence 1: nobody is told of low until ")
    assert made.out.endswith("; keepahead alerts unsilence 1 ends it\n")
    cli("alerts", "silence", "all", "--for", "1d", "--subject", "nightly")
    shown = cli("alerts").out
    assert "ok, silenced" in shown
    assert "month's end: import" in shown
    assert "any rule for nightly" in shown
    first, second = cli("alerts", "--json").json["silences"]
    assert (first["rule"], first["words"]) == ("low", "month's end: import")
    assert (second["rule"], second["subject"]) == (None, "nightly")
    assert 7100 < first["ends_in_seconds"] <= 7200
    assert cli("alerts", "unsilence", "1").out == "silence 1 removed\n"
    assert cli("alerts", "unsilence", "all", "--json").json == {"removed": [2]}
    assert cli("alerts", "unsilence", "all").out == "no silence was in force\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["silence", "lo", "--for", "2h"], "'lo' is not known; did you mean low?"),
        (["silence", "low"], "Missing option '--for'"),
        (["silence", "low", "--for", "soon"], "'soon' is no time"),
        (["silence", "low", "--for", "0s"], "has passed"),
        (["silence", "low", "--for", "2h", "--words", "x" * 501], "say it in 500 characters"),
        (["silence", "low", "--for", "2h", "--subject", "x" * 201], "a name of at most 200 characters"),
        (["silence"], "Missing argument"),
        (["unsilence", "1"], "there is no silence 1; none is in force"),
        (["unsilence", "x"], "there is no silence x"),
        (["shout"], "No such command 'shout'"),
    ],
)
def test_wrong_words(cli, arguments, words):
    """What is typed wrong ends with code 2 and one sentence; nothing is silenced by it."""
    ended = cli("alerts", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert cli("alerts", "--json").json["silences"] == []


def test_rules_are_completed(program):
    """The shell completes the names of rules."""
    words = {"_KEEPAHEAD_COMPLETE": "complete_bash", "COMP_WORDS": "keepahead alerts silence c", "COMP_CWORD": "3"}
    assert set(program(env=words).out.split()) == {"critical", "caller_limit"}


def test_a_test_goes_everywhere(cli, monkeypatch):
    """Each address says for itself how it went; one that failed ends it with 1."""
    with mail_sink() as mails, webhook_sink() as hook:
        monkeypatch.setenv("KEEPAHEAD_SMTP_URL", mails.url)
        monkeypatch.setenv("KEEPAHEAD_ALERT_TO", "ann@example.com")
        monkeypatch.setenv("KEEPAHEAD_WARN_TO", hook.url)
        good = cli("alerts", "test")
        assert good.code == 0
        first, second = good.out.splitlines()
        assert first == "mail:ann@example.com: ok"
        assert second.startswith("json:127.0.0.1:")
        assert second.endswith(": ok")
        monkeypatch.setenv("KEEPAHEAD_WARN_TO", f"json://127.0.0.1:{free_port()}/very-secret")
        bad = cli("alerts", "test", "--json")
    assert bad.code == 1
    told = bad.json["channels"]
    assert told[0] == {"channel": "mail:ann@example.com", "failure": None}
    assert "refused" in told[1]["failure"]
    assert "secret" not in bad.out + bad.err
    assert len(mails.mails) == 2
    assert len(hook.documents) == 1


def test_a_test_with_nobody_to_tell(cli):
    """Where nobody is set to be told, that is said with the settings that change it."""
    ended = cli("alerts", "test")
    assert (ended.code, ended.out) == (0, "")
    assert "KEEPAHEAD_ALERT_TO" in ended.err


def test_a_wrong_address(cli, monkeypatch):
    """A wrong address is named by its place, and never shown."""
    monkeypatch.setenv("KEEPAHEAD_ALERT_TO", "slak://very-secret")
    ended = cli("alerts", "test")
    assert ended.code == 2
    assert "KEEPAHEAD_ALERT_TO" in ended.sentence
    assert "did you mean slack://?" in ended.sentence
    assert "secret" not in ended.err
