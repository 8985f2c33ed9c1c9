"""status, estimate, ledger, doctor and simulate: what they say, and that they spend nothing."""

import json
import os
import socket
from pathlib import Path

import pytest
from tests.faces.conftest import KEY

from keepahead.faces.cli.filters import Kind
from keepahead.store.rows import KINDS

ASIN = "B0D8W1YVBX"
RAW = f"/product?domain=1&asin={ASIN}&offers=20"


def test_status(cli, seen):
    """The account as it stands, from the ledger alone if the bucket was seen; low and critical are marked."""
    seen(14, 5)
    found = cli("status", "--json").json["account"]
    assert (found["balance"], found["free"], found["capacity"], found["refill_rate_per_minute"]) == (14, 14, 300, 5)
    assert 0 < found["next_refill_in_seconds"] <= 61
    assert found["full_in_seconds"] > 3000
    shown = cli("status", "--lane", "jobs").out
    assert "14 (critical)" in shown
    assert shown.splitlines()[-1].split() == ["floor", "75"]
    seen(30, 5)
    assert "30 (low)" in cli("status").out


def test_the_first_status_asks_for_free(cli, rich):
    """When nothing is known yet, the free /token is asked, and nothing else."""
    assert cli("status").code == 0
    assert {entry["endpoint"] for entry in cli("ledger", "--json").json["entries"]} == {"token"}


def test_estimate_without_a_meter(cli):
    """Cost and reasons need no Keepa; when it could run is unknown until the bucket was seen once."""
    ended = cli("estimate", "GET", RAW + f"&key={KEY}", "--json")
    assert ended.code == 0
    assert set(ended.json) == {"call", "cost", "leaves", "runs", "account"}
    assert ended.json["cost"] | {"because": []} == {
        "tokens_min": 1,
        "tokens_likely": 6,
        "tokens_max": 12,
        "because": [],
    }
    assert ended.json["runs"]["verdict"] == "unknown"
    assert ended.json["account"] is ended.json["leaves"] is None
    assert KEY not in ended.out + ended.err
    assert "keepahead status" in cli("estimate", "GET", RAW).out


@pytest.mark.parametrize(
    ("request_", "verdict"),
    [
        (["GET", "/token"], "now"),
        (["GET", f"product?domain=1&asin={ASIN}"], "now"),
        (["GET", "https://api.keepa.com" + RAW], "later"),
        (["GET", "/bestsellers?domain=1&category=1"], "later"),
        (["GET", "/lightningdeal?domain=1"], "never"),
        (
            ["GET", f"/product?domain=1&offers=100&asin={ASIN},{ASIN[:-1]}Y,{'B' * 10},{'C' * 10},{'D' * 10}"],
            "in_parts",
        ),
        (["GET", "/product?domain=1&code=123456789012"], "unbounded"),
        (["POST", "/query?domain=1", "--body", '{"title": "coffee"}'], "later"),
    ],
)
def test_estimate_says_when(cli, seen, request_, verdict):
    """From the ledger alone: now, later with the seconds, in parts, or never with the reason; nothing is spent."""
    seen(12, 5)
    ended = cli("estimate", *request_, "--json")
    assert ended.code == 0
    runs = ended.json["runs"]
    assert runs["verdict"] == verdict
    assert (runs["wait_seconds"] is not None) == (verdict in {"now", "later"})
    assert runs["why"]
    assert f"runs     {runs['why'][:12]}" in cli("estimate", *request_).out
    assert len(cli("ledger", "--json").json["entries"]) == 1


def test_the_kinds_of_entries_are_those_of_the_store():
    """--kind takes exactly the kinds that the ledger keeps."""
    assert Kind.__args__ == KINDS


def test_ledger(cli, rich):
    """Who spent what, when and why; filters and totals."""
    assert cli("ledger", "--json").json == {"entries": []}
    assert "no entries" in cli("ledger").err
    cli("product", ASIN, "--no-history", "--caller", "me")
    cli("seller", "AAAAAAAAAAAAA0", "--lane", "jobs")
    cli("product", ASIN, "--offers", "100", "--max-wait", "0", "--lane", "jobs", "--max-tokens", "60")
    every = cli("ledger", "--json").json["entries"]
    assert [entry["seq"] for entry in every] == sorted((entry["seq"] for entry in every), reverse=True)
    (settled,) = cli("ledger", "--kind", "settled", "--caller", "me", "--json").json["entries"][:1]
    assert (settled["tokens"], settled["endpoint"], settled["lane"]) == (1, "product", "live")
    assert settled["shape"] == f"product {ASIN} domain=1 history=0"
    assert settled["meter"]["tokens_left"] > 0
    one_call = cli("ledger", "--call", settled["call_id"][:6], "--json").json["entries"]
    assert {entry["kind"] for entry in one_call} == {"reserved", "settled"}
    assert cli("ledger", "--since", "1h", "--json").json == cli("ledger", "--json").json
    assert cli("ledger", "--until", "1h", "--json").json["entries"] == []
    assert len(cli("ledger", "--limit", "2", "--json").json["entries"]) == 2
    assert {entry["lane"] for entry in cli("ledger", "--lane", "jobs", "--json").json["entries"]} == {"jobs"}
    by_caller = cli("ledger", "--by", "caller", "--json").json
    assert by_caller["by"] == "caller"
    assert {row["group"] for row in by_caller["totals"]} == {"me", "keepahead"}
    for by in ("endpoint", "lane", "hour"):
        assert cli("ledger", "--by", by).out.splitlines()[0].split()[0] == by
    table = cli("ledger", "--endpoint", "product").out
    assert "keepahead (jobs)" in table
    assert f"product {ASIN} domain=1" in table


