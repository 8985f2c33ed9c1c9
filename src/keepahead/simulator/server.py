"""The simulated Keepa on a port of its own (uvicorn), on a clock that may run faster than the real one."""

import socket
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import uvicorn

from keepahead.simulator.app import make_app
from keepahead.simulator.faults import Faults, Outsider
from keepahead.simulator.simulator import Simulator
from keepahead.simulator.virtual import ScaledClock


def _announce(url: str) -> None:
    sys.stderr.write(f"simulated Keepa listens on {url}\n")


def run_server(
    *,
    host: str = "127.0.0.1",
    port: int = 8100,
    rate: int = 20,
    balance: int | None = None,
    seed: int = 1,
    clock: ScaledClock | None = None,
    faults: Faults | None = None,
    outsider: Outsider | None = None,
    state_file: Path | None = None,
    ready: Callable[[str], None] = _announce,
) -> None:
    """Serve until interrupted. Port 0 takes a free one; `ready` is called with the base URL once it listens.

    `clock` is the time that it lives by (None: the real one).

    Raises OSError when the port cannot be taken.
    """
    clock = clock or ScaledClock()
    simulator = Simulator(
        now=clock.now,
        seed=seed,
        refill_rate=rate,
        balance=balance,
        faults=faults,
        outsider=outsider,
        state_file=state_file,
    )
    app = make_app(simulator, clock=clock)
    server = uvicorn.Server(
        uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False, timeout_graceful_shutdown=1)
    )
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(2048)
        ready(f"http://{host}:{listener.getsockname()[1]}")
        server.run(sockets=[listener])
