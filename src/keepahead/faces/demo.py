"""`make demo`: the incident replayed on a virtual clock, a discovery, a purchase looked into. No key, no network."""

import asyncio
import os
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

import httpx2
from rich.console import Console
from rich.table import Table

from keepahead.faces.wiring import SIMULATOR_URL, AsyncKeepa
from keepahead.keepa import wire
from keepahead.keepa.calls import BestSellersCall, Call, FinderCall, ProductCall
from keepahead.keepa.costs import quote
from keepahead.simulator import SIMULATOR_KEY, LoopClock, Simulator, SimulatorTransport, VirtualLoop

R = TypeVar("R")

OPENING_BALANCE = 220
START = datetime(2025, 11, 3, 20, 0, tzinfo=UTC)
THROTTLE_SECONDS = 3.0  # the old backend's rhythm: 20 requests a minute
BEAUTY = 3760911
SERUM = "B0D8W1YVBX"
OUTPUT = Path("build") / "demo"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call: when it was answered, and Keepa's balance after it."""

    at: datetime
    balance: int
    answered: bool


def incident() -> list[tuple[str, Call]]:
    """Return the evening's work: a best-seller list, a discovery with its details, and product lookups."""

    def products(first: int, count: int) -> ProductCall:
        return ProductCall(asins=[f"B{number:09}" for number in range(first, first + count)], domain=1)

    selection = {"rootCategory": [BEAUTY], "current_SALES_lte": 50_000, "perPage": 50}
    return [
        ("best sellers", BestSellersCall(category=str(BEAUTY), domain=1)),
        ("product finder", FinderCall(selection=selection, domain=1)),
        ("100 details", products(0, 100)),
        ("45 lookups", products(100, 45)),
        ("45 lookups", products(200, 45)),
        ("45 lookups", products(300, 45)),
    ]


async def with_rhythm_only(simulator: Simulator, clock: LoopClock) -> list[Outcome]:
    """Do the work as the old backend did: evenly spaced, the balance looked at afterwards."""
    outcomes: list[Outcome] = []
    transport = SimulatorTransport(simulator, sleep_async=clock.sleep_async)
    async with httpx2.AsyncClient(transport=transport, base_url=SIMULATOR_URL) as http:
        for _, call in incident():
            out = wire.outbound(call)
            params = {**out.query, "key": SIMULATOR_KEY}
            response = await http.request(out.method, out.path, params=params, content=out.body)
            outcomes.append(Outcome(clock.now(), simulator.truth().balance, response.status_code == 200))
            await clock.sleep_async(THROTTLE_SECONDS)
    return outcomes


async def with_keepahead(simulator: Simulator, clock: LoopClock, folder: Path) -> list[Outcome]:
    """Do the same work through keepahead."""
    outcomes: list[Outcome] = []
    async with AsyncKeepa(
        SIMULATOR_KEY,
        upstream_url=SIMULATOR_URL,
        database_url=f"sqlite:///{folder / 'incident.db'}",
        clock=clock,
        transport=SimulatorTransport(simulator, sleep_async=clock.sleep_async),
        caller="demo",
    ) as keepa:
        for _, call in incident():
            await keepa.send(call)
            outcomes.append(Outcome(clock.now(), simulator.truth().balance, answered=True))
            await clock.sleep_async(THROTTLE_SECONDS)
    return outcomes


def replay(console: Console, folder: Path) -> None:
    """Run both, side by side, and say what the difference is."""
    console.rule("[bold]1. The incident, replayed on a virtual clock")
    console.print(f"{OPENING_BALANCE} tokens, 20 more each minute. Both do the same work; hours pass in no time.\n")
    before_clock, after_clock = LoopClock(None, START), LoopClock(None, START)
    before = Simulator(now=before_clock.now, balance=OPENING_BALANCE)
    after = Simulator(now=after_clock.now, balance=OPENING_BALANCE)
    old = _on_virtual_time(with_rhythm_only(before, before_clock))
    new = _on_virtual_time(with_keepahead(after, after_clock, folder))

    table = Table(box=None, header_style="bold")
    table.add_column("work")
    table.add_column("tokens", justify="right")
    table.add_column("rhythm only: at", justify="right")
    table.add_column("balance", justify="right")
    table.add_column("keepahead: at", justify="right")
    table.add_column("balance", justify="right")
    for (name, call), was, is_now in zip(incident(), old, new, strict=True):
        balance = f"[red]{was.balance}[/]" if was.balance < 0 else str(was.balance)
        table.add_row(
            name,
            str(quote(call).tokens_max),
            f"{was.at:%H:%M:%S}" if was.answered else "[red]refused[/]",
            balance,
            f"{is_now.at:%H:%M:%S}",
            f"[green]{is_now.balance}[/]",
        )
    console.print(table)
    refused = sum(1 for each in old if not each.answered)
    delayed = [
        f"{name} until {is_now.at:%H:%M:%S}"
        for (name, _), was, is_now in zip(incident(), old, new, strict=True)
        if (is_now.at - was.at).total_seconds() > 1
    ]
    lowest_old, lowest_new = before.truth().lowest_balance, after.truth().lowest_balance
    console.print(
        f"\nRhythm only: lowest balance [red]{lowest_old}[/], {refused} call refused, and all stops until it has "
        f"refilled.\nkeepahead:   lowest balance [green]{lowest_new}[/] (the floor is 10), nothing refused.\n"
        f"             Delayed: {', '.join(delayed)}.\n"
    )


def discover(console: Console, folder: Path, output: Path) -> None:
    """Run a discovery with the real commands, in a data folder of their own; leave it as a file."""
    console.rule("[bold]2. A discovery on the built-in simulator")
    found = output / "discovery.xlsx"
    wish = ("--category", str(BEAUTY), "--rank", "1..20000", "--price", "10..50", "--max-results", "10")
    _show(console, folder, "discover", *wish, "--output", str(found), "--force")
    _show(console, folder, "ledger", "--by", "endpoint")


def look_into(console: Console, folder: Path, output: Path) -> None:
    """Judge one real product with the real commands; leave its analysis and its chart as files."""
    console.print()
    console.rule("[bold]3. Is it worth buying? A real product, recorded in May 2026")
    saved, exported, chart = (output / name for name in ("serum.json", "serum.csv", "serum.png"))
    files = ("--save", str(saved), "--output", str(exported), "--force")
    _show(console, folder, "analyse", SERUM, "--buying-price", "5.50", *files)
    _show(console, folder, "verify", "--expected", str(saved))
    _show(console, folder, "chart", SERUM, "--buybox", "--output", str(chart), "--force")
    console.print(f"\nThe files are in {output}.")


def _show(console: Console, folder: Path, *arguments: str) -> None:
    """Run one command as a person would."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("KEEPA_", "KEEPAHEAD_"))},
        "XDG_DATA_HOME": str(folder),
        "KEEPAHEAD_DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
    }
    console.print(f"\n[bold]$ keepahead {' '.join(arguments)}", soft_wrap=True)
    subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "keepahead", *arguments], env=environment, cwd=folder, check=True
    )


def main() -> None:
    """Show all three."""
    console, output = Console(highlight=False), OUTPUT.absolute()
    output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="keepahead-demo-") as folder:
        replay(console, Path(folder))
        discover(console, Path(folder), output)
        look_into(console, Path(folder), output)
    console.print("\nNext: .venv/bin/keepahead --help, or the ten lines of Python in the README.")


def _on_virtual_time(main: Coroutine[Any, Any, R]) -> R:
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main)


if __name__ == "__main__":
    main()
