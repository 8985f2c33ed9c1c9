"""What alerts arrive at: a real mail server and a real web server on this machine, and one that never says a word."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

PASSWORD = "open-sesame/7@"


def free_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def wait_for(is_so: Callable[[], Any], seconds: float = 60.0) -> None:
    """Return when it is so; fail if it never is."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.05)


class MailSink:
    """A mail server that keeps what it is given. It refuses addresses that begin with `nobody`."""

    def __init__(self, port: int | None = None, *, asks_for_password: bool = False) -> None:
        self.port = port or free_port()
        self.mails: list[EmailMessage] = []
        self.users: list[str] = []
        auth: dict[str, Any] = {"authenticator": self._check, "auth_required": True, "auth_require_tls": False}
        self._server = Controller(self, hostname="127.0.0.1", port=self.port, **(auth if asks_for_password else {}))
        self._server.start()

    @property
    def url(self) -> str:
        """What KEEPAHEAD_SMTP_URL says of it."""
        return f"smtp://127.0.0.1:{self.port}?from=keepahead@example.com"

    def stop(self) -> None:
        """Close it."""
        self._server.stop()

    async def handle_RCPT(self, _: Any, __: Any, envelope: Envelope, address: str, ___: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 there is nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _: Any, __: Any, envelope: Envelope) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content or b"", policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.mails.append(mail)
        return "250 OK"

    def _check(self, _: Any, __: Any, ___: Any, ____: str, told: Any) -> AuthResult:
        self.users.append(told.login.decode())
        return AuthResult(success=told.password.decode() == PASSWORD, handled=False)


@contextmanager
def mail_sink(port: int | None = None, *, asks_for_password: bool = False) -> Iterator[MailSink]:
    """Run a mail server."""
    sink = MailSink(port, asks_for_password=asks_for_password)
    try:
        yield sink
    finally:
        sink.stop()


def parts_of(mail: EmailMessage) -> tuple[str, str]:
    """Return a mail's text and its HTML."""
    assert mail.get_content_type() == "multipart/alternative"
    text, html = mail.iter_parts()
    assert (text.get_content_type(), html.get_content_type()) == ("text/plain", "text/html")
    return text.get_content(), html.get_content()


class WebhookSink:
    """A web server that keeps the JSON documents it is sent, and answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.documents: list[Any] = []
        sink = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if sink.status == 200:
                    sink.documents.append(json.loads(body))
                self.send_response(sink.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    @property
    def url(self) -> str:
        """Its address, with a path that nobody should see."""
        return f"json://127.0.0.1:{self._server.server_port}/hooks/very-secret-path"

    def stop(self) -> None:
        """Close it."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@contextmanager
def webhook_sink() -> Iterator[WebhookSink]:
    """Run a web server."""
    sink = WebhookSink()
    try:
        yield sink
    finally:
        sink.stop()


@contextmanager
def silent_server() -> Iterator[int]:
    """Open a port that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]
