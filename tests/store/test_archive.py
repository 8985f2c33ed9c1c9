"""The archive's promises, on both databases: kept, found, leased, thinned out, and never served damaged."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update
from tests.store.makers import at, meter

from keepahead.budget.entry import Label, Served
from keepahead.store import archive as archives
from keepahead.store import tables
from keepahead.store.archive import UNREAD, Archive, evict
from keepahead.store.audit import Audit
from keepahead.store.inventory import Inventory
from keepahead.store.packing import DamagedError, pack, unpack
from keepahead.store.record import Filter, GroupBy, Record
from keepahead.store.wanted import Item, Wanted

UPSTREAM = "https://api.keepa.com"
AGO = at(-3600)
LATER = at(480)


@pytest.fixture
def archive(database) -> Archive:
    """An archive with plenty of room."""
    return Archive(database, UPSTREAM, 100)


def wanted(*items: str, contents: str = "plain", serves=None, endpoint: str = "product", domain: int = 1) -> Wanted:
    """What somebody looks for; by default exactly these contents will do."""
    return Wanted(endpoint, domain, items, contents, serves or (lambda text: text == contents))


def item(name: str, body: bytes = b"{}", seconds: float = 0, contents: str = "plain", call_id: str = "call") -> Item:
    """An item as it comes from an answer."""
    return Item(name, contents, at(seconds), 1, call_id, body)


def count(database) -> int:
    """How many rows there are, of all upstreams."""
    with database.read() as connection:
        return connection.execute(select(func.count()).select_from(tables.answers)).scalar_one()


def test_what_is_kept_is_found(archive):
    """An item comes back byte for byte, with when it was fetched, what it cost and who paid; others are missing."""
    archive.keep(wanted("A", "B"), [item("A", b"first \x00 body"), item("B", b"second", seconds=5)])
    found = archive.look(wanted("A", "B", "C"), AGO, at(10))
    assert found == {"A": item("A", b"first \x00 body"), "B": item("B", b"second", seconds=5)}


def test_too_old_is_not_found(archive):
    """What was fetched before the moment that is asked for is not there."""
    archive.keep(wanted("A"), [item("A", seconds=10)])
    assert archive.look(wanted("A"), at(10), at(20))
    assert not archive.look(wanted("A"), at(11), at(20))


@pytest.mark.parametrize(
    "other", [wanted("A", domain=3), wanted("A", endpoint="seller"), wanted("A", contents="other"), wanted("B")]
)
def test_another_key_is_another_item(archive, other):
    """Endpoint, domain, item and contents tell items apart."""
    archive.keep(wanted("A"), [item("A")])
    assert not archive.look(other, AGO, at(1))


def test_upstreams_never_mix(database, archive):
    """What a simulator said is not there for Keepa, nor the other way round; two keys of one upstream share it."""
    archive.keep(wanted("A"), [item("A")])
    assert not Archive(database, "http://simulator", 100).look(wanted("A"), AGO, at(1))
    assert Archive(database, UPSTREAM, 100).look(wanted("A"), AGO, at(1))
    long = f"http://{'x' * 300}"
    Archive(database, long, 100).keep(wanted("Z"), [item("Z")])
    assert Archive(database, long, 100).look(wanted("Z"), AGO, at(1))


def test_of_several_the_newest_serves(archive):
    """Of several that will do, the newest is given."""
    for seconds, contents in ((1, "wide"), (3, "wider"), (2, "widest")):
        archive.keep(wanted("A"), [item("A", contents.encode(), seconds, contents)])
    found = archive.look(wanted("A", serves=lambda text: text.startswith("wide")), AGO, at(9))
    assert found["A"].body == b"wider"


def test_the_newer_stays(archive, database):
    """Kept again, the newer takes the place of the older, in whichever order they come."""
    for seconds in (1, 3, 2):
        archive.keep(wanted("A"), [item("A", str(seconds).encode(), seconds)])
    assert archive.look(wanted("A"), AGO, at(9))["A"].body == b"3"
    assert count(database) == 1


def test_what_a_wrong_clock_left_behind(archive, database):
    """What was fetched an hour from now is of no known age: it serves nobody, and what is fetched now replaces it."""
    archive.keep(wanted("A"), [item("A", b"wrong", 3600)])
    assert not archive.look(wanted("A"), AGO, at(0))
    assert not archive.newest(wanted("A"), AGO, at(0), 10)
    assert archive.claim(wanted("A"), AGO, at(0), "one", LATER).mine == ("A",)
    archive.keep(wanted("A"), [item("A", b"right", 1)], holder="one")
    assert archive.look(wanted("A"), AGO, at(2))["A"].body == b"right"
    assert count(database) == 1


def test_a_lease_that_a_wrong_clock_left_behind(archive):
    """A lease that seems to hold for a day was taken before the clock was put back: nobody waits for it."""
    archive.claim(wanted("A"), AGO, at(86_400), "dead", at(86_400 + 480))
    assert archive.peek(wanted("A"), AGO, at(0), "one").others == {}
    assert archive.claim(wanted("A"), AGO, at(0), "one", LATER).mine == ("A",)
    assert archive.claim(wanted("A"), AGO, at(1), "two", LATER).others == {"A": LATER}


def test_what_is_replaced_goes(archive, database):
    """An older item that holds no more than the new one needs no room any more; one that holds more stays."""
    for contents in ("narrow", "wide", "other"):
        archive.keep(wanted("A"), [item("A", contents=contents)])
    archive.keep(
        wanted("A", contents="wider"),
        [item("A", seconds=5, contents="wider")],
        replaces=lambda new, old: new == "wider" and old in {"narrow", "wide"},
    )
    assert count(database) == 2
    assert archive.look(wanted("A", contents="other"), AGO, at(9))


def test_a_thousand_in_few_statements(archive):
    """Any number of items is found at once."""
    names = [f"B{number:09}" for number in range(1_300)]
    archive.keep(wanted(*names), [item(name, name.encode()) for name in names])
    found = archive.look(wanted(*names, "missing"), AGO, at(1))
    assert {name: each.body for name, each in found.items()} == {name: name.encode() for name in names}


def test_leases(archive):
    """What one fetches another waits for; it is free again when it is kept, released, or when its time is over."""
    first = archive.claim(wanted("A", "B"), AGO, at(0), "one", LATER)
    assert (first.found, first.mine, first.others) == ({}, ("A", "B"), {})
    second = archive.claim(wanted("B", "C"), AGO, at(1), "two", LATER)
    assert (second.mine, second.others) == (("C",), {"B": LATER})
    archive.release("one")
    assert archive.claim(wanted("B"), AGO, at(2), "two", LATER).mine == ("B",)
    assert archive.claim(wanted("A"), AGO, at(2), "three", at(3)).mine == ("A",)
    assert archive.claim(wanted("A"), AGO, at(4), "four", LATER).mine == ("A",)


def test_a_claim_looks_again(archive):
    """What came into the archive since it was looked for is found with the claim, and not fetched again."""
    archive.claim(wanted("A"), AGO, at(0), "one", LATER)
    archive.keep(wanted("A"), [item("A", seconds=1)], holder="one")
    claim = archive.claim(wanted("A", "B"), AGO, at(2), "two", LATER)
    assert (list(claim.found), claim.mine, claim.others) == (["A"], ("B",), {})


def test_only_what_will_do_is_waited_for(archive):
    """Who needs more than what somebody fetches does not wait for it; who needs no more does."""
    archive.claim(wanted("A", contents="narrow"), AGO, at(0), "one", LATER)
    wide = wanted("A", contents="wide", serves=lambda text: text == "wide")
    assert archive.claim(wide, AGO, at(1), "two", LATER).mine == ("A",)
    either = wanted("A", contents="narrow", serves=lambda _: True)
    assert archive.peek(either, AGO, at(1), "three").others == {"A": LATER}


def damage(database, name: str) -> None:
    """Turn over one bit in the middle of an item's bytes."""
    columns = tables.answers.c
    with database.write() as connection:
        body = connection.execute(select(columns.body).where(columns.item == name)).scalar_one()
        at_ = len(body) // 2
        broken = body[:at_] + bytes([body[at_] ^ 1]) + body[at_ + 1 :]
        connection.execute(update(tables.answers).where(columns.item == name).values(body=broken))


