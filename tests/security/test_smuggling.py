"""Requests that two readers take apart differently, over raw sockets: one request in is one call out, at most.

What is odd and harmless: tests/faces/gateway/test_odd_http.py. Who is slow: test_slow_clients.py.
"""

import socket
from contextlib import suppress

import httpx2
import pytest
from tests.security.conftest import Watched
from tests.security.recorder import wait_until

SECONDS = 60.0
HOST = "Host: localhost\r\n"
HIDDEN = "B0HIDDEN00"
"""What a request asks for that is hidden in another: no answer to it is ever sent, and nothing is bought."""

REFUSED = {
    "both lengths, the body's first": (
        "{post}Content-Length: {long}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    ),
    "both lengths, the chunks' first": (
        "{post}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{hex}\r\n{hidden}\r\n0\r\n\r\n"
    ),
    "two lengths": "{post}Content-Length: 2\r\nContent-Length: {long}\r\n\r\n{{}}{hidden}",
    "the same length twice": "{post}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{{}}{hidden}",
    "two lengths in one": "{post}Content-Length: 2, {long}\r\n\r\n{{}}{hidden}",
    "a length with a sign": "{post}Content-Length: +2\r\n\r\n{{}}{hidden}",
    "a length in hexadecimals": "{post}Content-Length: 0x2\r\n\r\n{{}}{hidden}",
    "a length with a blank inside": "{post}Content-Length: 2 2\r\n\r\n{{}}{hidden}",
    "a length with a blank before the colon": "{post}Content-Length : 2\r\n\r\n{{}}{hidden}",
    "a coding that nobody knows": "{post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n{hidden}",
    "a coding that is none": "{post}Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\n{{}}{hidden}",
    "chunks that are not last": "{post}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n{hidden}",
    "two codings": "{post}Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n{hidden}",
    "a coding behind a tab": "{post}Transfer-Encoding:\tchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n{hidden}",
    "a coding with a blank before the colon": "{post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n{hidden}",
    "a folded header": "{get}X: a\r\n b: c\r\n\r\n{hidden}",
    "a coding in a fold": "{post}X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: {long}\r\n\r\n{hidden}",
    "line feeds alone": "GET {path} HTTP/1.1\nHost: localhost\n\n{hidden}",
    "a line feed in a header": "{get}X: a\nTransfer-Encoding: chunked\r\n\r\n{hidden}",
    "a carriage return in a header": "{get}X: a\rTransfer-Encoding: chunked\r\n\r\n{hidden}",
    "a zero in a header": "{get}X: a\0b\r\n\r\n{hidden}",
    "a zero in the name of a header": "{get}X\0: a\r\n\r\n{hidden}",
    "a header without a colon": "{get}X\r\n\r\n{hidden}",
    "a chunk of a line feed": "{post}Transfer-Encoding: chunked\r\n\r\n2;\n{{}}\r\n0\r\n\r\n{hidden}",
    "a chunk larger than numbers": (
        "{post}Transfer-Encoding: chunked\r\n\r\n10000000000000002\r\n{{}}\r\n0\r\n\r\n{hidden}"
    ),
    "a chunk of less than nothing": "{post}Transfer-Encoding: chunked\r\n\r\n-1\r\n{{}}\r\n0\r\n\r\n{hidden}",
    "a chunk with a blank": "{post}Transfer-Encoding: chunked\r\n\r\n2 \r\n{{}}\r\n0\r\n\r\n{hidden}",
    "a chunk without an end": "{post}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}XX0\r\n\r\n{hidden}",
    "a trailer that is a length": (
        "{post}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\nContent-Length: 5\r\n\r\n{hidden}"
    ),
    "two versions": "GET {path} HTTP/1.1 HTTP/1.1\r\n\r\n{hidden}",
    "a version to come": "GET {path} HTTP/9.9\r\nHost: localhost\r\n\r\n{hidden}",
    "a fault, and more behind it": "{get}Content-Length: x\r\n\r\n{hidden}",
}
"""What no two readers agree on: refused, and nothing that comes after it on the same connection is read."""

TAKEN = {
    "a body to a request that takes none": "{get}Content-Length: {long}\r\nConnection: close\r\n\r\n{hidden}",
    "a body that is a request": "{post}Content-Length: {long}\r\nConnection: close\r\n\r\n{hidden}",
    "a chunk that is a request": (
        "{post}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{hex}\r\n{hidden}\r\n0\r\n\r\n"
    ),
    "a chunk with an extension": (
        "{post}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n{hex};a=b\r\n{hidden}\r\n0\r\n\r\n"
    ),
    "another protocol": "{get}Upgrade: h2c\r\nConnection: Upgrade, close\r\nContent-Length: {long}\r\n\r\n{hidden}",
    "chunks for who knows none": (
        "POST {path} HTTP/1.0\r\nX-API-Key: {key}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{hidden}"
    ),
    "a whole URL": "GET http://evil.example{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    "another host": "{get}X-Forwarded-Host: evil.example\r\nX-Original-URL: /x\r\nConnection: close\r\n\r\n",
    "line ends in the URL": (
        "GET {path}%0d%0aHost:%20evil.example%0d%0a%0d%0a HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ),
    "no host but an authority": "GET //evil.example{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
}
"""What may be read in one way only: as the one request that it is."""


def said(gateway: Watched, text: str, asin: str, root: str = "/keepa") -> list[int]:
    """Send that, read until the gateway closes, and return the status of each answer."""
    path = f"/keepa/product?domain=1&key={gateway.key}&asin="
    target = f"{path}{asin}" if root == "/keepa" else f"/api/v1/products/{asin}"
    key = f"X-API-Key: {gateway.key}\r\n"
    hidden = f"GET {path}{HIDDEN} HTTP/1.1\r\n{HOST}\r\n"
    posted = f"/keepa/query?domain=1&key={gateway.key}" if root == "/keepa" else "/api/v1/estimate"
    told = text.format(
        post=f"POST {posted} HTTP/1.1\r\n{HOST}{key}",
        get=f"GET {target} HTTP/1.1\r\n{HOST}{key}",
        path=target,
        hidden=hidden,
        key=gateway.key,
        long=len(hidden),
        hex=f"{len(hidden):x}",
    )
    url = httpx2.URL(gateway.base)
    found = b""
    with socket.create_connection((url.host, url.port or 0), timeout=SECONDS) as connection:
        connection.sendall(told.encode("latin-1"))
        with suppress(ConnectionResetError):
            while part := connection.recv(65_536):
                found += part
    return [int(part[:3]) for part in found.split(b"HTTP/1.1 ")[1:]]


@pytest.mark.parametrize("root", ["/keepa", "/api"])
@pytest.mark.parametrize("what", REFUSED)
def test_what_can_be_read_in_two_ways_is_refused(gateway: Watched, what, root):
    """A request whose end or headers are not plain is refused with 400, its connection closed, and nothing bought."""
    assert said(gateway, REFUSED[what], "B0D8W1YVBX", root) == [400]
    assert gateway.keepa.asked == []


@pytest.mark.parametrize("root", ["/keepa", "/api"])
@pytest.mark.parametrize("what", TAKEN)
def test_one_request_is_one_call(gateway: Watched, what, root):
    """A request inside of another is its body and nothing else; names of other hosts lead nowhere."""
    statuses = said(gateway, TAKEN[what], f"B0{abs(hash((what, root))) % 10**8:08}", root)
    assert len(statuses) == 1
    assert statuses[0] < 500
    assert len(gateway.keepa.calls) <= 1
    for each in gateway.keepa.asked:
        assert HIDDEN not in each.line
        assert "evil.example" not in each.line + repr(each.headers)
        assert each.path in {"/product", "/token"}
        assert dict(each.headers)["Host"] == httpx2.URL(gateway.keepa.url).netloc.decode()


def test_what_is_sent_in_a_row_is_bought_once_each(gateway: Watched):
    """Requests that come in one packet are each one call. No request sent well is told the fault of one behind it."""
    ask = f"GET /keepa/product?domain=1&key={gateway.key}&asin={{}} HTTP/1.1\r\n{HOST}\r\n"
    row, more = [f"B0ROW0000{number}" for number in range(3)], [f"B0ROW1000{number}" for number in range(3)]
    assert said(gateway, "".join(map(ask.format, row)) + "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "") == [
        200,
        200,
        200,
        303,
    ]
    assert [each.query["asin"] for each in gateway.keepa.calls] == [[asin] for asin in row]
    gateway.keepa.asked.clear()
    marked = ask.replace(HOST, f"{HOST}X-Request-ID: a-row\r\n")
    statuses = said(gateway, "".join(map(marked.format, more)) + f"GET / HTTP/1.1\r\nX\r\n\r\n{ask.format(HIDDEN)}", "")
    assert 400 not in statuses
    wait_until(lambda: "a-row" in gateway.log.read_text())  # the first has ended, whether its answer was taken or not
    with gateway.client() as client:
        assert client.get("/api/v1/products/B0ROW20000").status_code == 200
    assert [each.query["asin"] for each in gateway.keepa.calls] in ([more[:1], ["B0ROW20000"]], [["B0ROW20000"]])
