"""Hears the bell of an account on PostgreSQL: LISTEN on a connection of its own, in a thread of its own."""

import select
import socket
import threading
from collections.abc import Callable
from contextlib import closing
from typing import Any

RETRY_SECONDS = 1.0
"""After so long a lost connection is made anew."""


def connect(*arguments: Any, **settings: Any) -> Any:
    """Return a connection that listens; its driver is there where PostgreSQL is used."""
    import psycopg  # noqa: PLC0415 - an extra

    return psycopg.connect(*arguments, **settings, autocommit=True)


class Listener:
    """Calls `ring` with every ring of `channel`, and once with each new connection: nobody knows what was missed.

    A lost connection is made anew until `close`; meanwhile those who wait look for themselves.
    """

    def __init__(self, connecting: Callable[[], Any], channel: str, ring: Callable[[], None]) -> None:
        self._connecting = connecting
        self._channel = channel
        self._ring = ring
        self._end, self._ended = socket.socketpair()
        self._thread = threading.Thread(target=self._run, name="keepahead bell", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._end.close()
        self._thread.join()
        self._ended.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            try:
                with closing(self._connecting()) as connection:
                    connection.execute(f'LISTEN "{self._channel}"')
                    self._ring()
                    while is_open := self._sleeps_until_something_comes(connection):
                        if list(connection.notifies(timeout=0)):
                            self._ring()
            except Exception:  # noqa: BLE001 - whatever it was, the way out is a new connection
                is_open = not select.select([self._ended], [], [], RETRY_SECONDS)[0]

    def _sleeps_until_something_comes(self, connection: Any) -> bool:
        """Wait for the server; False once this is closed."""
        return self._ended not in select.select([connection, self._ended], [], [])[0]
