"""The gateway's own keys: what each scope may, what is compared with what, when one ends, and who guesses.

That a key is kept as a hash and shown once: tests/store/test_keys.py, tests/faces/test_keys.py. How guessing is braked
and how soon a revoked key is refused: tests/faces/gateway/test_access.py. Sessions: dashboard/test_login.py.
"""

import ast
import asyncio
import inspect
import re
from collections import Counter
from typing import Any, cast

import httpx2
import pytest
from sqlalchemy import event
from tests.gateway_house import GatewayHouse
from tests.gateway_walk import Example, examples_of
from tests.gateway_wire import talk
from tests.house import ACCOUNT, START, run
from tests.security.conftest import Watched

from keepahead.budget.scope import Scope
from keepahead.clock import SystemClock
from keepahead.faces.dashboard import session
from keepahead.faces.dashboard.change import change
from keepahead.faces.dashboard.scene import House, Scene
from keepahead.faces.dashboard.session import Sessions
from keepahead.faces.gateway import access
from keepahead.faces.gateway.access import REMEMBERED, WRONG_KEYS_PER_MINUTE, Access
from keepahead.faces.gateway.feed import HEARTBEAT_SECONDS
from keepahead.faces.gateway.visitor import AccessDenied, TooManyWrongKeysError, WrongKeyError
from keepahead.simulator import SteppedClock
from keepahead.store import keyring
from keepahead.store.database import open_database
from keepahead.store.keyring import Keyring

FREE = {"GET /health", "GET /health/live", "GET /health/ready", "GET /problems", "GET /problems/{slug}"}
ADMIN = {
    "POST /api/v1/alerts/silences",
    "DELETE /api/v1/alerts/silences/{silence_id}",
    "POST /api/v1/alerts/test",
}
READ = {
    "GET /api/v1/alerts",
    "GET /api/v1/archive",
    "GET /api/v1/budget",
    "GET /api/v1/budget/forecast",
    "GET /api/v1/callers",
    "GET /api/v1/ledger",
    "GET /api/v1/ledger/sums",
    "GET /api/v1/calls/{call_id}",
    "GET /api/v1/estimate",
    "POST /api/v1/estimate",
    "GET /metrics",
}
"""What a key that may only read is let do; the rest spends, and is given to it from the archive alone."""

WRONG = "kah" + "0" * 61


def scope_of(example: Example, document: dict[str, Any]) -> str:
    """Return who may do that, as it is written down above; what spends takes max_tokens."""
    parameters = document["paths"][example.template][example.method.lower()].get("parameters", ())
    if any(parameter["name"] == "max_tokens" for parameter in parameters):
        return "spend"
    return next(
        (scope for scope, those in (("free", FREE), ("read", READ), ("admin", ADMIN)) if example.name in those), "?"
    )


def test_every_route_and_every_scope(tmp_path):
    """Each operation of the document has a scope, and is done for that scope and above, for nobody else.

    What spends is refused to all of them here; that a reader is refused it for his scope, test_guard.py shows.
    """
    order = ["none", "read", "spend", "admin"]

    async def main():
        async with GatewayHouse(tmp_path, balance=1).opened() as house:  # what spends is refused at once
            document = house.app.openapi()
            found: dict[tuple[str, str], int] = {}
            examples = examples_of(document)
            for who in order:
                async with house.client(None if who == "none" else who) as client:
                    for example in examples:
                        found[example.name, who] = (await example.send(client)).status_code
                    if who == "none":
                        found["GET /api/v1/events", who] = (await client.get("/api/v1/events")).status_code
            return document, examples, found

    document, examples, found = run(main())
    assert found.pop(("GET /api/v1/events", "none")) == 401
    scopes = {example.name: scope_of(example, document) for example in examples}
    assert [name for name, scope in scopes.items() if scope == "?"] == [], "say above who may do these"
    assert set(scopes) >= FREE | READ | ADMIN, "these are gone"
    for (name, who), status in found.items():
        needed = scopes[name]
        if needed == "free":
            assert status not in {401, 403}, (name, who)
        elif who == "none":
            assert status == 401, name
        elif order.index(who) < order.index(needed):
            assert status == 403 if needed == "admin" else status in {403, 503}, (name, who)
        else:
            assert status not in {401, 403}, (name, who)


