"""An event loop that owns time and order: one seed decides whose turn it is, and nothing else does.

A step is one turn: a task that goes on, a timer, a job for the database, a message of the network. Within one process
turns keep their order, as asyncio promises; between processes any order may come. Nothing runs in another thread.
"""

import asyncio
import contextvars
import heapq
import itertools
import random
import sys
from collections import deque
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from lab.process import PROCESS, KilledError, Process

Delay = Callable[["Process | None"], float]


class NothingToDoError(RuntimeError):
    """Every task waits and no timer is set: nothing can ever wake one of them."""


class LabFuture(asyncio.Future[Any]):
    """A future whose place in a set does not hang on where it lies in memory."""

    numbers = itertools.count()

    def __init__(self, *, loop: asyncio.AbstractEventLoop) -> None:
        self._number = next(LabFuture.numbers)
        super().__init__(loop=loop)

    def __hash__(self) -> int:
        return self._number


class LabTask(asyncio.Task[Any]):
    """A task whose place in a set does not hang on where it lies in memory."""

    def __init__(self, coro: Any, **options: Any) -> None:
        self._number = next(LabFuture.numbers)
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self._number


class LabLoop(asyncio.AbstractEventLoop):
    """Runs everybody's turns on virtual time. `job_delay` says how long a job waits for its turn at the database."""

    def __init__(self, rng: random.Random) -> None:
        self.steps = 0
        self.seconds = 0.0
        self.job_delay: Delay = lambda _: 0.0
        self.after_step: Callable[[Process | None], None] = lambda _: None
        self.complaints: list[str] = []
        self._rng = rng
        self._order = itertools.count()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._queues: dict[Process | None, deque[asyncio.Handle]] = {}
        self._waiting: list[Process | None] = []
        self._is_closed = False
        LabFuture.numbers = itertools.count()

    # What the laboratory asks

    def run_steps(self, most: int, until: Callable[[], bool] = lambda: False) -> None:
        """Run so many steps, or until it is so. Raises NothingToDoError."""
        hooks = sys.get_asyncgen_hooks()
        sys.set_asyncgen_hooks(firstiter=None, finalizer=self._end_generator)
        asyncio._set_running_loop(self)
        try:
            last = self.steps + most
            while self.steps < last and not until():
                self._step()
        finally:
            asyncio._set_running_loop(None)
            sys.set_asyncgen_hooks(*hooks)

    def start(self, process: Process, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Have a process do something."""
        return process.context.run(self.create_task, work, context=process.context.copy())

    def bury(self, process: Process) -> None:
        """Let none of its turns come any more: no clean-up, no last word."""
        self._queues.pop(process, None)
        if process in self._waiting:
            self._waiting.remove(process)

    def _step(self) -> None:
        if not self._waiting:
            self._jump()
        self._wake()
        if not self._waiting:
            return
        at = self._rng.randrange(len(self._waiting)) if len(self._waiting) > 1 else 0
        process = self._waiting[at]
        queue = self._queues[process]
        handle = queue.popleft()
        if not queue:
            del self._queues[process]
            self._waiting[at] = self._waiting[-1]
            self._waiting.pop()
        if handle._cancelled:
            return
        self.steps += 1
        handle._run()
        self.after_step(process)

    def _jump(self) -> None:
        while self._timers and self._timers[0][2]._cancelled:
            heapq.heappop(self._timers)
        if not self._timers:
            raise NothingToDoError("every task waits, and no timer is set")
        self.seconds = max(self.seconds, self._timers[0][0])

    def _wake(self) -> None:
        while self._timers and self._timers[0][0] <= self.seconds:
            handle = heapq.heappop(self._timers)[2]
            if not handle._cancelled:
                self._line_up(handle)

    def _line_up(self, handle: asyncio.Handle) -> None:
        process = handle._context.get(PROCESS)
        if process is not None and not process.is_alive:
            return
        queue = self._queues.get(process)
        if queue is None:
            self._queues[process] = deque((handle,))
            self._waiting.append(process)
        else:
            queue.append(handle)

    def _end_generator(self, generator: "AsyncGenerator[Any, Any]") -> None:
        if not self._is_closed:
            self.call_soon(self.create_task, generator.aclose())

    # What asyncio asks

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """Have a turn after all that this process has lined up."""
        handle = asyncio.Handle(callback, args, self, context)
        self._line_up(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_at(
        self, when: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Have a turn at a moment."""
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        heapq.heappush(self._timers, (when, next(self._order), handle))
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., Any], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        """Have a turn after so many seconds."""
        return self.call_at(self.seconds + max(0.0, delay), callback, *args, context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> "asyncio.Future[Any]":
        """Do a job as a step of its own, when its turn at the database has come."""
        _ = executor
        future = self.create_future()

        def job() -> None:
            try:
                result = func(*args)
            except KilledError:
                return
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                if not future.done():
                    future.set_exception(error)
            else:
                if not future.done():
                    future.set_result(result)

        delay = self.job_delay(PROCESS.get())
        _ = self.call_later(delay, job) if delay > 0 else self.call_soon(job)
        return future

    def create_future(self) -> "asyncio.Future[Any]":
        """Return a future of this loop."""
        return LabFuture(loop=self)

    def create_task(
        self, coro: Any, *, name: str | None = None, context: contextvars.Context | None = None
    ) -> "asyncio.Task[Any]":
        """Begin a task; its process remembers it."""
        task = LabTask(coro, loop=self, name=name, context=context)
        process = (context or contextvars.copy_context()).get(PROCESS)
        if process is not None:
            process.tasks.add(task)
        return task

    def time(self) -> float:
        """Return the virtual seconds since the beginning."""
        return self.seconds

    def get_debug(self) -> bool:
        """Asyncio's own checks are off."""
        return False

    def is_running(self) -> bool:
        """Tell whether it is not over yet."""
        return not self._is_closed

    def is_closed(self) -> bool:
        """Tell whether it is over."""
        return self._is_closed

    def close(self) -> None:
        """End it."""
        self._is_closed = True
        self._timers.clear()
        self._queues.clear()
        self._waiting.clear()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody was there to hear: the laboratory looks at it."""
        error = context.get("exception")
        told = f"{context.get('message')}: {type(error).__name__ if error else ''} {error or ''}"
        if not self._is_closed and "was destroyed but it is pending" not in told:
            self.complaints.append(told)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Do nothing: a cancelled timer is dropped when its time comes."""
