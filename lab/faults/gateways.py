"""A gateway that is killed under load, and another one that takes its place on the same file."""

import threading
import time
from multiprocessing.context import ForkServerProcess
from pathlib import Path

import httpx2
from tests.faces.gateway.served_gateway import for_sale

from lab.faults.fault import Happened
from lab.faults.scene import PROCESSES, WAIT_SECONDS, Scene, wait_until
from lab.faults.serving import serve

CLIENTS = 8
PRODUCTS = 120
KILLED_AFTER = (30, 60, 90)
"""So many answers have been given in all when a gateway is killed."""

PLAN = ("--rate", "600", "--balance", "2000", "--speed", "120", "--latency", "6..24")
LONGEST_SECONDS = 24


def kill_gateways(folder: Path) -> Happened:
    """Kill a gateway while eight programs ask it for products, start another one, and kill that as well."""
    with Scene(folder, *PLAN) as scene:
        door, asins = Door(scene), products()
        clients = [Client(door, asins[number::CLIENTS]) for number in range(CLIENTS)]
        try:
            return _play(scene, door, clients)
        finally:
            door.close()
            for each in clients:
                each.join(WAIT_SECONDS)


def _play(scene: Scene, door: "Door", clients: list["Client"]) -> Happened:
    door.open()
    for each in clients:
        each.start()
    broken, wasted = [], 0
    for count in KILLED_AFTER:
        wait_until(lambda count=count: len(answered(clients)) >= count, f"{count} answers")
        door.kill()
        lost, delivered = unarchived(scene), answered(clients)
        if not delivered <= scene.archived():
            broken.append("something was delivered and not archived")
        if lost - wasted > CLIENTS:
            broken.append(f"{lost - wasted} answers were paid for and not archived, and only {CLIENTS} were under way")
        wasted = lost
        door.open()
    wait_until(lambda: all(not each.is_alive() for each in clients), "the answers to everybody")
    door.kill()
    broken += scene.broken(is_any_lost=True)
    consumed = scene.truth()["consumed"] - 1  # come_to_rest has asked for one more
    if consumed != PRODUCTS + wasted:
        broken.append(f"{consumed} tokens were paid for {PRODUCTS} products and {wasted} lost answers")
    failures = sum(each.failures for each in clients)
    told = (
        f"{len(KILLED_AFTER)} kills; {len(answered(clients))} of {PRODUCTS} products answered after {failures} broken "
        f"connections; {consumed} tokens paid, {wasted} of them for answers that were under way at a kill; lowest "
        f"balance {scene.truth()['lowest_balance']}"
    )
    return Happened(told, broken)


def unarchived(scene: Scene) -> int:
    """Return how many tokens were charged for what is not in the archive; of a gateway that is dead."""
    scene.served.clock.sleep(LONGEST_SECONDS)  # Keepa works on when its client is gone
    return scene.truth()["consumed"] - len(scene.archived())


def products() -> list[str]:
    """Return ASINs that are for sale, a token each."""
    catalogue, numbers = for_sale()
    return [catalogue.asin(number) for number in numbers[:PRODUCTS]]


def answered(clients: list["Client"]) -> set[str]:
    """Return what all clients together have an answer for."""
    return {asin for each in clients for asin in each.answered}


class Door:
    """Where the gateway is now."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._process: ForkServerProcess | None = None
        self._url = ""
        self.is_closed = False

    def open(self) -> None:
        """Start a gateway, and wait until it listens."""
        mine, its = PROCESSES.Pipe()
        order = self._scene.order("gateway", "gateway.log")
        self._process = PROCESSES.Process(target=serve, args=(order, its), daemon=True)
        self._process.start()
        its.close()
        assert mine.poll(WAIT_SECONDS), "the gateway does not listen"
        self._url = mine.recv()
        mine.close()

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def close(self) -> None:
        """Kill it, and let nobody ask any more."""
        self.is_closed = True
        self.kill()

    def get(self, path: str) -> httpx2.Response:
        """Ask whichever gateway there is."""
        return httpx2.get(self._url + path, timeout=WAIT_SECONDS)


class Client(threading.Thread):
    """A program that asks for its products one by one, each again until it is answered."""

    def __init__(self, door: Door, asins: list[str]) -> None:
        super().__init__(daemon=True)
        self._door = door
        self._asins = asins
        self.answered: list[str] = []
        self.failures = 0

    def run(self) -> None:
        """Ask for all of them."""
        for asin in self._asins:
            while not self._is_answered(asin) and not self._door.is_closed:
                self.failures += 1
                time.sleep(0.05)

    def _is_answered(self, asin: str) -> bool:
        try:
            is_answered = self._door.get(f"/api/v1/products/{asin}").status_code == 200
        except httpx2.HTTPError:
            return False
        if is_answered:
            self.answered.append(asin)
        return is_answered
