"""Exchanges whose caller has gone: they are paid for, so they go on until they are booked and archived."""

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from keepahead.keepa.wire import Inbound


class Background:
    """The exchanges that nobody waits for any more, for one event loop."""

    def __init__(self) -> None:
        self._ends: dict[asyncio.Task[None], asyncio.Task[Inbound]] = {}

    def take(self, exchange: "asyncio.Task[Inbound]", end: Coroutine[Any, Any, None]) -> None:
        """Let an exchange go on; `end` does what is to be done with what comes of it, and raises nothing."""
        task = asyncio.create_task(end)
        self._ends[task] = exchange
        task.add_done_callback(self._ends.pop)

    async def drain(self, seconds: float) -> None:
        """Wait so long for all of them to end, then end them: their answers are lost."""
        try:
            if seconds > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(seconds):
                        while under_way := self._under_way():
                            await asyncio.wait(under_way)
        finally:
            while under_way := self._under_way():
                for exchange in under_way.values():
                    exchange.cancel()
                await asyncio.wait(under_way)

    def _under_way(self) -> "dict[asyncio.Task[None], asyncio.Task[Inbound]]":
        """Return those of this event loop: with another loop they have ended."""
        loop = asyncio.get_running_loop()
        return {end: exchange for end, exchange in self._ends.items() if end.get_loop() is loop and not end.done()}


async def until_done(work: "asyncio.Future[Any]") -> None:
    """Wait for what ends by itself, even while one is cancelled."""
    while not work.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([work])
