"""Processes that are killed or stopped while they spend from one file."""

import os
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

from keepahead.store.database import open_database
from keepahead.store.kept import load_locked
from keepahead.store.record import Filter
from lab.faults.fault import Happened
from lab.faults.scene import PROCESSES, RICH, WAIT_SECONDS, Scene, Worker, wait_until
from lab.faults.spender import ANSWERED

KILLS = 36
STOPPED = "worker 0"
TIMEOUT_SECONDS = 1.0
UNAVAILABLE = "LedgerUnavailableError"
HURRIED = {"sizes": (1, 1, 3), "ledger_timeout_seconds": TIMEOUT_SECONDS}
"""How workers spend whose refusals are waited for."""


def kill_workers(folder: Path) -> Happened:
    """Kill one of four workers, again and again, and put another in its place."""
    rng = random.Random(4711)
    with Scene(folder) as scene:
        scene.start_four()
        before, began = scene.answers(), time.monotonic()
        for _ in range(KILLS):
            time.sleep(rng.uniform(0.02, 0.3))  # the moment is the fault
            number = rng.randrange(4)
            scene.workers[number].kill()
            scene.start(number)
        seconds, after = time.monotonic() - began, scene.answers()
        wait_until(lambda: all(each.count(ANSWERED) for each in scene.workers.values()), "an answer for each survivor")
        scene.end_workers()
        broken = scene.broken(is_any_lost=True)
        if after == before:
            broken.append("nobody had an answer between the first kill and the last")
        truth, kept = scene.truth(), len(scene.archived())
        told = (
            f"{KILLS} kills in {seconds:.1f} s, {after - before} answers meanwhile; {truth['requests']} requests, "
            f"{truth['consumed']} tokens charged, {kept} products archived (the rest died with those who waited for "
            f"them); lowest balance {truth['lowest_balance']}; the ledger says {scene.sums()}"
        )
        return Happened(told, broken)


def stop_a_worker(folder: Path) -> Happened:
    """Stop a worker whose request is at Keepa until its reservation has lapsed, and let it go on."""
    with Scene(folder) as scene:
        scene.served.make_trouble(latency_seconds=(60, 60))
        worker = scene.start(0, at_once=1, sizes=(20,), calls=1)
        wait_until(lambda: scene.truth()["requests"] >= 2, "the request of the worker, after the one for the meter")
        with stopped(worker):
            assert kinds(scene) == ["reserved"]
            scene.served.make_trouble(latency_seconds=(1, 5))
            for number in (1, 2, 3):
                scene.start(number)
            others = [scene.workers[number] for number in (1, 2, 3)]
            began = scene.served.clock.now()
            wait_until(lambda: kinds(scene)[-1] == "absorbed", "the end of its reservation")
            minutes = (scene.served.clock.now() - began).total_seconds() / 60
            meanwhile = sum(each.count(ANSWERED) for each in others)
        wait_until(worker.outcomes, "the outcome of the stopped worker")
        [outcome] = worker.outcomes()
        scene.let_workers_end()
        broken = scene.broken(is_any_lost=True)
        if outcome.name != ANSWERED:
            broken.append(f"its caller got {outcome.name} ({outcome.words}) and not the answer that was paid for")
        if not all(each.count(ANSWERED) for each in others):
            broken.append("not all of the others went on while it was stopped")
        truth, sums = scene.truth(), scene.sums()
        told = (
            f"stopped for {minutes:.0f} minutes of the account's time; {meanwhile} answers to others "
            f"meanwhile; its call is in the ledger as {', '.join(kinds(scene))}, its answer is delivered and archived; "
            f"Keepa charged {truth['consumed']}, the ledger says {sums}; lowest balance {truth['lowest_balance']}"
        )
        return Happened(told, broken)


def stop_the_writer(folder: Path) -> Happened:
    """Stop a process that holds the write lock of the file, and let it go on."""
    with Scene(folder, *RICH, **HURRIED) as scene:
        scene.start_four()
        ready, may_end = PROCESSES.Event(), PROCESSES.Event()
        holder = PROCESSES.Process(target=hold, args=(scene.url, ready, may_end), daemon=True)
        holder.start()
        assert ready.wait(WAIT_SECONDS), "nobody got the lock"
        assert holder.pid is not None
        os.kill(holder.pid, signal.SIGSTOP)
        try:
            refused, sent = stand_still(scene)
        finally:
            os.kill(holder.pid, signal.SIGCONT)
            may_end.set()  # it waits for those who wait to have heard
        holder.join(WAIT_SECONDS)
        wait_until_all_go_on(scene)
        scene.let_workers_end()
        slowest = max(each.seconds for each in scene.outcomes() if each.name == UNAVAILABLE)
        told = (
            f"{refused} calls ended with {UNAVAILABLE}, the slowest after {slowest:.1f} s at a time-out of "
            f"{TIMEOUT_SECONDS:g} s; {sent} requests were sent meanwhile; then all four went on"
        )
        broken = [
            *scene.broken(archives_all=False),
            *(["something was sent while nothing could be reserved"] if sent else []),
        ]
        if slowest > 10 * TIMEOUT_SECONDS:
            broken.append("somebody waited for much longer than the time-out")
        return Happened(told, broken)


def stand_still(scene: Scene) -> tuple[int, int]:
    """Wait until all workers are refused for want of the ledger, and refused again.

    Return the refusals, and the requests that were sent in between.
    """
    wait_for_refusals(scene, 1)  # whatever had been granted before is through by then
    sent = scene.truth()["requests"]
    refusals = wait_for_refusals(scene, 2)
    return refusals, scene.truth()["requests"] - sent


def wait_for_refusals(scene: Scene, rounds: int) -> int:
    """Wait until each worker has been refused so often with all that it does at once, from now on; return how many."""
    had = {number: worker.count(UNAVAILABLE) for number, worker in scene.workers.items()}
    wanted = rounds * 4
    wait_until(
        lambda: all(each.count(UNAVAILABLE) >= had[number] + wanted for number, each in scene.workers.items()),
        f"{wanted} refusals of each worker",
    )
    return sum(each.count(UNAVAILABLE) for each in scene.workers.values())


def wait_until_all_go_on(scene: Scene) -> None:
    """Wait until each worker has an answer more than it has now."""
    had = {number: worker.count(ANSWERED) for number, worker in scene.workers.items()}
    wait_until(
        lambda: all(each.count(ANSWERED) > had[number] + 4 for number, each in scene.workers.items()),
        "an answer for each worker afterwards",
    )


def hold(url: str, ready: Event, may_end: Event) -> None:
    """Take the lock of the file and keep it."""
    database = open_database(url)
    with database.write() as connection:
        load_locked(connection, "another account")
        ready.set()
        may_end.wait()
    database.close()


@contextmanager
def stopped(worker: Worker) -> Iterator[None]:
    """Stop a worker, and let it go on in the end."""
    os.kill(worker.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(worker.pid, signal.SIGCONT)


def kinds(scene: Scene) -> list[str]:
    """Return what the ledger says of the call of the stopped worker, oldest first."""
    with scene.books() as books:
        lines = books.record.lines(Filter(caller=STOPPED, endpoint="product"))
    return [type(line.entry).__name__.lower() for line in reversed(lines)]
