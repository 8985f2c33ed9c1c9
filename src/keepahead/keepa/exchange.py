"""One exchange over HTTP: the request without the key, what came back, and what a failure means.

The key is added below, in the last moment before the transport: no log or error of the layers above ever sees it.
"""

from datetime import datetime

import httpx2

from keepahead.keepa.blotting import without_key
from keepahead.keepa.key_transport import KeyTransport
from keepahead.keepa.parts import Parts
from keepahead.keepa.steps import NoAnswer, NothingSent, Send
from keepahead.keepa.wire import Inbound, unpack

CONNECT_SECONDS = 30.0
READ_SECONDS = 120.0
"""Keepa's own client waits so long (protocol sheet, section 1); calls with offers can take 20 s, with stock minutes."""

CALL_SECONDS = 300.0
"""No call takes longer than this altogether; well below decide.CALL_LIMIT."""

_TIMEOUT = httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
_NOTHING_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
    httpx2.InvalidURL,
)
FAILURES = (httpx2.HTTPError, httpx2.StreamError, httpx2.InvalidURL, TimeoutError, OSError)
"""What an exchange can end with instead of an answer."""


class Exchange:
    """How a client of these parts talks HTTP."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def http(self) -> httpx2.Client:
        """Return a blocking HTTP client; the key is added below it."""
        return httpx2.Client(transport=KeyTransport(self._parts.transport, self._parts.key), timeout=_TIMEOUT)

    def http_async(self) -> httpx2.AsyncClient:
        """Return one for asyncio."""
        return httpx2.AsyncClient(transport=KeyTransport(self._parts.transport, self._parts.key), timeout=_TIMEOUT)

    def request(self, http: httpx2.Client | httpx2.AsyncClient, send: Send) -> httpx2.Request:
        """Return the request, without the key."""
        out = send.outbound
        headers = {"Accept-Encoding": "gzip"}
        if out.body is not None:
            headers["Content-Type"] = "application/json"
        url = self._parts.upstream_url + out.path
        return http.build_request(out.method, url, params=dict(out.query), content=out.body, headers=headers)

    def inbound(self, response: httpx2.Response, asked_at: datetime) -> Inbound:
        """Return what came back, cleaned of the key."""
        body = without_key(unpack(response.content), self._parts.key)
        return Inbound(response.status_code, body, asked_at, self._parts.clock.now())

    def failed(self, error: Exception) -> NothingSent | NoAnswer:
        """Say what one of FAILURES means; whatever a library put into its text, the key does not get out."""
        text = without_key(str(error).encode(errors="replace"), self._parts.key).decode(errors="replace")
        told = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return NothingSent(told) if isinstance(error, _NOTHING_SENT) else NoAnswer(told)
