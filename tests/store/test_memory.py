"""The archive's memory serves what the database would, without asking it, and no longer than a minute."""

import random
from datetime import timedelta

import pytest
from tests.store.makers import at
from tests.store.test_archive import AGO, UPSTREAM, item, wanted

from keepahead.store.archive import UNREAD, Archive, evict
from keepahead.store.inventory import Inventory
from keepahead.store.memory import MEMORY_LIFE
from keepahead.store.wanted import Wanted

LIFE = MEMORY_LIFE.total_seconds()


@pytest.fixture
def archive(database) -> Archive:
    """An archive with a megabyte of memory."""
    return Archive(database, UPSTREAM, 100, memory_megabytes=1)


@pytest.fixture
def plain(database) -> Archive:
    """The same archive, as another process sees it: it remembers nothing."""
    return Archive(database, UPSTREAM, 100)


def test_nothing_is_remembered_unless_it_is_wanted(plain):
    """Without memory there is nothing to recall."""
    plain.keep(wanted("A"), [item("A")])
    plain.look(wanted("A"), AGO, at(1))
    assert not plain.remembers
    assert plain.recall(wanted("A"), AGO, at(1)) == {}


def test_what_was_kept_or_looked_up(archive, plain):
    """What this process kept or looked up is recalled without the database, the very same; the rest is not there."""
    archive.keep(wanted("A"), [item("A", b"body")])
    plain.keep(wanted("B"), [item("B", b"other")])
    assert archive.recall(wanted("A", "B"), AGO, at(1)) == {"A": item("A", b"body")}
    looked_up = archive.look(wanted("A", "B", "C"), AGO, at(1))
    assert looked_up == plain.look(wanted("A", "B", "C"), AGO, at(1))
    assert archive.recall(wanted("A", "B", "C"), AGO, at(1)) == looked_up


def test_the_database_is_not_asked(archive, database, monkeypatch):
    """What is all in memory takes no transaction; of what is not, only that is read."""
    archive.keep(wanted("A"), [item("A")])
    read: list[Wanted] = []
    find = Archive._find

    def spy(self, connection, of, since, now):
        read.append(of)
        return find(self, connection, of, since, now)

    monkeypatch.setattr(Archive, "_find", spy)
    assert set(archive.look(wanted("A"), AGO, at(1))) == {"A"}
    assert read == []
    archive.look(wanted("A", "B"), AGO, at(1))
    assert [of.items for of in read] == [("B",)]


def test_for_a_minute(archive, plain):
    """After a minute the database is asked again: what others have fetched since is found, and use is written down."""
    archive.keep(wanted("A"), [item("A", b"old")])
    plain.keep(wanted("A"), [item("A", b"new", seconds=5)])
    assert archive.look(wanted("A"), AGO, at(LIFE - 1))["A"].body == b"old"
    assert archive.look(wanted("A"), AGO, at(LIFE + 1))["A"].body == b"new"
    assert archive.look(wanted("A"), AGO, at(2 * LIFE - 1))["A"].body == b"new"


def test_a_clock_that_is_put_back(archive):
    """What was remembered in what is now the future is not recalled, and what was fetched then serves nobody."""
    archive.keep(wanted("A"), [item("A", seconds=3600)])
    assert archive.recall(wanted("A"), AGO, at(3600))
    assert not archive.recall(wanted("A"), AGO, at(3599))
    assert not archive.look(wanted("A"), AGO, at(0))


def test_age_and_contents_count(archive):
    """What is too old, or does not hold what is asked, is not served from memory either."""
    archive.keep(wanted("A", contents="wide"), [item("A", contents="wide")])
    assert not archive.recall(wanted("A", contents="wide"), at(1), at(2))
    assert not archive.recall(wanted("A", contents="other"), AGO, at(2))
    assert not archive.recall(wanted("A", contents="wide", serves=lambda _: False), AGO, at(2))
    assert not archive.recall(wanted("A", contents="wide", domain=3), AGO, at(2))
    assert archive.recall(wanted("A", contents="wide"), AGO, at(2))


