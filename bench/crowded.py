"""Asks one server over so many connections, as fast as it answers, with as little of its own work as Python allows."""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of it: answers a second, and how long half and 99 of 100 took at most, in seconds."""

    per_second: float
    p50: float
    p99: float


class BadAnswerError(Exception):
    """The server said something else than 200."""


def ask(url: str, paths: Callable[[], Iterator[str]], *, connections: int, seconds: float, key: str = "") -> Answered:
    """Ask for one path after the other on every connection. Raises BadAnswerError."""
    return asyncio.run(_ask(url, paths(), connections, seconds, key))


async def _ask(url: str, paths: Iterator[str], connections: int, seconds: float, key: str) -> Answered:
    began = time.perf_counter()
    until = began + seconds
    took = await asyncio.gather(*(_connection(url, paths, until, key) for _ in range(connections)))
    spent = time.perf_counter() - began
    every = sorted(each for some in took for each in some)
    return Answered(len(every) / spent, statistics.median(every), every[int(len(every) * 0.99)])


async def _connection(url: str, paths: Iterator[str], until: float, key: str) -> list[float]:
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 23)
    shown = f"X-API-Key: {key}\r\n" if key else ""
    tail = f" HTTP/1.1\r\nHost: {place.netloc}\r\n{shown}\r\n".encode()
    took: list[float] = []
    try:
        now = time.perf_counter()
        for path in paths:
            writer.write(b"GET " + path.encode() + tail)
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().split(b"content-length: ", 1)[1].split(b"\r\n", 1)[0])
            body = await reader.readexactly(length)
            if not head.startswith(b"HTTP/1.1 200"):
                raise BadAnswerError(f"{head[:40]!r} {body[:200]!r}")
            after = time.perf_counter()
            took.append(after - now)
            now = after
            if now >= until:
                break
    finally:
        writer.close()
    return took
