"""The clock of one host: it follows virtual time, but may be off, run too fast or too slow, and jump."""

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from typing import Protocol

START = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)


class Ticking(Protocol):
    """Whoever knows how much virtual time has passed."""

    seconds: float


class HostClock:
    """`offset_seconds` is by how much it is ahead; `drift` by how much too fast, of one."""

    def __init__(self, loop: Ticking, *, offset_seconds: float = 0.0, drift: float = 0.0) -> None:
        self._loop = loop
        self.offset_seconds = offset_seconds
        self.drift = drift

    def now(self) -> datetime:
        """Return what this host takes for the present moment."""
        return START + timedelta(seconds=self._loop.seconds * (1 + self.drift) + self.offset_seconds)

    def jump(self, seconds: float) -> None:
        """Be put forward, or back."""
        self.offset_seconds += seconds

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Refuse: nothing may block here."""
        _ = wake
        raise RuntimeError(f"somebody wants to block for {seconds} s")

    async def sleep_async(self, seconds: float) -> None:
        """Wait so long; no jump changes that."""
        await asyncio.sleep(max(seconds, 0.0))