def test_a_reader_spends_nothing_at_the_door(gateway: Watched):
    """At Keepa's door as well a key that may only read buys nothing and changes nothing, whatever the call."""
    key = gateway.command("keys", "create", "reader", "--scope", "read", "--json", folder=gateway.log.parent)["key"]
    asin = "B0D8W1YVBX"
    calls = {
        f"/product?domain=1&asin={asin}": b"",
        "/deal": b'{"page":0,"domainId":1,"priceTypes":[0]}',
        "/query?domain=1": b'{"title":"coffee"}',
        "/bestsellers?domain=1&category=283155": b"",
        "/tracking?type=add": b'[{"asin":"B0D8W1YVBX","ttl":1,"trackingListName":"x"}]',
        "/tracking?type=removeAll": b"",
        "/tracking?type=webhook&url=https://evil.example/": b"",
    }
    with httpx2.Client(timeout=60) as client:
        for path, body in calls.items():
            url = f"{gateway.url}{path}{'&' if '?' in path else '?'}key={key}"
            answer = client.request("POST" if body else "GET", url, content=body or None)
            assert answer.status_code >= 400, path
    assert gateway.keepa.calls == []


def compared(module: Any) -> list[str]:
    """Return what a module compares for equality, as it stands there."""
    tree = ast.parse(inspect.getsource(module))
    return [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and any(isinstance(each, ast.Eq | ast.NotEq) for each in node.ops)
    ]


@pytest.mark.parametrize("module", [access, keyring, session], ids=lambda each: each.__name__.rpartition(".")[2])
def test_secrets_are_compared_in_constant_time(module):
    """No hash, seal or text of a key is compared by ==, which ends at the first difference: hmac.compare_digest is."""
    secret = re.compile(r"\b(hash|digest|secret|seal|sealed|expected|text|key_text|cookie)\b|hash_of")
    found = [each.replace("id_of(text)", "key_id") for each in compared(module)]  # an id is no secret
    assert [each for each in found if secret.search(each)] == []
    assert "hmac.compare_digest" in inspect.getsource(module)


def test_the_database_is_asked_for_no_secret(tmp_path):
    """What the database looks for in an index, whose time tells of it, is the id and never the hash."""
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    asked: list[tuple[str, str]] = []
    event.listen(database._engine, "before_cursor_execute", lambda *told: asked.append((told[2], repr(told[3]))))
    ring = Keyring(database, ACCOUNT)
    made = ring.create("shop", Scope.SPEND, "live", None, SystemClock().now())
    assert made
    asked.clear()
    assert ring.find(made[1])
    assert ring.find(made[1][:-1] + ("a" if made[1][-1] != "a" else "b")) is None
    ring.seal(made[0].key_id, "x")
    database.close()
    selects = [(statement, values) for statement, values in asked if "gateway_keys" in statement]
    assert len(selects) == 3
    for statement, values in selects:
        assert "hash" not in statement.partition("WHERE")[2]
        assert made[1][11:] not in values


@pytest.mark.parametrize("is_silent", [True, False])
def test_a_revoked_key_hears_nothing_more(tmp_path, is_silent):
    """An open stream of events tells nothing later than two seconds after its key was revoked, and ends."""

    async def main():
        async with GatewayHouse(tmp_path, rate=5, balance=300).opened() as house:
            key = house.make_key("read", name="listener")
            house.keys["listener"] = key
            following = asyncio.create_task(talk(house, "/api/v1/events", key="listener"))
            await house.clock.sleep_async(5)
            database = open_database(house.database_url)
            assert Keyring(database, ACCOUNT).revoke("listener", house.clock.now())
            database.close()
            await house.clock.sleep_async(REMEMBERED.total_seconds())
            if not is_silent:
                async with house.client("spend") as client:
                    await client.get("/api/v1/products/B0D8W1YVBX")
            async with asyncio.timeout(2 * HEARTBEAT_SECONDS + 60):
                return await following

    sent = run(main())
    body = b"".join(each.message.get("body", b"") for each in sent)
    assert body.endswith(b": this key was revoked\n\n")
    assert b"B0D8W1YVBX" not in body
    assert sent[-1].message["more_body"] is False