def test_damaged_bytes_are_dropped(archive, database):
    """Bytes that are not what was kept serve nobody: they are dropped, counted, and leased to be fetched again."""
    archive.keep(wanted("A", "B"), [item("A", b"a" * 100 + b"b" * 100), item("B")])
    damage(database, "A")
    assert list(archive.look(wanted("A", "B"), AGO, at(1))) == ["B"]
    assert count(database) == 1
    archive.keep(wanted("A"), [item("A", b"a" * 100 + b"b" * 100)])
    damage(database, "A")
    assert archive.claim(wanted("A"), AGO, at(2), "one", LATER).mine == ("A",)
    assert Inventory(database, UPSTREAM).stock().damaged == 2


@pytest.mark.parametrize("position", range(0, 60, 3))
def test_every_bit_is_checked(position):
    """Whichever byte is damaged, it is seen."""
    packed = pack(b'{"products":[{"asin":"B0D8W1YVBX","title":"some words"}]}')
    place = position % len(packed)
    broken = packed[:place] + bytes([packed[place] ^ 0x10]) + packed[place + 1 :]
    with pytest.raises(DamagedError):
        unpack(broken)
    with pytest.raises(DamagedError):
        unpack(packed[:place])


def test_unread_serves_nobody(archive, database):
    """An answer that is put away takes the place of what was kept of it, and is counted."""
    archive.keep(wanted("A", "B"), [item("A", call_id="bad"), item("B", call_id="good")])
    archive.put_away(wanted("A", "B"), item("call bad", b"?", contents=UNREAD, call_id="bad"))
    assert list(archive.look(wanted("A", "B", "call bad"), AGO, at(1))) == ["B"]
    assert Inventory(database, UPSTREAM).stock().unread == 1


