"""SQLite: how a file is opened, and how its many writers take turns."""

import random
import sqlite3
import threading
import time
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from keepahead.store.deadline import Deadline

_POLL_SECONDS = (0.0005, 0.0015)


class Turn:
    """The right of one thread of this process to ask for the file's write lock; entered before the transaction."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._lock = threading.Lock()

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._deadline.left()):
            raise _locked(self._deadline)

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def open_engine(url: URL, deadline: Deadline) -> Engine:
    """Return an engine whose connections leave BEGIN, and waiting for locks, to us."""
    unwaiting = {"check_same_thread": False, "timeout": 0}
    engine = create_engine(url, connect_args=unwaiting, pool_timeout=deadline.seconds, pool_reset_on_return=None)

    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        wait_for(connection, "PRAGMA synchronous=NORMAL", deadline)
        wait_for(connection, "PRAGMA foreign_keys=ON", deadline)

    event.listen(engine, "connect", prepare)
    return engine


def begin_write(connection: Connection, deadline: Deadline) -> None:
    """Begin a transaction that holds the file's write lock."""
    wait_for(_driver(connection), "BEGIN IMMEDIATE", deadline)


def begin_read(connection: Connection, deadline: Deadline) -> None:
    """Begin a transaction that sees the file as it is now."""
    driver = _driver(connection)
    driver.execute("BEGIN")
    wait_for(driver, "SELECT 1 FROM sqlite_master LIMIT 1", deadline)  # only a statement fixes the moment


def commit(connection: Connection, deadline: Deadline) -> None:
    """Commit; without a write-ahead log that has to wait for readers."""
    wait_for(_driver(connection), "COMMIT", deadline)


def use_write_ahead_log(connection: Connection, deadline: Deadline) -> None:
    """Let readers and a writer work side by side."""
    wait_for(_driver(connection), "PRAGMA journal_mode=WAL", deadline)


def wait_for(driver: Any, statement: str, deadline: Deadline) -> None:
    """Run a statement as soon as no other process has a lock in its way.

    SQLite's own way to wait asks ever more seldom, so that whoever comes later is served first, and one who has waited
    for long hardly ever. Here all ask equally often, whenever they came; the jitter keeps them out of step.
    """
    while True:
        try:
            driver.execute(statement).close()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY:  # the lowest byte is the kind
                raise
        else:
            return
        if not deadline.left():
            raise _locked(deadline)
        time.sleep(random.uniform(*_POLL_SECONDS))  # noqa: S311 - no secret


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _locked(deadline: Deadline) -> sqlite3.OperationalError:
    return sqlite3.OperationalError(f"it was locked by another for {deadline.seconds:g} seconds")
