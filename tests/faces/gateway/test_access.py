"""Who is let into the gateway: what a key costs, how long a revoked one still opens, and what stops guessing."""

import asyncio
import logging
from collections import Counter
from datetime import timedelta

import pytest
from tests.simulator.house import START

from keepahead.budget.scope import Scope
from keepahead.errors import LedgerUnavailableError
from keepahead.faces.gateway.access import WRONG_KEYS_PER_MINUTE, Access, key_of
from keepahead.faces.gateway.turnstile import Turnstile
from keepahead.faces.gateway.visitor import (
    AccessDenied,
    NoKeyError,
    ScopeError,
    TooManyWrongKeysError,
    Visitor,
    WrongKeyError,
)
from keepahead.simulator import SteppedClock
from keepahead.store.database import open_database
from keepahead.store.keyring import Keyring


class Gate:
    """An Access on a real ledger and a clock of the test's, which counts what goes to a thread."""

    def __init__(self, url: str) -> None:
        self.database = open_database(url)
        self.keyring = Keyring(self.database, "account")
        self.clock = SteppedClock(START)
        self.threads: Counter[str] = Counter()
        self.is_down = False
        self.access = self.another()

    def another(self) -> Access:
        """One more gateway of the same ledger."""
        return Access(self.keyring, self.clock, self.run)

    async def run(self, work, /, *args, **options):
        """Do it in a thread."""
        self.threads[work.__name__] += 1
        if self.is_down:
            raise LedgerUnavailableError("the ledger is away")
        return await asyncio.to_thread(work, *args, **options)

    def key(
        self, name: str = "web", scope: Scope = Scope.SPEND, lane: str = "live", per_minute: int | None = None
    ) -> str:
        """Make a key; return its text."""
        created = self.keyring.create(name, scope, lane, per_minute, self.clock.now())
        assert created
        return created[1]

    async def is_in(self, text: str, peer: str = "") -> bool:
        """Tell whether a key is let in."""
        try:
            await self.access.admit(text, peer=peer)
        except WrongKeyError:
            return False
        return True


@pytest.fixture
def gate(tmp_path):
    """A gate without keys."""
    gate = Gate(f"sqlite:///{tmp_path / 'ledger.db'}")
    yield gate
    gate.database.close()


def guess(number: int) -> str:
    """A text of the shape of a key which is none."""
    return f"kah{number:08}" + "x" * 53


async def test_a_key_is_its_visitor(gate):
    """A key lets its caller in with all that it is good for, and no name that a request gives itself."""
    text = gate.key("nightly", Scope.READ, "jobs", 60)
    visitor = await gate.access.admit(text, caller="somebody else")
    assert visitor == Visitor("nightly", Scope.READ, "jobs", 60, text[3:11])


@pytest.mark.parametrize("text", [None, ""])
async def test_no_key(gate, text):
    """Who shows no key is told how to show one, with 401, and nothing is looked up."""
    with pytest.raises(NoKeyError, match="Authorization: Bearer KEY") as caught:
        await gate.access.admit(text)
    assert caught.value.status == 401
    assert not gate.threads


@pytest.mark.parametrize("text", ["short", "k" * 64, "kah" + "A" * 61, "é" * 64, "\udcff" * 64, "x" * 100_000])
async def test_what_has_not_the_shape_of_a_key(gate, text):
    """Another shape is turned away with 401 and without a look at the ledger."""
    with pytest.raises(WrongKeyError, match="begin with kah") as caught:
        await gate.access.admit(text)
    assert caught.value.status == 401
    assert text not in str(caught.value)
    assert not gate.threads


async def test_a_wrong_secret(gate):
    """The id of a key without its secret opens nothing, before and after the right one has been let in."""
    text = gate.key()
    wrong = text[:11] + "x" * 53
    assert [await gate.is_in(each) for each in (wrong, text, wrong, text)] == [False, True, False, True]


async def test_a_known_key_costs_no_look(gate):
    """For two seconds a key is let in without a thread and without the ledger."""
    text = gate.key()
    first = await gate.access.admit(text)
    await gate.access.close()
    before = gate.threads.copy()
    gate.is_down = True
    for _ in range(100):
        gate.clock.sleep(0.0199)
        assert await gate.access.admit(text) is first
    assert gate.threads == before


