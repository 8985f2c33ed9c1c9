"""A program that takes the account's row and keeps it until its input ends: what its parent kills or freezes there."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

from tests.system.children import ROOT

from keepahead import LedgerUnavailableError
from keepahead.store.database import Database, open_database
from keepahead.store.kept import load_locked

READY = "ready"
LOCKED = "locked"
FEW_TRIPS = "write_in_few_trips"
AT_ONCE = "write_at_once"


@contextmanager
def holder(url: str, fingerprint: str, way: str, timeout_seconds: float) -> Generator["subprocess.Popen[str]"]:
    """Give a process that is ready to take the row, in a transaction of that kind."""
    command = [sys.executable, "-m", "lab.faults.holder", url, fingerprint, way, str(timeout_seconds)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, cwd=ROOT
    ) as process:
        try:
            hear(process, READY)
            yield process
        finally:
            process.kill()


def take_row(process: "subprocess.Popen[str]") -> None:
    """Have it take the row."""
    assert process.stdin is not None
    process.stdin.write("take it\n")
    process.stdin.flush()
    hear(process, LOCKED)


def hear(process: "subprocess.Popen[str]", word: str) -> None:
    """Wait for what it says next."""
    assert process.stdout is not None
    said = process.stdout.readline().strip()
    assert said == word, said


def hold(url: str, fingerprint: str, way: str, timeout_seconds: float) -> None:
    """Take the row when it is told to, say so, and keep it."""
    database = opened(url, timeout_seconds)
    print(READY, flush=True)
    sys.stdin.readline()
    while not has_held(database, fingerprint, way):  # on a busy machine the others may have had it for too long
        pass


def has_held(database: Database, fingerprint: str, way: str) -> bool:
    """Tell whether the row could be taken; it has been kept then until the input ended."""
    has_it = False
    try:
        with getattr(database, way)() as connection:
            driver = connection.connection.driver_connection
            with driver.pipeline() if way == AT_ONCE else nullcontext():
                if way == AT_ONCE:
                    lock_before_sync(driver, fingerprint)
                else:
                    load_locked(connection, fingerprint)
                has_it = True
                wait()
    except LedgerUnavailableError:
        if has_it:
            raise
    return has_it


def lock_before_sync(driver: Any, fingerprint: str) -> None:
    """Stand where a ledger that decides first stands after its first statement: in a pipeline, before its sync."""
    driver.execute("SELECT version FROM accounts WHERE fingerprint = %s FOR UPDATE", (fingerprint,)).fetchone()


def opened(url: str, timeout_seconds: float) -> Database:
    """Open the ledger, however busy the machine is."""
    while True:
        try:
            return open_database(url, timeout_seconds=timeout_seconds)
        except LedgerUnavailableError:
            continue


def wait() -> None:
    """Say that the row is taken, and keep it until the input ends."""
    print(LOCKED, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    hold(sys.argv[1], sys.argv[2], sys.argv[3], float(sys.argv[4]))
