"""Takes measurements in turns, so that whatever else the machine does hits all contenders alike.

pytest-benchmark's clock and statistics; its own runner measures one thing after the other, which is why it is not used.
"""

import gc
import statistics
from collections.abc import Callable, Mapping

from pytest_benchmark.stats import Stats
from pytest_benchmark.timers import default_timer


def each(work: Callable[[int], object], times: int) -> Callable[[], float]:
    """Return a measurement: the seconds for one operation, when `work` does so many."""

    def measure() -> float:
        began = default_timer()
        work(times)
        return (default_timer() - began) / times

    return measure


def once(work: Callable[[], object]) -> Callable[[], float]:
    """Return a measurement of one operation that takes long enough by itself."""
    return each(lambda _times: work(), 1)


def in_turns(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Stats]:
    """Measure every contender once in each round; the first round is for warming up."""
    taken = {name: Stats() for name in contenders}
    for number in range(rounds + 1):
        for name, measure in contenders.items():
            gc.collect()
            seconds = measure()
            if number:
                taken[name].update(seconds)
    return taken


def times_as_fast(fast: Stats, slow: Stats) -> float:
    """Return how many times as fast: the median over the rounds, each of which had the same weather for both."""
    return statistics.median(late / soon for soon, late in zip(fast.data, slow.data, strict=True))
