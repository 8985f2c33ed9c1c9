"""Opens the database, brings it to this version, and gives out transactions.

Whatever goes wrong underneath leaves here as a LedgerError that says what to do.
"""

import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, String, bindparam, func, inspect, select, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from keepahead.errors import LedgerFormatError, LedgerUnavailableError, SettingsError
from keepahead.store import postgres, sqlite
from keepahead.store.bell import Listener
from keepahead.store.deadline import Deadline
from keepahead.store.statement import Pen, Statement

HEAD = "0006"
"""The newest step in migrations/versions; a ledger at this version needs no Alembic to open."""

_RING = Statement(select(func.pg_notify(bindparam("channel", type_=String), text("''"))))

_OWNERS_ALONE = 0o600
_APPLICATION_ID = 0x4B504148  # "KPAH" in the header of our SQLite files


class StaleError(Exception):
    """What was to be written rests on a state that is no longer there."""


class Database:
    """One ledger database. Threads may share it; `close` when done."""

    def __init__(self, engine: Engine, deadline: Deadline) -> None:
        self._engine = engine
        self._deadline = deadline
        self.archive_mark = object()
        self._place = None if self.locks_rows else sqlite.Place(engine)
        self._writer = None if self._place is None else sqlite.Writer(engine, deadline, self._place)

    def mark_archive(self) -> None:
        """Let those who remember archived rows know that some were dropped or taken in."""
        self.archive_mark = object()

    @property
    def url(self) -> URL:
        """Where it is; the password is masked when shown."""
        return self._engine.url

    @property
    def locks_rows(self) -> bool:
        """Tell whether writers lock rows; else a write transaction has the whole database to itself."""
        return self._engine.dialect.name != "sqlite"

    @contextmanager
    def write(self) -> Generator[Connection]:
        """Give a transaction that may write: committed at the end, undone by an error."""
        with _translated(self._engine), self._deadline:
            if self._writer is not None:
                with self._writer.transaction() as connection:
                    yield connection
                return
            with self._engine.begin() as connection:
                try:
                    yield connection
                except BaseException as error:
                    self._drop_if_useless(connection, error)
                    raise

    @contextmanager
    def write_in_few_trips(self) -> Generator[Connection]:
        """Do the same with statements that wait for the server only where somebody reads a row; only `locks_rows`.

        As long as one transaction has the account, nobody else decides.
        """
        with _translated(self._engine), self._deadline, self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            try:
                with raw.pipeline(), connection.begin():
                    yield connection
            except BaseException:
                connection.invalidate()  # as below
                raise

    @contextmanager
    def write_at_once(self) -> Generator[Connection]:
        """Give a connection on which what one pen writes is one transaction, sent at its end; only `locks_rows`.

        Nothing can be read on it. Raises StaleError where a row would have broken a constraint: nothing was written.
        """
        driver = self._engine.dialect.loaded_dbapi
        with _translated(self._engine), self._deadline, self._engine.connect() as connection:
            raw: Any = connection.connection.driver_connection
            raw.autocommit = True  # a statement is a transaction, and so is everything between two syncs of a pipeline
            try:
                yield connection
            except driver.IntegrityError:
                # The driver takes statements for prepared that the server has skipped: not to be used again.
                connection.invalidate()
                raise StaleError from None
            except BaseException as error:
                self._drop_if_useless(connection, error)
                raise
            finally:
                if not (raw.closed or connection.invalidated):
                    raw.autocommit = False

    @contextmanager
    def read(self, *, at_length: bool = False) -> Generator[Connection]:
        """Give a transaction that sees one moment and writes nothing.

        `at_length`: it may take as long as there are rows and somebody takes them; each exchange has to end in time.
        """
        deadline = self._deadline.of_each_exchange() if at_length else self._deadline
        with _translated(self._engine), deadline, self._engine.begin() as connection:
            try:
                if self._place is not None:
                    sqlite.begin_read(connection, self._deadline, self._place)
                elif at_length:
                    postgres.allow_length(connection)
                yield connection
            except BaseException as error:
                self._drop_if_useless(connection, error)
                raise

    def ring(self, pen: Pen, fingerprint: str) -> None:
        """Wake those on other hosts who wait for tokens of this account, once the transaction is through."""
        if self.locks_rows:
            _RING.write(pen, [{"channel": channel_of(fingerprint)}])

    def listen(self, fingerprint: str, ring: Callable[[], None]) -> Callable[[], None]:
        """Have `ring` called, from another thread, when the bell of an account rings; return what ends that.

        Where there is no bell nothing is ever called: look at the account's `rung`.
        """
        if not self.locks_rows:
            return lambda: None
        return Listener(lambda: self._connect_to_listen(channel_of(fingerprint)), ring).close

    def version(self) -> str | None:
        """Return at which version the ledger is. Raises LedgerError, LedgerFormatError where it is a newer one."""
        with self.read() as connection:
            return _version(connection, self.url)

    def use_write_ahead_log(self) -> None:
        """Let readers and a writer work side by side, where that is a choice; once the file is known as ours."""
        if not self.locks_rows:
            with _translated(self._engine), self._deadline, self._engine.connect() as connection:
                sqlite.use_write_ahead_log(connection, self._deadline)

    def close(self) -> None:
        """Close all connections."""
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()

    def _connect_to_listen(self, channel: str) -> Any:
        """Return a connection of its own, outside of the pool, that listens."""
        with self._deadline:
            pooled = self._engine.raw_connection()
            connection: Any = pooled.driver_connection
            pooled.detach()
            try:
                connection.autocommit = True
                connection.execute(f'LISTEN "{channel}"')
            except BaseException:
                connection.close()
                raise
        return connection

    def _drop_if_useless(self, connection: Connection, error: BaseException) -> None:
        """Take a connection that is gone out of the pool; undoing its transaction would only hide the reason."""
        if self.locks_rows and postgres.is_useless(connection, error):
            connection.invalidate()