async def guess(gate: Access, peer: str, number: int) -> type[AccessDenied]:
    """Show a wrong key from an address; return how it was refused."""
    with pytest.raises(AccessDenied) as caught:
        await gate.admit(f"kah{number:061}", peer=peer)
    return type(caught.value)


@pytest.mark.parametrize(
    ("guesser", "neighbour"),
    [
        (lambda number: f"2001:db8:1:2:{number:x}::7", "2001:db8:1:3::7"),
        (lambda number: f"::ffff:198.51.100.7", "198.51.100.8"),  # noqa: ARG005, F541 - the same each time
        (lambda number: "198.51.100.7", "198.51.100.8"),  # noqa: ARG005
        (lambda number: "no address", "another"),  # noqa: ARG005
    ],
)
async def test_one_guesser_has_one_allowance(tmp_path, guesser, neighbour):
    """Who has a whole network of IPv6 addresses guesses as often as who has one address; others may go on."""
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    gate = Access(Keyring(database, ACCOUNT), SystemClock())
    told = [await guess(gate, guesser(number), number) for number in range(WRONG_KEYS_PER_MINUTE + 5)]
    assert told[:WRONG_KEYS_PER_MINUTE] == [WrongKeyError] * WRONG_KEYS_PER_MINUTE
    assert told[-1] is TooManyWrongKeysError
    assert await guess(gate, neighbour, 1_000) is WrongKeyError
    if guesser(0).startswith("::ffff:"):
        assert await guess(gate, guesser(0).removeprefix("::ffff:"), 1_001) is TooManyWrongKeysError
    await gate.close()
    database.close()


async def test_a_guesser_keeps_nobody_out(tmp_path):
    """From an address that guesses without end a good key is let in, seen before or not; a revoked one is not.

    For that the ledger is asked once in two seconds, however much is guessed; where it is away, nobody new comes in.
    """
    clock, asked = SteppedClock(START), Counter[str]()
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    ring = Keyring(database, ACCOUNT)

    async def run_here(work, /, *args, **options):
        asked[work.__name__] += 1
        return work(*args, **options)

    gate = Access(ring, clock, run_here)
    made = [ring.create(name, Scope.SPEND, "live", None, clock.now()) for name in ("good", "late", "revoked")]
    texts = [each[1] for each in made if each]
    ring.revoke("revoked", clock.now())
    for number in range(300):
        with pytest.raises(AccessDenied):
            await gate.admit(f"kah{number:061}", peer="a")
    assert asked["hashes"] == 1
    assert (await gate.admit(texts[0], peer="a")).name == "good"
    for text in (texts[2], f"{texts[1][:-4]}aaaa"):
        with pytest.raises(TooManyWrongKeysError):
            await gate.admit(text, peer="a")
    assert asked["hashes"] == 1
    clock.sleep(REMEMBERED.total_seconds())
    found = await asyncio.gather(
        *(guess(gate, "a", 1_000 + number) for number in range(50)), gate.admit(texts[1], peer="a")
    )
    assert found[-1].name == "late"
    assert asked["hashes"] == 2
    await gate.close()
    database.close()


