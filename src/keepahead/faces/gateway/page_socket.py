"""The live connection of a page, watched: a browser that hangs does not take what is sent, and loses it in the end."""

import asyncio
from typing import Any

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from keepahead.faces.gateway.gateway import Patience

LOOKS = 4
"""So many times within the time that a browser has each connection is looked at."""


class PageSocket(WebSocketsSansIOProtocol):
    """uvicorn's own, which waits for ever until what it has sent last is taken, even where it has given up the other.

    What is under way when the gateway goes down is not waited for: the page asks anew.
    """

    patience = Patience()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Begin to look."""
        super().connection_made(transport)
        self._left, self._left_at = 0, self.loop.time()  # bytes that wait to be taken, and when some were taken last
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """End all looking."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def resume_writing(self) -> None:
        """Note that something was taken."""
        self._left_at = self.loop.time()
        super().resume_writing()

    def shutdown(self) -> None:
        """Say that it is over, to whoever listens."""
        super().shutdown()
        if self.transport.get_write_buffer_size():
            self.transport.abort()

    def _look(self) -> None:
        now, left = self.loop.time(), self.transport.get_write_buffer_size()
        if not left or left < self._left:
            self._left_at = now
        self._left = left
        if now - self._left_at > self.patience.send_seconds:
            self.transport.abort()  # to close it would wait until all is taken
            return
        self._next_look = self.loop.call_later(self.patience.send_seconds / LOOKS, self._look)


def page_sockets(patience: Patience) -> type[asyncio.Protocol]:
    """Return the live connections of a server that has so much patience."""
    members: dict[str, Any] = {"patience": patience}
    return type("PatientPageSocket", (PageSocket,), members)
