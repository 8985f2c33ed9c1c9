"""Accelerated time for other people's code: a laboratory, so here the clock of a whole process is replaced.

Their packages call `time` and `asyncio` by themselves and take no clock. In a child process that runs nothing else,
before they are imported, `accelerate` lets `time` run faster and makes `time.sleep` shorter; `ScaledLoop` does the same
to every timer of asyncio, time-outs too. What waits on sockets or locks of threads keeps its real time-outs: in
accelerated time these are longer than they say, which is in favour of who uses them. Standard library only.
"""

import asyncio
import selectors
import time
from datetime import UTC, datetime
from typing import Any

_real_monotonic, _real_time, _real_sleep = time.monotonic, time.time, time.sleep


class _ScaledSelector(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(timeout if timeout is None or timeout <= 0 else timeout / self.speed)


class ScaledLoop(asyncio.SelectorEventLoop):
    """An event loop whose seconds are those of `time.monotonic` after `accelerate`."""

    def __init__(self) -> None:
        super().__init__(_ScaledSelector())

    def time(self) -> float:
        """Return the accelerated seconds."""
        return _real_monotonic() * _ScaledSelector.speed


def accelerate(speed: float, since: datetime) -> None:
    """Let this process live `speed` times as fast, on the clock that was right at `since`."""
    _ScaledSelector.speed = speed
    zero = since.astimezone(UTC).timestamp()

    def now() -> float:
        return zero + (_real_time() - zero) * speed

    def monotonic() -> float:
        return _real_monotonic() * speed

    replaced: dict[str, Any] = {
        "time": now,
        "time_ns": lambda: int(now() * 1e9),
        "monotonic": monotonic,
        "monotonic_ns": lambda: int(monotonic() * 1e9),
        "sleep": lambda seconds: _real_sleep(seconds / speed),
    }
    for name, function in replaced.items():
        setattr(time, name, function)
