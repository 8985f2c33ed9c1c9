"""The chapter on the gateway: what it adds to a request, beside the least proxy and the least route, in turns."""

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.chapter import Chapter, empty_table, shown_time
from bench.crowded import Answered, ask
from bench.ratio import Measure, Ratio

CONNECTIONS = (1, 16, 64)
ROUNDS = 3
SECONDS = 1.5
LARGE_ASINS = 45
"""3 MB of products."""

FLAT_REQUESTS = 100_000

_BARE, _PROXY, _NGINX = "bare route, from memory", "least proxy", "nginx as proxy"

Paths = Callable[[], Iterator[str]]


@dataclass(frozen=True, slots=True)
class Contender:
    """Whom to ask, and for what."""

    name: str
    url: str
    paths: Paths


def gateway(folder: Path) -> Iterator[Chapter]:
    """Measure everybody, then whether memory stays flat."""
    with ExitStack() as stack:
        upstream = stack.enter_context(role("upstream"))
        proxy = stack.enter_context(role("proxy", upstream))
        memory = stack.enter_context(role("memory"))
        ours, pid = stack.enter_context(serve(folder, upstream))
        nginx = stack.enter_context(_nginx(folder, upstream))
        warm = f"/keepa/product?key=open&domain=1&asin={_asin(0)}"
        ask(ours, lambda: itertools.repeat(warm), connections=1, seconds=0.2)
        small = [
            Contender(_BARE, memory, lambda: itertools.repeat("/product")),
            Contender(_PROXY, proxy, lambda: _fresh("/product?domain=1&asin=")),
            *([Contender(_NGINX, nginx, lambda: _fresh("/product?domain=1&asin="))] if nginx else []),
            Contender("archived, /keepa/product", ours, lambda: itertools.repeat(warm)),
            Contender("archived, /api/v1/products", ours, lambda: itertools.repeat(f"/api/v1/products/{_asin(0)}")),
            Contender("paid, /keepa/product", ours, lambda: _fresh("/keepa/product?key=open&domain=1&asin=")),
            Contender("budget", ours, lambda: itertools.repeat("/api/v1/budget")),
        ]
        yield from (_chapter(f"The gateway, {count} connections", small, count) for count in CONNECTIONS)
        large = [
            Contender(_PROXY, proxy, lambda: _fresh("/product?domain=1&asin=", LARGE_ASINS)),
            Contender(
                "paid, /keepa/product", ours, lambda: _fresh("/keepa/product?key=open&domain=1&asin=", LARGE_ASINS)
            ),
        ]
        yield _chapter("The gateway, bodies of 3 MB, 1 connection", large, 1)
        yield _flat(ours, pid, warm)


def _chapter(title: str, contenders: Sequence[Contender], connections: int) -> Chapter:
    taken: dict[str, list[Answered]] = {each.name: [] for each in contenders}
    for number in range(ROUNDS + 1):
        for each in contenders:
            answered = ask(each.url, each.paths, connections=connections, seconds=SECONDS)
            if number:
                taken[each.name].append(answered)
    table = empty_table(title)
    for header in ("", "a second", "p50", "p99", "of the proxy", "of the bare route", "p50 over the proxy"):
        table.add_column(header, justify="right" if header else "left")
    kept: list[dict[str, object]] = []
    for name, rounds in taken.items():
        row = _row(name, rounds, taken)
        kept.append(row)
        table.add_row(
            name,
            f"{row['per_second']:,.0f}",
            shown_time(row["p50"]),
            shown_time(row["p99"]),
            *(f"{row[of]:.2f}" if row[of] is not None else "" for of in ("of_proxy", "of_bare")),
            f"{(row['p50_over_proxy']) * 1000:+.2f} ms",
        )
    ratios = [ratio for name in taken for ratio in _ratios(name, taken, title.removeprefix("The gateway, "))]
    return Chapter(title, table, kept, ratios)


def _ratios(name: str, taken: Mapping[str, Sequence[Answered]], point: str) -> Iterator[Ratio]:
    """Yield ours beside the least route that answers from memory, the least proxy, and nginx."""
    rounds = taken[name]
    measure = Measure(f"{name}, {point}", f"{statistics.median(each.per_second for each in rounds):,.0f}/s")
    if name == "budget":
        yield measure.no_floor("no route without a ledger says the same")
        yield measure.no_peer("no proxy says it")
    elif name.startswith(("archived", "paid")):
        floor = _BARE if name.startswith("archived") else _PROXY
        yield measure.floor(_times(rounds, taken[floor]), floor, "higher")
        others = [peer for peer in (_PROXY, _NGINX) if peer in taken and peer != floor]
        yield from (measure.peer(_times(rounds, taken[peer]), peer, "higher") for peer in others)
        if not others:
            yield measure.no_peer("nginx is not measured here" if _BARE not in taken else "there is no nginx here")


