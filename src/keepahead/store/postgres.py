"""PostgreSQL: connections that give up in time, whatever has become of the server, and of which no dead one is used.

Both sides watch the clock. The client, because a server that was stopped or has vanished keeps no time-out; the server,
because a client that was stopped or has vanished must not keep its locks. Where a server cannot, those who waited in
vain have it end whoever was in their way.
"""

import math
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import InvalidatePoolError

from keepahead.store.deadline import Deadline

R = TypeVar("R")

_IDLE_PART = 0.75
"""The part of the time-out that a transaction may idle: those who wait for its locks have some time left then."""

_TRANSACTION_TIMEOUT_SINCE = 170_000

_WRONG_STATE = "25"
"""The class of SQLSTATE for a transaction that was ended for idling, and for a server that takes no writes any more."""

_END_THE_SILENT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND usename = current_user
        AND application_name = current_setting('application_name')
        AND state = 'active' AND wait_event = 'ClientRead' AND backend_xid IS NOT NULL
        AND state_change < clock_timestamp() - make_interval(secs => %s)
"""
"""Ends our own programs' sessions that have written or locked something, and in the middle of a pipeline fell silent.

The server counts no time there (before PostgreSQL 17), whether their program was stopped or its host has vanished.
"""


def open_engine(url: URL, deadline: Deadline) -> Engine:
    """Return an engine whose every wait ends at `deadline`."""
    engine = create_engine(
        url,
        connect_args={name: value for name, value in _parameters(deadline.seconds).items() if name not in url.query},
        pool_timeout=deadline.seconds,
        use_native_hstore=False,  # a question to the server that nothing here needs
    )
    in_vain = threading.Event()
    event.listen(engine, "do_connect", _connecting(deadline, in_vain))
    event.listen(engine, "connect", _set_up(deadline.seconds))
    event.listen(engine, "checkout", _demand_alive)
    event.listen(engine, "checkout", _ending_the_silent(deadline.seconds, in_vain))
    return engine


def allow_length(connection: Connection) -> None:
    """Let this transaction, which locks nothing, last longer than the time-out, and idle as long as its reader does."""
    for name in ("idle_in_transaction_session_timeout", *_of_transactions(connection.connection.driver_connection)):
        connection.exec_driver_sql(f"SET LOCAL {name} = 0")


def pipeline(driver: Any) -> AbstractContextManager[Any]:
    """Return a pipeline of a driver's connection, or the one that it is in: the end of a second would be a trip."""
    return driver.pipeline() if driver._pipeline is None else nullcontext()  # noqa: SLF001 - nothing public tells


def sync(connection: Connection) -> None:
    """Have what a pipeline has sent answered, and the server count the time from then on; elsewhere there is no need.

    It does not count while it reads a pipeline. psycopg's own end of a pipeline will not do: it sends a flush after its
    sync, and then the server reads again.
    """
    under_way = getattr(connection.connection.driver_connection, "_pipeline", None)
    if under_way is not None:
        under_way.sync()


def is_useless(connection: Connection, error: BaseException) -> bool:
    """Tell whether a connection on which `error` was met cannot serve any more."""
    if connection.invalidated:  # SQLAlchemy saw it first
        return False
    return is_wrong_state(error) or bool(getattr(connection.connection.driver_connection, "closed", True))


def is_wrong_state(error: BaseException) -> bool:
    """Tell whether the server refused because of the state of the transaction or its own; the data is not at fault."""
    return (getattr(getattr(error, "orig", error), "sqlstate", None) or "").startswith(_WRONG_STATE)


def _parameters(seconds: float) -> dict[str, Any]:
    """Return what the URL does not have to say: how a link that has died is noticed, also while nobody uses it."""
    whole = max(1, math.ceil(seconds / 3))
    return {
        "application_name": "keepahead",
        "connect_timeout": math.ceil(seconds),  # for each of several hosts; the deadline is for all of them
        "keepalives": 1,
        "keepalives_idle": whole,
        "keepalives_interval": whole,
        "keepalives_count": 2,
        "tcp_user_timeout": math.ceil(seconds * 1000),
    }


def _connecting(deadline: Deadline, in_vain: threading.Event) -> Callable[..., Any]:
    # Not installed everywhere, and too slow to import where the ledger is a file.
    from psycopg import Connection, OperationalError  # noqa: PLC0415

    class OverdueError(OperationalError):
        """The time is up."""

    def until(steps: Generator[Any, Any, R]) -> Generator[Any, Any, R]:
        """Pass on the steps of an exchange. psycopg goes on about every 0.1 s even while nothing comes."""
        deadline.begin_exchange()

        def demand_time() -> None:
            if not deadline.left():
                raise OverdueError(f"the server did not answer within {deadline.seconds:g} seconds")

        demand_time()  # before anything is sent: no COMMIT comes after its time
        try:
            wanted = next(steps)
            while True:
                wanted = steps.send((yield wanted))
                demand_time()  # after what has come was looked at: an answer that is there counts
        except StopIteration as done:
            return done.value

    class Bounded(Connection[Any]):
        """A connection whose every exchange ends at the deadline; one that did not end is of no use any more."""

        def wait(self, gen: Generator[Any, Any, R], *args: Any, **kwargs: Any) -> R:
            try:
                return super().wait(until(gen), *args, **kwargs)
            except OverdueError:
                in_vain.set()
                self.close()
                raise

        @classmethod
        def _connect_gen(cls, conninfo: str = "") -> Generator[Any, Any, Any]:
            # Its own time-out counts whole seconds, two at least, and starts anew for each address.
            return until(super()._connect_gen(conninfo))

    def connect(_dialect: object, _record: object, args: Sequence[Any], parameters: Mapping[str, Any]) -> Any:
        return Bounded.connect(*args, **parameters)

    return connect


def _set_up(seconds: float) -> Callable[[Any, object], None]:
    whole, part = math.ceil(seconds * 1000), math.ceil(seconds * _IDLE_PART * 1000)
    # Each call leaves dead rows among the reservations. Only a plain index scan notes that they are dead for the next.
    plans = {"enable_bitmapscan": "off", "jit": "off"}
    limits = {"lock_timeout": whole, "statement_timeout": whole, "idle_in_transaction_session_timeout": part}

    def set_up(connection: Any, _record: object) -> None:
        # A client that stops inside of a pipeline is not idle.
        newer = dict.fromkeys(_of_transactions(connection), whole)
        connection.autocommit = True  # or the first rollback would take the settings back
        connection.execute("; ".join(f"SET {name} = {limit}" for name, limit in (plans | limits | newer).items()))
        connection.autocommit = False

    return set_up


def _of_transactions(connection: Any) -> Sequence[str]:
    """Return the limits of whole transactions that this server knows."""
    return ("transaction_timeout",) if connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE else ()


def _demand_alive(connection: Any, _record: object, _proxy: object) -> None:
    """See without asking whether the server has hung up while nobody looked: then all that lay in the pool are dead."""
    try:
        for _ in range(2):  # the first may only see the server's last words, the second sees the end
            connection.pgconn.consume_input()
    except Exception as error:
        raise InvalidatePoolError from error


def _ending_the_silent(seconds: float, in_vain: threading.Event) -> Callable[[Any, object, object], None]:
    """Give what clears the way before the next step, after one that has waited `in_vain`."""

    def end_the_silent(connection: Any, _record: object, _proxy: object) -> None:
        if in_vain.is_set():
            in_vain.clear()
            connection.autocommit = True
            connection.execute(_END_THE_SILENT, (seconds,))
            connection.autocommit = False

    return end_the_silent
