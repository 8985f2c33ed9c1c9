"""Faults on a SQLite ledger: the processes that share it, the file, and the disk under it."""

from collections.abc import Callable, Sequence
from pathlib import Path

from lab.faults.fault import Fault, Happened
from lab.faults.files import protect_the_file, remove_the_file
from lab.faults.full_disk import fill_before_the_answer, fill_while_they_spend
from lab.faults.gateways import kill_gateways
from lab.faults.processes import kill_workers, stop_a_worker, stop_the_writer


def in_time(play: Callable[[Path], Happened]) -> Callable[[Path], Happened]:
    """Have what never comes told as a broken promise."""

    def played(folder: Path) -> Happened:
        try:
            return play(folder)
        except TimeoutError as error:
            return Happened("not played to its end", [str(error)])

    return played


ON_SQLITE: Sequence[Fault] = (
    Fault(
        "workers killed at random moments",
        "SQLite",
        "never below the floor; every token that was charged is in the ledger, what was delivered is archived; "
        "the file is whole; the others go on",
        in_time(kill_workers),
    ),
    Fault(
        "a worker stopped in the middle of an exchange",
        "SQLite",
        "the others go on; its reservation lapses and its charge is found; its late answer is delivered and archived; "
        "never below the floor",
        in_time(stop_a_worker),
    ),
    Fault(
        "the process that holds the lock of the file stopped",
        "SQLite",
        "the others are told within the time-out that the ledger is unavailable, and nothing is sent; then they go on",
        in_time(stop_the_writer),
    ),
    Fault(
        "a gateway killed under load",
        "SQLite",
        "with another on the same file everybody is answered; what was archived is not paid for again, and what was "
        "under way once more; the file is whole",
        in_time(kill_gateways),
    ),
    Fault(
        "the disk full while workers spend",
        "SQLite",
        "they are told that it is full, and nothing is sent; with room again all go on; every token that was charged "
        "is in the ledger; the file is whole",
        in_time(fill_while_they_spend),
    ),
    Fault(
        "the disk full before an answer comes",
        "SQLite",
        "the caller has the answer that is paid for; its tokens stay held, and are booked when there is room",
        in_time(fill_before_the_answer),
    ),
    Fault(
        "the file removed under those who spend",
        "SQLite",
        "those who have it open are told and send nothing: there are never two budgets; restarted, they go on with the "
        "new file",
        in_time(remove_the_file),
    ),
    Fault(
        "the file made read-only",
        "SQLite",
        "a newcomer is told and sends nothing; those who have it open go on with the one budget; so do all when it "
        "is writable again",
        in_time(protect_the_file),
    ),
)
