"""The chapter on /metrics: what a scrape takes beside the cheapest route, empty, full, and while much is written."""

import itertools
import statistics
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.chapter import Chapter, empty_table, shown_time
from bench.crowded import Answered, ask
from bench.gateway import role, serve
from bench.ratio import Measure, Ratio
from keepahead.budget.ask import Ask
from keepahead.budget.entry import Label
from keepahead.budget.lane import LIVE
from keepahead.budget.meter import Meter
from keepahead.faces.gateway.counts import ENDPOINTS, GROUPS_MOST
from keepahead.faces.gateway.dearest import NAMED_MOST
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.keepa.call_id import new_call_id
from keepahead.store.ledger import Ledger

ROUNDS = 5
SECONDS = 1.5
ENTRIES_PER_MINUTE = 10_000
_COUNTED_AFTER_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class _Book:
    """A ledger that somebody else writes to as well."""

    ledger: Ledger

    def spend(self, caller: str, endpoint: str) -> None:
        """Write a call of two entries."""
        now = datetime.now(UTC)
        label = Label(new_call_id(now), endpoint, LIVE.name, caller)
        self.ledger.reserve(Ask(label=label, lane=LIVE, shape="bench", tokens_max=5, items=1, opened_at=now), now)
        self.ledger.settle(label.call_id, 4, Meter(now, now, now, 1_000_000, 100_000, 30_000), now)


def scrape(folder: Path) -> Iterator[Chapter]:
    """Measure a scrape and the cheapest route in turns."""
    with ExitStack() as stack:
        upstream = stack.enter_context(role("upstream"))
        url, _ = stack.enter_context(serve(folder, upstream))
        book = stack.enter_context(_book(folder, upstream))
        book.ledger.observe(Meter(*[datetime.now(UTC)] * 3, 1_000_000, 100_000, 30_000), datetime.now(UTC))
        rows = [_row("a fresh gateway", *_in_turns(url))]
        _fill(book)
        rows.append(_row(f"{GROUPS_MOST} groups of endpoint, caller and lane", *_in_turns(url)))
        with _writing(book):
            rows.append(_row(f"the same, {ENTRIES_PER_MINUTE:,} entries a minute", *_in_turns(url)))
        title = "A scrape of /metrics, and /health/live, 1 connection"
        table = empty_table(title)
        for header in ("", "p50", "p99", "/health/live, p50", "times as long"):
            table.add_column(header, justify="right" if header else "left")
        for row in rows:
            times = (shown_time(float(str(row[name]))) for name in ("p50", "p99", "live_p50"))
            table.add_row(str(row["what"]), *times, f"{row['times_as_long']:.0f}")
        yield Chapter(title, table, rows, [ratio for row in rows for ratio in _ratios(row)])


def _in_turns(url: str) -> tuple[Sequence[Answered], Sequence[Answered]]:
    taken: dict[str, list[Answered]] = {"/metrics": [], "/health/live": []}
    for number in range(ROUNDS + 1):
        for path, into in taken.items():
            answered = ask(url, lambda path=path: itertools.repeat(path), connections=1, seconds=SECONDS)
            if number:
                into.append(answered)
    return taken["/metrics"], taken["/health/live"]


def _row(what: str, ours: Sequence[Answered], live: Sequence[Answered]) -> dict[str, object]:
    return {
        "what": what,
        "p50": statistics.median(each.p50 for each in ours),
        "p99": statistics.median(each.p99 for each in ours),
        "live_p50": statistics.median(each.p50 for each in live),
        "times_as_long": statistics.median(one.p50 / other.p50 for one, other in zip(ours, live, strict=True)),
    }


def _ratios(row: Mapping[str, Any]) -> Iterator[Ratio]:
    measure = Measure(row["what"], shown_time(row["p50"]))
    yield measure.floor(row["times_as_long"], "/health/live", "lower")
    yield measure.no_peer("no peer with metrics is measured")


def _fill(book: _Book) -> None:
    """Have more callers spend on more endpoints than are told apart."""
    for caller in range(NAMED_MOST + 5):
        for endpoint in sorted(ENDPOINTS):
            book.spend(f"program-{caller}", endpoint)
    threading.Event().wait(_COUNTED_AFTER_SECONDS)


@contextmanager
def _book(folder: Path, upstream: str) -> Iterator[_Book]:
    settings = read_settings(upstream_url=upstream, database_url=f"sqlite:///{folder / 'gateway.db'}")
    database, fingerprint = open_ledger(settings)
    yield _Book(Ledger(database, fingerprint))
    database.close()


@contextmanager
def _writing(book: _Book) -> Iterator[None]:
    """Write so many entries a minute meanwhile."""
    is_over = threading.Event()

    def write() -> None:
        callers = itertools.cycle(range(NAMED_MOST))
        while not is_over.wait(2 * 60 / ENTRIES_PER_MINUTE):
            book.spend(f"program-{next(callers)}", "product")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        is_over.set()
        writer.join()
