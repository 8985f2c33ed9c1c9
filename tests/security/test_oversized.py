"""What is larger, deeper or more than anybody needs: refused in words, for nothing, and nobody else waits for it.

Heads and tails without end: tests/faces/gateway/test_odd_http.py; the guards themselves: keepahead.faces.gateway.edge.
"""

import gzip
import json
import socket
import time
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from tests.security.conftest import Watched

from keepahead.faces.gateway.edge import BODY_BYTES_MAX, URL_BYTES_MAX

SECONDS = 60.0
DEEP = "[" * 200_000 + "]" * 200_000
DEEPER = '{"a":' * 150_000 + "1" + "}" * 150_000
HUGE = "9" * 10_000
MANY = {f"a{number}": 1 for number in range(100_000)}
JSON = {"Content-Type": "application/json"}
ESTIMATE, DISCOVER, SILENCE = "/api/v1/estimate", "/api/v1/products/discover", "/api/v1/alerts/silences"
QUERY, DEAL, TRACKING = "/keepa/query?domain=1", "/keepa/deal?", "/keepa/tracking?type=add"
PRODUCT = "/keepa/product?domain=1"
BOMB = gzip.compress(bytes(100_000_000))

BODIES = {
    **{f"deep lists to {path}": (path, DEEP.encode()) for path in (ESTIMATE, DISCOVER, SILENCE, QUERY, DEAL, TRACKING)},
    **{f"deep objects to {path}": (path, DEEPER.encode()) for path in (ESTIMATE, DISCOVER, QUERY, DEAL)},
    **{f"many members to {path}": (path, json.dumps(MANY).encode()) for path in (ESTIMATE, DISCOVER)},
    **{f"a huge number to {path}": (path, b'{"product":' + b"9" * 1_000_000 + b"}") for path in (ESTIMATE, QUERY)},
    **{
        f"not a number to {path}": (path, b'{"page":NaN,"current_SALES_gte":1e400}') for path in (ESTIMATE, QUERY, DEAL)
    },
    "a packed body at the door": (QUERY, BOMB),
    "a packed body": (ESTIMATE, BOMB),
    "options without number": (ESTIMATE, json.dumps({"product": "B0D8W1YVBX", "options": MANY}).encode()),
    "trackings without number": (TRACKING, json.dumps([{"asin": "B0D8W1YVBX"}] * 50_000).encode()),
    "a body too long": (QUERY, b" " * (BODY_BYTES_MAX + 1)),
}

QUERIES = {
    "parameters without number": f"{PRODUCT}&{'a&' * 7_000}",
    "parameters of our own without number": f"/api/v1/products/B0D8W1YVBX?{'a&' * 7_000}",
    "a URL too long": f"{PRODUCT}&{'a' * URL_BYTES_MAX}",
    "products without number": f"{PRODUCT}&asin={','.join(f'B0{number:08}' for number in range(1_300))}",
    "products of our own without number": f"/api/v1/products?asins={','.join(f'B0{n:08}' for n in range(1_300))}",
    "a huge domain": f"/keepa/product?asin=B0D8W1YVBX&domain={HUGE}",
    "a huge option": f"{PRODUCT}&asin=B0D8W1YVBX&stats={HUGE}",
    "a huge limit": f"/api/v1/ledger?limit={HUGE}",
    "a huge cap": f"/api/v1/products/B0D8W1YVBX?max_tokens={HUGE}",
    "a huge deadline": f"/api/v1/products/B0D8W1YVBX?deadline={HUGE}",
    "a huge number of an event": f"/api/v1/events?after={HUGE}",
    "a moment before time": "/api/v1/ledger?since=0001-01-01T00:00:00%2B23:59",
    "a moment after time": "/api/v1/ledger?until=9999-12-31T23:59:59-23:59",
}


def peak_kilobytes(gateway: Watched) -> int:
    """Return how much memory the gateway has held at most."""
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def is_clear(answer: httpx2.Response, path: str) -> bool:
    """Tell whether a refusal is one in the language of where it was asked, and short."""
    told = answer.json()
    words = told["error"]["message"] if path.startswith("/keepa") else told["detail"]
    return bool(words) and len(answer.content) < 50_000


def with_key(gateway: Watched, path: str) -> str:
    """Return the path with the key, where it is Keepa's."""
    return f"{path}&key={gateway.key}" if path.startswith("/keepa") else path


@pytest.mark.parametrize("what", BODIES)
def test_bodies(gateway: Watched, what):
    """A body that is too much of anything is refused with a sentence, buys nothing, and leaves the memory as it was."""
    path, body = BODIES[what]
    before = peak_kilobytes(gateway)
    with gateway.client() as client:
        answer = client.post(with_key(gateway, path), content=body, headers=JSON)
    assert 400 <= answer.status_code < 500, answer.text[:200]
    assert is_clear(answer, path)
    assert gateway.keepa.calls == []
    assert peak_kilobytes(gateway) - before < 200_000


@pytest.mark.parametrize("what", QUERIES)
def test_queries(gateway: Watched, what):
    """So is a URL."""
    path = QUERIES[what]
    with gateway.client() as client:
        answer = client.get(with_key(gateway, path))
    assert 400 <= answer.status_code < 500, answer.text[:200]
    assert is_clear(answer, path)
    assert gateway.keepa.calls == []


@pytest.mark.parametrize("path", [QUERY, ESTIMATE])
def test_chunks_without_end(gateway: Watched, path):
    """A body whose chunks never end is refused as soon as it is too long; what still comes of it is kept nowhere."""
    url, before = httpx2.URL(gateway.base), peak_kilobytes(gateway)
    head = f"POST {with_key(gateway, path)} HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {gateway.key}\r\n"
    chunk = f"{100_000:x}\r\n{' ' * 100_000}\r\n".encode()
    with socket.create_connection((url.host, url.port or 0), timeout=SECONDS) as connection:
        connection.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(BODY_BYTES_MAX // 100_000 + 1):
            connection.sendall(chunk)
        assert connection.recv(65_536).startswith(b"HTTP/1.1 413 ")
        with suppress(ConnectionError):
            for _ in range(500):
                connection.sendall(chunk)
    assert peak_kilobytes(gateway) - before < 25_000
    assert gateway.keepa.calls == []


@pytest.mark.parametrize("path", [QUERY, DEAL])
def test_filters_that_nobody_knows(gateway: Watched, path):
    """A hundred thousand of them are passed on as they are, without looking for what each of them resembles."""
    selection = {"page": 0, "domainId": 1, "priceTypes": [0], **MANY}
    with gateway.client() as client:
        began = time.monotonic()
        answer = client.post(with_key(gateway, path), content=json.dumps(selection), headers=JSON)
        took = time.monotonic() - began
    assert answer.status_code == 200
    assert took < SECONDS, "looking for a thousand names took as long"
    assert len(gateway.keepa.calls) == 1
    assert json.loads(gateway.keepa.calls[0].body) == selection
