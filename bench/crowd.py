"""The clients of one contender: child processes that share one database, and what their pairs took."""

import json
import select
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.neighbour import LeftOutError

_ROOT = Path(__file__).parents[1]
_HEAD_START_SECONDS = 0.02
_CLOSING_SECONDS = 20.0
_PATIENCE_SECONDS = 60.0  # whoever says nothing for so long hangs


@dataclass(frozen=True, slots=True)
class Point:
    """So many clients, spread evenly over so many processes."""

    clients: int
    processes: int


@dataclass(frozen=True, slots=True)
class Contender:
    """Whom to measure: a class for `bench.child`, where its database is, and the Python that runs it."""

    name: str
    made_by: str
    place: str
    python: str | Path = sys.executable
    processes: Sequence[int] = (1, 4)
    """In how many processes it is meant to work."""


@dataclass(frozen=True, slots=True)
class Taken:
    """What one contender did at one point in one round."""

    pairs_per_second: float
    microseconds: Sequence[int]
    slowest_share: float
    """The pairs of the slowest client, as a share of the mean."""


class Crowd:
    """The processes of one contender. They stay from point to point, and wait for their turn."""

    def __init__(self, contender: Contender) -> None:
        self.contender = contender
        self.version = ""
        self._children: list[subprocess.Popen[str]] = []

    def measure(self, point: Point, seconds: float) -> Taken:
        """Let all clients of `point` work for so long. Raises LeftOutError if one of them fails."""
        try:
            return self._measure(point, seconds)
        except LeftOutError:
            self._end(patience_seconds=0)  # who did answer is out of step; the next point starts anew
            raise

    def _measure(self, point: Point, seconds: float) -> Taken:
        children = self._first(point.processes)
        _tell(children, {"clients": point.clients // point.processes})
        _answers(children)
        began = time.monotonic() + _HEAD_START_SECONDS
        _tell(children, {"began": began, "until": began + seconds})
        answers = _answers(children)
        error = next((answer["error"] for answer in answers if answer["error"]), "")
        if error:
            raise LeftOutError(error)
        in_time = [count for answer in answers for count in answer["in_time"]]
        took = [each for answer in answers for each in answer["microseconds"]]
        mean = statistics.mean(in_time)
        return Taken(sum(in_time) / seconds, took, min(in_time) / mean if mean else 0.0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._end(patience_seconds=0 if kind else _CLOSING_SECONDS)

    def _end(self, patience_seconds: float) -> None:
        """Tell all to close, and end those that do not within that time."""
        until = time.monotonic() + patience_seconds
        for child in self._children:
            assert child.stdin
            with suppress(BrokenPipeError):
                child.stdin.close()
        for child in self._children:
            try:
                child.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
            assert child.stdout
            child.stdout.close()
        self._children.clear()

    def _first(self, count: int) -> Sequence["subprocess.Popen[str]"]:
        """Return so many children; the very first sets up the database before others look at it."""
        while len(self._children) < count:
            new = [self._child() for _ in range(count - len(self._children) if self._children else 1)]
            self._children += new
            self.version = _answers(new)[0]["version"]
        return self._children[:count]

    def _child(self) -> "subprocess.Popen[str]":
        command = [self.contender.python, "-m", "bench.child", self.contender.made_by, self.contender.place]
        return subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def _tell(children: Sequence["subprocess.Popen[str]"], order: Mapping[str, object]) -> None:
    for child in children:
        assert child.stdin
        with suppress(BrokenPipeError):  # why it ended is found when its answer is read
            child.stdin.write(json.dumps(order) + "\n")
            child.stdin.flush()


def _answers(children: Sequence["subprocess.Popen[str]"]) -> list[dict[str, Any]]:
    until = time.monotonic() + _PATIENCE_SECONDS
    return [_answer(child, until) for child in children]


def _answer(child: "subprocess.Popen[str]", until: float) -> dict[str, Any]:
    assert child.stdout
    if not select.select([child.stdout], [], [], max(0.0, until - time.monotonic()))[0]:
        child.kill()
        raise LeftOutError("it hangs")
    line = child.stdout.readline()
    if not line:
        raise LeftOutError(f"its process ended with exit code {child.wait()}")
    return json.loads(line)
