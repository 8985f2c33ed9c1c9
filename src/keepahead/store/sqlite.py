"""SQLite: how a file is opened, and how its many writers take turns."""

import random
import sqlite3
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from keepahead.store.deadline import Deadline

_POLL_SECONDS = (0.0005, 0.0015)


class Place:
    """The file that this process opened first. Any other at its path is another ledger, with another budget.

    A file that was removed or replaced goes on for those who have it open: they would spend by an account that
    nobody else sees, beside those who spend by the new one. Knowing it again costs some microseconds.
    """

    def __init__(self, engine: Engine) -> None:
        self._path = Path()
        self._file: tuple[int, int] | None = None
        event.listen(engine, "do_connect", self._before_connecting)
        event.listen(engine, "connect", self._remember)

    def demand_same(self) -> None:
        """Demand that the file is where it was. Raises sqlite3.OperationalError."""
        if _file_at(self._path) != self._file:
            raise sqlite3.OperationalError(
                "the file was removed or replaced while it was in use; put it back, or restart this program"
            )

    def _before_connecting(self, *_: object) -> None:
        if self._file is not None:  # or an empty one would be made
            self.demand_same()

    def _remember(self, driver: Any, _record: object) -> None:
        if self._file is None:
            self._path = Path(driver.execute("PRAGMA database_list").fetchone()[2])
            self._file = _file_at(self._path)


class Writer:
    """The one connection of this process that writes. Threads take turns at it; it stays open in between."""

    def __init__(self, engine: Engine, deadline: Deadline, place: Place) -> None:
        self._engine = engine
        self._place = place
        self._deadline = deadline
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    @contextmanager
    def transaction(self) -> Generator[Connection]:
        """Give the connection with the file's write lock: committed at the end, undone by an error."""
        if not self._lock.acquire(timeout=self._deadline.left()):
            raise _locked(self._deadline)
        try:
            connection = self._connection = self._connection or self._engine.connect()
            try:
                wait_for(_driver(connection), "BEGIN IMMEDIATE", self._deadline)
                yield connection
                self._place.demand_same()
                # Without a write-ahead log that has to wait for readers.
                wait_for(_driver(connection), "COMMIT", self._deadline)
                if connection.in_transaction():  # SQLAlchemy counts its own
                    connection.commit()
            except BaseException:
                self._drop()
                raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """Close the connection, once nobody writes."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):  # what went wrong before is what matters
                _driver(connection).rollback()
            connection.close()


def open_engine(url: URL, deadline: Deadline) -> Engine:
    """Return an engine whose connections leave BEGIN, and waiting for locks, to us."""
    unwaiting = {"check_same_thread": False, "timeout": 0}
    engine = create_engine(url, connect_args=unwaiting, pool_timeout=deadline.seconds, pool_reset_on_return=None)

    def prepare(connection: Any, _record: object) -> None:
        connection.isolation_level = None
        wait_for(connection, "PRAGMA synchronous=NORMAL", deadline)
        wait_for(connection, "PRAGMA foreign_keys=ON", deadline)
        # 32 MB. Most pages that a call writes are those of the call before; each checkpoint writes and syncs them once.
        wait_for(connection, "PRAGMA wal_autocheckpoint=8000", deadline)

    event.listen(engine, "connect", prepare)
    return engine


def begin_read(connection: Connection, deadline: Deadline, place: Place) -> None:
    """Begin a transaction that sees the file as it is now."""
    place.demand_same()
    driver = _driver(connection)
    driver.execute("BEGIN")
    wait_for(driver, "SELECT 1 FROM sqlite_master LIMIT 1", deadline)  # only a statement fixes the moment


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


def _file_at(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _driver(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _locked(deadline: Deadline) -> sqlite3.OperationalError:
    return sqlite3.OperationalError(f"it was locked by another for {deadline.seconds:g} seconds")
