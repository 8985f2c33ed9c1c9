"""The database stops, dies, comes back, or another one sits on it: an error in time, nothing granted, then on we go."""

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from lab.faults.holder import AT_ONCE, take_row
from lab.faults.holder import holder as silent_holder
from psycopg import connect
from sqlalchemy.engine import make_url
from tests.house import House
from tests.postgres import NoServerError, Server, command, own_server, url_of
from tests.store.makers import ask, at, meter

from keepahead import AsyncKeepa, LedgerUnavailableError
from keepahead.budget.verdict import Granted
from keepahead.simulator import ScaledClock
from keepahead.store.database import Database, open_database
from keepahead.store.kept import load_locked
from keepahead.store.ledger import Ledger

TIMEOUT = 1.0
WAYS = ("write", "write_in_few_trips")
"""The transactions that take the account's lock."""

ROOT = Path(__file__).parents[2]

HOLDER = """
    import sys
    from keepahead.store.database import open_database
    from keepahead.store.kept import load_locked
    database = open_database(sys.argv[1], timeout_seconds=float(sys.argv[2]))
    with getattr(database, sys.argv[3])() as connection:
        load_locked(connection, "account")
        print("locked", flush=True)
        sys.stdin.read()
"""


@pytest.fixture(scope="module")
def own() -> Iterator[Server]:
    """A server that only these tests use. KEEPAHEAD_TEST_PG cannot stand in for it: nobody may stop that one."""
    try:
        with own_server() as server:
            yield server
    except NoServerError as reason:
        if "KEEPAHEAD_TEST_PG" in os.environ:
            pytest.skip(f"a server that may be stopped is needed here: {reason}")
        raise


@pytest.fixture
def server(own) -> Iterator[Server]:
    """The server with an empty database; it runs again when the test is over."""
    own.start()
    command(own.url, "DROP DATABASE IF EXISTS outage WITH (FORCE)")
    command(own.url, "CREATE DATABASE outage")
    yield own
    if own.process is not None:
        own.go_on()


@pytest.fixture
def ledger(server) -> Iterator[Ledger]:
    """A ledger on that server with 500 tokens, and one of them reserved."""
    url = url_of(server.url, "outage")
    open_database(url).close()  # its tables may take longer to make, on a busy machine
    database = open_database(url, timeout_seconds=TIMEOUT)
    ledger = Ledger(database, "account")
    ledger.observe(meter(0, 500), at(0))
    assert isinstance(ledger.reserve(ask("before", 1), at(0)), Granted)
    yield ledger
    database.close()


@contextmanager
def in_time() -> Iterator[None]:
    """Hold that this ends with LedgerUnavailableError, and does so because somebody watched the clock."""
    began = time.monotonic()
    with pytest.raises(LedgerUnavailableError, match="nothing may be spent"):
        yield
    assert time.monotonic() - began < 10 * TIMEOUT


