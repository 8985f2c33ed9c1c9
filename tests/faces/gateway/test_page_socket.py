"""A live connection whose browser takes nothing is given up, whatever it still has to be sent."""

import asyncio
import socket
from contextlib import asynccontextmanager

import uvicorn

from keepahead.faces.gateway.gateway import Patience
from keepahead.faces.gateway.page_socket import page_sockets

SOON = 15.0
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


class Flood:
    """Sends more than anybody's buffers hold, then waits to hear that the browser has gone."""

    def __init__(self) -> None:
        self.has_ended = asyncio.Event()

    async def __call__(self, _scope, receive, send) -> None:
        """Serve one connection."""
        await receive()
        await send({"type": "websocket.accept"})
        try:
            for _ in range(64):
                await send({"type": "websocket.send", "bytes": bytes(500_000)})
            await receive()
        finally:
            self.has_ended.set()


@asynccontextmanager
async def hanging(app: Flood, send_seconds: float):
    """A browser that has connected and takes nothing; give the server."""
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.socket() as browser:
        config = uvicorn.Config(
            app,
            ws=page_sockets(Patience(send_seconds=send_seconds)),
            ws_ping_interval=None,
            lifespan="off",
            log_config=None,
            timeout_graceful_shutdown=60,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
        browser.setblocking(False)
        await asyncio.get_running_loop().sock_connect(browser, listener.getsockname())
        await asyncio.get_running_loop().sock_sendall(browser, HANDSHAKE)
        try:
            yield server
        finally:
            server.should_exit = True
            async with asyncio.timeout(SOON):
                await serving


def test_who_takes_nothing_is_dropped():
    """After as long as a part of an answer may take, the connection is gone, and so is what was to be sent."""

    async def main() -> None:
        app = Flood()
        async with hanging(app, 0.4), asyncio.timeout(SOON):
            await app.has_ended.wait()

    asyncio.run(main())


def test_nobody_waits_for_it_at_the_end():
    """A server that goes down does not wait for a browser that takes nothing."""

    async def main() -> None:
        app = Flood()
        async with hanging(app, 600) as server:
            while not server.server_state.connections or not any(  # noqa: ASYNC110 - a buffer tells nobody that it is full
                each.transport.get_write_buffer_size() for each in server.server_state.connections
            ):
                await asyncio.sleep(0.01)

    asyncio.run(main())
