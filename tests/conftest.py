"""Every test starts from nothing: no settings of this machine, a data folder of its own.

Hypothesis draws the same cases in every run, so that a result is a result; HYPOTHESIS_PROFILE=explore draws new ones.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from tests.postgres import command, server, url_of

from keepahead.store.database import Database, open_database

STEADY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
settings.register_profile("steady", STEADY, derandomize=True)
settings.register_profile("explore", STEADY, max_examples=1000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "steady"))


@pytest.fixture(autouse=True)
def _nothing_set(tmp_path, monkeypatch) -> None:
    for name in list(os.environ):
        if name.startswith(("KEEPA_", "KEEPAHEAD_", "OTEL_", "SENTRY_")) and not name.startswith("KEEPAHEAD_TEST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "work").mkdir(exist_ok=True)
    monkeypatch.chdir(tmp_path / "work")


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
def database(url) -> Iterator[Database]:
    """Open the ledger's database."""
    opened = open_database(url)
    yield opened
    opened.close()
