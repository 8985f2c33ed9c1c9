"""Threads that nobody waits for at the end: what they do may never come to one."""

import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class OwnThreads(Executor):
    """Runs each piece of work in a thread of its own. A process ends without waiting for them, unlike for a pool."""

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Begin the work at once."""
        future: Future[R] = Future()
        future.set_running_or_notify_cancel()

        def work() -> None:
            try:
                result: Any = fn(*args, **kwargs)
            except BaseException as error:  # noqa: BLE001 - it is raised where somebody waits
                future.set_exception(error)
            else:
                future.set_result(result)

        threading.Thread(target=work, name="keepahead alert", daemon=True).start()
        return future
