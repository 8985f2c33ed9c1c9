"""One contender at work, in a process of its own: told its terms by a line on stdin, tells by a line what came of it.

Runs as `python -m bench.field.child`, on whatever Python the contender needs; imports keepahead for keepahead only.
"""

import asyncio
import importlib
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bench.field.scaled import ScaledLoop, accelerate
from bench.field.terms import Contender, Item, Terms

_clock = time.time  # the real one, also once it is replaced: the parent tells in it when the bucket was opened


@dataclass
class Books:
    """What came so far. Real seconds."""

    opened_at: float
    cpu_began: float
    delivered: list[int] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    last_at: float = 0.0

    def close(self, *, in_time: bool) -> None:
        """Print them as one line, and end this process whatever is still going on in it."""
        told = {
            "delivered": self.delivered,
            "errors": self.errors,
            "real_seconds": (self.last_at if in_time else _clock()) - self.opened_at,
            "in_time": in_time,
            "cpu_seconds": time.process_time() - self.cpu_began,
        }
        print(json.dumps(told), flush=True)
        os._exit(0)


def main() -> None:
    """Work until everything is asked for, or until the time is over."""
    logging.getLogger().addHandler(logging.NullHandler())  # a warning for every wait is no progress
    order = json.loads(sys.stdin.readline())
    terms = Terms(**order["terms"])
    is_ours = order["module"] == "ours"
    if not is_ours:
        accelerate(terms.speed, datetime.fromisoformat(terms.since))
    make = _maker(order, terms)
    with asyncio.Runner(loop_factory=None if is_ours else ScaledLoop) as runner:
        runner.run(_work(make, order))


def _maker(order: Mapping[str, Any], terms: Terms) -> Any:
    module = importlib.import_module(f"bench.field.{order['module']}")
    if order["gate"]:
        return lambda: module.Plain(terms, getattr(module, order["gate"])(terms))
    return lambda: getattr(module, order["client"])(terms, **order["options"])


async def _work(make: Any, order: Mapping[str, Any]) -> None:
    contender: Contender = make()
    print(json.dumps({"version": contender.version}), flush=True)
    go = json.loads(sys.stdin.readline())
    books = Books(go["opened_at"], time.process_time())
    bell = threading.Timer(go["limit_seconds"], books.close, kwargs={"in_time": False})
    bell.daemon = True
    bell.start()
    rest = iter(enumerate(order["items"]))
    await asyncio.gather(*(_worker(contender, rest, books) for _ in range(order["workers"])))
    bell.cancel()
    await contender.aclose()
    books.close(in_time=True)


async def _worker(contender: Contender, rest: Iterator[tuple[int, Item]], books: Books) -> None:
    for number, item in rest:
        try:
            came = await contender.asks(item)
        except Exception as error:  # noqa: BLE001 - whatever it is, this worker has no answer
            books.errors[f"{type(error).__name__}: {error}"[:80]] += 1
        else:
            if came:
                books.delivered.append(number)
            else:
                books.errors["not all of it"] += 1
        books.last_at = _clock()


if __name__ == "__main__":
    main()
