"""How long a step of the ledger may take, on whichever database: after that nobody waits for it any more."""

import math
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Self


class Deadline(threading.local):
    """The end of the step that is under way in this thread. Enter it for one step; outside of steps there is no end.

    It measures how long a database keeps silent, in the machine's own time. No account's `now` comes from here.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._at = math.inf
        self._begins_anew = False

    def __enter__(self) -> Self:
        self._at = time.monotonic() + self.seconds
        return self

    def __exit__(self, *_: object) -> None:
        self._at = math.inf

    @contextmanager
    def of_each_exchange(self) -> Generator[None]:
        """Be the end of each exchange with the database in place of the whole step's: one that reads for long."""
        with self:
            self._begins_anew = True
            try:
                yield
            finally:
                self._begins_anew = False

    def begin_exchange(self) -> None:
        """Take note that one more exchange begins."""
        if self._begins_anew:
            self._at = time.monotonic() + self.seconds

    def left(self) -> float:
        """Return the seconds that are left; 0 when the time is up."""
        return max(0.0, self._at - time.monotonic())