def test_the_least_recently_used_go(archive):
    """Of more than the memory holds the least recently used go; what is larger than all of it is not held."""
    names = [f"A{number}" for number in range(5)]
    for name in names[:4]:
        archive.keep(wanted(name), [item(name, bytes(250_000))])
    assert archive.recall(wanted(names[0]), AGO, at(1))
    archive.keep(wanted(names[4]), [item(names[4], bytes(200_000))])
    assert set(archive.recall(wanted(*names), AGO, at(1))) == {names[0], names[2], names[3], names[4]}
    archive.keep(wanted("huge"), [item("huge", bytes(1_000_001))])
    assert not archive.recall(wanted("huge"), AGO, at(1))
    assert len(archive.recall(wanted(*names), AGO, at(1))) == 4
    for _ in range(9):  # the same again takes no more room
        archive.keep(wanted(names[4]), [item(names[4], bytes(200_000), seconds=1)])
    assert len(archive.recall(wanted(*names), AGO, at(1))) == 4


@pytest.mark.parametrize("how", ["prune", "evict", "import", "put away"])
def test_what_is_dropped_is_forgotten(archive, database, how):
    """What this process drops, or takes in from elsewhere, is not served from memory any more."""
    archive.keep(wanted("A"), [item("A", random.Random(1).randbytes(1_000))])
    assert archive.recall(wanted("A"), AGO, at(1))
    match how:
        case "prune":
            list(Inventory(database, UPSTREAM).prune(at(1)))
        case "evict":
            assert evict(database, 0) == 1
        case "import":
            [row] = Inventory(database, UPSTREAM).rows()
            list(Inventory(database, UPSTREAM).merge([{**row, "fetched_at": at(1)}]))
        case _:
            archive.put_away(wanted("A"), item("A", contents=UNREAD))
    assert not archive.recall(wanted("A"), AGO, at(1))


def test_a_look_that_is_overtaken(archive, plain, monkeypatch):
    """What is looked up while something newer is kept does not hide it afterwards."""
    anything = wanted("A", contents="any", serves=lambda _: True)
    plain.keep(wanted("A"), [item("A", b"old")])
    unpacked = Archive._unpacked

    def slowly(self, rows, now):
        found = unpacked(self, rows, now)
        monkeypatch.undo()
        archive.keep(wanted("A"), [item("A", b"new", seconds=1)])
        return found

    monkeypatch.setattr(Archive, "_unpacked", slowly)
    assert archive.look(anything, AGO, at(2))["A"].body == b"old"
    assert archive.look(anything, AGO, at(2))["A"].body == b"new"


@pytest.mark.parametrize("seed", range(4))
def test_it_is_as_if_there_were_none(archive, plain, database, seed):
    """Whatever this process keeps, looks up, drops and takes in: with memory it finds the same as without."""
    chance = random.Random(seed)
    now = 0.0

    def some() -> Wanted:
        level = chance.choice("0123")
        names = chance.sample("ABCDEF", chance.randint(1, 4))
        return wanted(*names, contents=level, serves=lambda text: text >= level and text != UNREAD)

    for _ in range(150):
        now += chance.choice((0.1, 1, 20))
        of = some()
        match chance.choice(("look", "look", "look", "keep", "keep", "prune", "put away", "import")):
            case "keep":
                late = chance.choice((0, 0, 3))
                body = chance.randbytes(chance.choice((10, 90_000)))
                archive.keep(
                    of,
                    [item(name, body, now - late, of.contents, call_id=f"{now}") for name in of.items],
                    replaces=lambda new, old: new >= old,
                )
            case "prune" if chance.random() < 0.3:
                list(Inventory(database, UPSTREAM).prune(at(now), before=at(now - 30)))
            case "put away" if chance.random() < 0.3:
                archive.put_away(of, item(of.items[0], b"", now, UNREAD, call_id=f"{now}"))
            case "import" if chance.random() < 0.3:
                rows = list(Inventory(database, UPSTREAM).rows())[:2]
                list(Inventory(database, UPSTREAM).merge([{**row, "fetched_at": at(now)} for row in rows]))
            case _:
                since = at(now - chance.choice((5, 60, 600)))
                assert archive.look(of, since, at(now)) == plain.look(of, since, at(now))
                recalled = archive.recall(of, since, at(now))
                assert recalled.items() <= plain.look(of, since, at(now)).items()


def test_it_is_soon_asked_what_is_hot(archive, database):
    """An item that is asked for all the time is touched in the archive, though most of it is answered from memory."""
    archive.keep(wanted("A"), [item("A")])
    for minutes in range(0, 130, 2):
        for seconds in (0, 30):
            archive.look(wanted("A"), AGO, at(minutes * 60 + seconds))
    archive.flush()
    [row] = Inventory(database, UPSTREAM).rows()
    assert row["used_at"] - row["fetched_at"] > timedelta(hours=1)
