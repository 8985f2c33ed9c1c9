"""Opening: what is ours, what is not, and what is said of it."""

import sqlite3
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from tests.store.makers import ask, at, meter

from keepahead.errors import LedgerFormatError, LedgerUnavailableError, SettingsError
from keepahead.store import database as databases
from keepahead.store import tables
from keepahead.store.database import HEAD, open_database
from keepahead.store.ledger import Ledger


def test_head_is_the_newest_step():
    """The version that opens without Alembic is the newest in the folder of steps."""
    config = Config()
    config.set_main_option("script_location", str(Path(databases.__file__).parent / "migrations"))
    assert ScriptDirectory.from_config(config).get_heads() == [HEAD]


def test_migrations_give_the_declared_tables(database):
    """All steps from zero give exactly the tables that the code declares, on both databases."""
    with database.read() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": "keepahead_version", "compare_type": True}
        )
        assert compare_metadata(context, tables.metadata) == []
        assert set(inspect(connection).get_table_names()) == {*tables.metadata.tables, "keepahead_version"}


def test_another_programs_file_is_left_alone(tmp_path):
    """A SQLite file with foreign tables is refused and not touched."""
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as other:
        other.execute("CREATE TABLE customers (name)")
    other.close()
    before = path.read_bytes()
    with pytest.raises(LedgerFormatError, match="another program"):
        open_database(f"sqlite:///{path}")
    with sqlite3.connect(path) as other:
        assert [row[0] for row in other.execute("SELECT name FROM sqlite_master")] == ["customers"]
    other.close()
    assert path.read_bytes() == before


def test_a_newer_ledger_is_refused(url, database):
    """A ledger of a later version is not opened by an older program."""
    with database.write() as connection:
        connection.execute(text("UPDATE keepahead_version SET version_num = '9999'"))
    with pytest.raises(LedgerFormatError, match="newer keepahead"):
        open_database(url)


def test_no_database_at_all(tmp_path):
    """A file that is no database is named as such."""
    path = tmp_path / "notes.db"
    path.write_text("dear diary " * 1000)
    with pytest.raises(LedgerFormatError, match="not a database"):
        open_database(f"sqlite:///{path}")
    assert path.read_text().startswith("dear diary")


def test_a_place_that_cannot_be_used(tmp_path):
    """A folder in the place of the file, or a file in the place of the folder, is said in one sentence."""
    with pytest.raises(LedgerUnavailableError, match="nothing may be spent"):
        open_database(f"sqlite:///{tmp_path}")
    (tmp_path / "file").write_text("")
    with pytest.raises(LedgerUnavailableError, match="cannot be made"):
        open_database(f"sqlite:///{tmp_path / 'file' / 'ledger.db'}")


@pytest.mark.parametrize(
    "url",
    [
        "nonsense",
        "mysql://host/db",
        "sqlite://",
        "sqlite:///:memory:",
        "",
        "oracle://x",
        "postgresql+asyncpg://host/db",
    ],
)
def test_urls_that_cannot_be(url):
    """A URL that is no ledger is a settings error that names the setting."""
    with pytest.raises(SettingsError) as caught:
        open_database(url)
    assert caught.value.name == "KEEPAHEAD_DATABASE_URL"


def test_passwords_are_masked():
    """An error about a database never shows its password."""
    pytest.importorskip("psycopg", reason="the [postgres] extra is not installed here")
    with pytest.raises(LedgerUnavailableError) as caught:
        open_database("postgresql://me:hunter2@127.0.0.1:1/none?connect_timeout=2")
    assert "hunter2" not in str(caught.value)


def test_a_ledger_that_goes_away(sqlite_url, tmp_path):
    """When the file can no longer be written nothing is granted: the error says so."""
    database = open_database(sqlite_url, timeout_seconds=0.1)
    ledger = Ledger(database, "account")
    ledger.observe(meter(0, 100), at(0))
    holder = sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(LedgerUnavailableError, match="locked"):
        ledger.reserve(ask("a", 5), at(1))
    holder.execute("ROLLBACK")
    holder.close()
    assert ledger.account().reservations == ()
    database.close()


CHILD = """
    import sys
    from keepahead.budget.verdict import Granted
    from keepahead.store.database import open_database
    from keepahead.store.ledger import Ledger
    from tests.store.makers import ask, at
    ledger = Ledger(open_database(sys.argv[1]), "account")
    verdicts = [ledger.reserve(ask(f"{sys.argv[2]}-{n}", 3), at(1)) for n in range(100)]
    print(sum(verdict.tokens for verdict in verdicts if isinstance(verdict, Granted)))
"""


def test_processes_share_one_budget(url, ledger):
    """Four processes that open one file and ask a hundred times each are granted no more than there is."""
    ledger.observe(meter(0, 500), at(0))
    command = [sys.executable, "-c", textwrap.dedent(CHILD), url]
    root = Path(__file__).parents[2]
    children = [subprocess.Popen([*command, str(n)], stdout=subprocess.PIPE, text=True, cwd=root) for n in range(4)]
    granted = [int(child.communicate(timeout=120)[0]) for child in children]
    assert sum(granted) == 489  # the last multiple of three above the floor of ten
    assert ledger.account().free_at(at(1)) == 11


def test_many_open_a_new_file_at_once(url, tmp_path):
    """Processes that meet an empty place at the same moment end up with one ledger."""
    code = "import sys; from keepahead.store.database import open_database; open_database(sys.argv[1]).close()"
    children = [subprocess.Popen([sys.executable, "-c", code, url]) for _ in range(4)]
    assert [child.wait(timeout=120) for child in children] == [0, 0, 0, 0]