async def test_a_revoked_key_is_refused_within_two_seconds(gate):
    """Two seconds after it was revoked a key opens nothing, in whatever moment the gateway had looked last."""
    text = gate.key()
    for elapsed in (0, 0.5, 1.999):
        assert await gate.is_in(text)
        gate.clock.sleep(elapsed)
    gate.keyring.revoke("web", gate.clock.now())
    gate.clock.sleep(2)
    assert not await gate.is_in(text)


@pytest.mark.parametrize("waits_too", [False, True])
async def test_a_slow_look_does_not_count_longer(gate, waits_too):
    """What was found counts from before the question: for who comes later, and for who waits along too late."""
    text = gate.key()
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slowly(work, /, *args, **options):
        found = await gate.run(work, *args, **options)
        if work.__name__ == "find":
            asked.set()
            await go_on.wait()
        return found

    access = Access(gate.keyring, gate.clock, slowly)
    early = asyncio.create_task(access.admit(text))
    await asked.wait()
    gate.keyring.revoke("web", gate.clock.now())
    gate.clock.sleep(2)
    late = asyncio.create_task(access.admit(text))
    if waits_too:
        await asyncio.sleep(0)
    go_on.set()
    assert (await early).name == "web"
    with pytest.raises(WrongKeyError):
        await late


async def test_a_slow_answer_is_old_when_it_comes(gate):
    """A key whose look took two seconds is looked up again by the next request."""
    text = gate.key()

    async def slowly(work, /, *args, **options):
        found = await gate.run(work, *args, **options)
        gate.clock.sleep(2)
        return found

    access = Access(gate.keyring, gate.clock, slowly)
    assert (await access.admit(text)).name == "web"
    gate.keyring.revoke("web", gate.clock.now())
    with pytest.raises(WrongKeyError):
        await access.admit(text)


async def test_a_revoked_key_is_braked_too(gate):
    """A key that was good once and is revoked counts as any wrong one."""
    text = gate.key()
    await gate.access.admit(text, peer="a")
    gate.keyring.revoke("web", gate.clock.now())
    gate.clock.sleep(2)
    assert [await gate.is_in(text, peer="a") for _ in range(WRONG_KEYS_PER_MINUTE + 1)].count(True) == 0
    with pytest.raises(TooManyWrongKeysError):
        await gate.access.admit(text, peer="a")


async def test_a_changed_key_is_followed(gate):
    """A new scope, lane or rate counts after two seconds."""
    text = gate.key()
    await gate.access.admit(text)
    (key,) = gate.keyring.listed()
    gate.keyring.change(type(key)(key.key_id, key.name, Scope.READ, "jobs", 5, key.made_at))
    gate.clock.sleep(2)
    visitor = await gate.access.admit(text)
    assert (visitor.scope, visitor.lane, visitor.requests_per_minute) == (Scope.READ, "jobs", 5)


