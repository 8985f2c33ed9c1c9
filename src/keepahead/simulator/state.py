"""What the simulated Keepa remembers: its accounts, and when each product was last looked at.

In memory, or in an SQLite file that survives the process and is shared by several. The file holds no key, only
fingerprints of keys.
"""

import sqlite3
import threading
from collections.abc import Generator
from contextlib import AbstractContextManager, closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import msgspec

from keepahead.simulator.bucket import Bucket


class Account(msgspec.Struct):
    """Everything that belongs to one key. `trackings`: list name -> ASIN -> stored tracking object."""

    bucket: Bucket
    trackings: dict[str, dict[str, dict[str, Any]]] = {}
    notifications: list[dict[str, Any]] = []
    webhook: str = ""
    images: dict[str, int] = {}


def fingerprint(key: str) -> str:
    """Name an account without storing its key."""
    return sha256(key.encode()).hexdigest()[:16]


class Room(Protocol):
    """The state, while one request holds it alone."""

    def account(self, name: str) -> Account | None:
        """Return the account of a fingerprint; changes to it are kept when the room is left."""
        ...

    def add(self, name: str, account: Account) -> None:
        """Open an account."""
        ...

    def seen(self, kind: str, item: str) -> int | None:
        """Return when (Unix ms) something was last collected, None if never."""
        ...

    def mark(self, kind: str, item: str, at_ms: int) -> None:
        """Remember that something is collected now."""
        ...


class State(Protocol):
    """Where the rooms are."""

    def enter(self) -> AbstractContextManager[Room]:
        """Hold the state alone."""
        ...


class MemoryState:
    """State that ends with the process."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._accounts: dict[str, Account] = {}
        self._seen: dict[tuple[str, str], int] = {}

    @contextmanager
    def enter(self) -> Generator[Room]:
        """Hold the state alone."""
        with self._lock:
            yield self

    def account(self, name: str) -> Account | None:
        """See Room."""
        return self._accounts.get(name)

    def add(self, name: str, account: Account) -> None:
        """See Room."""
        self._accounts[name] = account

    def seen(self, kind: str, item: str) -> int | None:
        """See Room."""
        return self._seen.get((kind, item))

    def mark(self, kind: str, item: str, at_ms: int) -> None:
        """See Room."""
        self._seen[kind, item] = at_ms


_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS accounts (name TEXT PRIMARY KEY, body BLOB NOT NULL) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS seen (kind TEXT, item TEXT, at_ms INTEGER NOT NULL, PRIMARY KEY (kind, item))",
)


class _FileRoom:
    """The state in a file, while one transaction holds it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._open: dict[str, tuple[Account, bytes]] = {}

    def account(self, name: str) -> Account | None:
        if name not in self._open:
            row = self._connection.execute("SELECT body FROM accounts WHERE name = ?", (name,)).fetchone()
            if row is None:
                return None
            self._open[name] = (msgspec.msgpack.decode(row[0], type=Account), row[0])
        return self._open[name][0]

    def add(self, name: str, account: Account) -> None:
        self._open[name] = (account, b"")

    def seen(self, kind: str, item: str) -> int | None:
        row = self._connection.execute("SELECT at_ms FROM seen WHERE kind = ? AND item = ?", (kind, item)).fetchone()
        return None if row is None else int(row[0])

    def mark(self, kind: str, item: str, at_ms: int) -> None:
        self._connection.execute("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", (kind, item, at_ms))

    def write_back(self) -> None:
        for name, (account, before) in self._open.items():
            after = msgspec.msgpack.encode(account)
            if after != before:
                self._connection.execute("INSERT OR REPLACE INTO accounts VALUES (?, ?)", (name, after))


class FileState:
    """State in an SQLite file, shared by processes: one BEGIN IMMEDIATE transaction per visit."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.RLock()
        path.parent.mkdir(parents=True, exist_ok=True)
        with closing(self._connect()) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            for statement in _SCHEMA:
                connection.execute(statement)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, timeout=60, isolation_level=None)
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    @contextmanager
    def enter(self) -> Generator[Room]:
        """Hold the file's only write transaction; it is rolled back when the visit fails."""
        with self._lock, closing(self._connect()) as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                room = _FileRoom(connection)
                yield room
                room.write_back()
                connection.execute("COMMIT")
            except BaseException:
                connection.execute("ROLLBACK")
                raise
