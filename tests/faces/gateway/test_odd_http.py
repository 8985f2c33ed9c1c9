"""What comes over the wire that no good client sends, and how the process ends: no fault, no memory, nothing untold."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from tests.faces.gateway.served_gateway import ServedGateway

from keepahead.faces.gateway.access import WRONG_KEYS_PER_MINUTE

SECONDS = 15.0
"""Whatever has not happened after so long does not happen."""

MEGABYTE = 1_000_000
FLOOD = 40 * MEGABYTE

HEAD = "Host: localhost\r\nX-API-Key: {key}\r\n"
ODD = [
    "GET /health/live HTTP/1.1\r\n\r\n",
    "GET /health/live HTTP/1.0\r\n\r\n",
    "GET /health/live HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "\r\n\r\nGET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://localhost/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\n{head}\r\n",
    "CONNECT localhost:1 HTTP/1.1\r\n{head}\r\n",
    "TRACE /api/v1/budget HTTP/1.1\r\n{head}\r\n",
    "BREW /api/v1/budget HTTP/1.1\r\n{head}\r\n",
    "GET /api/v1/budget HTTP/1.1\r\n{head}Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "GET /api/v1/budget HTTP/1.1\r\n{head}Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n",
    "POST /keepa/query?domain=1 HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST /keepa/query?domain=1 HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n5\r\nhello",
    "POST /keepa/query?domain=1 HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
    "POST /api/v1/estimate HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n5\r\nhel",
    "POST /api/v1/estimate HTTP/1.1\r\n{head}Content-Length: -5\r\n\r\n",
    "POST /api/v1/estimate HTTP/1.1\r\n{head}Content-Length: 99999999999999999999\r\n\r\n",
    "POST /api/v1/estimate HTTP/1.1\r\n{head}Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{{}}",
    "POST /api/v1/estimate HTTP/1.1\r\n{head}Content-Length: 2\r\n\r\n{{}}GET /api/v1/budget HTTP/1.1\r\n{head}\r\n",
    "GET /%00%ff%0d%0a/../..//x HTTP/1.1\r\n{head}\r\n",
    "GET /health\x80\xff HTTP/1.1\r\n{head}\r\n",
    "GET /keepa/product?key=%ff%00&domain=1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET /api/v1/budget HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \xff\x80\r\n\r\n",
    "GET /api/v1/budget HTTP/1.1\r\n{head}X-Request-ID: \xff\xfe\r\nOrigin: \xff\r\n\r\n",
    "GET /api/v1/events HTTP/1.1\r\n{head}Last-Event-ID: \xff\r\nConnection: close\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
]

ENDLESS = {
    "URL": ("GET /", "a"),
    "header": ("GET / HTTP/1.1\r\nHost: localhost\r\nA: ", "a"),
    "headers": ("GET / HTTP/1.1\r\n", "A: b\r\n"),
    "blank lines": ("", "\r\n"),
    "trailers": (
        "POST /api/v1/estimate HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n",
        "A: b\r\n",
    ),
    "chunk's extension": ("POST /api/v1/estimate HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\n2;", "a"),
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory) -> Iterator[ServedGateway]:
    """Start one for all of them."""
    with ServedGateway(tmp_path_factory.mktemp("odd"), "--rate", "200") as served:
        yield served


def connect(gateway: ServedGateway) -> socket.socket:
    """Return a connection."""
    url = httpx2.URL(gateway.base)
    return socket.create_connection((url.host, url.port or 0), timeout=SECONDS)


def written(gateway: ServedGateway, text: str) -> bytes:
    """Return a request as it goes over the wire."""
    return text.format(head=HEAD.format(key=gateway.key)).encode("latin-1")


def read_all(connection: socket.socket) -> bytes:
    """Return all until the other side closes, or cuts off."""
    found = b""
    with suppress(ConnectionError):
        while part := connection.recv(65_536):
            found += part
    return found


def statuses(found: bytes) -> list[int]:
    """Return the statuses of all answers in there."""
    return [int(part[:3]) for part in found.split(b"HTTP/1.1 ")[1:]]


def logged(gateway: ServedGateway) -> list[dict]:
    """Return the documents of its log."""
    return [json.loads(line) for line in gateway.log.read_text().splitlines() if line.startswith("{")]


def faults(gateway: ServedGateway) -> list[dict]:
    """Return the errors that it has logged."""
    return [line for line in logged(gateway) if line["level"] in {"error", "critical"}]


def kilobytes(gateway: ServedGateway) -> int:
    """Return how much memory it has held at most."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def test_odd_requests(gateway):
    """Whatever comes over the wire, no answer is a fault of the gateway's own, none is logged, and it goes on."""
    codes: list[int] = []
    for text in ODD:
        with connect(gateway) as connection:
            connection.sendall(written(gateway, text))
            connection.shutdown(socket.SHUT_WR)
            if "/events" in text:
                connection.recv(1)
            else:
                codes += statuses(read_all(connection))
    assert len(codes) >= len(ODD) / 2
    assert [code for code in codes if code >= 500] == []
    with gateway.client() as client:
        assert client.get("/api/v1/budget").status_code == 200
    assert faults(gateway) == []


