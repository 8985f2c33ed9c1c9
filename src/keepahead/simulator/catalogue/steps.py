"""A hidden process that changes at irregular moments and can be asked about any of them without its past.

Because nothing is drawn in order, a series read today is the beginning of the same series read next year.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keepahead.simulator.catalogue.noise import noise, noises

_START = 9_973


@dataclass(frozen=True, slots=True)
class Steps:
    """Steps of about `length` minutes each; step k begins at `start(k)`."""

    key: int
    length: int

    def start(self, k: int) -> int:
        """Return the moment (Keepa minutes) at which step k begins."""
        return k * self.length + int(noise(self.key + _START, k) * 0.8 * self.length)

    def at(self, moment: int) -> int:
        """Return the step that holds at a moment."""
        k = moment // self.length
        return k if self.start(k) <= moment else k - 1

    def starts(self, first: int, last: int) -> list[int]:
        """Return the moments at which the steps first..last begin."""
        length, wobble = self.length, 0.8 * self.length
        rolls = noises(self.key + _START, first, last)
        return [k * length + int(roll * wobble) for k, roll in enumerate(rolls, first)]

    def within(self, first: int, last: int) -> Iterator[tuple[int, int]]:
        """Yield (moment, k): the step that holds at `first`, with that moment, then each that begins until `last`."""
        k = self.at(first)
        yield first, k
        yield from zip(self.starts(k + 1, end := self.at(last)), range(k + 1, end + 1), strict=True)


def changes(steps: Steps, first: int, last: int, value: Callable[[int], int]) -> list[tuple[int, int]]:
    """Return (moment, value) where the value changes, beginning with what holds at `first`."""
    points: list[tuple[int, int]] = []
    previous = None
    for moment, k in steps.within(first, last):
        now = value(k)
        if now != previous:
            points.append((moment, now))
            previous = now
    return points
