"""Somebody who rules: puts limits on callers and freezes calls, for a while, and takes both off again."""

import asyncio
import random
from contextlib import suppress
from datetime import timedelta

from keepahead.budget.rule import Freeze, Limit
from keepahead.errors import LedgerError
from keepahead.faces import wiring
from keepahead.store.rulebook import Rulebook
from lab.clock import HostClock
from lab.programs import CALLERS, Diary

LONGEST_FREEZE_SECONDS = 300.0
"""All freezes end by themselves: who rules may die."""


async def rule(clock: HostClock, rng: random.Random, diary: Diary, *, url: str, account: str) -> None:
    """Change the rules every few minutes, until all is over; then take the limits off."""
    loop = asyncio.get_running_loop()

    def change() -> None:
        database = wiring.open_database(url)
        try:
            _change(Rulebook(database, account), clock, rng, is_over=diary.is_over)
        finally:
            database.close()

    while True:
        with suppress(LedgerError):
            await loop.run_in_executor(None, change)
            if diary.is_over:
                return
        await asyncio.sleep(rng.expovariate(1 / 150))


def _change(rules: Rulebook, clock: HostClock, rng: random.Random, *, is_over: bool) -> None:
    caller = rng.choice(CALLERS)
    if is_over:
        for each in CALLERS:
            rules.unlimit(each)
    elif rng.random() < 0.4:
        rules.limit(Limit(caller=caller, tokens_per_hour=rng.choice((60, 200, 1_000))))
    elif rng.random() < 0.5:
        rules.unlimit(caller)
    else:
        rules.freeze(_freeze(clock, rng, caller))


def _freeze(clock: HostClock, rng: random.Random, caller: str) -> Freeze:
    now = clock.now()
    return Freeze(
        freeze_id=0,
        words="the laboratory rests",
        made_at=now,
        endpoints=rng.choice(((), ("bestsellers",), ("product", "seller"))),
        above=rng.choice((None, 5)),
        lane=rng.choice((None, "jobs")),
        caller=rng.choice((None, caller)),
        until=now + timedelta(seconds=rng.uniform(5, LONGEST_FREEZE_SECONDS)),
    )
