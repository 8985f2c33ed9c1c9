"""What lies before the dashboard, plain ASGI: which requests are for it, who may come in, and what goes out with it."""

import asyncio
import math
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import parse_qs, quote, urlsplit

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.faces.dashboard.login import CONTENT_SECURITY, login_page, safe_path
from keepahead.faces.dashboard.session import COOKIE, LIFE, Sessions
from keepahead.faces.gateway.access import Access
from keepahead.faces.gateway.entrance import is_under, refusal_of_strangers
from keepahead.faces.gateway.turnstile import Turnstile
from keepahead.faces.gateway.visit import Visit, begin, visit_of
from keepahead.faces.gateway.visitor import AccessDenied, TooManyWrongKeysError, Visitor

PAGES = ("/", "/balance", "/spending", "/ledger", "/products", "/discover", "/alerts", "/settings")
"""Where the pages are; more may lie below each but the first."""

SOCKET = "/_nicegui_ws"

LOOK_SECONDS = 10.0
"""So often is looked whether the key behind a live connection is still good."""

PAGES_AT_ONCE = 2
"""So many pages are built at once. Each takes hundredths of a second, in which no program gets an answer: whoever opens
a hundred at once waits for them, and nobody else does."""

PAGES_PER_MINUTE = 240
"""So many pages one key may open: each takes memory for a minute, whether a browser shows it or not."""

_MOST_KEYS = 10_000
_ASSETS = ("/_nicegui", "/favicon.ico")
_LOGIN, _LOGOUT = "/login", "/logout"
_FORM_BYTES_MAX = 4_096
_PAGE_SECURITY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'"
)
"""Nothing from outside the machine. Vue compiles its templates in the browser, which takes unsafe-eval."""

_CLOSE: Message = {"type": "websocket.close", "code": 4401}

_SECURITY: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer a browser sends its own forms as if from nowhere
}

log = structlog.get_logger("keepahead.gateway")


def is_for_dashboard(path: str) -> bool:
    """Tell whether a request is for the dashboard, and not for one of the gateway's own routes."""
    return path == "/" or path in {_LOGIN, _LOGOUT} or is_under(path, SOCKET, *_ASSETS, *PAGES[1:])


def is_asset(path: str) -> bool:
    """Tell whether a request is for what the pages are made of, which is given to anybody."""
    return is_under(path, *_ASSETS)


