"""Two hosts that spend from one budget, and a third with PostgreSQL and Keepa: one of the two is cut off."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.postgres import Server

from lab.faults.fault import Happened
from lab.faults.namespaces import DATABASE, KEEPA, SERVICES, Hosts, address
from lab.faults.reckoning import Seen, played
from lab.faults.shared_scene import LOST_ANSWER, Outage, Scene, new_server
from lab.faults.shared_spender import ANSWERED, Spender

SPEED = 20
PATIENCE_SECONDS = 1.0
UNREACHABLE = "KeepaUnreachable"
CUT_OFF = "a"
OTHER = "b"


class ThreeHosts(Scene):
    """Programs on two hosts, alternately; this thread is on the third, with the servers."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, count=4, speed=SPEED, latency="2..6", host=address(KEEPA))
        self.patience_seconds = PATIENCE_SECONDS

    def set_up(self) -> None:
        """Make the hosts first."""
        self.hosts = self.enter(Hosts(CUT_OFF, OTHER))
        self.enter(self.hosts.inside(SERVICES))
        super().set_up()
        self.spenders_database_url = f"postgresql://tests@{address(DATABASE)}/ledger"

    def add(self) -> Spender:
        """Start one more program, on one host or on the other."""
        with self.hosts.inside((CUT_OFF, OTHER)[len(self.spenders) % 2]):
            return super().add()

    @contextmanager
    def make_server(self) -> Generator[Server]:
        """Give a server that the network of the database reaches."""
        with new_server() as server:
            server.listens_on = address(DATABASE)
            with (server.folder / "data" / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 10.77.0.0/16 trust\n")
            server.start()
            yield server

    @property
    def cut_off(self) -> Sequence[Spender]:
        """Those on the host that is cut off."""
        return self.spenders[::2]

    @property
    def others(self) -> Sequence[Spender]:
        """Those on the other host."""
        return self.spenders[1::2]


def hosts_cut_off(folder: Path) -> Happened:
    """Pull one host's cable to the database, put it back, pull the one to Keepa, put it back."""

    def play(scene: ThreeHosts, seen: Seen) -> None:
        from_database(scene, seen)
        from_keepa(scene, seen)

    return played(ThreeHosts(folder), play)


def from_database(scene: ThreeHosts, seen: Seen) -> None:
    """Cut one host off from the ledger: it sends nothing, the other one goes on."""
    outage = Outage(scene, scene.cut_off)
    outage.begin(lambda: scene.hosts.pull(CUT_OFF, DATABASE))
    outage.hold()
    now = time.monotonic()
    scene.wait_until(lambda: scene.all_told(now, ANSWERED, scene.others), "an answer for every task on the other host")
    scene.hosts.plug(CUT_OFF, DATABASE)
    outage.end()
    seen.told.append("cut off from the database")
    seen.outage(outage)


def from_keepa(scene: ThreeHosts, seen: Seen) -> None:
    """Cut it off from Keepa: what was under way counts as charged, what never left is given back."""
    began = time.monotonic()
    scene.hosts.pull(CUT_OFF, KEEPA)
    scene.wait_until(lambda: all_fail(scene, began), "an error for every task on the host that is cut off")
    now = time.monotonic()
    scene.wait_until(lambda: scene.all_told(now, ANSWERED, scene.others), "an answer for every task on the other host")
    scene.hosts.plug(CUT_OFF, KEEPA)
    healed = time.monotonic()
    back = scene.wait_until(lambda: scene.all_told(healed, ANSWERED), "an answer for every task")
    told = [told.what for told in scene.told(began)]
    lost, unsent = told.count(LOST_ANSWER), told.count(UNREACHABLE)
    seen.fewest_lost = 1
    seen.told.append(
        f"cut off from Keepa: {lost} under way counted as charged, {unsent} given back, answered again "
        f"after {back:.1f} s"
    )


def all_fail(scene: ThreeHosts, since: float) -> bool:
    """Tell whether every task there has failed since then, one way or the other."""
    return all(
        {told.task for told in each.told(since) if told.what in {LOST_ANSWER, UNREACHABLE}} >= scene.all_tasks
        for each in scene.cut_off
    )