def test_no_header_makes_a_guesser_another(gateway: Watched):
    """Whatever a client writes into X-Forwarded-For itself, a proxy adds its address last, and that one is braked.

    One allowance is for all doors: the API, Keepa's door and the login. Good keys go on.
    """
    peer = "203.0.113.9"
    with httpx2.Client(base_url=gateway.base, timeout=60) as client:

        def told(number: int, forwarded: str) -> list[int]:
            headers, key = {"X-Forwarded-For": forwarded}, f"kah{number:061}"
            at_the_door = client.get("/keepa/token", params={"key": key}, headers=headers).status_code
            by_form = client.post("/login", data={"key": f"kah{number + 500:061}"}, headers=headers).status_code
            return [
                client.get("/api/v1/budget", headers={**headers, "X-API-Key": f"kah{number + 900:061}"}).status_code,
                at_the_door,
                by_form,
            ]

        assert client.get("/api/v1/budget", headers={"X-API-Key": gateway.key}).status_code == 200
        for number in range(WRONG_KEYS_PER_MINUTE // 3 + 2):
            last = told(number, f"198.51.100.{number}, 2001:db8::{number}, {peer}")
        assert last == [429, 429, 429]
        assert told(300, "203.0.113.10")[0] == 401
        known = client.get("/api/v1/budget", headers={"X-Forwarded-For": peer, "X-API-Key": gateway.key})
        assert known.status_code == 200


async def test_a_page_changes_nothing_for_a_key_that_lost_its_scope(tmp_path):
    """What is done on a page is asked of the key as it is now: demoted or revoked, it is refused."""
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    ring, clock = Keyring(database, ACCOUNT), SystemClock()
    made = ring.create("boss", Scope.ADMIN, "live", None, clock.now())
    assert made
    visitor = await Access(ring, clock).admit(made[1])
    nothing = cast("Any", None)
    house = House(gateway=nothing, books=nothing, health=nothing, alerting=nothing, board=nothing, keyring=ring)
    scene = Scene(house=house, client=nothing, visitor=visitor, palette=nothing, is_dark=False)
    done: list[str] = []
    await change(scene, lambda: done.append("admin"))
    ring.change(type(made[0])(**{**_fields(made[0]), "scope": Scope.SPEND}))
    with pytest.raises(AccessDenied):
        await change(scene, lambda: done.append("spend"))
    ring.revoke("boss", clock.now())
    with pytest.raises(AccessDenied):
        await change(scene, lambda: done.append("revoked"))
    assert done == ["admin"]
    database.close()


def _fields(key: Any) -> dict[str, Any]:
    return {name: getattr(key, name) for name in type(key).__dataclass_fields__}


async def test_who_logs_out_has_ended_the_session(tmp_path):
    """A cookie is good for nothing once its owner has logged out, whoever may have kept it; other sessions stay."""
    database = open_database(f"sqlite:///{tmp_path / 'a.db'}")
    ring, now = Keyring(database, ACCOUNT), SystemClock().now()
    made = ring.create("desk", Scope.READ, "live", None, now)
    assert made
    sessions = Sessions(ring)
    cookie, other = await sessions.begin(made[0].key_id, now), await sessions.begin(made[0].key_id, now + REMEMBERED)
    assert cookie
    assert other
    forged = re.sub(r"[0-9a-f]{64}$", "0" * 64, cookie)
    await sessions.end(forged, now)
    await sessions.end("no cookie", now)
    assert await sessions.visitor(cookie, now)
    await sessions.end(cookie, now)
    assert await sessions.visitor(cookie, now) is None
    assert await sessions.visitor(other, now)
    assert len(sessions._ended) == 1
    database.close()


def test_logging_out_over_http(gateway: Watched):
    """The session that a browser had opens no page after it has logged out."""
    with httpx2.Client(base_url=gateway.base, timeout=60) as client:
        client.post("/login", data={"key": gateway.key})
        kept = client.cookies["keepahead_session"]
        assert client.get("/ledger").status_code == 200
        assert client.post("/logout").status_code == 303
        client.cookies.clear()
        assert client.get("/ledger", headers={"Cookie": f"keepahead_session={kept}"}).status_code == 303
