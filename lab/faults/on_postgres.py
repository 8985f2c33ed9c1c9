"""Faults on PostgreSQL: a real server of our own, and programs that spend on it while it fails."""

import signal
import time
from collections.abc import Generator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from tests.postgres import Server

from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger
from lab.faults.fault import Fault, Happened
from lab.faults.holder import AT_ONCE, FEW_TRIPS, holder, take_row
from lab.faults.reckoning import Seen, played
from lab.faults.shared_scene import ERROR_SECONDS, LIMIT_SECONDS, TIMEOUT_SECONDS, Outage, Scene, new_server
from lab.faults.shared_spender import ANSWERED, Spender
from lab.faults.small_disk import small_disk

DISK_MEGABYTES = 120

FORGETTING_SPEED = 60
"""What a dead program held lapses after eight minutes, which are eight seconds then."""

PART = "PostgreSQL"
KILLS = 3

CLOSED = (
    "every call ends with an error in time and nothing is sent while it is away; then all go on by themselves, and "
    "the ledger agrees with Keepa to the token"
)


def killed(folder: Path) -> Happened:
    """Kill all of the server's processes and start it again, several times."""

    def play(scene: Scene, seen: Seen) -> None:
        outage = Outage(scene)
        for _ in range(KILLS):
            outage.go_through(scene.server.kill, scene.server.start)
        seen.outage(outage)

    return played(Scene(folder, count=3), play)


def restarted(folder: Path) -> Happened:
    """Shut it down in good order, and start it again."""

    def play(scene: Scene, seen: Seen) -> None:
        outage = Outage(scene)
        outage.go_through(scene.server.shut_down, scene.server.start)
        seen.outage(outage)

    return played(Scene(folder), play)


def frozen(folder: Path) -> Happened:
    """Freeze all of its processes for longer than the time-out."""

    def play(scene: Scene, seen: Seen) -> None:
        outage = Outage(scene)
        outage.go_through(scene.server.stop, scene.server.go_on)
        seen.outage(outage)

    return played(Scene(folder), play)


class OnSmallDisk(Scene):
    """A scene whose server has a disk that can be filled."""

    @contextmanager
    def make_server(self) -> Generator[Server]:
        """Give a server on that disk."""
        with small_disk(DISK_MEGABYTES) as self.disk, new_server(self.disk.folder) as server:
            server.start()
            try:
                yield server
            finally:
                self.disk.make_room()  # or it could not shut down in good order


def disk_full(folder: Path) -> Happened:
    """Fill the disk, then make room."""

    def play(scene: OnSmallDisk, seen: Seen) -> None:
        outage = Outage(scene)
        outage.go_through(scene.disk.fill, scene.disk.make_room)
        seen.outage(outage, is_whole=False)  # there may be room for one more row on a page

    return played(OnSmallDisk(folder), play)


def killed_with_the_row(folder: Path) -> Happened:
    """Kill one program while it has the account's row, and one that has calls under way."""

    def play(scene: Scene, seen: Seen) -> None:
        with holder(scene.database_url, scene.fingerprint, FEW_TRIPS, TIMEOUT_SECONDS) as process:
            victim = scene.spenders[0]
            take_row(process)
            victim.process.kill()
            process.kill()
        victim.is_well = False
        victim.end()
        seen.fewest_lost = under_way(scene, victim)  # all of them, as nobody is left who could book their answers
        seen.told.append(f"the others were answered after {goes_on(scene, seen):.1f} s")

    return played(Scene(folder, count=3, speed=FORGETTING_SPEED, latency="15..30"), play)


def frozen_with_the_row(folder: Path) -> Happened:
    """Freeze one program while it has the account's row, and one that has calls under way; then let both go on."""

    def play(scene: Scene, seen: Seen) -> None:
        sleeper = scene.spenders[0]
        with holder(scene.database_url, scene.fingerprint, FEW_TRIPS, TIMEOUT_SECONDS) as process:
            take_row(process)
            process.send_signal(signal.SIGSTOP)
            sleeper.process.send_signal(signal.SIGSTOP)
            sleeper.is_well = False
            seen.fewest_lost = 0  # on a busy machine it may sleep for eight minutes of this time
            seen.told.append(f"{under_way(scene, sleeper)} calls of the frozen one were under way")
            seen.told.append(f"the others were answered after {goes_on(scene, seen):.1f} s")
            process.send_signal(signal.SIGCONT)
            process.communicate("", timeout=LIMIT_SECONDS)
            seen.demand("the frozen program could commit in the end", holds=process.returncode != 0)
        sleeper.process.send_signal(signal.SIGCONT)
        sleeper.is_well = True
        seen.told.append(f"the frozen one {goes_on(scene, seen):.1f} s after it woke up")

    return played(Scene(folder, count=3, latency="8..15"), play)


def frozen_in_a_pipeline(folder: Path) -> Happened:
    """Freeze a program with the account's row where a server before PostgreSQL 17 keeps no time; then let it go on."""

    def play(scene: Scene, seen: Seen) -> None:
        with holder(scene.database_url, scene.fingerprint, AT_ONCE, TIMEOUT_SECONDS) as process:
            take_row(process)
            process.send_signal(signal.SIGSTOP)
            seen.told.append(f"it was ended, and the others were answered after {goes_on(scene, seen):.1f} s")
            process.send_signal(signal.SIGCONT)
            process.communicate("", timeout=LIMIT_SECONDS)
            seen.demand("the frozen program could commit in the end", holds=process.returncode != 0)

    return played(Scene(folder), play)


def under_way(scene: Scene, spender: Spender) -> int:
    """Count the calls of a program for which tokens are set aside."""
    with closing(open_database(scene.database_url)) as database:
        held = Ledger(database, scene.fingerprint).account().reservations
    return sum(each.label.caller == spender.caller for each in held)


def goes_on(scene: Scene, seen: Seen) -> float:
    """Wait until every task of those that are well is answered; return the seconds, and demand that they are few."""
    now = time.monotonic()
    seconds = scene.wait_until(lambda: scene.all_told(now, ANSWERED), "an answer for every task of the others")
    seen.demand(f"it took {seconds:.1f} s", holds=seconds < ERROR_SECONDS)
    return seconds


ON_POSTGRES: Sequence[Fault] = (
    Fault("killed and started again under load, three times", PART, CLOSED, killed),
    Fault("restarted in good order under load", PART, CLOSED, restarted),
    Fault("frozen for longer than the time-out", PART, CLOSED, frozen),
    Fault(
        "its disk full",
        PART,
        "what cannot be written is not sent, and ends with an error in time; with room again all go on by themselves, "
        "and the ledger agrees with Keepa to the token",
        disk_full,
    ),
    Fault(
        "a program killed while it has the account's row, another with calls under way",
        PART,
        "the server gives the row to the others at once; what was under way counts until a meter proves it",
        killed_with_the_row,
    ),
    Fault(
        "a program frozen while it has the account's row, another with calls under way",
        PART,
        "the server ends its transaction within the time-out and the others go on; whoever wakes up goes on as well",
        frozen_with_the_row,
    ),
    Fault(
        "a program frozen with the row inside of a pipeline",
        PART,
        "those who waited for the row in vain have the server end it, and go on; it hears of it when it wakes up",
        frozen_in_a_pipeline,
    ),
)
