"""Keys of the gateway: what is kept of them, who gets the first one, and what opens nothing."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import LargeBinary, select
from tests.store.makers import ask, at, meter, put_back

from keepahead.budget.rule import Limit
from keepahead.budget.scope import Scope
from keepahead.store import tables
from keepahead.store.database import open_database
from keepahead.store.keyring import GatewayKey, Keyring, id_of
from keepahead.store.ledger import Ledger
from keepahead.store.rulebook import Rulebook


@pytest.fixture
def keyring(database) -> Keyring:
    """The keys of one account."""
    return Keyring(database, "account")


def made(keyring, name="web", scope=Scope.SPEND, *, lane="live", requests_per_minute=None, seconds=0):
    """A new key and its text."""
    created = keyring.create(name, scope, lane, requests_per_minute, at(seconds))
    assert created is not None
    return created


def test_a_key_is_found_by_its_text(keyring):
    """A key looks like one of Keepa's, and its text finds all that was said when it was made."""
    key, secret = made(keyring, "nightly", Scope.READ, lane="jobs", requests_per_minute=60)
    assert key == GatewayKey(id_of(secret), "nightly", Scope.READ, "jobs", 60, at(0))
    assert (len(secret), secret[:3], secret.isalnum(), secret.isascii()) == (64, "kah", True, True)
    assert keyring.find(secret) == key
    assert keyring.listed() == [key]


def test_no_two_keys_are_alike(keyring):
    """Every key has an id and a secret of its own."""
    texts = [made(keyring, f"caller {number}")[1] for number in range(20)]
    assert len({secret[3:11] for secret in texts}) == len({secret[11:] for secret in texts}) == 20


def test_what_opens_nothing(keyring):
    """A text that differs in one sign, an unknown id, another shape: none of them is a key."""
    _, secret = made(keyring)
    _, other = made(keyring, "other")
    other_sign = "a" if secret[-1] != "a" else "b"
    wrong = [
        "",
        secret[:-1] + other_sign,
        secret[:-1],
        f"{secret}a",
        f"{secret}\n",
        f" {secret}",
        secret.upper(),
        secret[:11] + other[11:],
        "kah" + "0" * 61,
        "k" * 64,
        "\udcff" * 64,
        "é" * 64,
        "x" * 100_000,
    ]
    assert [keyring.find(each) for each in wrong] == [None] * len(wrong)


def test_the_key_itself_is_kept_nowhere(keyring, database):
    """The table holds neither a key nor its secret part: a hash of it, which is not text."""
    _, secret = made(keyring)
    with database.read() as connection:
        row = connection.execute(select(tables.gateway_keys)).mappings().one()
    assert secret[11:] not in repr(dict(row))
    assert len(row["hash"]) == 32
    assert isinstance(tables.gateway_keys.c.hash.type, LargeBinary)


def test_a_revoked_key_opens_nothing(keyring):
    """A key is revoked by its name or its id, once; it stays on record and its name is free again."""
    key, secret = made(keyring)
    _, kept = made(keyring, "other")
    assert [keyring.revoke(name, at(60)) for name in ("nobody", "", "web", "web", key.key_id)] == [
        False,
        False,
        True,
        False,
        False,
    ]
    assert keyring.find(secret) is None
    again, new_secret = made(keyring, seconds=120)
    assert keyring.find(new_secret) == again
    assert [each.name for each in keyring.listed()] == ["other", "web"]
    assert [(each.name, each.revoked_at) for each in keyring.listed(include_revoked=True)] == [
        ("other", None),
        ("web", at(60)),
        ("web", None),
    ]
    assert keyring.revoke(again.key_id, at(180))
    assert keyring.find(new_secret) is None
    assert keyring.find(kept) is not None


def test_a_name_is_one_key(keyring, url):
    """A name that is taken makes no second key, though two ask at the same moment."""
    made(keyring)
    assert keyring.create("web", Scope.READ, "live", None, at(1)) is None
    assert len(keyring.listed()) == 1
    assert (
        sum(
            created is not None
            for created in at_once(url, lambda each: each.create("new", Scope.READ, "live", 1, at(2)))
        )
        == 1
    )
    assert [each.name for each in keyring.listed()] == ["new", "web"]


