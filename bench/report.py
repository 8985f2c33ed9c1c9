"""The report of a bench, and how it stands beside the last one. Pure: it reads no clock and no file.

Only ratios are compared, never times: those are of a machine and its day.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from bench.ratio import Ratio, is_better, told

WORSE_BY_MOST = 0.30
"""A ratio that is worse than the last report's by a larger share of that one is said loudly."""

_ROUNDING = 1e-9


class UnreadableError(Exception):
    """There is a last report, and it cannot be read: why."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One chapter as it was measured at one time."""

    measured_at: str
    commit: str | None
    load: tuple[float, float]
    """Of the machine, at its begin and its end: how many wanted to run, in the mean of a minute."""

    tables: Mapping[str, Any]
    """By title, what the chapter keeps."""

    ratios: Sequence[Ratio]
    tables_again: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """The same from the second measurement, if there was one."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    cores: int
    python: str
    load: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Report:
    """What `build/bench.json` says. Chapters that were not measured this time keep their own date and commit."""

    measured_at: str
    commit: str | None
    machine: Machine
    chapters: Mapping[str, Measured]


@dataclass(frozen=True, slots=True)
class Change:
    """A ratio beside the last report's."""

    ratio: Ratio
    last: float | None

    @property
    def share(self) -> float | None:
        """By how much of the last one it changed: 0.1 is a tenth more. None if there is nothing to compare."""
        if self.ratio.value is None or not self.last or self.last < 0:
            return None
        return (self.ratio.value - self.last) / self.last

    @property
    def is_much_worse(self) -> bool:
        """Tell whether it got worse by more than is put up with."""
        if self.share is None:
            return False
        worse_by = self.share if self.ratio.better == "lower" else -self.share
        return worse_by > WORSE_BY_MOST + _ROUNDING


def written(report: Report) -> str:
    """Return the document."""
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def read(document: bytes) -> Report:
    """Return the report of a document. Raises UnreadableError."""
    try:
        return msgspec.json.decode(document, type=Report)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise UnreadableError(str(error)) from None


def changes(now: Sequence[Ratio], last: Sequence[Ratio]) -> list[Change]:
    """Return what the summary says of a chapter: floors, ourselves and the best peer, each beside its own last one."""
    before = {each.key: each.value for each in last}
    return [Change(each, before.get(each.key)) for each in told(now)]


def much_worse(now: Sequence[Ratio], last: Sequence[Ratio]) -> list[Change]:
    """Return what got worse by more than is put up with."""
    return [each for each in changes(now, last) if each.is_much_worse]


def gone(now: Sequence[Ratio], last: Sequence[Ratio]) -> list[Ratio]:
    """Return the last report's ratios that were not measured this time."""
    here = {each.key for each in now if each.value is not None}
    return [each for each in told(last) if each.value is not None and each.key not in here]


def better_of_both(first: Measured, again: Measured, names: Collection[str]) -> Measured:
    """Return the first measurement; ratios of these names are the better ones of both."""
    others = {each.key: each for each in again.ratios}
    ratios = [_better(each, others.get(each.key)) if each.name in names else each for each in first.ratios]
    return replace(first, ratios=ratios, tables_again=again.tables)


def merged(new: Mapping[str, Measured], last: Report | None, names: Iterable[str]) -> dict[str, Measured]:
    """Return all chapters of these names in their order: the new one, or else the last report's as it stands there."""
    before = last.chapters if last else {}
    return {name: new[name] if name in new else before[name] for name in names if name in new or name in before}


def _better(one: Ratio, other: Ratio | None) -> Ratio:
    return other if other and is_better(other, one) else one
