"""A local HTTP server that takes whatever is sent to it: what stands for a collector, for Sentry, for a webhook."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass(frozen=True)
class Sent:
    """One request: where to, with which headers, and its body, unpacked."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Sink:
    """What came, oldest first; `url` is where to send it. Every answer has this `status`."""

    url: str = ""
    status: int = 200
    sent: list[Sent] = field(default_factory=list)

    def bodies(self, path: str) -> list[bytes]:
        """Return what was sent to one path."""
        return [each.body for each in self.sent if each.path == path]

    @property
    def everything(self) -> bytes:
        """All that came, headers included, to look for what must not be in it."""
        return b"\n".join(f"{each.path} {each.headers}".encode() + each.body for each in self.sent)


@contextmanager
def sink() -> Iterator[Sink]:
    """Run one."""
    found = Sink()

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            found.sent.append(Sent(self.path, dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with served(Taker) as found.url:
        yield found


@contextmanager
def served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    """Serve on loopback, in threads that end with the block; give the address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