def _row(name: str, rounds: Sequence[Answered], taken: Mapping[str, Sequence[Answered]]) -> dict[str, object]:
    proxy, bare = taken[_PROXY], taken.get(_BARE)
    return {
        "what": name,
        "per_second": statistics.median(each.per_second for each in rounds),
        "p50": statistics.median(each.p50 for each in rounds),
        "p99": statistics.median(each.p99 for each in rounds),
        "of_proxy": _times(rounds, proxy),
        "of_bare": _times(rounds, bare) if bare else None,
        "p50_over_proxy": statistics.median(one.p50 - other.p50 for one, other in zip(rounds, proxy, strict=True)),
    }


def _times(ours: Sequence[Answered], theirs: Sequence[Answered]) -> float:
    return statistics.median(one.per_second / other.per_second for one, other in zip(ours, theirs, strict=True))


def _flat(url: str, pid: int, path: str) -> Chapter:
    """Ask a hundred thousand times; say what the gateway's memory was before, after a tenth, and after all."""
    marks = [0, FLAT_REQUESTS // 10, FLAT_REQUESTS]
    sizes: list[float] = []
    for before, after in itertools.pairwise([0, *marks]):
        paths = itertools.repeat(path, after - before)
        if after > before:
            _exhaust(url, paths)
        sizes.append(_megabytes(pid))
    title = f"Memory of the gateway over {FLAT_REQUESTS:,} archived answers"
    table = empty_table(title)
    table.add_column("requests", justify="right")
    table.add_column("resident, MB", justify="right")
    for mark, size in zip(marks, sizes, strict=True):
        table.add_row(f"{mark:,}", f"{size:,.1f}")
    kept = [{"requests": mark, "megabytes": size} for mark, size in zip(marks, sizes, strict=True)]
    measure = Measure(f"memory after {FLAT_REQUESTS:,} archived answers", f"{sizes[-1]:,.0f} MB")
    ratios = [
        measure.itself(sizes[-1] / sizes[0], "before them", "lower"),
        measure.no_peer("the proxies' memory is not measured"),
    ]
    return Chapter(title, table, kept, ratios)


def _exhaust(url: str, paths: Iterator[str]) -> None:
    ask(url, lambda: paths, connections=16, seconds=float("inf"))


def _megabytes(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _asin(number: int) -> str:
    return f"B0{number:08d}"


_numbers = itertools.count(1)


def _fresh(path: str, items: int = 1) -> Iterator[str]:
    """Yield paths that nobody has asked for before."""
    while True:
        yield path + ",".join(_asin(next(_numbers)) for _ in range(items))


@contextmanager
def role(*words: str) -> Iterator[str]:
    """Run one of what stands around the gateway; yield its URL."""
    with _started([sys.executable, "-m", "bench.gateway_upstream", *words], os.environ) as child:
        assert child.stdout
        yield child.stdout.readline().strip()


@contextmanager
def serve(folder: Path, upstream: str) -> Iterator[tuple[str, int]]:
    """Run the gateway, open to all; yield its URL and its process id."""
    settings = {
        **os.environ,
        "KEEPAHEAD_UPSTREAM_URL": upstream,
        "KEEPAHEAD_DATABASE_URL": f"sqlite:///{folder / 'gateway.db'}",
        "KEEPAHEAD_MAX_CONCURRENCY": "64",
    }
    command = [sys.executable, "-m", "keepahead", "serve", "--open", "--port", "0", "--json"]
    with _started(command, settings) as child:
        assert child.stdout
        yield json.loads(child.stdout.readline())["url"], child.pid


@contextmanager
def _nginx(folder: Path, upstream: str) -> Iterator[str]:
    """Run nginx as a proxy, where it is installed; else yield nothing to ask."""
    program = shutil.which("nginx")
    if program is None:
        yield ""
        return
    port = 18_917
    conf = folder / "nginx.conf"
    conf.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr crit; events {{}}\n"
        f"http {{ access_log off; upstream up {{ server {upstream.removeprefix('http://')}; keepalive 64; }}\n"
        f"server {{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://up; proxy_http_version 1.1; "
        'proxy_set_header Connection ""; } } }\n'
    )
    with _started([program, "-c", str(conf), "-p", str(folder)], os.environ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _started(command: Sequence[str], settings: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(command, env=settings, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    try:
        yield child
    finally:
        child.terminate()
        child.wait(30)
        assert child.stdout
        child.stdout.close()
