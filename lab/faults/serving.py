"""A gateway as a process of the faults: keepahead's own, on the clock of the simulated Keepa."""

import os
from multiprocessing.connection import Connection

from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.gateway.server import Address, run_server
from keepahead.faces.settings import read_settings
from lab.faults.spender import Order, clock_of, forget_settings


def serve(order: Order, ready: Connection) -> None:
    """Serve whoever reaches it, without keys, until it is killed; its journal is its log, `ready` is sent its URL."""
    log = os.open(order.journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for stream in (1, 2):
        os.dup2(log, stream)
    forget_settings()
    settings = read_settings(
        api_key=order.key, upstream_url=order.upstream_url, database_url=order.database_url, caller=order.caller
    )
    opened = open_gateway(settings, is_open=True, clock=clock_of(order))
    run_server(opened.app, Address(port=0), ready=ready.send)
