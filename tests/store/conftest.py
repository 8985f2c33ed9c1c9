"""A real ledger for each test, on SQLite and on PostgreSQL: the same tests, the same promises."""

from collections.abc import Iterator

import pytest

from keepahead.store.database import Database, open_database
from keepahead.store.ledger import Ledger


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    """Where a SQLite ledger lies, for what only a file can be asked."""
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
