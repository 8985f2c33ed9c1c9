"""Which callers are counted under their own names: the dearest few. All others are one, so that labels stay few."""

from collections.abc import Mapping
from typing import Final

NAMED_MOST = 20
"""So many callers have a label of their own."""

OTHER: Final = "other"
"""The label of all the rest, of callers and of whatever else is not known by name."""

_REMEMBERED = 1_000  # callers whose spending is remembered
_FADES = 0.9  # of what was spent, with each review
_HOLDS = 2.0  # whoever takes a name from its holder must have spent so many times as much


class Dearest:
    """Names callers. Until all names are given whoever comes has one; after that a review says who keeps his."""

    def __init__(self) -> None:
        self._spent: dict[str, float] = {}
        self._named: set[str] = set()

    def seed(self, spent: Mapping[str, int]) -> None:
        """Begin with what callers have spent before."""
        self._spent.update(spent)
        self._named.update(sorted(spent, key=lambda name: -spent[name])[:NAMED_MOST])

    def label(self, caller: str) -> str:
        """Return the caller's name if it has a label of its own."""
        if caller in self._named:
            return caller
        if len(self._named) < NAMED_MOST:
            self._named.add(caller)
            return caller
        return OTHER

    def add(self, caller: str, tokens: int) -> None:
        """Take notice of what a caller spent."""
        self._spent[caller] = self._spent.get(caller, 0) + tokens

    def review(self) -> frozenset[str]:
        """Give the names to the dearest; return who has lost his. Old spending counts less with each review."""
        weighs = {name: spent * (_HOLDS if name in self._named else 1) for name, spent in self._spent.items()}
        order = sorted(weighs, key=lambda name: -weighs[name])
        named = {name for name in order[:NAMED_MOST] if weighs[name] > 0}
        idle = sorted(self._named - named)[: NAMED_MOST - len(named)]  # there is room: they may keep theirs
        lost = self._named - named - set(idle)
        self._named = named | set(idle)
        self._spent = {name: self._spent[name] * _FADES for name in order[:_REMEMBERED]}
        return frozenset(lost)
