"""What the entries of the ledger add up to since this gateway began to read them: numbers that never fall.

Every gateway reads all entries, whoever wrote them, so that each of them can be asked for all.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from keepahead.budget.entry import Absorbed, Entry, Label, Lost, Observed, Refusal, Released, Reserved, Served, Settled
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.verdict import Reason
from keepahead.faces.gateway.dearest import OTHER, Dearest
from keepahead.keepa.costs import ENDPOINT_COSTS

ENDPOINTS = frozenset(name.split()[0] for name in ENDPOINT_COSTS)
LANES = frozenset((LIVE.name, JOBS.name))
REASONS = frozenset(Reason)
GROUPS_MOST = 60
"""So many groups are counted with a caller of their own; of those beyond, the caller is "other"."""

SUMS = ("reserved", "released", "consumed", "saved", "overage", "hits")
"""What is counted of each group: tokens set aside, given back, charged, saved by the archive, charged beyond what was
set aside; and how often the archive answered."""

Record = Callable[[float, Mapping[str, str]], None]
"""Takes one value for a histogram, and its labels."""


class Group(NamedTuple):
    """Who spent on what: the labels of a counter. Each is one of few."""

    endpoint: str
    caller: str
    lane: str


@dataclass(frozen=True, slots=True)
class Histograms:
    """Where single values go: seconds waited for tokens, seconds at Keepa, and charged tokens by tokens set aside."""

    waited: Record
    took: Record
    charged: Record


class Counts:
    """Counts entries. `external` are tokens that somebody else spent on the same key."""

    def __init__(self, histograms: Histograms) -> None:
        self.groups: dict[Group, dict[str, int]] = {}
        self.calls: dict[tuple[str, str, str], int] = {}
        self.refusals: dict[tuple[str, str, str], int] = {}
        self.external = 0
        self._histograms = histograms
        self._dearest = Dearest()

    def seed(self, spent: Mapping[tuple[str, str, str], int]) -> None:
        """Begin at zero for who has spent of late (endpoint, caller, lane): his next token is seen to be one more."""
        by_caller: dict[str, int] = {}
        for (_, caller, _), tokens in spent.items():
            by_caller[caller] = by_caller.get(caller, 0) + tokens
        self._dearest.seed(by_caller)
        for endpoint, caller, lane in sorted(spent, key=lambda group: -spent[group]):
            self._sums_of(Label("", endpoint, lane, caller))

    def take(self, entry: Entry, waits_since: datetime | None) -> None:
        """Count one entry. `waits_since` is since when its call was seen to wait for tokens, if it was."""
        match entry:
            case Reserved():
                self._reserve(entry, waits_since)
            case Settled():
                self._settle(entry)
            case Released():
                self._add(entry.label, "released", entry.tokens)
                self._end(entry.label, "released")
            case Lost():
                self._end(entry.label, "lost")
            case Absorbed():
                self._add(entry.label, "consumed", entry.charged)
            case Refusal():
                reason = entry.reason.partition(":")[0]  # the words of a freeze follow it
                key = (_endpoint(entry.label), _lane(entry.label), reason if reason in REASONS else OTHER)
                self.refusals[key] = self.refusals.get(key, 0) + 1
            case Observed():
                self.external += entry.external_tokens
            case Served():
                self._add(entry.label, "saved", entry.tokens)
                self._add(entry.label, "hits", 1)
            case _:  # Carried: what was put away was counted before
                pass

    def review(self) -> None:
        """Give the names of callers to the dearest. Who has lost his begins at zero when he has it again."""
        lost = self._dearest.review()
        self.groups = {group: sums for group, sums in self.groups.items() if group.caller not in lost}

    def _reserve(self, entry: Reserved, waits_since: datetime | None) -> None:
        self._add(entry.label, "reserved", entry.tokens)
        if entry.tokens:  # what is free waits for nothing
            seconds = 0.0 if waits_since is None else max(0.0, (entry.at - waits_since).total_seconds())
            self._histograms.waited(seconds, {"lane": _lane(entry.label)})

    def _settle(self, entry: Settled) -> None:
        self._add(entry.label, "consumed", entry.tokens)
        self._add(entry.label, "overage", entry.overage)
        if entry.counted_before == 0:
            self._end(entry.label, "settled")
        labels = {"endpoint": _endpoint(entry.label)}
        took = (entry.meter.received_at - entry.meter.asked_at).total_seconds()
        self._histograms.took(max(0.0, took), labels)
        if entry.reserved > 0:
            self._histograms.charged(entry.tokens / entry.reserved, labels)

    def _add(self, label: Label, name: str, count: int) -> None:
        self._sums_of(label)[name] += count
        if name == "consumed":
            self._dearest.add(label.caller, count)

    def _end(self, label: Label, outcome: str) -> None:
        key = (_endpoint(label), _lane(label), outcome)
        self.calls[key] = self.calls.get(key, 0) + 1

    def _sums_of(self, label: Label) -> dict[str, int]:
        group = Group(_endpoint(label), self._dearest.label(label.caller), _lane(label))
        if group not in self.groups and len(self.groups) >= GROUPS_MOST:
            group = group._replace(caller=OTHER)
        return self.groups.setdefault(group, dict.fromkeys(SUMS, 0))


def _endpoint(label: Label) -> str:
    return label.endpoint if label.endpoint in ENDPOINTS else OTHER


def _lane(label: Label) -> str:
    return label.lane if label.lane in LANES else OTHER