def open_database(url: str, timeout_seconds: float = 10) -> Database:
    """Open the ledger at `url` (a SQLAlchemy URL), creating or upgrading it where needed.

    No step of it takes longer than `timeout_seconds`; one that would ends with LedgerUnavailableError.

    Raises SettingsError for a URL that cannot be used, LedgerUnavailableError if nothing can be opened there, and
    LedgerFormatError if what is there is not ours or is newer than this program.
    """
    parsed = _parse(url)
    deadline = Deadline(timeout_seconds)
    database = Database(_engine(parsed, deadline), deadline)
    try:
        _bring_to_head(database)
    except BaseException:
        database.close()
        raise
    return database


def channel_of(fingerprint: str) -> str:
    """Return the name under which the bell of an account rings."""
    return f"keepahead_{fingerprint}"


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
        driver = parsed.get_driver_name()
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, ValueError):
        parsed, driver = None, ""
    if parsed is None or driver not in {"pysqlite", "psycopg"}:
        raise SettingsError(
            "KEEPAHEAD_DATABASE_URL",
            "KEEPAHEAD_DATABASE_URL is not a database URL that keepahead knows; write sqlite:////path/to/ledger.db or "
            "postgresql://user@host/name",
        )
    return parsed


def _engine(url: URL, deadline: Deadline) -> Engine:
    if url.get_backend_name() == "sqlite":
        _make_file(url)
        return sqlite.open_engine(url, deadline)
    try:
        return postgres.open_engine(url, deadline)
    except ModuleNotFoundError as missing:
        raise SettingsError(
            "KEEPAHEAD_DATABASE_URL", f"the driver {missing.name} is not installed: pip install 'keepahead[postgres]'"
        ) from None


def _make_file(url: URL) -> None:
    """Make the ledger's folder, and the file for its owner alone: whoever reads it can open sessions of the dashboard.

    One that is there keeps its mode: several users may share it.
    """
    if not url.database or url.database == ":memory:":
        raise SettingsError("KEEPAHEAD_DATABASE_URL", "the ledger must be a file: write sqlite:////path/to/ledger.db")
    folder = Path(url.database).absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LedgerUnavailableError(
            f"the ledger's folder {folder} cannot be made ({error.strerror}); nothing was spent. Make it writable, or "
            "set KEEPAHEAD_DATABASE_URL to another place"
        ) from None
    with suppress(OSError):  # SQLite says what is wrong with it
        os.close(os.open(url.database, os.O_CREAT, _OWNERS_ALONE))


def _bring_to_head(database: Database) -> None:
    if database.version() != HEAD:
        with database.write() as connection:
            if _version(connection, database.url) != HEAD:  # another process may have been quicker
                _upgrade(connection)
    database.use_write_ahead_log()


def _version(connection: Connection, url: URL) -> str | None:
    """Return the ledger's version, None for an empty database; refuse one that is not ours."""
    tables = set(inspect(connection).get_table_names())
    if "keepahead_version" not in tables:
        if tables and connection.dialect.name == "sqlite":
            raise LedgerFormatError(
                f"{url.database} is a database of another program; nothing was changed. Set KEEPAHEAD_DATABASE_URL "
                "to a file of its own"
            )
        return None
    version = connection.execute(text("SELECT version_num FROM keepahead_version")).scalar()
    if version is not None and version > HEAD:
        raise LedgerFormatError(
            f"the ledger {url.render_as_string()} was written by a newer keepahead (version {version}, this one knows "
            f"{HEAD}); nothing was changed. Upgrade keepahead"
        )
    return version


def _upgrade(connection: Connection) -> None:
    # Alembic is slow to import, and needed once in the life of a ledger.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id={_APPLICATION_ID}")
    else:
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_APPLICATION_ID})")
    with resources.as_file(resources.files("keepahead.store") / "migrations") as folder:
        config = Config()
        config.set_main_option("script_location", str(folder).replace("%", "%%"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _translated(engine: Engine) -> Generator[None]:
    """Say what SQLAlchemy's errors mean, and those of the driver, which statement.py lets through."""
    url, driver = engine.url, engine.dialect.loaded_dbapi
    try:
        yield
    except (OperationalError, InterfaceError, PoolTimeout, driver.OperationalError, driver.InterfaceError) as error:
        raise _unavailable(url, error) from None
    except (DatabaseError, driver.DatabaseError) as error:
        if postgres.is_wrong_state(error):
            raise _unavailable(url, error) from None
        raise LedgerFormatError(
            f"the ledger {url.render_as_string()} cannot be read ({_reason(error)}); nothing was changed. Move it "
            "away, or set KEEPAHEAD_DATABASE_URL to another"
        ) from None


def _unavailable(url: URL, error: Exception) -> LedgerUnavailableError:
    of_file = url.get_backend_name() == "sqlite"
    check = "the place exists, is writable and not full" if of_file else "its server runs and can be reached"
    return LedgerUnavailableError(
        f"the ledger {url.render_as_string()} cannot be used ({_reason(error)}); nothing may be spent without it. "
        f"Check that {check}, or set KEEPAHEAD_DATABASE_URL to another"
    )


def _reason(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