@contextmanager
def holder(url: str, timeout: float, way: str) -> Iterator[subprocess.Popen]:
    """Give another process that holds the account's lock."""
    code = [sys.executable, "-c", textwrap.dedent(HOLDER), url, str(timeout), way]
    with subprocess.Popen(code, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == "locked\n"
            yield process
        finally:
            process.kill()


def held(ledger: Ledger) -> set[str]:
    """The reservations that are open."""
    return {each.label.call_id for each in ledger.account().reservations}


def test_a_stopped_server(server, ledger):
    """A server that no longer answers costs no more than the time-out and grants nothing; later it serves again."""
    server.stop()
    for _ in range(2):  # the first loses a connection, the second cannot make one
        with in_time():
            ledger.reserve(ask("during", 1), at(1))
    with in_time():
        ledger.account()
    server.go_on()
    assert isinstance(ledger.reserve(ask("after", 1), at(2)), Granted)
    assert held(ledger) == {"before", "after"}


def test_opening_on_stopped_servers(server, ledger):
    """Opening does not wait for ever either, and the time-out does not start anew for each of several hosts."""
    url = make_url(url_of(server.url, "outage"))
    many = url.set(query={"host": ",".join([str(url.query["host"])] * 20)}).render_as_string()
    server.stop()
    with in_time():
        open_database(many, timeout_seconds=TIMEOUT)
    server.go_on()
    open_database(many, timeout_seconds=TIMEOUT).close()


@pytest.mark.parametrize("way", WAYS)
def test_stopped_in_the_middle(server, ledger, way):
    """A server that stops inside of a transaction leaves nothing of it, and the lock is free for the next."""
    with in_time(), getattr(ledger.database, way)() as connection:
        load_locked(connection, "account")
        connection.exec_driver_sql("UPDATE accounts SET gap = 99")
        server.stop()
        load_locked(connection, "account")
    server.go_on()
    assert isinstance(ledger.reserve(ask("after", 1), at(2)), Granted)
    assert ledger.account().gap == 0


@pytest.mark.parametrize("way", WAYS)
def test_stopped_before_the_commit(server, ledger, way):
    """A commit that nobody confirms is an error in time; asked again under the same id nothing is set aside twice."""
    with in_time(), getattr(ledger.database, way)() as connection:
        load_locked(connection, "account")
        server.stop()
    server.go_on()
    for _ in range(2):
        assert isinstance(ledger.reserve(ask("after", 1), at(2)), Granted)
    assert held(ledger) == {"before", "after"}


def test_stopped_in_a_pipeline(server, ledger):
    """The time-out holds for statements that are sent together, and the next pipeline works."""

    def ask_thrice(*, stop: bool) -> list:
        with ledger.database.write() as connection:
            driver = connection.connection.driver_connection
            with driver.pipeline():
                cursors = [driver.execute("SELECT %s::int", (number,)) for number in range(3)]
                if stop:
                    server.stop()
                return [cursor.fetchone()[0] for cursor in cursors]

    assert ask_thrice(stop=False) == [0, 1, 2]
    with in_time():
        ask_thrice(stop=True)
    server.go_on()
    assert ask_thrice(stop=False) == [0, 1, 2]


def test_one_deadline_for_all_statements(ledger):
    """The time-out is for a whole step: statements that are each quick enough do not add up to more."""
    done = 0
    with in_time(), ledger.database.write() as connection:
        for _ in range(20):
            connection.exec_driver_sql("SELECT pg_sleep(0.4)")
            done += 1
    assert done < 5


def test_many_quick_statements(ledger):
    """A server that answers each statement at once does not keep a step going beyond its time."""
    began = time.monotonic()
    with in_time(), ledger.database.write() as connection:
        while time.monotonic() - began < 5 * TIMEOUT:
            connection.exec_driver_sql("SELECT 1")
    assert time.monotonic() - began < 3 * TIMEOUT


def test_no_commit_after_the_deadline(ledger):
    """A step that was told to be over is not committed by a server that would still do so."""
    with in_time(), ledger.database.write() as connection:
        connection.exec_driver_sql("DELETE FROM reservations")
        time.sleep(TIMEOUT * 0.6)  # never idle for so long that the server ends it
        connection.exec_driver_sql("SELECT 1")
        time.sleep(TIMEOUT * 0.6)
    assert held(ledger) == {"before"}


def test_a_killed_server(server, ledger):
    """A server that died is an error at once; when it is back the same ledger works, and nothing is forgotten."""
    server.kill()
    began = time.monotonic()
    with in_time():
        ledger.reserve(ask("during", 1), at(1))
    assert time.monotonic() - began < TIMEOUT
    with in_time():
        open_database(url_of(server.url, "outage"), timeout_seconds=TIMEOUT)
    server.start()
    assert held(ledger) == {"before"}
    assert isinstance(ledger.reserve(ask("after", 1), at(2)), Granted)


@pytest.mark.parametrize("end", [Server.kill, Server.shut_down])
def test_restarted_while_nobody_looked(server, ledger, end):
    """Connections that died in the pool are replaced without an error, however the server ended."""
    with ledger.database.read(), ledger.database.read():  # two of them
        pass
    end(server)
    server.start()
    assert isinstance(ledger.reserve(ask("after", 1), at(1)), Granted)
    assert held(ledger) == {"before", "after"}


@pytest.mark.parametrize("way", WAYS)
def test_a_client_that_stopped(server, ledger, way):
    """Who stops while he holds the account's lock keeps the others waiting for less than the time-out."""
    with holder(url_of(server.url, "outage"), TIMEOUT, way) as process:
        process.send_signal(signal.SIGSTOP)
        assert isinstance(ledger.reserve(ask("after", 1), at(1)), Granted)
        process.send_signal(signal.SIGCONT)
        _, told = process.communicate("")
        assert process.returncode != 0, told


def test_a_client_that_stopped_in_a_pipeline(server, ledger):
    """Who waits in vain for one who stopped inside of a pipeline has him ended, and goes on."""
    with silent_holder(url_of(server.url, "outage"), "account", AT_ONCE, TIMEOUT) as process:
        take_row(process)
        process.send_signal(signal.SIGSTOP)
        for number in range(5):
            with suppress(LedgerUnavailableError):
                assert isinstance(ledger.reserve(ask(f"after {number}", 1), at(1)), Granted)
                break
        else:
            pytest.fail("he was never ended")
        process.send_signal(signal.SIGCONT)
        _, told = process.communicate("")
        assert process.returncode != 0, told


def test_nobody_who_is_at_work_is_ended(server, ledger):
    """Somebody who waited in vain ends no session that only reads, or is another program's."""
    url = url_of(server.url, "outage")
    reading = connect(url, application_name="keepahead")
    of_others = connect(url, application_name="another program")
    with reading, of_others, reading.pipeline(), of_others.pipeline():
        reading.execute("SELECT 1").fetchone()
        of_others.execute("SELECT version FROM accounts FOR UPDATE").fetchone()
        for _ in range(2):
            with in_time():
                ledger.reserve(ask("during", 1), at(1))
        assert reading.execute("SELECT 2").fetchone() == (2,)
        assert of_others.execute("SELECT 2").fetchone() == (2,)


@pytest.mark.parametrize("way", WAYS)
def test_idling_in_a_transaction(ledger, way):
    """Who comes back to a transaction that the server has ended hears that the ledger is gone, not broken."""
    with in_time(), getattr(ledger.database, way)() as connection:
        load_locked(connection, "account")
        time.sleep(TIMEOUT * 0.9)
        load_locked(connection, "account")
    assert isinstance(ledger.reserve(ask("after", 1), at(1)), Granted)


def test_a_server_that_takes_no_writes(server, ledger):
    """A server that has become a standby is unavailable, not broken; the next step looks for a better one."""
    command(server.url, "ALTER DATABASE outage SET default_transaction_read_only = on")
    database = open_database(url_of(server.url, "outage"), timeout_seconds=TIMEOUT)
    other = Ledger(database, "account")
    with in_time():
        other.reserve(ask("during", 1), at(1))
    command(server.url, "ALTER DATABASE outage RESET default_transaction_read_only")
    assert isinstance(other.reserve(ask("after", 1), at(1)), Granted)
    database.close()


def test_a_refused_connection():
    """Where nobody listens there is no ledger, and that is said at once."""
    with in_time():
        open_database("postgresql://me@127.0.0.1:1/none", timeout_seconds=TIMEOUT)


@contextmanager
def file_ledger(url: str) -> Iterator[tuple[Database, Ledger]]:
    """Give a ledger on a file with 500 tokens."""
    database = open_database(url, timeout_seconds=0.2)
    ledger = Ledger(database, "account")
    ledger.observe(meter(0, 500), at(0))
    yield database, ledger
    database.close()


def test_a_locked_file(sqlite_url):
    """A file that another process holds for longer than the time-out can be read, not spent from; later it can."""
    with file_ledger(sqlite_url) as (_, ledger):
        with holder(sqlite_url, TIMEOUT, "write"):
            with in_time():
                ledger.reserve(ask("during", 1), at(1))
            assert ledger.account().reservations == ()
        assert isinstance(ledger.reserve(ask("after", 1), at(2)), Granted)


def test_what_was_owed_is_read_when_it_is_written(sqlite_url):
    """A settle that could not be written for minutes brings no old balance back over what others have spent since."""
    with file_ledger(sqlite_url) as (database, _), file_ledger(sqlite_url) as (_, other):
        now = at(1)
        ledger = Ledger(database, "account", lambda: now)
        assert isinstance(ledger.reserve(ask("late", 1), at(1)), Granted)
        with holder(sqlite_url, TIMEOUT, "write"), in_time():
            ledger.settle("late", 1, meter(1, 499), at(1))
        assert isinstance(other.reserve(ask("theirs", 400), at(60)), Granted)
        other.settle("theirs", 400, meter(61, 119), at(61))
        now = at(62)
        assert not isinstance(ledger.reserve(ask("too much", 200), now), Granted)
        account = ledger.account()
        assert account.meter is not None
        assert account.meter.tokens_left == 119
        assert account.reservations == ()


def test_a_process_that_stopped_before_it_settled(sqlite_url):
    """Whoever is stopped for minutes between an answer and its entry brings no old balance back either."""
    with file_ledger(sqlite_url) as (database, _), file_ledger(sqlite_url) as (_, other):
        ledger = Ledger(database, "account", lambda: at(62))
        assert isinstance(ledger.reserve(ask("late", 1), at(1)), Granted)
        assert isinstance(other.reserve(ask("theirs", 400), at(60)), Granted)
        other.settle("theirs", 400, meter(61, 119), at(61))
        ledger.settle("late", 1, meter(1, 499), at(1))
        account = ledger.account()
        assert account.meter is not None
        assert account.meter.tokens_left == 119


def test_threads_that_wait_for_a_locked_file(sqlite_url):
    """The threads of one process stand in line for one lock, each no longer than the time-out."""

    async def main() -> list:
        steps = (asyncio.to_thread(ledger.reserve, ask(f"during {number}", 1), at(1)) for number in range(4))
        return await asyncio.gather(*steps, return_exceptions=True)

    with file_ledger(sqlite_url) as (_, ledger), holder(sqlite_url, TIMEOUT, "write"):
        began = time.monotonic()
        assert [type(error) for error in asyncio.run(main())] == [LedgerUnavailableError] * 4
        assert time.monotonic() - began < 10 * TIMEOUT


@pytest.mark.parametrize("another", [None, "empty", "ledger"])
def test_a_file_that_was_taken_away(sqlite_url, another):
    """Who has a file open that is no longer at its path spends nothing and makes no new one; put back, all goes on."""
    path = Path(make_url(sqlite_url).database or "")
    away = path.with_name("away.db")
    with file_ledger(sqlite_url) as (_, ledger), file_ledger(f"sqlite:///{path.with_name('other.db')}"):
        assert isinstance(ledger.reserve(ask("before", 1), at(1)), Granted)
        path.rename(away)
        if another == "empty":
            path.touch()
        elif another == "ledger":
            path.with_name("other.db").rename(path)
        for _ in range(2):  # the first loses its connection, the second cannot make one
            with in_time():
                ledger.reserve(ask("during", 1), at(2))
            with in_time():
                ledger.account()
        assert path.exists() == (another is not None)
        away.replace(path)
        assert isinstance(ledger.reserve(ask("after", 1), at(3)), Granted)
        assert held(ledger) == {"before", "after"}


def test_a_file_taken_away_in_a_step(sqlite_url):
    """What is written while its file is taken away is undone: nobody else would see it."""
    path = Path(make_url(sqlite_url).database or "")
    with file_ledger(sqlite_url) as (database, ledger):
        with in_time(), database.write() as connection:
            load_locked(connection, "account")
            connection.exec_driver_sql("UPDATE accounts SET gap = 99")
            path.rename(path.with_name("away.db"))
        path.with_name("away.db").rename(path)
        assert ledger.account().gap == 0


@pytest.mark.parametrize("stop", [True, False], ids=["stopped", "killed"])
def test_a_client_through_an_outage(server, tmp_path, monkeypatch, stop):
    """Calls that wait end with LedgerUnavailableError, nothing reaches Keepa; then the same client works again."""
    monkeypatch.setenv("KEEPAHEAD_LEDGER_TIMEOUT_SECONDS", str(TIMEOUT))
    house = House(tmp_path, balance=11, seed=2, clock=ScaledClock(20))  # the next lump comes after 49 s, here 2.5 s
    house.database_url = url_of(server.url, "outage")

    async def one(keepa: AsyncKeepa, number: int) -> object:
        return await keepa.products([f"B00000000{number}"])

    async def main() -> None:
        async with house.keepa() as keepa:
            await one(keepa, 0)  # the last token above the floor
            waiting = [asyncio.create_task(one(keepa, number)) for number in range(1, 4)]
            await asyncio.sleep(0.1)
            server.stop() if stop else server.kill()
            sent = len(house.truth().log)
            ended = await asyncio.gather(*waiting, one(keepa, 4), return_exceptions=True)
            assert {type(error) for error in ended} == {LedgerUnavailableError}
            assert len(house.truth().log) == sent
            server.go_on() if stop else server.start()
            assert await one(keepa, 5)
            assert len(house.truth().log) > sent

    asyncio.run(main())
    assert house.truth().lowest_balance >= 10
