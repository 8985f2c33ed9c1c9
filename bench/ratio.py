"""A ratio of ours to the floor, to ourselves, or to a peer: what a bench says that travels to another machine.

Pure, and free of the bench's packages. Every chapter yields its ratios beside its table.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

Against = Literal["floor", "itself", "peer"]
"""The least there is; the same work of ours in a smaller ledger or in a plainer way; a program of somebody else's."""

Better = Literal["lower", "higher"]
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Ratio:
    """One named ratio, or why there is none."""

    name: str
    """What was measured, the same words in every run: it is how the last report's is found."""

    value: float | None
    against: Against
    of: str
    better: Better
    ours: str = ""
    """Our own figure with its unit, for the reader; it is never compared."""

    why: str = ""
    """Why there is no value."""

    @property
    def key(self) -> Key:
        """Return what makes it the same ratio in another report."""
        return self.name, self.against, self.of


@dataclass(frozen=True, slots=True)
class Measure:
    """What of ours was measured: all its ratios are of this name."""

    name: str
    ours: str

    def floor(self, value: float, of: str, better: Better) -> Ratio:
        """Return its ratio to the least that there is."""
        return self._ratio(value, "floor", of, better)

    def itself(self, value: float, of: str, better: Better) -> Ratio:
        """Return its ratio to the same of ours, in a smaller or a plainer way."""
        return self._ratio(value, "itself", of, better)

    def peer(self, value: float, of: str, better: Better) -> Ratio:
        """Return its ratio to a program of somebody else's."""
        return self._ratio(value, "peer", of, better)

    def no_floor(self, why: str) -> Ratio:
        """Say why there is nothing that it stands on."""
        return Ratio(self.name, None, "floor", "", "lower", self.ours, why)

    def no_peer(self, why: str) -> Ratio:
        """Say why nobody else's stands beside it."""
        return Ratio(self.name, None, "peer", "", "lower", self.ours, why)

    def _ratio(self, value: float, against: Against, of: str, better: Better) -> Ratio:
        if math.isfinite(value) and value > 0:
            return Ratio(self.name, value, against, of, better, self.ours)
        return Ratio(self.name, None, against, of, better, self.ours, f"{of}: one of the two got nothing done")


def best_peer(ratios: Iterable[Ratio]) -> Ratio | None:
    """Return the ratio to the peer that is hardest to beat; of one name only."""
    peers = [each for each in ratios if each.against == "peer" and each.value is not None]
    return max(peers, key=_badness, default=None)


def told(ratios: Sequence[Ratio]) -> list[Ratio]:
    """Return what stands in the summary: of the peers of each measure only the best, or why there is none."""
    chosen: list[Ratio] = []
    for name in dict.fromkeys(each.name for each in ratios):
        same = [each for each in ratios if each.name == name]
        chosen += [each for each in same if each.against != "peer"]
        peers = [each for each in same if each.against == "peer"]
        chosen += [best_peer(peers) or peers[0]] if peers else []
    return chosen


def is_better(one: Ratio, other: Ratio) -> bool:
    """Tell whether the first of two ratios of one key is the better one; no value is worse than any."""
    if one.value is None or other.value is None:
        return one.value is not None
    return _badness(one) < _badness(other)


def _badness(ratio: Ratio) -> float:
    assert ratio.value is not None
    return ratio.value if ratio.better == "lower" else -ratio.value
