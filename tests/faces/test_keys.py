"""`keepahead keys`: made, listed, limited, revoked, and shown once."""

import pytest
from tests.faces.conftest import KEY

from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.keyring import GatewayKey, Keyring


def found(text: str) -> GatewayKey | None:
    """What a gateway of this ledger finds of a key."""
    database, fingerprint = open_ledger(read_settings())
    try:
        return Keyring(database, fingerprint).find(text)
    finally:
        database.close()


def test_a_key_is_shown_once(shared, cli, program):
    """A new key alone is on stdout, and opens; stderr says that it is shown once, and nothing shows it again."""
    made = program("keys", "create", "web", "--requests-per-minute", "60")
    text = made.out.removesuffix("\n")
    assert (made.code, len(text), text.isalnum()) == (0, 64, True)
    assert "not shown again" in made.err
    key = found(text)
    assert (key.name, key.scope, key.lane, key.requests_per_minute) == ("web", "spend", "live", 60)
    shown = [
        cli("keys"),
        cli("keys", "--json"),
        cli("keys", "limit", "web", "--lane", "jobs"),
        cli("keys", "revoke", "web"),
    ]
    assert [each.code for each in shown] == [0] * 4
    assert all(text[11:] not in each.out + each.err for each in (*shown, cli("keys", "--revoked", "--json")))
    assert text not in made.err


def test_the_list(shared, cli):
    """Keys are listed by name with their limits, as a table and as JSON; an empty list says how to make one."""
    assert "keepahead keys create NAME" in cli("keys").err
    assert cli("keys", "--json").json == {"keys": []}
    made = cli("keys", "create", "web", "--tokens-per-hour", "50", "--requests-per-minute", "1200", "--json").json
    cli("keys", "create", "nightly", "--scope", "read", "--lane", "jobs")
    nightly, web = cli("keys", "--json").json["keys"]
    assert web == made["created"]
    assert found(made["key"]).key_id == web["key_id"]
    assert web.keys() > {"made_at", "used_at"}
    limits = ("name", "scope", "lane", "requests_per_minute", "tokens_per_hour", "tokens_per_day")
    assert [web[name] for name in limits] == ["web", "spend", "live", 1200, 50, None]
    assert [nightly[name] for name in limits] == ["nightly", "read", "jobs", None, None, None]
    header, *rows = [line.split() for line in cli("keys").out.splitlines()]
    assert header[:4] == ["name", "id", "scope", "lane"]
    assert rows[0][:7] == ["nightly", nightly["key_id"], "read", "jobs", "-", "-", "-"]
    assert rows[1][:7] == ["web", web["key_id"], "spend", "live", "50", "-", "1,200"]


def test_the_limit_of_a_key_is_the_limit_of_its_caller(shared, cli):
    """Tokens per hour and day are kept in one place: both commands set and show them, and they outlive the key."""
    cli("callers", "add", "web", "--per-day", "500")
    assert "500 tokens a day, 60 requests a minute" in cli("keys", "create", "web", "--requests-per-minute", "60").err
    assert cli("keys", "limit", "web", "--tokens-per-hour", "50").out == (
        "web may read and spend (live), 50 tokens an hour, 500 tokens a day, 60 requests a minute\n"
    )
    limit = {"caller": "web", "tokens_per_hour": 50, "tokens_per_day": 500}
    assert cli("callers", "--json").json["callers"][0].items() > limit.items()
    cli("keys", "limit", "web", "--tokens-per-hour", "none", "--tokens-per-day", "none")
    assert cli("callers", "--json").json["callers"] == []
    cli("callers", "add", "web", "--per-day", "7")
    assert cli("keys", "--json").json["keys"][0]["tokens_per_day"] == 7
    cli("keys", "revoke", "web")
    assert cli("callers", "--json").json["callers"][0]["tokens_per_day"] == 7


def test_keys_are_changed_one_by_one(cli):
    """What is not given stays; none takes a limit away; the text of the key stays the same."""
    text = cli("keys", "create", "web", "--scope", "read", "--requests-per-minute", "60").out.strip()
    changed = cli("keys", "limit", "web", "--scope", "admin", "--json").json["changed"]
    assert (changed["scope"], changed["lane"], changed["requests_per_minute"]) == ("admin", "live", 60)
    assert cli("keys", "limit", "web", "--lane", "jobs").out.startswith("web may read, spend and administer (jobs)")
    assert cli("keys", "limit", "web", "--requests-per-minute", "none").code == 0
    key = found(text)
    assert (key.scope, key.lane, key.requests_per_minute) == ("admin", "jobs", None)


def test_a_key_is_revoked(shared, cli, program):
    """A key is revoked by name or id, for good; its name can have a new key; the old one stays listed as revoked."""
    texts = []
    for by in ("name", "key_id"):
        made = cli("keys", "create", "web", "--json").json
        texts.append(made["key"])
        which = made["created"][by]
        assert program("keys", "revoke", which, "--json").json == {"revoked": which}
    assert list(map(found, texts)) == [None, None]
    assert cli("keys", "--json").json == {"keys": []}
    assert len(cli("keys", "--revoked").out.splitlines()) == 3
    assert all(key["revoked_at"] for key in cli("keys", "--revoked", "--json").json["keys"])
    again = cli("keys", "revoke", "web")
    assert (again.code, again.out) == (2, "")


def test_each_keepa_key_has_its_own(cli, monkeypatch):
    """A key of the gateway belongs to one Keepa account, and is none of another."""
    text = cli("keys", "create", "web").out.strip()
    monkeypatch.setenv("KEEPA_API_KEY", KEY)
    assert cli("keys", "--json").json == {"keys": []}
    assert found(text) is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create"], "Missing argument"),
        (["create", " web"], "a caller's name has 1 to 100 printable characters"),
        (["create", "web"], "web has a key already; keepahead keys limit web changes it"),
        (["create", "new", "--scope", "write"], "'write' is not one of"),
        (["create", "new", "--lane", "fast"], "'fast' is not one of"),
        (["create", "new", "--requests-per-minute", "0"], "'0' is no number of requests; write 60 or none"),
        (["create", "new", "--requests-per-minute", "-1"], "'-1' is no number of requests"),
        (["create", "new", "--requests-per-minute", "9" * 5000], "is no number of requests"),
        (["create", "new", "--requests-per-minute", "²"], "is no number of requests"),
        (["create", "new", "--tokens-per-day", "many"], "'many' is no number of tokens"),
        (["limit", "web"], "what is to change? Give at least one option"),
        (["limit", "web", "--scope", "admin", "--tokens-per-day", "many"], "'many' is no number of tokens"),
        (["limit", "nobody", "--scope", "read"], "nobody has no key; keepahead keys shows which there are"),
        (["limit", "webb", "--scope", "read"], "webb has no key; did you mean web?"),
        (["revoke", "nobody"], "nobody has no key"),
        (["revoke", KEY], "[key] has no key"),
        (["delete", "web"], "No such command 'delete'"),
        (["--json", "create", "new"], "Write --json after create"),
    ],
)
def test_wrong_words(cli, arguments, words):
    """What is typed wrong ends with code 2 and one sentence, changes no key and makes none."""
    cli("keys", "create", "web")
    before = cli("keys", "--json").json
    ended = cli("keys", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.sentence
    assert cli("keys", "--json").json == before
    assert cli("callers", "--json").json["callers"] == []
