"""Deterministic chance: the same numbers give the same value, in any order, in any process."""

import random
from typing import Final

_MASK = (1 << 64) - 1
_RNG: Final = random.Random("keepahead")
_TABLE: Final = [_RNG.random() for _ in range(65_536)]


def mix(a: int, b: int = 0) -> int:
    """Scramble two whole numbers into 64 bits (splitmix64's finisher)."""
    x = (a * 0x9E3779B97F4A7C15 + (b + 1) * 0xD1B54A32D192ED03) & _MASK
    x = ((x ^ (x >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    x = ((x ^ (x >> 27)) * 0x94D049BB133111EB) & _MASK
    return x ^ (x >> 31)


def noises(key: int, first: int, last: int) -> list[float]:
    """Return the values in [0, 1) of the steps first..last of one hidden process."""
    table = _TABLE
    return [table[(key + step * 40_503) & 65_535] for step in range(first, last + 1)]


def noise(key: int, step: int) -> float:
    """Return the value in [0, 1) that belongs to one step of one hidden process."""
    return _TABLE[(key + step * 40_503) & 65_535]
