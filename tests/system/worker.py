"""A child of test_many_processes.py: works through its tasks, all at once, and puts down each one that is finished.

It may be killed at any moment; whoever takes its place is told the tasks that are not put down.
"""

import asyncio
import random
import sys
from pathlib import Path
from typing import Any, TextIO

from tests.system.children import clock_of, order
from tests.system.workload import Task, mixed

from keepahead import AsyncKeepa, KeepaError, PartialResultError


async def finish(keepa: AsyncKeepa, number: int, task: Task, done: TextIO) -> None:
    """Do one task until it succeeds, then put its number down; what Keepa spoils is done again, and paid again."""
    while True:
        try:
            await task(keepa)
        except (KeepaError, PartialResultError):
            continue
        done.write(f"{number}\n")
        done.flush()
        return


async def work(told: dict[str, Any], done: TextIO) -> None:
    """Do all tasks, as many at a time as the tokens allow."""
    async with AsyncKeepa(
        told["key"],
        upstream_url=told["upstream_url"],
        database_url=told["database_url"],
        lane=told["lane"],
        caller=told["caller"],
        clock=clock_of(told),
    ) as keepa:
        tasks = [(number, mixed(random.Random(f"{told['seed']}/{number}"))) for number in told["tasks"]]
        await asyncio.gather(*(finish(keepa, number, task, done) for number, task in tasks))


def main(told: dict[str, Any]) -> None:
    """Work, and note what is finished in the file that was told."""
    with Path(told["done"]).open("a") as done:
        asyncio.run(work(told, done))


if __name__ == "__main__":
    sys.exit(main(order()))
