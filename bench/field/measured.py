"""Has one contender work through one scenario, and says what came of it."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from bench.field.minimum import minimum_seconds
from bench.field.served import KEY, TICK_SECONDS, Upstream
from bench.field.terms import Terms
from bench.field.work import Scenario
from bench.neighbour import LeftOutError, environment

FLOOR = 10

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Entrant:
    """How to make a contender: a class of a module of this package, or the plain client behind a gate."""

    name: str
    module: str
    client: str = ""
    gate: str = ""
    options: Mapping[str, float] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    """What an environment of its own has to hold, on a newer Python; nothing: it runs in ours."""


ENTRANTS = (
    Entrant("keepa, threads", "packaged", "Sync"),
    Entrant("keepa, asyncio", "packaged", "Async"),
    Entrant("keepa, asyncio, patient", "packaged", "Async", options={"timeout_seconds": 3_600.0}),
    Entrant("rhythm throttle", "plain", gate="Rhythm"),
    Entrant("pyrate-limiter", "plain", gate="Pyrate"),
    Entrant("token-throttle", "plain", gate="TokenThrottle", packages=("token-throttle>=14,<15", "httpx2>=2.16.2,<3")),
    Entrant("keepahead", "ours", "Ours"),
)


@dataclass(frozen=True, slots=True)
class Row:
    """What came of it. Times are accelerated seconds; shares are of one core, during the work.

    lost: asked for and not delivered, of which late were not done when the time was over. worth: what the distinct
    answers that came cost, each once; the rest of the tokens was paid for repeats and for what was lost.
    """

    scenario: str
    speed: float
    name: str
    version: str
    asked: int
    delivered: int
    lost: int
    late: int
    errors: Mapping[str, int]
    lowest_balance: int
    refused_429: int
    sent_at_or_below_zero: int
    tokens: int
    distinct: int
    worth: int
    seconds: float
    minimum_seconds: float
    client_cpu: float
    server_cpu: float

    @property
    def tokens_for_nothing_new(self) -> int:
        """Tokens that brought no answer that was not there already."""
        return self.tokens - self.worth

    @property
    def tokens_per_distinct_answer(self) -> float:
        """All tokens, over the distinct answers that came."""
        return self.tokens / max(1, self.distinct)

    @property
    def of_minimum(self) -> float:
        """How many times the least time it took; 1 where nothing has to be waited for."""
        return self.seconds / self.minimum_seconds if self.minimum_seconds else 1.0

    def kept(self) -> dict[str, object]:
        """Return it as plain values."""
        return asdict(self) | {
            "tokens_for_nothing_new": self.tokens_for_nothing_new,
            "tokens_per_distinct_answer": self.tokens_per_distinct_answer,
            "of_minimum": self.of_minimum,
        }


def measure(entrant: Entrant, scenario: Scenario, folder: Path) -> Row:
    """Start a fake Keepa and the contender, let it work, end both. Raises LeftOutError where it cannot be had."""
    python, speed = _python(entrant), scenario.speed
    with ExitStack() as opened:
        upstream = opened.enter_context(Upstream(scenario))
        child = opened.enter_context(_Child(python, entrant, scenario, _terms(upstream, scenario, folder)))
        upstream.warm(scenario.items)
        version = child.version()
        opened_at = time.time()
        least = _least(scenario, *upstream.open())
        cpu_before = upstream.cpu_seconds()
        told = child.work(opened_at, (least or TICK_SECONDS) * scenario.limit / speed)
        return Row(
            scenario=scenario.name,
            speed=speed,
            name=entrant.name,
            version=version,
            **_came(scenario, told),
            **_happened(upstream.truth()),
            seconds=told["real_seconds"] * speed,
            minimum_seconds=least,
            client_cpu=told["cpu_seconds"] / told["real_seconds"],
            server_cpu=(upstream.cpu_seconds() - cpu_before) / told["real_seconds"],
        )


def _terms(upstream: Upstream, scenario: Scenario, folder: Path) -> Terms:
    return Terms(
        url=upstream.url,
        key=KEY,
        speed=scenario.speed,
        since=upstream.since.isoformat(),
        refill_rate=scenario.refill_rate,
        dearest_call=scenario.dearest_call,
        folder=str(folder),
    )


def _least(scenario: Scenario, opening: int, first_tick_seconds: float) -> float:
    return minimum_seconds(
        scenario.price,
        spendable=opening - FLOOR,
        refill_rate=scenario.refill_rate,
        first_tick_seconds=first_tick_seconds,
        tick_seconds=TICK_SECONDS,
    )


def _came(scenario: Scenario, told: Mapping[str, Any]) -> dict[str, Any]:
    prices = scenario.prices(told["delivered"])
    lost = len(scenario.items) - len(told["delivered"])
    return {
        "asked": len(scenario.items),
        "delivered": len(told["delivered"]),
        "lost": lost,
        "late": lost - sum(told["errors"].values()),
        "errors": told["errors"],
        "distinct": len(prices),
        "worth": sum(prices.values()),
    }


def _happened(truth: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "lowest_balance": truth["lowest_balance"],
        "refused_429": truth["refused_429"],
        "sent_at_or_below_zero": truth["requests_at_or_below_zero"],
        "tokens": truth["consumed"],
    }


class _Child:
    """The contender's process: ready once made."""

    def __init__(self, python: Path, entrant: Entrant, scenario: Scenario, terms: Terms) -> None:
        self._process = subprocess.Popen(
            [python, "-m", "bench.field.child"], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        order = asdict(entrant) | {"terms": asdict(terms), "items": scenario.items, "workers": scenario.workers}
        self._tell(json.dumps(order))

    def version(self) -> str:
        """Return it once the contender is ready."""
        return str(self._hear()["version"])

    def work(self, opened_at: float, limit_seconds: float) -> Mapping[str, Any]:
        """Let it begin; return what it tells at its end, or when its real seconds are over."""
        self._tell(json.dumps({"opened_at": opened_at, "limit_seconds": limit_seconds}))
        return self._hear()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def _hear(self) -> Mapping[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise LeftOutError(f"its process ended with exit code {self._process.wait()}")
        return json.loads(line)


def _python(entrant: Entrant) -> Path:
    if not entrant.packages:
        return Path(sys.executable)
    build = _ROOT / "build"
    build.mkdir(exist_ok=True)
    return environment(build / f"field-{entrant.name}", entrant.packages)
