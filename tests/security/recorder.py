"""A Keepa that writes down each request as it came over the wire, and answers what it is told to: real sockets."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.house import KEY
from tests.sink import served

SECONDS = 30.0


@dataclass(frozen=True)
class Asked:
    """One request as it came: its line, its headers as they stood, its body."""

    line: str
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def path(self) -> str:
        """The path, without the query."""
        return urlsplit(self.line.split(" ")[1]).path

    @property
    def query(self) -> dict[str, list[str]]:
        """The parameters, every value of each."""
        return parse_qs(urlsplit(self.line.split(" ")[1]).query, keep_blank_values=True)


def envelope(**payload: Any) -> bytes:
    """Return an answer of Keepa's with plenty of tokens."""
    told = {"timestamp": int(time.time() * 1000), "tokensLeft": 1190, "refillIn": 1000, "refillRate": 20}
    return json.dumps({**told, "tokenFlowReduction": 0.0, "tokensConsumed": 1, **payload}).encode()


def product(asin: str, **fields: Any) -> dict[str, Any]:
    """Return a product as Keepa gives it."""
    return {"asin": asin, "domainId": 1, "productType": 0, "csv": None, "lastUpdate": 8_000_000, **fields}


Answer = tuple[int, dict[str, str], bytes]


def usual(asked: Asked) -> Answer:
    """Answer well: with the products that were asked for, or with the envelope alone."""
    asins = ",".join(asked.query.get("asin", [])).split(",")
    found = [product(asin) for asin in asins if asin]
    if asked.path == "/product":
        return 200, {}, envelope(products=found, tokensConsumed=len(found))
    return 200, {}, envelope()


@dataclass
class Recorder:
    """Where it is, what came, and how it answers from now on."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answer: Callable[[Asked], Answer] = usual

    @property
    def calls(self) -> list[Asked]:
        """What came but for questions after the balance, which are free."""
        return [each for each in self.asked if each.path != "/token"]


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Run one."""
    found = Recorder()

    class Writer(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            asked = Asked(self.requestline, list(self.headers.items()), body)
            found.asked.append(asked)
            status, headers, told = found.answer(asked)
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(told)))
            self.end_headers()
            self.wfile.write(told)

        do_POST = do_CONNECT = do_GET  # noqa: N815 - the library's names

        def log_message(self, *_: object) -> None:
            pass

    with served(Writer) as found.url:
        yield found


def wait_until(holds: Callable[[], object]) -> None:
    """Wait until something holds; fail if it never does."""
    until = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < until
        time.sleep(0.02)


def spellings(key: str = KEY) -> dict[str, bytes]:
    """Return the key in every spelling in which an answer may repeat it."""
    return {
        "as it is": key.encode(),
        "in capitals": key.upper().encode(),
        "half in capitals": (key[:32] + key[32:].upper()).encode(),
        "escaped as JSON": "".join(f"\\u{ord(sign):04x}" for sign in key).encode(),
        "escaped as JSON, in capitals": "".join(f"\\u{ord(sign):04X}" for sign in key).encode(),
        "one sign escaped as JSON": key[:7].encode() + f"\\u{ord(key[7]):04x}".encode() + key[8:].encode(),
        "escaped as a URL": "".join(f"%{ord(sign):02x}" for sign in key).encode(),
        "escaped as a URL, in capitals": "".join(f"%{ord(sign):02X}" for sign in key.upper()).encode(),
    }
