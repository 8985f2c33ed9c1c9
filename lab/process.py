"""A process of the simulation: whatever runs in its context dies with it."""

import asyncio
import contextvars
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lab.clock import HostClock


class KilledError(BaseException):
    """The process was killed in the middle of what it did; nothing of it goes on."""


@dataclass(eq=False)
class Process:
    """Its name, its host's clock, and whether it lives. `context` is what all of its turns run in."""

    name: str
    clock: HostClock
    is_alive: bool = True
    tasks: "weakref.WeakSet[asyncio.Task[Any]]" = field(default_factory=weakref.WeakSet)
    context: contextvars.Context = field(default_factory=contextvars.Context)
    store_troubled_at: float = -1.0
    """When the database last failed it, in virtual seconds."""

    def __post_init__(self) -> None:
        self.context.run(PROCESS.set, self)

    @property
    def stands_at(self) -> set[str]:
        """The lines of keepahead at which its tasks wait."""
        return {place for task in self.tasks if not task.done() for place in _places(task.get_coro())}


def _places(waiting: Any) -> Iterator[str]:
    """Follow what a coroutine waits for, down to the end."""
    while waiting is not None:
        frame = getattr(waiting, "cr_frame", None) or getattr(waiting, "ag_frame", None)
        if frame is not None and _KEEPAHEAD in frame.f_code.co_filename:
            yield f"{frame.f_code.co_filename.rpartition(_KEEPAHEAD)[2]}:{frame.f_lineno}"
        waiting = getattr(waiting, "cr_await", None) or getattr(waiting, "ag_await", None)


_KEEPAHEAD = "/src/keepahead/"

PROCESS: "contextvars.ContextVar[Process | None]" = contextvars.ContextVar("process", default=None)
"""Whose turn it is; None for the laboratory's own: network, weather, auditor."""
