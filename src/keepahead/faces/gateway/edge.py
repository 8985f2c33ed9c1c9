"""The outermost layer, plain ASGI: sizes, how many at once, ids, headers of every answer, one log line."""

import asyncio
import re
import secrets
from datetime import datetime

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepahead.clock import Clock
from keepahead.faces.gateway.gateway import ClientGoneError, Gateway
from keepahead.faces.gateway.problems import Problem, problem
from keepahead.faces.gateway.respond import Refuse
from keepahead.faces.gateway.telemetry import Telemetry
from keepahead.faces.gateway.visit import Visit, begin

URL_BYTES_MAX = 16_384
BODY_BYTES_MAX = 2_000_000
"""Three thousand trackings, the largest thing that Keepa takes, fit well into it."""

BUSY_SECONDS = 1.0
CLIENT_GONE = 499
"""What the log says of a request whose client has hung up."""

_REQUEST_ID = re.compile(r"[0-9A-Za-z._-]{1,64}")
_ALWAYS = ("/health", "/metrics")
"""Answered however busy the gateway is."""

_SECURITY = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)

log = structlog.get_logger("keepahead.gateway")


class Edge:
    """Wraps the application."""

    def __init__(self, app: ASGIApp, *, gateway: Gateway, clock: Clock, refuse: Refuse, telemetry: Telemetry) -> None:
        self._app = app
        self._refuse = refuse
        self._gateway = gateway
        self._clock = clock
        self._telemetry = telemetry
        self._under_way = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        told = headers.get("x-request-id", "")
        visit = Visit(told if _REQUEST_ID.fullmatch(told) else secrets.token_hex(16))
        begin(scope, visit)
        exchange = _Exchange(self._gateway, visit, receive, send, self._telemetry)
        began = self._clock.now()
        self._under_way += 1
        structlog.contextvars.bind_contextvars(request_id=visit.request_id)  # a request has a context of its own
        try:
            await self._let_in(scope, headers, exchange)
        except ClientGoneError:
            exchange.is_gone = True
        except Exception as error:  # noqa: BLE001 - nobody outside may see a traceback
            await self._fail(scope, exchange, error)
        finally:
            exchange.status = CLIENT_GONE if exchange.is_gone else exchange.status
            self._under_way -= 1
            self._tell(scope, visit, exchange.status, began)

    async def _let_in(self, scope: Scope, headers: Headers, exchange: "_Exchange") -> None:
        exchange.refused = self._refusal(scope, headers)
        if exchange.refused is None:
            try:
                await self._app(scope, exchange.receive, exchange.send)
            except Problem as told:
                exchange.refused = told
        if exchange.refused is not None and not exchange.has_started:
            answer = self._refuse(scope, exchange.refused)
            exchange.refused = None
            await answer(scope, exchange.receive, exchange.send)

    def _refusal(self, scope: Scope, headers: Headers) -> Problem | None:
        if len(scope["raw_path"]) + len(scope["query_string"]) > URL_BYTES_MAX:
            return problem("url-too-long", f"a URL has at most {URL_BYTES_MAX:,} bytes here; send selections by POST")
        length = headers.get("content-length", "0")
        if length.isdecimal() and int(length) > BODY_BYTES_MAX:
            return problem("too-large", f"a body has at most {BODY_BYTES_MAX:,} bytes here; split the request")
        if self._under_way > self._gateway.patience.max_requests and not scope["path"].startswith(_ALWAYS):
            most = self._gateway.patience.max_requests
            return problem("too-busy", f"{most} requests are under way already", retry_seconds=BUSY_SECONDS)
        return None

    async def _fail(self, scope: Scope, exchange: "_Exchange", error: Exception) -> None:
        self._telemetry.failed(scope, exchange.visit, error)
        log.error("fault", request_id=exchange.visit.request_id, path=scope["path"], exc_info=error)
        if exchange.has_started:
            raise error
        told = problem("internal", f"a fault of keepahead itself; please report it with {exchange.visit.request_id}")
        await self._refuse(scope, told)(scope, exchange.receive, exchange.send)

    def _tell(self, scope: Scope, visit: Visit, status: int, began: datetime) -> None:
        seconds = (self._clock.now() - began).total_seconds()
        self._telemetry.answered(scope, status, seconds)
        log.info(
            "request",
            request_id=visit.request_id,
            method=scope["method"],
            path=scope["path"],
            status=status,
            milliseconds=round(seconds * 1000, 1),
            caller=visit.visitor.name if visit.visitor else None,
            consumed=visit.tally.consumed,
            saved=visit.tally.saved,
        )


class _Exchange:
    """One request's two ends, watched: how large it grows, how long each part takes, what goes out with the answer."""

    def __init__(self, gateway: Gateway, visit: Visit, receive: Receive, send: Send, telemetry: Telemetry) -> None:
        self.visit = visit
        self.status = 0
        self.has_started = False
        self.is_gone = False
        self.refused: Problem | None = None
        self._gateway = gateway
        self._receive = receive
        self._send = send
        self._telemetry = telemetry
        self._bytes = 0
        self._has_body = False
        self._body_until = asyncio.get_running_loop().time() + gateway.patience.body_seconds

    async def receive(self) -> Message:
        if self._has_body:
            return await self._receive()  # waits for the client to hang up, as long as it takes
        try:
            async with asyncio.timeout_at(self._body_until):
                message = await self._receive()
        except TimeoutError:
            seconds = self._gateway.patience.body_seconds
            raise self._refuse("too-slow", f"a request must be here within {seconds:.0f} s") from None
        if message["type"] == "http.disconnect":  # with his request half sent: that is no fault of ours
            self.is_gone = True
            raise ClientGoneError
        self._has_body = not message.get("more_body", False)
        self._bytes += len(message.get("body", b""))
        if self._bytes > BODY_BYTES_MAX:
            raise self._refuse("too-large", f"a body has at most {BODY_BYTES_MAX:,} bytes here; split the request")
        return message

    async def send(self, message: Message) -> None:
        if self.is_gone or self.refused is not None:
            return  # what a route makes of a body that it could not read does not go out
        if message["type"] == "http.response.start":
            self.has_started = True
            self.status = message["status"]
            self._add_headers(message)
            self._telemetry.answering(self.visit)
        await self._send(message)  # for how long, connection.py watches

    def _refuse(self, slug: str, detail: str) -> Problem:
        self.refused = problem(slug, detail)
        return self.refused

    def _add_headers(self, message: Message) -> None:
        headers: list[tuple[bytes, bytes]] = list(message.get("headers", ()))
        given = {name.lower() for name, _ in headers}
        tally, gateway = self.visit.tally, self._gateway
        headers.append((b"x-request-id", self.visit.request_id.encode()))
        if b"content-length" in given:  # else it is still being made, and may yet cost something
            headers.append((b"x-keepa-tokens-consumed", b"%d" % tally.consumed))
            headers.append((b"x-keepa-tokens-saved", b"%d" % tally.saved))
        left = gateway.pulse.tokens_left(gateway.clock.now())
        if left is not None:
            headers.append((b"x-keepa-tokens-left", b"%d" % left))
        headers += (each for each in _SECURITY if each[0] not in given)
        message["headers"] = headers
