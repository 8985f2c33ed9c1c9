"""The archive looked through: what fits, within bounds, and which answer about a product is taken out."""

import json
from datetime import timedelta

import pytest
from tests.house import START

from keepahead.faces.dashboard import shelf
from keepahead.faces.dashboard.shelf import is_asin, search, take_out
from keepahead.keepa.contents import ProductContents
from keepahead.store.archive import Archive
from keepahead.store.database import open_database
from keepahead.store.inventory import Inventory
from keepahead.store.wanted import Item, Wanted

UPSTREAM = "https://api.keepa.com"
PLAIN = ProductContents()


@pytest.fixture
def database(tmp_path):
    """A database."""
    opened = open_database(f"sqlite:///{tmp_path / 'shelf.db'}")
    yield opened
    opened.close()


def keep(database, asin: str, minutes: float = 0, *, holds: ProductContents = PLAIN, domain: int = 1, **fields) -> None:
    """Archive a product that was fetched so many minutes after the start."""
    body = json.dumps({"products": [{"asin": asin, "domainId": domain, **fields}]}).encode()
    wanted = Wanted("product", domain, (asin,), holds.text, lambda text: text == holds.text)
    at = START + timedelta(minutes=minutes)
    Archive(database, UPSTREAM, 100).keep(wanted, [Item(asin, holds.text, at, 1, "call", body)])


def test_words(database):
    """All words must be in title, brand or ASIN, in any order and case; entities are read as people write them."""
    keep(database, "B000000001", 1, title="Steel &amp; Glass Kettle", brand="Acme")
    keep(database, "B000000002", 2, title="Glass bowl", brand="ACME")
    keep(database, "B000000003", 3, domain=3, title="Glas", brand="Other")
    inventory = Inventory(database, UPSTREAM)

    def found(words: str, domain: int | None = None) -> list[str]:
        return [hit.asin[-1] for hit in search(inventory, words, domain=domain).hits]

    assert found("") == ["3", "2", "1"]
    assert found("acme glass") == ["2", "1"]
    assert found("& kettle") == ["1"]
    assert found("000000003") == ["3"]
    assert found("b000000002") == ["2"]
    assert found("b000000002", domain=3) == []
    assert found("glas", domain=3) == ["3"]


def test_bounds(database, monkeypatch):
    """No more than so many are looked at, it is told how many, and the next search goes on from there."""
    monkeypatch.setattr(shelf, "LOOKS_MAX", 4)
    for number in range(10):
        keep(database, f"B00000000{number}", number, title="Kettle" if number in {1, 8} else "Bowl")
    inventory = Inventory(database, UPSTREAM)
    first = search(inventory, "kettle", domain=None)
    assert ([hit.asin for hit in first.hits], first.looked_at) == (["B000000008"], 4)
    second = search(inventory, "kettle", domain=None, after=first.last)
    third = search(inventory, "kettle", domain=None, after=second.last)
    assert second.hits == []
    assert ([hit.asin for hit in third.hits], third.looked_at, third.last) == (["B000000001"], 2, None)


def test_one_product(database):
    """The newest answer with histories is taken out; a newer one without them is told of, and other upstreams never."""
    inventory = Inventory(database, UPSTREAM)
    assert take_out(inventory, "B000000001", 1) is None
    keep(database, "B000000001", 0, holds=ProductContents(stats="90"), title="old")
    keep(database, "B000000001", 5, holds=ProductContents(buybox=True), title="newer")
    found = take_out(inventory, "B000000001", 1)
    assert found is not None
    assert (found.product.title, found.holds.buybox, found.newer_at) == ("newer", True, None)
    keep(database, "B000000001", 9, holds=ProductContents(history=False, days=0, stats="30"), title="bare")
    found = take_out(inventory, "B000000001", 1)
    assert found is not None
    assert (found.product.title, found.newer_at) == ("newer", START + timedelta(minutes=9))
    assert take_out(Inventory(database, "https://elsewhere"), "B000000001", 1) is None


def test_what_cannot_be_read(database):
    """An answer that is no product any more is passed over."""
    wanted = Wanted("product", 1, ("B000000001",), PLAIN.text, lambda _: True)
    archive = Archive(database, UPSTREAM, 100)
    archive.keep(wanted, [Item("B000000001", PLAIN.text, START, 1, "call", b'{"products":[7]}')])
    assert search(Inventory(database, UPSTREAM), "", domain=None).hits == []


def test_asins():
    """What is an ASIN is told from words."""
    assert [is_asin(text) for text in ("B0D8W1YVBX", "0306406152", "HEADPHONES", "b0d8w1yvbx", "B0D8W1YVB")] == [
        True,
        True,
        False,
        False,
        False,
    ]
