"""All that the page of spending shows, read in one go; then only what is new of calls, and the hours again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepahead.budget.entry import Settled
from keepahead.faces.dashboard.spending_chart import Window
from keepahead.faces.ledger_documents import shapes_of
from keepahead.store.record import Filter, GroupBy, Line, Record, Sum
from keepahead.store.spending import Estimate, Part, Spending, add

DEAREST_MOST = 10
_NEW_MOST = 500
"""Where more than so many calls are new, all are read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpendingFigures:
    """What was spent in a window. The calls among it are those since `seen_since`, up to the entry `last_seq`."""

    window: Window
    by: GroupBy
    parts: Sequence[Part]
    endpoints: Sequence[Sum]
    callers: Sequence[Sum]
    dearest: Sequence[Line]
    asked: Mapping[str, str]
    estimates: Mapping[str, Estimate]
    seen_since: datetime
    last_seq: int


def read_figures(
    record: Record, spending: Spending, window: Window, by: GroupBy, before: SpendingFigures | None
) -> SpendingFigures:
    """Read it; with what was read `before` only what came to it. Blocks. Raises LedgerError."""
    wanted = Filter(since=window.since)
    last = record.last_seq()  # first of all: what comes meanwhile is new the next time
    new: Sequence[Line] = ()
    if before is not None and (before.window, before.by) == (window, by):
        new = record.after(before.last_seq, Filter(kind="settled"), limit=_NEW_MOST)
    else:
        before = None
    if before is None or len(new) == _NEW_MOST:
        seen_since = spending.seen_since(window.since)
        dearest = spending.dearest(seen_since, DEAREST_MOST, last_seq=last)
        estimates = spending.estimates(by, seen_since, last_seq=last)
        asked = shapes_of(dearest, record)
    else:
        seen_since, asked = before.seen_since, before.asked
        dearest = _dearest([*before.dearest, *new])
        estimates = add(before.estimates, by, new)
        if dearest != before.dearest:
            asked = shapes_of(dearest, record)
        last = max((last_of.seq for last_of in new), default=last)
    return SpendingFigures(
        window=window,
        by=by,
        parts=spending.parts(by, window.since, window.length),
        endpoints=record.sums(GroupBy.ENDPOINT, wanted),
        callers=record.sums(GroupBy.CALLER, wanted),
        dearest=dearest,
        asked=asked,
        estimates=estimates,
        seen_since=seen_since,
        last_seq=last,
    )


def _dearest(lines: Sequence[Line]) -> Sequence[Line]:
    calls = [(line.entry.tokens, line.seq, line) for line in lines if isinstance(line.entry, Settled)]
    return [line for _, _, line in sorted(calls, key=lambda each: each[:2], reverse=True)[:DEAREST_MOST]]