def used_at(database) -> dict[str, object]:
    """When each item was last used, as it is written down."""
    with database.read() as connection:
        return dict(connection.execute(select(tables.answers.c.item, tables.answers.c.used_at)).all())


def test_use_is_written_seldom(archive, database):
    """That an item was used is written down an hour later at the earliest, and with something else, or at the end."""
    archive.keep(wanted("A", "B"), [item("A"), item("B")])
    archive.look(wanted("A"), AGO, at(3_599))
    archive.flush()
    assert used_at(database) == {"A": at(0), "B": at(0)}
    archive.look(wanted("A"), AGO, at(3_600))
    assert used_at(database)["A"] == at(0)
    archive.keep(wanted("C"), [item("C", seconds=3_600)])
    assert used_at(database) == {"A": at(3_600), "B": at(0), "C": at(3_600)}


def test_the_least_recently_used_go(database):
    """Above the limit those that were not used for longest make room, so many at a time."""
    archive = Archive(database, UPSTREAM, 1)
    incompressible = [random.Random(number).randbytes(1_000) for number in range(4)]
    sizes = [len(pack(body)) for body in incompressible]
    for number, body in enumerate(incompressible):
        archive.keep(wanted(f"{number}"), [item(f"{number}", body, seconds=number)])
    archive.look(wanted("0"), AGO, at(7_200))
    archive.flush()
    assert evict(database, sum(sizes)) == 0
    assert evict(database, sum(sizes) - 1) == 1
    assert set(used_at(database)) == {"0", "2", "3"}
    assert evict(database, 0) == 3


def test_the_limit_holds(database, monkeypatch):
    """An archive that is filled stays below its limit."""
    monkeypatch.setattr(archives, "_MEGABYTE", 1_000)
    archive = Archive(database, UPSTREAM, 20)
    for number in range(60):
        body = random.Random(number).randbytes(2_000)
        archive.keep(wanted(f"{number}"), [item(f"{number}", body, seconds=number)])
        assert Inventory(database, UPSTREAM).stock().total_size <= 20_000 + 2_500
    assert "59" in used_at(database)
    assert "0" not in used_at(database)


def test_another_archive_takes_it_in(archive, database):
    """Rows go to another upstream's archive and back; the newer stays, damaged ones are left out."""
    archive.keep(wanted("A", "B"), [item("A", b"old"), item("B", b"b" * 50)])
    rows = list(Inventory(database, UPSTREAM).rows())
    other = Inventory(database, "http://other")
    assert sum(other.merge(rows)) == 2
    newer = [{**rows[0], "fetched_at": at(9), "body": pack(b"new")}, {**rows[1], "body": b"junk"}]
    assert sum(other.merge(newer)) == 1
    assert sum(other.merge(rows)) == 2
    found = Archive(database, "http://other", 100).look(wanted("A", "B"), AGO, at(10))
    assert (found["A"].body, found["B"].body) == (b"new", b"b" * 50)
    assert found["A"].call_id == "call"


