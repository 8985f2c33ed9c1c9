"""Processes that are killed on the road of a call: nothing lost, nothing counted twice, the others go on at once."""

import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.served import Served
from tests.system.children import FLOOR, Books, spot, start

from keepahead import InsufficientTokensError, Keepa
from keepahead.budget.decide import CALL_LIMIT, PROBE_LIFE
from keepahead.budget.ticket import TICKET_LIFE
from keepahead.store.database import Database, open_database
from keepahead.store.record import Filter

HELD = 40
"""What the call of a dying program costs, at most and in truth."""

CLIENTS = [("sqlite", "AsyncKeepa"), ("sqlite", "Keepa"), ("postgresql", "AsyncKeepa")]
OTHERS = [f"B0{number:08}" for number in range(30)]
LIFE_SECONDS = 60

STEPS = {
    "reserved": (False, ["reserved", "lost", "absorbed"]),
    "sent": (True, ["reserved", "lost", "absorbed"]),
    "charged": (True, ["reserved", "lost", "absorbed"]),
    "answered": (True, ["reserved", "lost", "absorbed"]),
    "settled": (True, ["reserved", "settled"]),
    "delivered": (True, ["reserved", "settled"]),
}
"""Where it dies: whether Keepa has charged for it then or soon after, and what the ledger says of it in the end."""


@pytest.fixture(scope="module")
def fast() -> Iterator[Served]:
    """A Keepa where eight minutes pass in three seconds: a busy machine must not take longer to look.

    Its bucket of 60 tokens is full until somebody spends, so that it does not matter how long a program takes to start.
    """
    served = Served("--rate", "1", "--speed", "160", "--latency", "20")
    yield served
    served.kill()


@pytest.fixture(scope="module")
def slow() -> Iterator[Served]:
    """A Keepa where a minute passes in a second: slow enough to see a ticket of half a minute live and die."""
    served = Served("--rate", "1", "--speed", "60")
    yield served
    served.kill()


class Scene:
    """A ledger and a key of a test's own, and the programs that use them."""

    def __init__(self, database: Database, url: str, key: str) -> None:
        self._database = database
        self._url = url
        self._key = key
        self._started: list[subprocess.Popen[str]] = []

    def books(self, served: Served) -> Books:
        """Return the books of this account."""
        return Books(self._database, served, self._key)

    def survivor(self, served: Served) -> Keepa:
        """Return the client of a program that goes on."""
        return Keepa(self._key, upstream_url=served.url, database_url=self._url, clock=served.clock)

    def child(self, served: Served, **order: Any) -> "subprocess.Popen[str]":
        """Start a program that may be killed."""
        self._started.append(start("dying", **spot(served, self._url, self._key), **order))
        return self._started[-1]

    def end(self) -> None:
        """Kill whatever still lives."""
        for each in self._started:
            each.kill()
            each.communicate()


@pytest.fixture
def scene(request, url) -> Iterator[Scene]:
    """Set up a scene that nobody has used; it is cleared at the end."""
    database = open_database(url)
    scene = Scene(database, url, f"{abs(hash(request.node.nodeid)):064}")
    yield scene
    scene.end()
    database.close()


def wait_for_charge(books: Books, tokens: int) -> None:
    """Wait until the bucket was charged for so many tokens: Keepa works on when its client is gone."""
    for _ in range(1000):
        if books.truth()["consumed"] >= tokens:
            break
    assert books.truth()["consumed"] == tokens


