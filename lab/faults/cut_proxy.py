"""A proxy that breaks connections: between programs and PostgreSQL, or between programs and Keepa.

It runs in a thread of its own. What it does to the bytes that come is decided by a function, the `judge`.
"""

import asyncio
import socket
import struct
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any, Self

_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER: closing sends a reset, and nothing that is still to be sent."""

_AT_A_TIME = 65_536


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of some bytes: how many of them go on (None: all), and whether the connection is reset then."""

    passes: int | None = None
    cuts: bool = False


PASS = Verdict()
SWALLOW = Verdict(passes=0)


@dataclass(slots=True, eq=False)
class Link:
    """One connection from a program to what it wanted. `notes` is for the judge."""

    near: asyncio.StreamWriter
    far: asyncio.StreamWriter
    is_dead: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    def reset(self) -> None:
        """End both sides at once: the program's with a reset."""
        with suppress(OSError, ValueError):
            self.near.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self.near.transport.abort()
        self.far.transport.abort()


Judge = Callable[[Link, bool, bytes], Verdict]
"""Asked of all that comes: on which link, whether it goes up (to the server), and what it is."""


class CutProxy:
    """Listens on a port of this machine and passes on to a port, or to a socket's path. Use it as a context manager.

    What is still under way on a link that was silent is never heard of again: such a link stays dead.
    """

    def __init__(self, target: tuple[str, int] | str) -> None:
        self._target = target
        self._links: set[Link] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._judge: Judge = lambda _link, _is_up, _data: PASS
        self._is_silent = False
        self._bytes_a_step: int | None = None
        self.resets = 0
        self.port = 0

    def __enter__(self) -> Self:
        self._thread.start()
        self.port = self._call(self._listen()).result(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close()).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def set_judge(self, judge: Judge) -> None:
        """Have this one decide from now on."""
        self._judge = judge

    def pass_all(self) -> None:
        """Let everything through again."""
        self._judge, self._is_silent, self._bytes_a_step = (lambda _link, _is_up, _data: PASS), False, None

    def be_silent(self) -> None:
        """Swallow everything: connections stay open, new ones too, and nothing arrives on either side."""
        self._is_silent = True

    def drip(self, bytes_a_step: int) -> None:
        """Pass on so few bytes at a time, with a pause of 50 ms between."""
        self._bytes_a_step = bytes_a_step

    def reset_some(self, rng: Random, share: float) -> None:
        """Reset each connection that is open with this probability."""
        self._call(self._reset_some(rng, share)).result(10)

    def _call(self, work: Coroutine[Any, Any, Any]) -> "Future[Any]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        for link in tuple(self._links):
            link.reset()
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _reset_some(self, rng: Random, share: float) -> None:
        for link in [link for link in self._links if rng.random() < share]:
            self.resets += 1
            link.reset()

    async def _serve(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        with suppress(asyncio.CancelledError):  # the proxy is closed
            await self._serve_link(reader, near)

    async def _serve_link(self, reader: asyncio.StreamReader, near: asyncio.StreamWriter) -> None:
        try:
            if isinstance(self._target, str):
                far_reader, far = await asyncio.open_unix_connection(self._target)
            else:
                far_reader, far = await asyncio.open_connection(*self._target)
        except OSError:
            near.transport.abort()
            return
        link = Link(near, far)
        self._links.add(link)
        try:
            await asyncio.gather(self._pump(link, reader, is_up=True), self._pump(link, far_reader, is_up=False))
        finally:
            self._links.discard(link)
            link.near.transport.abort()
            link.far.transport.abort()

    async def _pump(self, link: Link, reader: asyncio.StreamReader, *, is_up: bool) -> None:
        writer = link.far if is_up else link.near
        with suppress(OSError):
            while data := await reader.read(_AT_A_TIME):
                link.is_dead = link.is_dead or self._is_silent
                verdict = SWALLOW if link.is_dead else self._judge(link, is_up, data)
                await self._pass_on(writer, data[: verdict.passes])
                if verdict.cuts:
                    self.resets += 1
                    link.reset()
                    return
        if link.is_dead:  # the other side does not hear of the end either
            await asyncio.Event().wait()
        if writer.can_write_eof():
            with suppress(OSError):
                writer.write_eof()

    async def _pass_on(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        while data:
            step = self._bytes_a_step or len(data)
            writer.write(data[:step])
            await writer.drain()
            data = data[step:]
            if data:
                await asyncio.sleep(0.05)