def test_a_key_is_changed(keyring):
    """Scope, lane and requests a minute change for whoever finds the key next; its text, name and age stay."""
    key, secret = made(keyring, requests_per_minute=60)
    made(keyring, "other")
    assert keyring.change(
        replace(key, scope=Scope.ADMIN, lane="jobs", requests_per_minute=None, name="x", made_at=at(9))
    )
    assert keyring.find(secret) == replace(key, scope=Scope.ADMIN, lane="jobs", requests_per_minute=None)
    assert [each.scope for each in keyring.listed()] == [Scope.SPEND, Scope.ADMIN]
    assert not keyring.change(replace(key, key_id="unknown"))
    keyring.revoke("web", at(1))
    assert not keyring.change(key)


def test_when_a_key_was_used(keyring):
    """The latest moment stays, whichever gateway writes it last."""
    key, secret = made(keyring)
    for moment in (at(100), at(40)):
        keyring.note_use(key.key_id, moment)
    assert keyring.find(secret).used_at == at(100)
    keyring.note_use("nobody", at(200))


def test_the_first_key(keyring):
    """The first start makes a key that may do all; no later one does, not even when every key has been revoked."""
    assert not keyring.has_any()
    key, secret = keyring.create_first(at(0))
    assert key == keyring.find(secret)
    assert (key.name, key.scope, key.lane, key.requests_per_minute) == ("admin", Scope.ADMIN, "live", None)
    assert keyring.create_first(at(1)) is None
    keyring.revoke("admin", at(2))
    assert keyring.create_first(at(3)) is None
    assert (keyring.has_any(), keyring.listed()) == (True, [])


def test_one_of_many_gateways_makes_the_first_key(keyring, url):
    """Of gateways that start at the same moment one gets the first key, and it is the only one."""
    found = [each for each in at_once(url, lambda each: each.create_first(at(0))) if each]
    assert len(found) == 1
    assert keyring.listed(include_revoked=True) == [found[0][0]]


def test_accounts_share_no_key(keyring, database):
    """A key of one account opens nothing of another, and the other still has its first key to come."""
    _, secret = made(keyring)
    other = Keyring(database, "other")
    assert (other.find(secret), other.listed(), other.has_any(), other.revoke("web", at(1))) == (None, [], False, False)
    assert other.create_first(at(1)) is not None


def test_a_ledger_from_before_the_keys(url, ledger):
    """A ledger of version 0003 is upgraded with all that is in it, and takes keys."""
    ledger.observe(meter(0, 300), at(0))
    ledger.reserve(ask("a", 5), at(1))
    before = ledger.account()
    Rulebook(ledger.database, "account").limit(Limit(caller="web", tokens_per_day=5))
    put_back(ledger.database, "0003")
    upgraded = open_database(url)
    try:
        with upgraded.read() as connection:
            context = MigrationContext.configure(connection, opts={"version_table": "keepahead_version"})
            assert compare_metadata(context, tables.metadata) == []
        assert Ledger(upgraded, "account").account() == before
        assert [each.limit for each in Rulebook(upgraded, "account").callers(at(2)) if each.limit] == [
            Limit(caller="web", tokens_per_day=5)
        ]
        _, secret = made(Keyring(upgraded, "account"))
        assert Keyring(upgraded, "account").find(secret)
    finally:
        upgraded.close()


def test_scopes_rise():
    """Each scope includes those before it and none after it."""
    assert [[scope.covers(other) for other in Scope] for scope in Scope] == [
        [True, False, False],
        [True, True, False],
        [True, True, True],
    ]


def at_once(url, work):
    """What each of several gateways gets that do the same at the same moment, each with connections of its own."""
    together = threading.Barrier(4)

    def one(_):
        database = open_database(url)
        try:
            together.wait(20)
            return work(Keyring(database, "account"))
        finally:
            database.close()

    with ThreadPoolExecutor(4) as threads:
        return list(threads.map(one, range(4)))
