"""A small disk of its own for the ledger, filled up while workers spend."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from lab.faults.fault import Happened, LeftOutError
from lab.faults.processes import HURRIED, UNAVAILABLE, stand_still, wait_until_all_go_on
from lab.faults.scene import RICH, Scene, wait_until
from lab.faults.spender import ANSWERED

DISK_BYTES = 16 << 20


def fill_while_they_spend(folder: Path) -> Happened:
    """Fill the disk under four workers, and make room again."""
    with small_disk(folder) as disk, Scene(folder, *RICH, ledger_folder=disk, **HURRIED) as scene:
        scene.start_four()
        with full(disk):
            refused, sent = stand_still(scene)
            words = {each.words for each in scene.outcomes() if each.name != ANSWERED}
        wait_until_all_go_on(scene)
        scene.let_workers_end()
        broken = scene.broken(archives_all=False)
        if sent:
            broken.append("something was sent while nothing could be reserved")
        if not any("disk is full" in each for each in words):
            broken.append(f"nobody was told that the disk is full: {words}")
        truth, sums = scene.truth(), scene.sums()
        told = (
            f"{refused} calls ended with {UNAVAILABLE}, {sent} requests were sent meanwhile; with room again all four "
            f"went on; Keepa charged {truth['consumed']}, the ledger says {sums}; the file is whole"
        )
        return Happened(told, broken)


def fill_before_the_answer(folder: Path) -> Happened:
    """Fill the disk while a request is at Keepa, and make room once its caller has what it gets."""
    with small_disk(folder) as disk, Scene(folder, *RICH, ledger_folder=disk, **HURRIED) as scene:
        scene.served.make_trouble(latency_seconds=(60, 60))
        worker = scene.start(0, at_once=1, sizes=(90,))
        wait_until(lambda: scene.truth()["requests"] >= 2, "the request of the worker, after the one for the meter")
        with full(disk):
            wait_until(lambda: worker.count(UNAVAILABLE), "the refusal of the next call")
            first, *_ = worker.outcomes()
            with scene.books() as books:
                held = books.held()
            kept = len(scene.archived())
        scene.served.make_trouble()
        wait_until(lambda: worker.count(ANSWERED) > 2, "the next answers")
        scene.let_workers_end()
        broken = scene.broken(archives_all=False)
        if first.name != ANSWERED:
            broken.append(f"the caller got {first.name} ({first.words}) and not the answer that was paid for")
        truth, sums = scene.truth(), scene.sums()
        told = (
            f"the caller has the answer for 90 tokens; until there was room the ledger held {held[0]}, and {kept} "
            f"of 90 products were archived; then Keepa had charged {truth['consumed']}, and the ledger says {sums}"
        )
        return Happened(told, broken)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """Give a folder that is a disk of its own, in memory."""
    disk = folder / "disk"
    disk.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        raise LeftOutError("only root can mount a small disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES},mode=700", "tmpfs", str(disk)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LeftOutError(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield disk
    finally:
        if subprocess.run(["umount", str(disk)], capture_output=True, check=False).returncode:
            subprocess.run(["umount", "--lazy", str(disk)], check=True)  # somebody still has a file of it open


@contextmanager
def full(disk: Path) -> Iterator[None]:
    """Fill a disk to its last byte, and make room again."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 12))
    try:
        yield
    finally:
        ballast.unlink()
