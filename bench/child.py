"""One process of clients: opens a contender, and lets its clients do pairs when told to.

Runs as `python -m bench.child MODULE:CLASS PLACE`, under the Python of the contender, so it imports the standard
library only. Each line on stdin is answered by one line of JSON: first how many clients, then from when until when.
"""

import gc
import json
import sys
import threading
import time
from collections.abc import Callable, Sequence
from importlib import import_module

Pair = Callable[[], object]


class Client(threading.Thread):
    """One client, in a thread of its own: one pair after the other between two moments of the machine's clock."""

    def __init__(self, pair: Pair, began: float, until: float) -> None:
        super().__init__(daemon=True)
        self._pair, self._began, self._until = pair, began, until
        self.microseconds: list[int] = []
        self.in_time = 0
        self.error = ""

    def run(self) -> None:
        """Do pairs; the last one may end late: its time is kept, but it does not count as done in time."""
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - whatever it is, the parent has to say it
            self.error = f"{type(error).__name__}: {error}"

    def _work(self) -> None:
        time.sleep(max(0.0, self._began - time.monotonic()))
        now = time.monotonic()
        while now < self._until:
            before = now
            self._pair()
            now = time.monotonic()
            self.microseconds.append(round((now - before) * 1e6))
            self.in_time += now <= self._until


def main(named: str, place: str) -> None:
    """Answer until stdin ends."""
    module, _, name = named.partition(":")
    contender = getattr(import_module(module), name)(place)
    _say({"version": contender.version})
    for line in sys.stdin:
        with contender.clients(json.loads(line)["clients"]) as pairs:
            gc.collect()
            _say({})
            times = json.loads(sys.stdin.readline())
            _say(_done(pairs, times["began"], times["until"]))
    contender.close()


def _done(pairs: Sequence[Pair], began: float, until: float) -> dict[str, object]:
    clients = [Client(pair, began, until) for pair in pairs]
    for client in clients:
        client.start()
    for client in clients:
        client.join()
    return {
        "in_time": [client.in_time for client in clients],
        "microseconds": [took for client in clients for took in client.microseconds],
        "error": next((client.error for client in clients if client.error), ""),
    }


def _say(answer: dict[str, object]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
