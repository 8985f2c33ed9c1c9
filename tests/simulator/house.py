"""A simulated Keepa on a clock that stands still, and short ways to ask it."""

import gzip
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from keepahead.simulator import SIMULATOR_KEY, Reply, Simulator, SteppedClock
from keepahead.simulator.catalogue.catalogue import Catalogue

START = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
_CATALOGUE = Catalogue(1)  # the same for all tests: nothing in it ever changes


def decode(reply: Reply) -> dict[str, Any]:
    """Read the JSON of a reply, packed or not."""
    packed = reply.headers.get("content-encoding") == "gzip"
    return json.loads(gzip.decompress(reply.body) if packed else reply.body)


@dataclass
class House:
    """A simulated Keepa, its clock, and short ways to ask it."""

    simulator: Simulator
    clock: SteppedClock

    def reply(self, path: str, body: object = None, **query: object) -> Reply:
        """Send one request through both moments."""
        texts = {name.replace("_", "-"): str(value) for name, value in query.items()}
        texts.setdefault("key", SIMULATOR_KEY)
        raw = json.dumps(body).encode() if body is not None else b""
        pending = self.simulator.begin("POST" if raw else "GET", path, texts, raw)
        return self.simulator.finish(pending)

    def ask(self, path: str, body: object = None, **query: object) -> dict[str, Any]:
        """Send one request and read its JSON."""
        return decode(self.reply(path, body, **query))

    def cost(self, path: str, body: object = None, **query: object) -> int:
        """Send one request and return what it cost."""
        return self.ask(path, body, **query)["tokensConsumed"]

    def some(self, count: int = 10, domain: int = 1, root: int = 1) -> list[str]:
        """Return ASINs that are for sale, of plain products."""
        catalogue = self.simulator.catalogue
        plain = (n for n in catalogue.index(domain)[root] if catalogue.traits(n, domain).type == 0)
        return [catalogue.asin(n) for n, _ in zip(plain, range(count), strict=False)]


def open_house(**options: Any) -> House:
    """Build a simulated Keepa on a clock that only moves when told."""
    clock = SteppedClock(START)
    simulator = Simulator(now=clock.now, **options)
    if options.get("seed", 1) == 1:
        simulator.catalogue = _CATALOGUE
    return House(simulator, clock)
