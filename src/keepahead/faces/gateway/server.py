"""The gateway on a port: uvicorn, TLS, and an end that lets requests under way finish."""

import gc
import signal
import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI

from keepahead.faces.gateway.connection import connections
from keepahead.faces.gateway.gateway import Gateway
from keepahead.faces.gateway.page_socket import page_sockets

BACKLOG = 2048
IDLE_SECONDS = 75
"""How long a connection stays open without a request; longer than the usual proxies keep theirs."""

SOCKET_BYTES_MAX = 1_000_000
"""As much as one message of a page may hold; what a person types is far less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen. Port 0 takes a free one. With `certificate` and `certificate_key` it speaks TLS."""

    host: str = "127.0.0.1"
    port: int = 8200
    certificate: Path | None = None
    certificate_key: Path | None = None

    def url(self, port: int) -> str:
        """Return the base URL under which it is reached."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{port}"


class Server(uvicorn.Server):
    """Tells the gateway at once that it is going down, so that waiters and streams end."""

    def __init__(self, config: uvicorn.Config, gateway: Gateway) -> None:
        super().__init__(config)
        self._gateway = gateway

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to drain."""
        self._gateway.drain()
        super().handle_exit(sig, frame)


def run_server(app: FastAPI, address: Address, *, ready: Callable[[str], None]) -> None:
    """Serve until the process is told to end. `ready` is called with the base URL once it listens.

    In the main thread. Raises KeyboardInterrupt in the end, and OSError when the port cannot be taken.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # uvicorn sends itself anew what it was told to end by
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    with closing(socket.socket(family, socket.SOCK_STREAM)) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address.host, address.port))
        listener.listen(BACKLOG)
        gc.collect()
        gc.freeze()  # what is there by now stays: to look through it for waste held up all requests for 0.1 s each time
        ready(address.url(listener.getsockname()[1]))
        server_of(app, address).run(sockets=[listener])


def server_of(app: FastAPI, address: Address) -> Server:
    """Return what serves the application, on sockets that listen already."""
    gateway: Gateway = app.state.gateway
    config = uvicorn.Config(
        app,
        http=connections(gateway.patience),
        ws=page_sockets(gateway.patience),  # for the pages alone: connection.py lets nobody else ask for it
        ws_max_size=SOCKET_BYTES_MAX,
        ws_per_message_deflate=False,  # what is sent is small, and each would keep a window of memory
        log_config=None,  # logs.py says how everything is logged
        access_log=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=int(gateway.patience.drain_seconds) or 1,
        ssl_certfile=address.certificate,
        ssl_keyfile=address.certificate_key,
    )
    return Server(config, gateway)