@pytest.mark.parametrize(("url", "client"), CLIENTS, indirect=["url"])
@pytest.mark.parametrize("step", STEPS)
def test_a_killed_process(fast, scene, client, step):
    """Whatever a killed process held stays held until its time is over, and not longer; the others spend the rest."""
    is_charged, kinds = STEPS[step]
    held = 0 if "settled" in kinds else HELD
    books = scene.books(fast)
    with scene.survivor(fast) as keepa:
        keepa.status()
        dying = scene.child(fast, at=step, client=client, items=HELD)
        assert dying.wait(LIFE_SECONDS) == -signal.SIGKILL

        assert books.held() == (held, 0)
        keepa.products(OTHERS[:10], max_wait_seconds=0, max_age=0)
        with pytest.raises(InsufficientTokensError):  # what is held is not there for others
            keepa.products(OTHERS, max_wait_seconds=0, max_age=0)
        assert books.held() == (held, 0)
        wait_for_charge(books, 10 + HELD * is_charged)

        fast.clock.sleep(CALL_LIMIT.total_seconds())
        keepa.products(OTHERS[:1], max_age=0)
    books.demand_agreement()
    truth = books.truth()
    assert truth["consumed"] == 11 + HELD * is_charged
    assert truth["lowest_balance"] >= FLOOR
    calls = [line.entry.label.call_id for line in books.record.lines(Filter(kind="reserved"))]
    of_the_dead = next(call for call in calls if entries_of(books, call)[0].tokens == HELD)
    assert [type(entry).__name__.lower() for entry in entries_of(books, of_the_dead)] == kinds


@pytest.mark.parametrize("step", ["settled", "delivered"])
def test_what_was_paid_for_outlives_its_process(fast, scene, step):
    """An answer that was settled is archived before anything else happens: asked again it costs nothing."""
    dying = scene.child(fast, at=step, client="AsyncKeepa", items=HELD)
    assert dying.wait(LIFE_SECONDS) == -signal.SIGKILL
    with scene.survivor(fast) as keepa:
        products = keepa.products([f"B1{number:08}" for number in range(HELD)], max_wait_seconds=0)
    assert [each.paid_now for each in products] == [False] * HELD
    assert scene.books(fast).truth()["consumed"] == HELD


def entries_of(books: Books, call_id: str) -> list[Any]:
    """Return what the ledger says of one call, oldest first."""
    return [line.entry for line in reversed(books.record.lines(Filter(call_id=call_id)))]


def test_killed_while_it_asks_for_the_meter(slow, scene):
    """Of several who know nothing yet, one asks for the meter; if it is killed, another soon asks in its place."""
    dying = scene.child(slow, at="probing", client="AsyncKeepa", items=HELD)
    assert dying.wait(LIFE_SECONDS) == -signal.SIGKILL
    killed_at = slow.clock.now()
    with scene.survivor(slow) as keepa:
        keepa.products(OTHERS[:1], max_age=0)
    assert slow.clock.now() - killed_at < PROBE_LIFE + timedelta(minutes=4)  # a second is a minute here
    scene.books(slow).demand_agreement()


def test_killed_in_the_queue(slow, scene):
    """The place of a killed waiter is void when it is no longer renewed, and those behind it go on then."""
    books = scene.books(slow)
    with scene.survivor(slow) as keepa:
        keepa.products(OTHERS[:20], max_age=0)  # leaves 40: not enough for 50, which are there in twenty minutes
    # The first wants a list, which cannot be divided; the others would have their ten at once if they came alone.
    first, *others = [waiting(scene.child(slow, at="never", client="AsyncKeepa", items=items)) for items in (0, 10, 10)]
    assert len(books.ledger.account().tickets) == 3
    first.kill()
    killed_at = slow.clock.now()
    assert first.wait(LIFE_SECONDS) == -signal.SIGKILL
    for each in others:
        out, _ = each.communicate(timeout=LIFE_SECONDS)
        assert each.returncode == 0
        ended_at = datetime.fromtimestamp(float(out.split()[-1]), UTC)
        assert ended_at - killed_at < TICKET_LIFE + timedelta(minutes=4)
    assert books.ledger.account().tickets == ()
    books.demand_agreement()
    assert books.truth()["consumed"] == 20 + 10 + 10
    assert books.truth()["lowest_balance"] >= FLOOR


def waiting(child: "subprocess.Popen[str]") -> "subprocess.Popen[str]":
    """Wait until a child stands in the queue."""
    assert child.stdout is not None
    assert child.stdout.readline() == "waits\n"
    return child