class Frontage:
    """Wraps the gateway: what is for the dashboard goes there, all else goes on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        dashboard: ASGIApp,
        sessions: Sessions,
        access: Access,
        clock: Clock,
        form_seconds: float,
    ) -> None:
        self._app = app
        self._dashboard = dashboard
        self._sessions = sessions
        self._access = access
        self._clock = clock
        self._form_seconds = form_seconds
        self._pages = Turnstile(_MOST_KEYS)
        self._building = asyncio.Semaphore(PAGES_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] == "lifespan" or not is_for_dashboard(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        else:
            await self._answer(scope, receive, _secured(send, may_be_kept=is_asset(scope["path"])))

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        request = Request(scope, receive)
        if self._sessions.is_open and (refused := refusal_of_strangers(request.headers, ())):
            await PlainTextResponse(str(refused.detail), refused.status)(scope, receive, send)
        elif path == _LOGIN:
            await (await self._log_in(request))(scope, receive, send)
        elif path == _LOGOUT:
            await (await self._log_out(request))(scope, receive, send)
        elif is_asset(path):
            await self._dashboard(scope, receive, send)
        elif is_under(path, SOCKET) and not _is_same_origin(request.headers):  # it lets every page read its answers
            await PlainTextResponse("This page was not opened here.", 403)(scope, receive, send)
        else:
            await self._show(request, send)

    async def _show(self, request: Request, send: Send) -> None:
        """Show a page to whoever is logged in."""
        scope = request.scope
        try:
            visitor = await self._visitor(request)
        except LedgerError as error:
            answer: ASGIApp = PlainTextResponse(f"The ledger cannot be reached: {error}. Try again in a moment.", 503)
        else:
            if visitor is not None:
                begin(scope, Visit("", visitor))
                answer = self._dashboard if is_under(scope["path"], SOCKET) else self._build
            else:
                query = f"?{request.url.query}" if request.url.query else ""
                answer = RedirectResponse(f"{_LOGIN}?to={quote(request.url.path + query)}", 303)
        await answer(scope, request.receive, send)

    async def _build(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Have a page built, after those that are being built already, unless its key has opened too many."""
        visitor = visit_of(HTTPConnection(scope)).visitor
        key_id = visitor.key_id if visitor else ""
        seconds = self._pages.take(key_id, PAGES_PER_MINUTE, self._clock.now().timestamp())
        if seconds is not None:
            await _too_many(seconds)(scope, receive, send)
            return
        async with self._building:
            await self._dashboard(scope, receive, send)

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Open a live connection for a page of ours, and for no other."""
        connection = HTTPConnection(scope)
        is_stranger = self._sessions.is_open and refusal_of_strangers(connection.headers, ()) is not None
        try:
            visitor = (
                None if is_stranger or not _is_same_origin(connection.headers) else await self._visitor(connection)
            )
        except LedgerError:
            visitor = None
        if visitor is None or not is_under(scope["path"], SOCKET):
            await receive()
            await send(_CLOSE)
            return
        await self._keep(connection, receive, send)

    async def _keep(self, connection: HTTPConnection, receive: Receive, send: Send) -> None:
        """Carry a live connection as long as whoever opened it may look; its page then asks anew, and is shown out."""
        is_over = False

        async def send_until_over(message: Message) -> None:
            if not is_over:
                await send(message)

        carried = asyncio.ensure_future(self._dashboard(connection.scope, receive, send_until_over))
        try:
            while not (await asyncio.wait([carried], timeout=LOOK_SECONDS))[0] and not is_over:
                if not await self._may_stay(connection):
                    is_over = True
                    await send(_CLOSE)
            await carried
        finally:
            carried.cancel()

    async def _may_stay(self, connection: HTTPConnection) -> bool:
        try:
            return await self._visitor(connection) is not None
        except LedgerError:
            return True  # nobody can say; the page tells that the ledger is away

    async def _visitor(self, connection: HTTPConnection) -> Visitor | None:
        if self._sessions.is_open:
            return await self._access.admit(None)
        return await self._sessions.visitor(connection.cookies.get(COOKIE, ""), self._clock.now())

    async def _log_in(self, request: Request) -> Response:
        if self._sessions.is_open:
            return RedirectResponse("/", 303)
        if request.method != "POST":
            return _login(safe_path(request.query_params.get("to", "/")))
        if not _is_same_origin(request.headers):
            return _login("/", "This page was not opened here; log in on this one", 403)
        try:
            async with asyncio.timeout(self._form_seconds):
                form = await _form(request)
        except TimeoutError:
            return _login("/", "That took too long to come", 408)
        except ClientDisconnect:
            return PlainTextResponse("", 400)  # nobody reads it
        if form is None:
            return _login("/", "That was too long for a key", 413)
        to, peer = safe_path(form.get("to", "/")), request.client.host if request.client else ""
        try:
            visitor = await self._access.admit(form.get("key", "").strip(), peer=peer)
            cookie = await self._sessions.begin(visitor.key_id, self._clock.now())
        except TooManyWrongKeysError as denied:
            return _login(to, denied.reason, denied.status)
        except AccessDenied:
            log.warning("login refused", peer=peer)
            return _login(to, "This key is not known here, or was revoked", 401)
        except LedgerError as error:
            return _login(to, f"The ledger cannot be reached: {error}", 503)
        if cookie is None:
            return _login(to, "This key was revoked", 401)
        log.info("login", caller=visitor.name)
        answer = RedirectResponse(to, 303)
        answer.set_cookie(
            COOKIE,
            cookie,
            max_age=int(LIFE.total_seconds()),
            httponly=True,
            samesite="lax",  # with strict a link from a mail would ask for the key again
            secure=request.url.scheme == "https",
        )
        return answer

    async def _log_out(self, request: Request) -> Response:
        if request.method == "POST" and not _is_same_origin(request.headers):
            return PlainTextResponse("This page was not opened here.", 403)
        answer = RedirectResponse(_LOGIN, 303)
        if request.method == "POST":
            with suppress(LedgerError):  # the browser forgets it all the same
                await self._sessions.end(request.cookies.get(COOKIE, ""), self._clock.now())
            answer.delete_cookie(COOKIE)
        return answer


def _too_many(seconds: float) -> Response:
    words = f"Too many pages were opened with this key; try again in {math.ceil(seconds)} s."
    return PlainTextResponse(words, 429, {"Retry-After": str(math.ceil(seconds))})


def _login(to: str, failure: str | None = None, status: int = 200) -> Response:
    headers = {"Content-Security-Policy": CONTENT_SECURITY, "Cache-Control": "no-store"}
    return HTMLResponse(login_page(to=to, failure=failure), status, headers)


async def _form(request: Request) -> Mapping[str, str] | None:
    """Read a short form; None if it is none of ours, for it is too long."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _FORM_BYTES_MAX:
            return None
    return {name: values[-1] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}


def _is_same_origin(headers: Headers) -> bool:
    """Tell whether a page of ours sent that: a browser says from where, and nobody else has to be one."""
    origin = headers.get("origin")
    if origin is None:
        return headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
    try:
        return urlsplit(origin).netloc.lower() == headers.get("host", "").lower()
    except ValueError:  # such as http://[
        return False


def _secured(send: Send, *, may_be_kept: bool) -> Send:
    async def send_secured(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(raw=message.setdefault("headers", []))
            for name, value in _SECURITY.items():
                headers.setdefault(name, value)
            headers.setdefault("Content-Security-Policy", _PAGE_SECURITY)
            if not may_be_kept:
                headers.setdefault("Cache-Control", "no-store")  # after logging out the way back shows nothing
        await send(message)

    return send_secured
