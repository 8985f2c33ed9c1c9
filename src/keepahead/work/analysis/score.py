"""Scores from 0 to 100, made of parts: each has its points, its reason in words and its inputs in numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import log2

Number = int | float
Inputs = Mapping[str, Number | None]

FULL = 100.0


@dataclass(frozen=True, slots=True)
class Part:
    """One reason: so many `points` of at most `points_max`, because of `inputs`. None: its inputs are missing."""

    name: str
    points: float | None
    points_max: float
    because: str
    inputs: Inputs = field(default_factory=dict[str, Number | None])


@dataclass(frozen=True, slots=True)
class Score:
    """A number from 0 to 100 and all that it is made of; None where nothing could be said."""

    value: float | None
    parts: tuple[Part, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """What made the score, the heaviest first."""
        told = [part for part in self.parts if part.points]
        return tuple(part.because for part in sorted(told, key=lambda part: -(part.points or 0)))


def summed(parts: Sequence[Part]) -> Score:
    """Return the sum of what is known, at most 100."""
    return Score(_rounded(min(FULL, sum(part.points or 0.0 for part in parts))), tuple(parts))


def shared(parts: Sequence[Part]) -> Score:
    """Return the points that were made out of those that could be made: parts without inputs count neither way."""
    known = [(part.points, part.points_max) for part in parts if part.points is not None]
    possible = sum(most for _, most in known)
    value = FULL * sum(points for points, _ in known) / possible if possible else None
    return Score(None if value is None else _rounded(min(FULL, max(0.0, value))), tuple(parts))


def logarithmic(value: float, full: float) -> float:
    """Return how far a value is on the way from 0 to `full`, by doublings: of 1,000, 31 is half the way."""
    if value <= 0:
        return 0.0
    return 1.0 if value >= full else log2(1 + value) / log2(1 + full)


def _rounded(value: float) -> float:
    return round(value, 1)