async def test_many_at_once_share_one_look(gate):
    """However many requests come with a key at the same moment, one looks; who goes away takes nothing from them."""
    text = gate.key()
    tasks = [asyncio.create_task(gate.access.admit(text)) for _ in range(100)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    found = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(found[0], asyncio.CancelledError)
    assert {each.name for each in found[1:]} == {"web"}
    await gate.access.close()
    assert gate.threads == {"find": 1, "note_use": 1}


async def test_a_key_that_is_made_after_it_was_tried(gate):
    """Being turned away is remembered for two seconds and no longer."""
    text = gate.key()
    gate.keyring.revoke("web", gate.clock.now())
    assert [await gate.is_in(text) for _ in range(10)] == [False] * 10
    assert gate.threads["find"] == 1
    gate.clock.sleep(2)
    assert not await gate.is_in(text)
    assert gate.threads["find"] == 2


async def test_a_ledger_that_is_away(gate):
    """Without the ledger an unknown key is neither let in nor called wrong, and nobody is braked for it."""
    text = gate.key()
    gate.is_down = True
    for _ in range(WRONG_KEYS_PER_MINUTE + 5):
        with pytest.raises(LedgerUnavailableError):
            await gate.access.admit(text)
    gate.is_down = False
    assert await gate.is_in(text)


async def test_a_clock_that_is_put_back(gate):
    """A clock that is put back makes a gateway look again; nobody stays in, or out, until it has caught up."""
    text = gate.key(per_minute=1)
    visitor = await gate.access.admit(text)
    assert gate.access.check_rate(visitor) is None
    gate.keyring.revoke("web", gate.clock.now())
    gate.clock._now -= timedelta(hours=1)
    assert not await gate.is_in(text)
    assert gate.access.check_rate(visitor) == pytest.approx(60)


async def test_uses_are_written_once_a_minute(gate):
    """A key in use is written down at most once a minute by a gateway, and not by a second one either."""
    text = gate.key()
    other = gate.another()
    for _ in range(61):
        await gate.access.admit(text)
        await gate.access.close()
        await other.admit(text)
        await other.close()
        gate.clock.sleep(3)
    assert gate.threads["note_use"] == 4
    assert gate.keyring.listed()[0].used_at == START + timedelta(seconds=180)


async def test_a_use_that_cannot_be_written(gate):
    """What cannot be written down turns nobody away, and is tried again a minute later."""
    text = gate.key()

    async def half_down(work, /, *args, **options):
        gate.is_down = work.__name__ == "note_use"
        return await gate.run(work, *args, **options)

    access = Access(gate.keyring, gate.clock, half_down)
    for _ in range(21):
        assert (await access.admit(text)).name == "web"
        await access.close()
        gate.clock.sleep(3)
    assert gate.threads["note_use"] == 2
    assert gate.keyring.listed()[0].used_at is None


async def test_guessing_is_braked(gate):
    """One address may show so many wrong keys in a minute, at once or one by one; then the ledger is not asked."""
    tries = [gate.access.admit(guess(number), peer="a") for number in range(100)]
    ended = Counter(type(each) for each in await asyncio.gather(*tries, return_exceptions=True))
    assert ended == {WrongKeyError: WRONG_KEYS_PER_MINUTE, TooManyWrongKeysError: 100 - WRONG_KEYS_PER_MINUTE}
    assert gate.threads["find"] == WRONG_KEYS_PER_MINUTE
    with pytest.raises(TooManyWrongKeysError) as caught:
        await gate.access.admit(guess(0), peer="a")
    assert caught.value.status == 429
    assert not await gate.is_in(guess(0), peer="b")
    gate.clock.sleep(caught.value.wait_seconds)
    assert not await gate.is_in(guess(500), peer="a")
    with pytest.raises(TooManyWrongKeysError):
        await gate.access.admit(guess(501), peer="a")


async def test_good_keys_are_not_braked(gate):
    """Who was let in before goes on from an address that guesses, and good keys never count as wrong ones."""
    texts = [gate.key(f"caller {number}") for number in range(WRONG_KEYS_PER_MINUTE + 5)]
    assert all([await gate.is_in(text, peer="a") for text in texts])
    await asyncio.gather(*(gate.access.admit(guess(each), peer="a") for each in range(99)), return_exceptions=True)
    for seconds in (0, 1, 2):
        gate.clock.sleep(seconds)
        found = await asyncio.gather(
            *(gate.access.admit(guess(1000 + each), peer="a") for each in range(9)), return_exceptions=True
        )
        assert TooManyWrongKeysError in map(type, found)
        assert await gate.is_in(texts[0], peer="a")


async def test_guessers_do_not_fill_the_memory(gate):
    """Whatever is tried, from wherever, little of it is remembered."""
    gate.access._run_in_thread = nothing_found
    for number in range(12_000):
        assert not await gate.is_in(guess(number), peer=str(number))
    assert len(gate.access._wrong) == 1_000
    assert len(gate.access._brake._full_at) == 10_000
    assert (gate.access._lookups, gate.access._known) == ({}, {})


async def nothing_found(work, /, *args, **options):
    """Find no key."""


async def test_nothing_remembered_or_said_holds_a_key(gate, caplog):
    """Neither the memory of a gateway, nor its errors, nor its logs hold the text of a key, good or wrong."""
    caplog.set_level(logging.DEBUG)
    good, wrong = gate.key(), guess(7)
    await gate.access.admit(good)
    with pytest.raises(WrongKeyError) as caught:
        await gate.access.admit(wrong)
    await gate.access.close()
    access = gate.access
    kept = repr(
        (access._known, access._wrong, access._lookups, access._noted, access._rate._full_at, access._brake._full_at)
    )
    for text in (good[11:], wrong[11:]):
        assert text not in kept + caplog.text + str(caught.value) + repr(caught.value)


async def test_requests_per_minute(gate):
    """A key has room for so many requests, which comes back evenly; without a limit there is always room."""
    limited = await gate.access.admit(gate.key("limited", per_minute=7))
    free = await gate.access.admit(gate.key("free"))
    assert [gate.access.check_rate(limited) for _ in range(7)] == [None] * 7
    wait = gate.access.check_rate(limited)
    assert wait == pytest.approx(60 / 7)
    assert all(gate.access.check_rate(free) is None for _ in range(1000))
    gate.clock.sleep(wait - 0.1)
    assert gate.access.check_rate(limited) == pytest.approx(0.1, abs=1e-3)
    gate.clock.sleep(0.1)
    assert gate.access.check_rate(limited) is None
    assert gate.access.check_rate(limited) is not None
    gate.clock.sleep(3600)
    assert [gate.access.check_rate(limited) is None for _ in range(8)] == [True] * 7 + [False]


def test_a_turnstile_forgets_who_has_not_come_for_longest():
    """Of too many names the one that came least lately has all of its room again, the others have not."""
    turnstile = Turnstile(2)
    for name in ("a", "b", "a", "c"):
        turnstile.take(name, 2, 0)
    assert turnstile.take("a", 2, 0) is not None
    assert [turnstile.take("b", 2, 0) is None for _ in range(3)] == [True, True, False]


@pytest.mark.parametrize(
    ("caller", "name"),
    [(None, "open"), ("nightly", "nightly"), ("", "open"), (" x", "open"), ("a\nb", "open"), ("k" * 64, "open")],
)
async def test_an_open_gateway(caller, name):
    """Without keys anybody may do anything, under the name that he gives himself, if it is one and no key."""
    access = Access(None, SteppedClock(START), nothing_found)
    assert await access.admit(None, caller=caller) == Visitor(name, Scope.ADMIN, "live", None, "")
    assert (await access.admit(guess(0), caller=caller)).name == name
    assert access.check_rate(await access.admit(None)) is None


def test_what_a_visitor_may():
    """What asks for more than the key's scope, or for a lane that is not its own, is refused with 403 and a way out."""
    reader = Visitor("web", Scope.READ, "jobs", None, "id")
    reader.demand(Scope.READ)
    with pytest.raises(ScopeError, match="keepahead keys limit web --scope spend") as caught:
        reader.demand(Scope.SPEND)
    assert isinstance(caught.value, AccessDenied)
    assert caught.value.status == 403
    with pytest.raises(ScopeError, match="keepahead keys limit web --lane live"):
        reader.lane_for("live")
    assert [reader.lane_for(wanted) for wanted in (None, "jobs")] == ["jobs", "jobs"]
    person = Visitor("web", Scope.ADMIN, "live", None, "id")
    person.demand(Scope.SPEND)
    assert [person.lane_for(wanted) for wanted in (None, "jobs", "live")] == ["live", "jobs", "live"]


@pytest.mark.parametrize(
    ("headers", "query", "key"),
    [
        ({}, {}, None),
        ({"authorization": "Bearer abc"}, {}, "abc"),
        ({"authorization": "bearer  abc "}, {}, "abc"),
        ({"authorization": "Bearer abc", "x-api-key": "def"}, {"key": "ghi"}, "abc"),
        ({"authorization": "Basic abc", "x-api-key": " def "}, {"key": "ghi"}, "def"),
        ({"authorization": "Bearer"}, {"key": "ghi"}, "ghi"),
        ({"authorization": "Bearer ", "x-api-key": ""}, {"key": ""}, None),
    ],
)
def test_where_a_key_is_looked_for(headers, query, key):
    """Authorization first, then X-API-Key; the query only where Keepa's own clients come in."""
    assert key_of(headers, query, in_query=True) == key
    assert key_of(headers, query) == (None if key == "ghi" else key)
