"""Time that tests and demos own: an event loop that jumps instead of sleeping, and clocks that follow it.

Nothing here reads the system's time. `VirtualLoop` is meant for `asyncio.Runner(loop_factory=VirtualLoop)`.
"""

import asyncio
import selectors
import threading
import time
from collections.abc import Callable, Generator
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

_GRACE_SECONDS = 0.002  # real time given to open sockets before the clock jumps over them


class DeadlockError(RuntimeError):
    """Every task waits and nothing can ever wake one of them."""


class _JumpingSelector(selectors.DefaultSelector):
    """A selector that moves virtual time forward where another would sleep."""

    def __init__(self) -> None:
        super().__init__()
        self.virtual_seconds = 0.0
        self.outside = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout <= 0:
            return super().select(timeout)
        if self.outside:  # a thread is working: real time passes, virtual time stands
            return super().select(None)
        has_sockets = len(self.get_map()) > 1  # the loop's own wake-up pipe is always there
        if timeout is None:
            if not has_sockets:
                raise DeadlockError("virtual time: every task waits, no timer is set and no outside work is running")
            return super().select(None)
        ready = super().select(_GRACE_SECONDS if has_sockets else 0)
        if not ready:
            self.virtual_seconds += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop on virtual time: starts at 0.0 s and jumps to the next timer when nothing is ready.

    Work in threads (`run_in_executor`, `asyncio.to_thread`) and anything inside `outside()` holds the clock.
    Raises DeadlockError when nothing could ever wake a task.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return the virtual seconds since the loop was made."""
        return self._jumping.virtual_seconds

    @contextmanager
    def outside(self) -> Generator[None]:
        """Hold the clock while work that the loop cannot see (a database driver's thread) is running."""
        self._jumping.outside += 1
        try:
            yield
        finally:
            self._jumping.outside -= 1

    def _outside_done(self, _: object) -> None:
        self._jumping.outside -= 1

    def run_in_executor(self, executor: Executor | None, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:
        """Run in a thread; the clock stands until it is done."""
        future = super().run_in_executor(executor, func, *args)
        self._jumping.outside += 1
        future.add_done_callback(self._outside_done)
        return future

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109, ARG002
        """Wait for the threads, however long it takes: `timeout` is real time, which this loop does not know."""
        with self.outside():
            await super().shutdown_default_executor()


class LoopClock:
    """A clock that follows an event loop's time; `start` is the UTC moment at which it was tied to the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None, start: datetime) -> None:
        self._start = start
        self._loop = loop
        self._origin = loop.time() if loop else 0.0

    def now(self) -> datetime:
        """Return the current moment, aware UTC. Tied to the running loop on first use when none was given."""
        if self._loop is None:
            try:
                self._loop = asyncio.get_running_loop()
            except RuntimeError:
                return self._start
            self._origin = self._loop.time()
        return self._start + timedelta(seconds=self._loop.time() - self._origin)

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Refuse: blocking the loop's thread would stop the very time it waits for."""
        _ = wake
        raise RuntimeError(f"LoopClock cannot block for {seconds} s; await sleep_async instead")

    async def sleep_async(self, seconds: float) -> None:
        """Wait on the loop's time."""
        await asyncio.sleep(max(seconds, 0.0))


class SteppedClock:
    """A clock that stands still until somebody sleeps on it; for synchronous code."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """Return the current moment, aware UTC."""
        return self._now

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Move time forward at once."""
        _ = wake
        self._now += timedelta(seconds=max(seconds, 0.0))

    async def sleep_async(self, seconds: float) -> None:
        """Move time forward at once and give other tasks a turn."""
        self.sleep(seconds)
        await asyncio.sleep(0)


class ScaledClock:
    """Runs `speed` times as fast as the real time: for a simulator served so, and for its clients.

    It shows the real moment at `since` (aware UTC; None: now). Clocks of several processes agree when they are given
    the same `since`: it follows the time of the machine, which they share, and does not count from its own start.
    """

    def __init__(self, speed: float = 1.0, *, since: datetime | None = None) -> None:
        if speed <= 0:
            raise ValueError(f"speed must be above 0, not {speed}")
        self.speed = speed
        self.since = since or datetime.now(UTC)

    def now(self) -> datetime:
        """Return the current scaled moment, aware UTC."""
        return self.since + (datetime.now(UTC) - self.since) * self.speed

    def sleep(self, seconds: float, wake: threading.Event | None = None) -> None:
        """Block this thread for so many scaled seconds, or until `wake` is set."""
        if wake is None:
            time.sleep(seconds / self.speed)
        else:
            wake.wait(seconds / self.speed)

    async def sleep_async(self, seconds: float) -> None:
        """Wait so many scaled seconds."""
        await asyncio.sleep(seconds / self.speed)
