"""Whether looks at the ledger take longer when it has grown: what the pages read, in a small one and in a large one."""

import os
import statistics
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import create_engine, insert

from bench.chapter import Chapter, empty_table, shown_time
from bench.databases import databases, text_of
from bench.fill import fill
from bench.neighbour import LeftOutError
from bench.ours import FINGERPRINT
from bench.ratio import Measure, Ratio
from bench.rounds import each, in_turns
from keepahead.budget.rule import HOUR, hour_of
from keepahead.faces.ledger_documents import shapes_of
from keepahead.store import tables
from keepahead.store.database import Database, open_database
from keepahead.store.record import Filter, GroupBy, Record
from keepahead.store.search import Order, Page, Search
from keepahead.store.spending import Spending

SMALL = 1_000
LARGE = int(os.environ.get("KEEPAHEAD_BENCH_LOOKED_AT", "1000000"))
_ROUNDS = 11
_TIMES = 20  # in one round, of looks that take a millisecond

BOUNDED = (
    "a word that is nowhere",
    "a kind that is nowhere",
    "a caller that is nowhere",
    "most tokens first",
    "the dearest calls",
    "a month of hours",
)
"""These look at 50,000 entries at most, or at the hours: more than there are in a small ledger."""

_CALLERS = {SMALL: 1, LARGE: 50}
"""For so many callers there are sums of each hour of a month."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One look: the medians in the small and in the large ledger, and the median of the rounds' ratios."""

    database: str
    what: str
    small_seconds: float
    large_seconds: float
    ratio: float


def looks(folder: Path) -> Iterator[Chapter]:
    """Measure on both databases."""
    lines = _measured("SQLite", *(f"sqlite:///{folder / name}.db" for name in ("small", "large")))
    for path in folder.glob("large.db*"):
        path.unlink()
    left_out = ""
    try:
        with databases() as made:
            lines += _measured("PostgreSQL", *(text_of(made.new(name)) for name in ("small", "large")))
    except LeftOutError as error:
        left_out = f"PostgreSQL is left out: {error}"
    yield _drawn(lines, left_out)


def _measured(database: str, small_url: str, large_url: str) -> list[_Line]:
    now = datetime.now(UTC)
    for url, entries in ((small_url, SMALL), (large_url, LARGE)):
        open_database(url).close()
        fill(url, FINGERPRINT, entries, now)
        _fill_hours(url, _CALLERS[entries], now)
    with closing(open_database(small_url)) as small, closing(open_database(large_url)) as large:
        ways = _ways(small, now), _ways(large, now)
        found: list[_Line] = []
        for what in ways[0]:
            times = 1 if what in BOUNDED else _TIMES
            taken = in_turns({"small": _often(ways[0][what], times), "large": _often(ways[1][what], times)}, _ROUNDS)
            few, many = taken["small"].data, taken["large"].data
            ratio = statistics.median(late / soon for soon, late in zip(few, many, strict=True))
            found.append(_Line(database, what, statistics.median(few), statistics.median(many), ratio))
    return found


def _often(look: Callable[[], object], times: int) -> Callable[[], float]:
    def looks(count: int) -> None:
        for _ in range(count):
            look()

    return each(looks, times)


def _fill_hours(url: str, callers: int, now: datetime) -> None:
    """Write sums of calls to one endpoint in each hour of the last month."""
    engine = create_engine(url)
    nothing = dict.fromkeys(tables.HOUR_SUMS, 0)
    labels = {"fingerprint": FINGERPRINT, "endpoint": "product", "lane": "live"}
    rows = [
        {**labels, **nothing, "caller": f"caller{caller}", "hour": hour_of(now) - number * HOUR, "charged": 7}
        for caller in range(callers)
        for number in range(30 * 24)
    ]
    with engine.begin() as connection:
        connection.execute(insert(tables.hours), rows)
    engine.dispose()


def _ways(database: Database, now: datetime) -> Mapping[str, Callable[[], object]]:
    record, search = Record(database, FINGERPRINT), Search(database, FINGERPRINT)
    spending = Spending(database, FINGERPRINT)
    first = search.page(Filter())
    last_seq, month = record.last_seq(), hour_of(now) - timedelta(days=30)

    def opened(page: Page) -> object:
        return page, shapes_of(page.lines, record), record.last_seq()

    return {
        "the page opens": lambda: opened(search.page(Filter())),
        "the next page": lambda: opened(search.page(Filter(), place=first.next)),
        "from the oldest on": lambda: search.page(Filter(), order=Order.OLDEST),
        "what is new": lambda: record.after(last_seq - 4),
        "how many are new": lambda: search.newer(Filter(caller="bench"), "product", last_seq - 4),
        "a word that is nowhere": lambda: search.page(Filter(), "coffee"),
        "a kind that is nowhere": lambda: search.page(Filter(kind="lost")),
        "a caller that is nowhere": lambda: search.page(Filter(caller="nobody")),
        "most tokens first": lambda: search.page(Filter(), order=Order.MOST),
        "a month of hours": lambda: (
            record.sums(GroupBy.CALLER, Filter(since=month)),
            spending.parts(GroupBy.ENDPOINT, month, HOUR),
        ),
        "the dearest calls": lambda: spending.dearest(spending.seen_since(month), 10, last_seq=last_seq),
    }


def _drawn(lines: list[_Line], left_out: str) -> Chapter:
    title = f"Looks at a ledger of {SMALL:,} and of {LARGE:,} entries"
    table = empty_table(title)
    for name in ("", "look", f"{SMALL:,}", f"{LARGE:,}", "times the time"):
        table.add_column(name, justify="right" if name not in {"", "look"} else "left")
    for line in lines:
        target = "" if line.what in BOUNDED else " (2 at most)"
        seconds = (shown_time(line.small_seconds), shown_time(line.large_seconds))
        table.add_row(line.database, line.what, *seconds, f"{line.ratio:.2f}{target}")
    table.caption = left_out
    table.caption_justify = "left"
    kept: list[Mapping[str, object]] = [
        {
            "database": line.database,
            "look": line.what,
            "entries": [SMALL, LARGE],
            "seconds": [line.small_seconds, line.large_seconds],
            "ratio": line.ratio,
        }
        for line in lines
    ]
    ratios = [ratio for line in lines for ratio in _ratios(line)]
    return Chapter(title, table, [*kept, *([{"left_out": left_out}] if left_out else [])], ratios)


def _ratios(line: _Line) -> Iterator[Ratio]:
    measure = Measure(f"{line.database}, {LARGE:,}: {line.what}", shown_time(line.large_seconds))
    yield measure.itself(line.ratio, f"{SMALL:,} entries", "lower")
    yield measure.no_peer("no peer with a ledger is measured")
