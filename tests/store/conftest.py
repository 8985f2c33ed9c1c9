"""A real ledger for each test, on SQLite and on PostgreSQL: the same tests, the same promises."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url
from tests.postgres import server

from keepahead.store.database import Database, open_database
from keepahead.store.ledger import Ledger


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL server with a migrated database to copy; return the URL of its maintenance database."""
    with server() as url:
        command(url, "CREATE DATABASE keepahead_template")
        open_database(url_of(url, "keepahead_template")).close()
        yield url
        command(url, "DROP DATABASE keepahead_template")


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request, tmp_path) -> Iterator[str]:
    """Where the ledger lies."""
    with ExitStack() as after:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'ledger.db'}"
        else:
            maintenance = request.getfixturevalue("postgres")
            name = f"test_{abs(hash(request.node.nodeid)):x}"
            command(maintenance, f"CREATE DATABASE {name} TEMPLATE keepahead_template")
            after.callback(command, maintenance, f"DROP DATABASE {name} WITH (FORCE)")
            yield url_of(maintenance, name)


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


def command(url: str, statement: str) -> None:
    """Run one statement outside of a transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def url_of(maintenance: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return make_url(maintenance).set(database=name).render_as_string(hide_password=False)
