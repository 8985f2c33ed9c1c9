"""Serves what waits together in one go: whoever finds the desk free takes along everybody who has come meanwhile.

A durable step costs a wait for the disk. Steps of many threads that share one wait cost it once.
"""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from keepahead.errors import LedgerError, LedgerUnavailableError

R = TypeVar("R")
S = TypeVar("S")

MOST_OWED = 1_000
"""So many facts are kept for a ledger that cannot be reached; of more, the reservations lapse."""


class Slip(Generic[S]):
    """One step that somebody wants done, and what came of it. `is_fact`: it has happened, and must get on record."""

    __slots__ = ("called", "error", "is_done", "is_fact", "is_written", "result", "work")

    def __init__(self, work: Callable[[S], Any], *, is_fact: bool) -> None:
        self.work = work
        self.is_fact = is_fact
        self.is_done = False
        self.is_written = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.called = threading.Lock()
        self.called.acquire()


class Desk(Generic[S]):
    """Hands slips to `serve`, all that wait at once. `serve` sets result or error of each, or raises for all."""

    def __init__(self, serve: Callable[[Sequence[Slip[S]]], None]) -> None:
        self._serve = serve
        self._waiting: deque[Slip[S]] = deque()
        self._owed: deque[Slip[S]] = deque(maxlen=MOST_OWED)
        self._mutex = threading.Lock()
        self._is_open = True  # nobody is being served

    def do(self, work: Callable[[S], R], *, is_fact: bool = False) -> R:
        """Have `work` done, with whatever else waits; return its result or raise its error.

        A fact that cannot be written now is written before the next step that can be.
        """
        slip = Slip(work, is_fact=is_fact)
        with self._mutex:
            self._waiting.append(slip)
            leads, self._is_open = self._is_open, False
        if not leads:
            self._wait(slip)
        if not slip.is_done:  # the desk was free, or was left to this one, who takes along all who wait
            try:
                self._serve_all()
            finally:
                self._leave()
        if slip.error is not None:
            raise slip.error
        return slip.result

    @property
    def owes(self) -> bool:
        """Tell whether facts wait for the next step."""
        return bool(self._owed)

    def owe(self, work: Callable[[S], Any]) -> None:
        """Have a fact written before the next step that can be."""
        with self._mutex:
            self._owed.append(Slip(work, is_fact=True))

    def _wait(self, slip: Slip[S]) -> None:
        try:
            slip.called.acquire()
        except BaseException:  # Ctrl-C: nobody may wait for one who has gone
            with self._mutex:
                if slip in self._waiting:
                    self._waiting.remove(slip)
                    self._owed.extend([slip] if slip.is_fact else ())
            if slip.called.acquire(blocking=False) and not slip.is_done:
                self._leave()
            raise

    def _serve_all(self) -> None:
        slips = [*self._owed, *self._taken()]
        try:
            self._serve(slips)
        except LedgerError as error:
            self._fail([*slips, *self._taken()], error)  # those who came meanwhile have waited for the same
        except BaseException as error:
            self._fail(slips, LedgerUnavailableError(f"the step was cut short ({type(error).__name__})"))
            raise
        else:
            for slip in slips:
                slip.is_written = True
            with self._mutex:
                self._owed = deque((slip for slip in self._owed if not slip.is_written), maxlen=MOST_OWED)
            _end(slips)

    def _leave(self) -> None:
        """Leave the desk to the first of those who have come meanwhile."""
        with self._mutex:
            if self._waiting:
                self._waiting[0].called.release()
            else:
                self._is_open = True

    def _taken(self) -> Sequence[Slip[S]]:
        with self._mutex:
            taken = list(self._waiting)
            self._waiting.clear()
        return taken

    def _fail(self, slips: Sequence[Slip[S]], error: LedgerError) -> None:
        with self._mutex:
            self._owed.extend(slip for slip in slips if slip.is_fact and slip not in self._owed)
        for slip in slips:
            slip.error = type(error)(*error.args)  # each thread raises one of its own
        _end(slips)


def _end(slips: Sequence[Slip[Any]]) -> None:
    for slip in slips:
        if not slip.is_done:
            slip.is_done = True
            slip.called.release()
