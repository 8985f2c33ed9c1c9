"""`keepahead simulate`: the simulated Keepa on a port."""

from typing import Annotated

import typer

from keepahead.errors import SettingsError
from keepahead.faces.cli import options
from keepahead.faces.cli.results import put_json
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import seconds_range
from keepahead.simulator.faults import Faults, Outsider
from keepahead.simulator.server import run_server
from keepahead.simulator.virtual import ScaledClock

_PERCENT = "percent of the requests"


def simulate(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8100,
    rate: Annotated[int, typer.Option("--rate", min=1, max=100_000, help="Tokens a minute.")] = 20,
    balance: Annotated[
        int | None, typer.Option("--balance", help="Tokens at the start. [default: a full bucket, 60 times the rate]")
    ] = None,
    speed: Annotated[float, typer.Option("--speed", min=0.001, max=100_000, help="How much faster time runs.")] = 1.0,
    latency: Annotated[str, typer.Option("--latency", help="Seconds that an answer takes, such as 0.2..1.5.")] = "0",
    drop: Annotated[float, typer.Option("--drop", min=0, max=100, help=f"Charged, then cut off: {_PERCENT}.")] = 0,
    error: Annotated[float, typer.Option("--error", min=0, max=100, help=f"HTTP 500: {_PERCENT}.")] = 0,
    storm: Annotated[float, typer.Option("--storm", min=0, max=100, help=f"HTTP 429 for nothing: {_PERCENT}.")] = 0,
    outsider: Annotated[
        float, typer.Option("--outsider", min=0, help="Tokens a minute that somebody else spends with the same key.")
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same catalogue and faults.")] = 1,
    json: options.Json = False,
) -> None:
    """Serve the simulated Keepa on a port of this machine, until Ctrl-C."""
    faults = Faults(
        latency_seconds=seconds_range(latency, "--latency"),
        drop_percent=drop,
        error_percent=error,
        storm_percent=storm,
    )

    clock = ScaledClock(speed)

    def ready(url: str) -> None:
        if json:
            put_json({"url": url, "speed": clock.speed, "since": clock.since})
        say(f"the simulated Keepa listens on {url}; Ctrl-C stops it")
        say(f"point keepahead at it: KEEPAHEAD_UPSTREAM_URL={url} keepahead status")

    try:
        run_server(
            host=host,
            port=port,
            rate=rate,
            balance=balance,
            seed=seed,
            clock=clock,
            faults=faults,
            outsider=Outsider(outsider) if outsider else None,
            ready=ready,
        )
    except KeyboardInterrupt:
        say("stopped")
    except OSError as failed:
        reason = failed.strerror or failed
        raise SettingsError("--port", f"cannot listen on {host}, port {port}: {reason}; choose another") from None
