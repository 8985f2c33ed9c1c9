"""What a fault on real parts is, and what came of it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


class LeftOutError(Exception):
    """This machine does not allow it, and why."""


@dataclass(frozen=True, slots=True)
class Happened:
    """What came of a fault: in words with figures, and each promise that was broken."""

    told: str
    broken: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `play` does it in an empty folder, and raises LeftOutError where the machine does not allow it."""

    name: str
    part: str
    promised: str
    play: Callable[[Path], Happened]
