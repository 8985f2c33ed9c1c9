"""The chapter on the dashboard: what a look costs who looks, what open pages cost the gateway, how live they are."""

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser
from tests.faces.dashboard import browser as browsers
from tests.house import KEY
from tests.served import Served

from bench.chapter import Chapter, empty_table, shown_time
from bench.fill import fill
from bench.ratio import Measure, Ratio
from bench.rounds import in_turns, once
from keepahead.store.course import Course
from keepahead.store.database import open_database

ROUNDS = 5
FACTS = 20
PAGES = 20
SECONDS = 30.0
ENTRIES = (10_000, 1_000_000)
PATHS = ("/", "/balance")
_NO_PEER = "no peer with a dashboard is measured"
_STRETCHES = 336  # as many as the page draws

_WEIGHT = """() => {
  const all = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  const sum = (name) => all.reduce((total, each) => total + each[name], 0);
  const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
  return { paint, sent: sum("transferSize"), unpacked: sum("decodedBodySize"), requests: all.length };
}"""

_DELAY = """async (path) => {
  const left = () => document.querySelector("[role=meter]").getAttribute("aria-valuenow");
  const before = left();
  await fetch(path);
  const told = performance.now();
  while (left() === before) await new Promise(requestAnimationFrame);
  return performance.now() - told;
}"""


def dashboard(folder: Path) -> Iterator[Chapter]:
    """Measure first looks, how soon a fact is seen, idle pages, and the past of a small and of a large ledger."""
    if any(map(shutil.which, browsers.NAMES)):
        with _gateway(folder) as (base, pid), browsers.browser() as chromium:
            yield _first_looks(chromium, base)
            yield _facts(chromium, base)
            yield _idle(chromium, base, pid)
    else:
        title = "The dashboard in a browser is left out: there is no Chromium (Debian: apt-get install chromium)"
        yield Chapter(title, empty_table(title), [])
    yield _past(folder)


def _first_looks(chromium: Browser, base: str) -> Chapter:
    title = "A first look at a page, nothing cached (targets: 1.5 s, 1.5 MB)"
    table, kept = empty_table(title), list[dict[str, Any]]()
    for name in ("", "first paint", "sent", "unpacked", "requests"):
        table.add_column(name, justify="right" if name else "left")
    for path in PATHS:
        looks = [_look(chromium, base, path) for _ in range(ROUNDS + 1)][1:]
        row = {name: statistics.median(each[name] for each in looks) for name in looks[0]}
        kept.append({"path": path, **row})
        table.add_row(
            path,
            f"{row['paint']:,.0f} ms",
            f"{row['sent'] / 1e6:.2f} MB",
            f"{row['unpacked'] / 1e6:.2f} MB",
            f"{row['requests']:.0f}",
        )
    ratios = [each for row in kept for each in _alone(f"first paint of {row['path']}", f"{row['paint']:,.0f} ms")]
    return Chapter(title, table, kept, ratios)


def _alone(name: str, ours: str) -> list[Ratio]:
    measure = Measure(name, ours)
    return [
        measure.no_floor("a browser's own time is in it, and no lesser page is measured"),
        measure.no_peer(_NO_PEER),
    ]


def _look(chromium: Browser, base: str, path: str) -> dict[str, float]:
    with browsers.opened(chromium, base, path=path) as (page, _):
        page.wait_for_load_state("networkidle")
        return page.evaluate(_WEIGHT)


def _facts(chromium: Browser, base: str) -> Chapter:
    title = "From the answer of a call to the new balance on an open page (target: 1 s)"
    with browsers.opened(chromium, base) as (page, _):
        page.get_by_role("meter").wait_for()
        taken = [page.evaluate(_DELAY, f"/api/v1/products/B0{number:08d}") for number in range(FACTS)]
    table = empty_table(title)
    for name in ("facts", "median", "slowest"):
        table.add_column(name, justify="right")
    table.add_row(str(FACTS), f"{statistics.median(taken):,.0f} ms", f"{max(taken):,.0f} ms")
    ratios = _alone("a fact on an open page", f"{statistics.median(taken):,.0f} ms")
    return Chapter(title, table, [{"milliseconds": taken}], ratios)


