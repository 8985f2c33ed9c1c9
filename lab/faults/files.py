"""The file of the ledger removed, or made read-only, under those who spend by it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lab.faults.fault import Happened
from lab.faults.processes import HURRIED, UNAVAILABLE, stand_still, wait_until_all_go_on
from lab.faults.scene import RICH, Scene, Worker, wait_until
from lab.faults.spender import ANSWERED

NEWCOMER = 4


def remove_the_file(folder: Path) -> Happened:
    """Remove the file, let somebody else make a new one, and restart those who had the old one."""
    with Scene(folder, *RICH, **HURRIED) as scene:
        scene.start_four()
        old = list(scene.workers.values())
        remove(scene)
        refused, sent = stand_still(scene)
        is_made_anew, charged, had = scene.path.exists(), scene.truth()["consumed"], answers_of(old)
        newcomer = scene.start(NEWCOMER)
        wait_until(lambda: newcomer.count(ANSWERED) > 8, "the answers of one who makes a new ledger")
        beside = answers_of(old) - had
        broken = begin_anew(scene, charged)
        if sent or is_made_anew:
            broken.append("somebody went on without the ledger")
        if beside:
            broken.append(f"two budgets: {beside} calls were paid by the removed ledger beside the new one")
        told = (
            f"{refused} calls ended with {UNAVAILABLE}, {sent} requests were sent meanwhile; beside "
            f"{newcomer.count(ANSWERED)} calls of one with a new ledger {beside} were sent by those with the old one; "
            "restarted, all four went on with the new one"
        )
        return Happened(told, broken)


def protect_the_file(folder: Path) -> Happened:
    """Make the file and its folder read-only under those who have it open, and let another one come."""
    ledger_folder = folder / "ledger"
    ledger_folder.mkdir()
    with Scene(folder, *RICH, ledger_folder=ledger_folder, is_root=False, **HURRIED) as scene:
        scene.start_four()
        with read_only(ledger_folder):
            newcomer = scene.start(NEWCOMER)
            wait_until(newcomer.outcomes, "what a newcomer is told")
            scene.workers.pop(NEWCOMER)
            wait_until_all_go_on(scene)
            told_newcomer = newcomer.outcomes()
            newcomer.kill()
        latecomer = scene.start(NEWCOMER)
        wait_until(lambda: latecomer.count(ANSWERED), "the answer of one who came later")
        scene.let_workers_end()
        broken = scene.broken()
        if not all(each.name == UNAVAILABLE and "readonly" in each.words for each in told_newcomer):
            broken.append(f"a newcomer was told {told_newcomer}")
        told = (
            f"{len(told_newcomer)} calls of a newcomer ended with {UNAVAILABLE}; those who had the file open went on, "
            f"{scene.answers()} answers in all from the one budget; writable again, one more came and all went on"
        )
        return Happened(told, broken)


def answers_of(workers: Sequence[Worker]) -> int:
    """Count what those workers had answered."""
    return sum(each.count(ANSWERED) for each in workers)


def remove(scene: Scene) -> None:
    """Remove the ledger with what SQLite keeps beside it."""
    for path in scene.path.parent.glob("ledger.db*"):
        path.unlink()


def begin_anew(scene: Scene, charged: int) -> list[str]:
    """Restart the four on a new ledger, see all go on, and return what is broken; `charged` was before it."""
    for number in range(4):
        scene.workers[number].kill()
        scene.start(number)
    scene.workers.pop(NEWCOMER)
    wait_until_all_go_on(scene)
    scene.let_workers_end()
    return scene.broken(archives_all=False, is_any_lost=True, of_another_ledger=charged)


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Take the right to write from a folder and its files, and give it back."""
    files = list(folder.iterdir())
    for path in files:
        path.chmod(0o444)
    folder.chmod(0o555)
    try:
        yield
    finally:
        folder.chmod(0o755)
        for path in files:
            path.chmod(0o644)
