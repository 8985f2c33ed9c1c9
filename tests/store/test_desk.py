"""The desk: what waits together goes through together, and nobody is forgotten."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from keepahead.errors import LedgerUnavailableError
from keepahead.store.desk import Desk


class Book:
    """Serves slips into a list; `gate` holds it up, `is_away` makes it fail."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.rounds: list[int] = []
        self.gate = threading.Event()
        self.entered = threading.Event()
        self.is_away = False
        self.gate.set()

    def serve(self, slips) -> None:
        self.entered.set()
        self.gate.wait(10)
        if self.is_away:
            raise LedgerUnavailableError("away")
        self.rounds.append(len(slips))
        for slip in slips:
            slip.result = slip.work(self.lines)


def writing(line: str):
    """A step that writes one line and returns it."""

    def work(lines: list[str]) -> str:
        lines.append(line)
        return line

    return work


def test_what_waits_goes_through_together():
    """While one round is under way all others gather, and the next round takes them all, in their order."""
    book = Book()
    desk = Desk(book.serve)
    book.gate.clear()
    with ThreadPoolExecutor(21) as threads:
        first = threads.submit(desk.do, writing("first"))
        assert book.entered.wait(10)
        others = [threads.submit(desk.do, writing(str(number))) for number in range(20)]
        while len(desk._waiting) < 20:
            pass
        book.gate.set()
        assert [each.result(10) for each in (first, *others)] == ["first", *map(str, range(20))]
    assert book.rounds == [1, 20]


def test_a_failed_round_fails_all_who_waited_for_it():
    """Whoever came while the ledger was away has waited long enough; the next one tries anew."""
    book = Book()
    desk = Desk(book.serve)
    book.gate.clear()
    book.is_away = True
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(desk.do, writing("a"))]
        assert book.entered.wait(10)
        waiting += [threads.submit(desk.do, writing("b")) for _ in range(3)]
        while len(desk._waiting) < 3:
            pass
        book.gate.set()
        for each in waiting:
            with pytest.raises(LedgerUnavailableError):
                each.result(10)
    book.is_away = False
    assert desk.do(writing("c")) == "c"
    assert book.lines == ["c"]


def test_facts_are_owed_until_they_are_written():
    """What has happened is written before the next step that can be, once; what was only asked for is not."""
    book = Book()
    desk = Desk(book.serve)
    book.is_away = True
    for line, is_fact in (("fact 1", True), ("wish", False), ("fact 2", True)):
        with pytest.raises(LedgerUnavailableError):
            desk.do(writing(line), is_fact=is_fact)
    book.is_away = False
    desk.do(writing("next"))
    desk.do(writing("last"))
    assert book.lines == ["fact 1", "fact 2", "next", "last"]


def test_an_interrupted_leader_leaves_the_desk_open():
    """A step that ends in Ctrl-C is over for its thread, and others go on."""

    def interrupt(_lines: list[str]) -> None:
        raise KeyboardInterrupt

    book = Book()
    desk = Desk(book.serve)
    with pytest.raises(KeyboardInterrupt):
        desk.do(interrupt)
    assert desk.do(writing("after")) == "after"
