"""The only reader of system time. Everything else is given `now`."""

import asyncio
import threading
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a driver needs of time; tests give it one that jumps."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        ...

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Block this thread for so long, or until `wake` is set."""
        ...

    async def sleep_async(self, seconds: float) -> None:
        """Suspend this task for so long."""
        ...


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Block this thread for so long, or until `wake` is set."""
        if wake is None:
            time.sleep(seconds)
        else:
            wake.wait(seconds)

    async def sleep_async(self, seconds: float) -> None:
        """Suspend this task for so long."""
        await asyncio.sleep(seconds)
