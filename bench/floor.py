"""The least that two durable steps cost: bare SQL, a guarded UPDATE each, one connection for each client."""

import sqlite3
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bench.pairs import Bare

_RESERVED = 10


class BareSqlite:
    """BEGIN IMMEDIATE; UPDATE; INSERT; COMMIT under the ledger's pragmas and its patience with other writers."""

    version = sqlite3.sqlite_version

    def __init__(self, folder: str) -> None:
        self._folder = Path(folder)
        Bare(self._folder).close()

    @contextmanager
    def clients(self, count: int) -> Generator[list[Callable[[], None]]]:
        """Give each client a connection."""
        bares = [Bare(self._folder) for _ in range(count)]
        try:
            yield [lambda bare=bare: bare.pairs(1) for bare in bares]
        finally:
            for bare in bares:
                bare.close()

    def close(self) -> None:
        """Nothing stays open."""


class BarePostgres:
    """One UPDATE in a transaction of its own, as the driver's autocommit makes it."""

    def __init__(self, url: str) -> None:
        self._url = url
        with self._connection() as connection:
            self.version = str(connection.info.server_version // 10_000)
            connection.execute("CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, free INTEGER NOT NULL)")
            connection.execute("INSERT INTO accounts VALUES ('bench', 1000) ON CONFLICT DO NOTHING")

    @contextmanager
    def clients(self, count: int) -> Generator[list[Callable[[], None]]]:
        """Give each client a connection."""
        connections = [self._connection() for _ in range(count)]
        try:
            yield [lambda connection=connection: _pair(connection) for connection in connections]
        finally:
            for connection in connections:
                connection.close()

    def close(self) -> None:
        """Nothing stays open."""

    def _connection(self) -> "psycopg.Connection":
        return psycopg.connect(self._url, autocommit=True)


def _pair(connection: "psycopg.Connection") -> None:
    for tokens in (_RESERVED, -_RESERVED):
        done = connection.execute(
            "UPDATE accounts SET free = free - %s WHERE name = 'bench' AND free >= %s", (tokens, tokens)
        )
        assert done.rowcount == 1