def test_doctor_finds_nothing_wrong(cli, monkeypatch, tmp_path):
    """Every setting with its value and origin, the ledger, the clock; secrets are masked and nothing is spent."""
    Path("keepahead.toml").write_text("floor = 3")
    Path(".env").write_text("KEEPAHEAD_LOW=70\n")
    monkeypatch.setenv("KEEPAHEAD_CALLER", "me")
    monkeypatch.setenv("KEEPAHEAD_FLOR", "1")
    ended = cli("doctor", "--json")
    assert (ended.code, ended.json["ok"]) == (0, True)
    settings = {each["name"]: (each["value"], each["origin"]) for each in ended.json["settings"]}
    assert settings["KEEPAHEAD_FLOOR"] == ("3", "keepahead.toml")
    assert settings["KEEPAHEAD_LOW"] == ("70", ".env")
    assert settings["KEEPAHEAD_CALLER"] == ("me", "environment")
    assert settings["KEEPAHEAD_CRITICAL"] == ("20", "default")
    checks = {each["name"]: each for each in ended.json["checks"]}
    assert "did you mean KEEPAHEAD_FLOOR" in checks["settings"]["advice"]
    assert "simulator" in checks["upstream"]["found"]
    assert str(tmp_path) in checks["ledger"]["found"]
    assert cli("ledger", "--json").json["entries"] == []
    assert "ok     ledger" in cli("doctor").out


def test_doctor_reaches_the_host_without_a_request(cli, monkeypatch):
    """The doctor connects and hangs up: not a byte is sent, so neither is the key."""
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("KEEPAHEAD_UPSTREAM_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        ended = cli("doctor", "--json")
        connection, _ = server.accept()
        with connection:
            assert connection.recv(1) == b""
    assert ended.code == 0
    assert {each["name"]: each["value"] for each in ended.json["settings"]}["KEEPA_API_KEY"] == "set, 64 characters"


@pytest.mark.parametrize(
    ("name", "value", "check"),
    [
        ("KEEPAHEAD_UPSTREAM_URL", "http://127.0.0.1:1", "network"),
        ("KEEPAHEAD_UPSTREAM_URL", "https://api.keepa.com", "upstream"),
        ("KEEPAHEAD_DATABASE_URL", "sqlite:////proc/none/ledger.db", "ledger"),
        ("KEEPAHEAD_FLOOR", "many", "settings"),
    ],
)
def test_doctor_says_what_is_wrong(cli, monkeypatch, name, value, check):
    """Each problem has a check of its own, and makes the exit code 1."""
    monkeypatch.setenv(name, value)
    ended = cli("doctor", "--json")
    assert (ended.code, ended.json["ok"]) == (1, False)
    wrong = [each for each in ended.json["checks"] if each["state"] == "wrong"]
    assert check in {each["name"] for each in wrong}
    assert all(each["found"] and each["advice"] for each in wrong)


def test_doctor_masks_passwords(cli, monkeypatch):
    """The password of a database is not shown, not even in an error."""
    monkeypatch.setenv("KEEPAHEAD_DATABASE_URL", "postgresql://me:hush-hush@127.0.0.1:1/ledger")
    ended = cli("doctor")
    assert ended.code == 1
    assert "hush-hush" not in ended.out + ended.err


def test_simulate_until_ctrl_c(serve):
    """The simulator prints its URL as JSON, answers, and ends with code 0 on Ctrl-C."""
    served = serve("--rate", "7", "--balance", "70", "--speed", "60")
    with socket.create_connection(("127.0.0.1", int(served.url.rpartition(":")[2]))) as connection:
        connection.sendall(b"GET /token?key=simulator HTTP/1.0\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["refillRate"] == 7
    assert served.stop() == 0


def test_simulate_on_a_port_that_is_taken(cli):
    """A port in use is named; code 2."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = cli("simulate", "--port", str(taken.getsockname()[1]))
    assert ended.code == 2
    assert "choose another" in ended.sentence
    assert os.strerror(98) in ended.sentence


def test_somebody_else_spends(shared, cli, seen):
    """What others spend on the same key is an entry, a line of the status and a group of the totals, and nobody's."""
    seen(100)
    assert "somebody else" not in cli("status").out
    seen(60)
    account = cli("status", "--json").json["account"]
    assert (account["external_today"], account["spent_today"]) == (40, 0)
    assert "somebody else  40 tokens today, on this key" in cli("status").out
    entries = cli("ledger", "--json").json["entries"]
    assert {entry["kind"] for entry in entries} == {"observed"}
    assert [entry["external_tokens"] for entry in entries if entry["external_tokens"]] == [40]
    assert "40 tokens spent by somebody else on this key" in cli("ledger").out
    (total,) = cli("ledger", "--by", "caller", "--json").json["totals"]
    assert (total["group"], total["external"], total["charged"]) == ("", 40, 0)
    assert "(somebody else)" in cli("ledger", "--by", "caller").out
    assert cli("callers", "--json").json["callers"] == []
    assert cli("ledger", "verify").code == 0


def test_the_status_is_charged_to_the_command(cli, rich, program):
    """The free call of the first status is made in the name of keepahead, however the program was started."""
    assert program("status").code == 0
    assert {entry["caller"] for entry in cli("ledger", "--json").json["entries"]} == {"keepahead"}
