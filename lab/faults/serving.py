"""A gateway as a process of the faults: keepahead's own, on the clock of the simulated Keepa."""

import os
from datetime import datetime
from multiprocessing.connection import Connection

from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.gateway.server import Address, run_server
from keepahead.faces.settings import read_settings
from keepahead.simulator import ScaledClock


def serve(
    key: str, upstream_url: str, database_url: str, speed: float, since: str, log: str, ready: Connection
) -> None:
    """Serve whoever reaches it, without keys, until it is killed; `ready` is sent the URL."""
    for stream in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600), stream)
    for name in [name for name in os.environ if name.startswith(("KEEPA_", "KEEPAHEAD_"))]:
        del os.environ[name]
    settings = read_settings(api_key=key, upstream_url=upstream_url, database_url=database_url)
    clock = ScaledClock(speed, since=datetime.fromisoformat(since))
    opened = open_gateway(settings, is_open=True, clock=clock)
    run_server(opened.app, Address(port=0), ready=ready.send)