def test_looking_through(archive, database):
    """Single items are told newest first, page by page; unread answers, whole ones and other endpoints are not."""
    for number in range(5):
        archive.keep(wanted(f"A{number}"), [item(f"A{number}", f"body {number}".encode(), seconds=number % 4)])
    archive.keep(wanted("B", domain=3), [item("B", seconds=9)])
    archive.keep(wanted("whole", contents=""), [item("whole", contents="", seconds=9)])
    archive.keep(wanted("call x", contents=UNREAD), [item("call x", contents=UNREAD, seconds=9)])
    archive.keep(wanted("S", endpoint="seller"), [item("S", seconds=9)])
    inventory = Inventory(database, UPSTREAM)
    first = inventory.places("product", domain=1, most=3)
    rest = inventory.places("product", domain=1, after=first[-1])
    assert [each.item for each in (*first, *rest)] == ["A3", "A2", "A1", "A4", "A0"]
    assert inventory.places("product")[0].item == "B"
    assert [each.item for each in inventory.places("product", item="A2")] == ["A2"]
    assert (inventory.count("product"), inventory.count("product", domain=3)) == (6, 1)
    damage(database, "A2")
    assert sorted(inventory.bodies(first).values()) == [b"body 1", b"body 3"]
    assert Inventory(database, "https://elsewhere").places("product") == []


def test_pruning(archive, database):
    """What is older, or of one endpoint, or all, goes; and the leases of the dead with it."""
    names = [f"{number}" for number in range(1_100)]
    archive.keep(wanted(*names), [item(name) for name in names])
    archive.keep(wanted("S", endpoint="seller"), [item("S", seconds=50)])
    archive.claim(wanted("X"), AGO, at(0), "dead", at(5))
    inventory = Inventory(database, UPSTREAM)
    assert sum(inventory.prune(at(9), before=at(0))) == 0
    assert sum(inventory.prune(at(9), before=at(1))) == 1_100
    assert [part.endpoint for part in inventory.stock().parts] == ["seller"]
    assert sum(inventory.prune(at(9), endpoint="product")) == 0
    assert sum(inventory.prune(at(9))) == 1
    with database.read() as connection:
        assert connection.execute(select(tables.leases)).all() == []


def served(tokens: int, seconds: float = 1, paid_by: str = "") -> Served:
    """An entry of the archive's."""
    return Served(
        at=at(seconds), label=Label("s", "product", "live", "tests"), tokens=tokens, shape="?", paid_by=paid_by
    )


def test_what_was_saved_is_on_record(ledger, database):
    """What the archive answered is written with the next step, or at the end, and moves nothing of the account."""
    ledger.serve(served(3, paid_by="first"))
    ledger.serve(served(4))
    record = Record(database, ledger.fingerprint)
    assert record.lines(Filter()) == []
    before = ledger.account()
    ledger.flush()
    ledger.flush()
    assert ledger.account() == before
    assert [line.entry for line in record.lines(Filter(kind="served_from_archive"))][::-1] == [
        served(3, paid_by="first"),
        served(4),
    ]
    assert record.today(at(2)).saved == 7
    assert [(each.group, each.saved) for each in record.sums(GroupBy.CALLER, Filter())] == [("tests", 7)]
    assert Audit(database, ledger.fingerprint).verify().drifts == ()


def test_much_is_written_at_once(ledger, database):
    """Who is served for long has it written now and then, however little else happens."""
    for number in range(501):
        ledger.serve(served(1, seconds=number / 1_000))
    ledger.serve(served(1, seconds=30))
    assert Record(database, ledger.fingerprint).today(at(30)).saved == 502
    ledger.serve(served(1, seconds=31))
    assert Record(database, ledger.fingerprint).today(at(31)).saved == 502
    ledger.flush()
    assert Record(database, ledger.fingerprint).today(at(31)).saved == 503


def test_folding_keeps_what_was_saved(ledger, database):
    """Entries of the archive's are put away like others; their sums stay."""
    ledger.observe(meter(0, 100), at(0))
    ledger.serve(served(5))
    ledger.flush()
    ledger.observe(meter(8_000, 100), at(8_000))
    audit = Audit(database, ledger.fingerprint)
    assert audit.fold(at(7_200)) == 2
    assert audit.verify().drifts == ()
    record = Record(database, ledger.fingerprint)
    assert sum(each.saved for each in record.sums(GroupBy.CALLER, Filter(until=at(0) + timedelta(days=1)))) == 5
