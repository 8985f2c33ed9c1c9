"""Faults on a SQLite ledger: the processes that share it, the file, and the disk under it."""

from collections.abc import Sequence

from lab.faults.fault import Fault
from lab.faults.processes import kill_workers, stop_a_worker, stop_the_writer

ON_SQLITE: Sequence[Fault] = (
    Fault(
        "workers killed at random moments",
        "sqlite",
        "never below the floor; every token that was charged is in the ledger, what was delivered is archived; "
        "the file is whole; the others go on",
        kill_workers,
    ),
    Fault(
        "a worker stopped in the middle of an exchange",
        "sqlite",
        "the others go on; its reservation lapses and its charge is found; its late answer is delivered and archived; "
        "never below the floor",
        stop_a_worker,
    ),
    Fault(
        "the process that holds the lock of the file stopped",
        "sqlite",
        "the others are told within the time-out that the ledger is unavailable, and nothing is sent; then they go on",
        stop_the_writer,
    ),
)
