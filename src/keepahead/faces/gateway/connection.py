"""One connection, watched: who sends no whole request, or does not take what is sent to him, loses it in the end."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keepahead.faces.gateway.gateway import Patience

TAKEN_LEAST = 65_536
"""Whoever takes fewer bytes of what waits for him within `send_seconds`, and not all, does not take them."""

HEAD_BYTES_MAX = 65_536
"""All of a request but its body: it is kept before anybody has been asked for a key."""

SOCKET = b"/_nicegui_ws/"
"""Where the pages of the dashboard connect."""

LOOKS = 4
"""So many times within the shorter of the two times each connection is looked at."""


class Connection(HttpToolsProtocol):
    """uvicorn's own, which waits for ever: for the rest of a header, and for what it has closed to be read.

    It also keeps a head and a tail of any size.
    """

    patience = Patience()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn does
        """Begin to look."""
        super().connection_made(transport)
        now = self.loop.time()
        self._began_at: float | None = now  # of a request that is not whole
        self._beside = 0  # bytes of this request that are not its body
        self._left, self._left_at = 0, now  # bytes that wait to be taken, and when some were taken last
        self._every = min(self.patience.body_seconds, self.patience.send_seconds) / LOOKS
        self._next_look = self.loop.call_later(self._every, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """End all looking."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what has come, and no more of a request that is all head."""
        self._beside += len(data)  # begun anew where a request begins: what came with the end of another is free
        super().data_received(data)
        if self._beside <= HEAD_BYTES_MAX or self.transport.is_closing():
            return
        if self._is_under_way():
            self.transport.abort()
        else:
            self.send_400_response(f"All of a request but its body has at most {HEAD_BYTES_MAX:,} bytes here.")

    def on_body(self, body: bytes) -> None:
        """Let a body come in chunks as small as what frames them."""
        self._beside = max(0, self._beside - 2 * len(body))
        super().on_body(body)

    def on_message_begin(self) -> None:
        """Note when a request began."""
        self._began_at = self.loop.time()
        self._beside = 0
        super().on_message_begin()

    def on_message_complete(self) -> None:
        """Note that it is whole."""
        self._began_at = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """Begin to count anew: nothing more was read as long as the answer was under way."""
        if self._began_at is not None:
            self._began_at = self.loop.time()
        super().on_response_complete()

    def resume_writing(self) -> None:
        """Note that something was taken."""
        self._left = 0
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no request. While those before it wait, it would be taken for the answer to one of them."""
        if self.pipeline or (self._is_under_way() and not self.cycle.more_body):
            self.transport.abort()
        else:
            super().send_400_response(msg)

    def handle_websocket_upgrade(self) -> None:
        """End all looking: from here on the websocket sees to its own time."""
        self._next_look.cancel()
        super().handle_websocket_upgrade()

    def _should_upgrade_to_ws(self) -> bool:
        """Let only the pages have a websocket: all others are answered in the protocol in which they ask."""
        return self.url.startswith(SOCKET) and super()._should_upgrade_to_ws()

    def _unsupported_upgrade_warning(self) -> None:
        """Say nothing: who asks for another protocol is answered in this one, and may ask often."""

    def _is_under_way(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _look(self) -> None:
        now, left = self.loop.time(), self.transport.get_write_buffer_size()
        if not (left and self._left) or self._left - left >= TAKEN_LEAST:
            self._left, self._left_at = left, now
        is_under_way = self._is_under_way()  # then the edge sees to its time
        is_slow = self._began_at is not None and not is_under_way and now - self._began_at > self.patience.body_seconds
        if is_slow or (left and now - self._left_at > self.patience.send_seconds):
            self.transport.abort()  # to close it would wait until all is taken
        else:
            self._next_look = self.loop.call_later(self._every, self._look)


def connections(patience: Patience) -> type[asyncio.Protocol]:
    """Return the connections of a server that has so much patience."""
    members: dict[str, Any] = {"patience": patience}
    return type("PatientConnection", (Connection,), members)
