"""A real ledger for each test, on SQLite and on PostgreSQL: the same tests, the same promises."""

import pytest

from keepahead.store.ledger import Ledger


@pytest.fixture
def sqlite_url(tmp_path) -> str:
    """Where a SQLite ledger lies, for what only a file can be asked."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture
def ledger(database) -> Ledger:
    """Return the ledger of one account."""
    return Ledger(database, "account")
