"""A Redis server of our own where its program is found: on a socket, and as durable as PostgreSQL is."""

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from redis import Redis
from redis.exceptions import RedisError

from bench.neighbour import LeftOutError

_START_SECONDS = 10.0


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """Give the path of the socket of a running server. Raises LeftOutError where there is none to start."""
    program = shutil.which("redis-server")
    if program is None:
        raise LeftOutError("no redis-server is installed")
    with tempfile.TemporaryDirectory(prefix="keepahead-redis-") as folder:
        socket = Path(folder) / "socket"
        durable = ("--appendonly", "yes", "--appendfsync", "always", "--save", "")
        process = subprocess.Popen(
            [program, "--port", "0", "--unixsocket", socket, "--dir", folder, *durable], stdout=subprocess.DEVNULL
        )
        try:
            _wait_until_ready(socket, process)
            yield str(socket)
        finally:
            process.terminate()
            process.wait(30)


def _wait_until_ready(socket: Path, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(RedisError), Redis(unix_socket_path=str(socket)) as client:
            client.ping()
            return
        time.sleep(0.05)
    raise LeftOutError("redis-server did not start")
