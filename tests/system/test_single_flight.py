"""Single flight across real processes, on both databases: one pays, and if it is killed another goes on."""

import signal
import subprocess
from collections.abc import Iterator, Sequence

import pytest
from tests.served import Served
from tests.system.children import Books, spot, start

from keepahead.store.database import open_database
from keepahead.store.record import Filter

LIFE_SECONDS = 90
ASINS = [f"B4{number:08}" for number in range(20)]


@pytest.fixture(scope="module")
def slow() -> Iterator[Served]:
    """A Keepa that takes its time: three seconds for each answer, in which everybody comes to ask."""
    served = Served("--rate", "20", "--speed", "8", "--latency", "24..24")
    yield served
    served.kill()


@pytest.fixture(scope="module")
def fast() -> Iterator[Served]:
    """A Keepa where a lease of eight minutes is over in a second."""
    served = Served("--rate", "20", "--speed", "480", "--latency", "20")
    yield served
    served.kill()


@pytest.fixture
def scene(url, request):
    """Return what starts a child that spends somewhere, and the books of the account."""
    database = open_database(url)
    children: list[subprocess.Popen[str]] = []
    key = f"{abs(hash(request.node.nodeid)):064}"

    def at(served: Served):
        def child(caller: str, *, asins: Sequence[str] = ASINS, dies: bool = False) -> "subprocess.Popen[str]":
            told = spot(served, url, key)
            children.append(start("fetching", **told, caller=caller, asins=list(asins), dies=dies))
            return children[-1]

        return child, Books(database, served, key)

    yield at
    for each in children:
        each.kill()
        each.communicate()
    database.close()


def said(child: "subprocess.Popen[str]") -> list[str]:
    """What a child has printed when it is at its end."""
    out, _ = child.communicate(timeout=LIFE_SECONDS)
    assert child.returncode == 0
    return out.split("\n")


def test_one_process_pays(slow, scene):
    """Four processes that want the same products at the same time pay once; the ledger names the others too."""
    child, books = scene(slow)
    first = child("first")
    assert first.stdout is not None
    assert first.stdout.readline() == "sends\n"
    others = [child(f"other {n}", asins=ASINS[n:]) for n in range(3)]
    assert said(first)[0] == "20 20"
    assert [said(other)[0] for other in others] == ["0 20", "0 19", "0 18"]
    assert books.truth()["consumed"] == 20
    paid = next(line.entry for line in books.record.lines(Filter(kind="settled", endpoint="product")))
    served = [line.entry for line in books.record.lines(Filter(kind="served_from_archive"))]
    assert {(entry.label.caller, entry.tokens, entry.paid_by) for entry in served} == {
        (f"other {n}", 20 - n, paid.label.call_id) for n in range(3)
    }
    books.demand_agreement()


def test_the_first_is_killed(fast, scene):
    """If the one that pays is killed, the second waits until its lease is over, and pays; nobody pays a third time."""
    child, books = scene(fast)
    first = child("first", dies=True)
    assert first.wait(LIFE_SECONDS) == -signal.SIGKILL
    others = child("second"), child("third")
    paid = [int(said(other)[-2].split()[0]) for other in others]
    assert sorted(paid) == [0, 20]
    assert books.truth()["consumed"] == 40
    books.demand_replay()