def _idle(chromium: Browser, base: str, pid: int) -> Chapter:
    """Take the gateway's CPU time with nobody there, and with open pages on which nothing happens but the refill."""
    title = f"CPU time of the gateway over {SECONDS:.0f} s, idle (target for {PAGES} pages: 10% of a core)"
    table, kept = empty_table(title), list[dict[str, float]]()
    for name in ("open pages", "of a core"):
        table.add_column(name, justify="right")
    for pages in (0, 1, PAGES):
        with browsers.opened(chromium, base) as (first, _):
            for _ in range(pages - 1):
                first.context.new_page().goto(f"{base}/")
            if not pages:
                first.close()
                time.sleep(25)  # until it is forgotten
            time.sleep(3)
            began = _cpu_seconds(pid)
            time.sleep(SECONDS)
            share = (_cpu_seconds(pid) - began) / SECONDS
        kept.append({"pages": pages, "share": share})
        table.add_row(str(pages), f"{share:.1%}")
    measure = Measure(f"idle with {PAGES} open pages", f"{kept[-1]['share']:.1%} of a core")
    ratios = [
        measure.no_floor("a share of a core, of which an idle gateway takes next to nothing"),
        measure.no_peer(_NO_PEER),
    ]
    return Chapter(title, table, kept, ratios)


def _past(folder: Path) -> Chapter:
    title = f"The past of a week on SQLite, {_STRETCHES} stretches, and of an hour"
    table, kept = empty_table(title), list[dict[str, Any]]()
    for name in ("entries in the week", "the hour", "the week"):
        table.add_column(name, justify="right")
    now = datetime.now(UTC)
    for entries in ENTRIES:
        url = f"sqlite:///{folder / f'past-{entries}.db'}"
        open_database(url).close()
        fill(url, "account", entries, now, apart=timedelta(days=7) / (entries // 2))
        with closing(open_database(url)) as database:
            course = Course(database, "account")

            def read(span: timedelta, course: Course = course) -> object:
                return course.read(now - span, now, stretches=_STRETCHES)

            spans = {"hour": timedelta(hours=1), "week": timedelta(days=7)}
            taken = in_turns({name: once(lambda span=span: read(span)) for name, span in spans.items()}, 10)
        medians = {name: statistics.median(stats.data) for name, stats in taken.items()}
        kept.append({"entries": entries, **medians})
        table.add_row(f"{entries:,}", *(shown_time(medians[name]) for name in spans))
    return Chapter(title, table, kept, [ratio for name in ("hour", "week") for ratio in _grown(name, *kept)])


def _grown(span: str, small: Mapping[str, Any], large: Mapping[str, Any]) -> Iterator[Ratio]:
    measure = Measure(f"the past of the {span}, {large['entries']:,} entries", shown_time(large[span]))
    yield measure.itself(large[span] / small[span], f"{small['entries']:,} entries", "lower")
    yield measure.no_peer(_NO_PEER)


@contextmanager
def _gateway(folder: Path) -> Generator[tuple[str, int]]:
    upstream = Served("--balance", "900")
    settings = {
        **os.environ,
        "KEEPA_API_KEY": KEY,
        "KEEPAHEAD_UPSTREAM_URL": upstream.url,
        "KEEPAHEAD_DATABASE_URL": f"sqlite:///{folder / 'dashboard.db'}",
    }
    command = [sys.executable, "-m", "keepahead", "serve", "--open", "--port", "0", "--json"]
    child = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        assert child.stdout
        base = json.loads(child.stdout.readline())["url"]
        subprocess.run([sys.executable, "-m", "keepahead", "status"], env=settings, capture_output=True, check=True)
        yield base, child.pid
    finally:
        child.terminate()
        child.wait(40)
        assert child.stdout
        child.stdout.close()
        upstream.kill()


def _cpu_seconds(pid: int) -> float:
    """User and system time of a process, all its threads."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
