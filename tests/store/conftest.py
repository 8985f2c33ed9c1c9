"""A real SQLite ledger for each test."""

from collections.abc import Iterator

import pytest

from keepahead.store.database import Database, open_database
from keepahead.store.ledger import Ledger


@pytest.fixture
def url(tmp_path) -> str:
    """Where the ledger lies."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def database(url) -> Iterator[Database]:
    """Open the ledger's database."""
    database = open_database(url)
    yield database
    database.close()


@pytest.fixture
def ledger(database) -> Ledger:
    """Return the ledger of one account."""
    return Ledger(database, "account")
