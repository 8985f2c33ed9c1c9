"""Hears the bell of an account on PostgreSQL, in a thread of its own."""

import selectors
import socket
import threading
from collections.abc import Callable, Collection
from contextlib import closing
from typing import Any

RETRY_SECONDS = 1.0
"""After so long a lost connection is made anew; and so long `close` waits for one that is just being made."""


class Listener:
    """Calls `ring` with every notification, and once with each new connection: nobody knows what was missed.

    `connecting` gives a connection that listens already. A lost one is made anew until `close`; meanwhile those who
    wait look for themselves.
    """

    def __init__(self, connecting: Callable[[], Any], ring: Callable[[], None]) -> None:
        self._connecting = connecting
        self._ring = ring
        self._end, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="keepahead bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._end.close()
        self._thread.join(RETRY_SECONDS)

    def _run(self) -> None:
        is_open = True
        with closing(self._ended):
            while is_open:
                try:
                    with closing(self._connecting()) as connection:
                        self._ring()
                        while is_open := self._something_comes(connection):
                            if list(connection.notifies(timeout=0)):
                                self._ring()
                except Exception:  # noqa: BLE001 - whatever it was, the way out is a new connection
                    is_open = self._ended not in _readable(RETRY_SECONDS, self._ended)

    def _something_comes(self, connection: Any) -> bool:
        """Wait for the server; False once this is closed."""
        return self._ended not in _readable(None, connection, self._ended)


def _readable(seconds: float | None, *files: Any) -> Collection[Any]:
    """Wait for any of them; the selector, unlike select(), knows no highest number of a file."""
    with selectors.DefaultSelector() as selector:
        for file in files:
            selector.register(file, selectors.EVENT_READ)
        return [key.fileobj for key, _ in selector.select(seconds)]