def test_pipelined_requests(gateway):
    """Requests in one packet are answered in their order, one that spends and one that is refused among them."""
    first = f"GET /api/v1/products/{gateway.some(1)[0]} HTTP/1.1\r\n{{head}}\r\nGET /nowhere HTTP/1.1\r\n{{head}}\r\n"
    with connect(gateway) as connection:
        connection.sendall(written(gateway, f"{first}GET /api/v1/budget HTTP/1.1\r\n{{head}}Connection: close\r\n\r\n"))
        assert statuses(read_all(connection)) == [200, 404, 200]


@pytest.mark.parametrize("path", ["/keepa/query?domain=1", "/api/v1/estimate"])
def test_hanging_up_in_a_body(gateway, path):
    """Who hangs up with his request half sent is no fault of the gateway's, and the log says that he has gone."""
    mark = f"half-{path.count('/')}"
    with connect(gateway) as connection:
        head = f"POST {path} HTTP/1.1\r\n{{head}}X-Request-ID: {mark}\r\nContent-Length: 1000\r\n\r\n{{{{"
        connection.sendall(written(gateway, head))
    until = time.monotonic() + SECONDS
    while not (told := [line for line in logged(gateway) if line.get("request_id") == mark]):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert [(line["event"], line["status"]) for line in told] == [("request", 499)]


@pytest.mark.parametrize("what", ENDLESS)
def test_a_request_without_end(gateway, what):
    """Nobody fills the memory with what stands beside a body: he is cut off, with or without a key."""
    start, more = ENDLESS[what]
    before, part, sent = kilobytes(gateway), more.encode() * (65_536 // len(more)), 0
    with connect(gateway) as connection:
        connection.sendall(written(gateway, start))
        with suppress(ConnectionError):
            while sent < FLOOD:
                connection.sendall(part)
                sent += len(part)
    assert sent < FLOOD
    assert kilobytes(gateway) - before < FLOOD / 1000 / 4
    with gateway.client() as client:
        assert client.get("/api/v1/budget").status_code == 200
    assert faults(gateway) == []


def test_why_a_head_was_refused(gateway):
    """Who sends a head that is too large is told so, if he listens."""
    with connect(gateway) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: ")
        time.sleep(0.1)  # so that it comes in parts; what comes at once is small anyhow
        connection.sendall(b"a" * 70_000)
        found = read_all(connection)
    assert found.startswith(b"HTTP/1.1 400 ")
    assert b"at most 65,536 bytes" in found


def test_a_body_in_small_chunks(gateway):
    """A body may come in chunks that hold less than their framing and its head together; it is counted as a body."""
    text = json.dumps({"product": gateway.some(1)[0], "options": {"offers": 20}}) + " " * 200_000
    chunks = "".join(f"8\r\n{text[at : at + 8]:8}\r\n" for at in range(0, len(text), 8))
    start = "POST /api/v1/estimate HTTP/1.1\r\n{head}Connection: close\r\nContent-Type: application/json\r\n"
    with connect(gateway) as connection:
        connection.sendall(written(gateway, f"{start}Transfer-Encoding: chunked\r\n\r\n"))
        connection.sendall(f"{chunks}0\r\n\r\n".encode())
        assert statuses(read_all(connection)) == [200]


def test_the_address_behind_a_proxy(gateway):
    """A proxy on this machine tells who asks: whoever guesses keys has to wait, and nobody else behind it."""

    def guess(number: int, address: str) -> int:
        return client.get(
            "/api/v1/budget", headers={"X-API-Key": f"kah{number:061}", "X-Forwarded-For": address}
        ).status_code

    with gateway.client() as client:
        codes = [guess(number, "198.51.100.7") for number in range(WRONG_KEYS_PER_MINUTE + 5)]
        other = guess(99, "198.51.100.8")
    assert codes[0] == 401
    assert codes[-1] == 429
    assert other == 401


@pytest.mark.parametrize("is_new", [True, False])
def test_a_clean_end(tmp_path, is_new):
    """Told to end by SIGTERM, the process ends with 0 and says so, even before its first request."""
    with ServedGateway(tmp_path) as gateway:
        if not is_new:
            with gateway.client() as client:
                assert client.get("/api/v1/budget").status_code == 200
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(SECONDS) == 0
        assert "stopped" in gateway.log.read_text().splitlines()[-1]
