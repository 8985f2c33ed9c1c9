"""A PostgreSQL server for the bench, whose commits are on the disk when they return, and databases on it."""

import contextlib
from collections.abc import Iterator

from sqlalchemy import create_engine, text
from sqlalchemy.engine import URL, make_url
from tests.postgres import NoServerError, server

from bench.neighbour import LeftOutError


class Databases:
    """New databases on one server, dropped at the end: the server may be somebody's own."""

    def __init__(self, maintenance: str) -> None:
        self._maintenance = make_url(maintenance)
        self._made: list[str] = []
        self.durability = ", ".join(f"{name}={self._say(f'SHOW {name}')}" for name in ("fsync", "synchronous_commit"))

    def new(self, name: str) -> URL:
        """Make a database and return its URL."""
        name = f"keepahead_bench_{name}"
        self._say(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self._say(f"CREATE DATABASE {name}")
        self._made.append(name)
        return self._maintenance.set(database=name)

    def drop(self) -> None:
        """Drop them all."""
        for name in self._made:
            self._say(f"DROP DATABASE {name} WITH (FORCE)")

    def _say(self, statement: str) -> str:
        engine = create_engine(self._maintenance.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            done = connection.execute(text(statement))
            said = str(done.scalar()) if done.returns_rows else ""
        engine.dispose()
        return said


@contextlib.contextmanager
def databases() -> Iterator[Databases]:
    """Start a server, or use the one that is named for tests. Raises LeftOutError if there is none."""
    with contextlib.ExitStack() as after:
        try:
            url = after.enter_context(server(durable=True))
        except NoServerError as error:
            raise LeftOutError(str(error)) from None
        made = Databases(url)
        after.callback(made.drop)
        yield made


def text_of(url: URL) -> str:
    """Return the URL with its password."""
    return url.render_as_string(hide_password=False)
