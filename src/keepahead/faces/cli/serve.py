"""`keepahead serve`: the gateway on a port."""

import sys
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

import structlog
import typer

from keepahead.errors import SettingsError
from keepahead.faces.cli import options
from keepahead.faces.cli.account import is_simulated, say_if_simulated
from keepahead.faces.cli.results import put_json, put_text
from keepahead.faces.cli.streams import say, say_through
from keepahead.faces.dashboard.opening import add_dashboard
from keepahead.faces.gateway.assembly import open_gateway
from keepahead.faces.gateway.logs import configure_logs
from keepahead.faces.gateway.server import Address, run_server
from keepahead.faces.loopback import is_loopback
from keepahead.faces.settings import read_settings


def serve(
    *,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")] = 8200,
    is_open: Annotated[
        bool, typer.Option("--open", help="Ask nobody for a key. On a loopback address that you trust, and only there.")
    ] = False,
    certificate: Annotated[
        Path | None, typer.Option("--tls-cert", exists=True, dir_okay=False, help="Certificate chain (PEM), for https.")
    ] = None,
    certificate_key: Annotated[
        Path | None, typer.Option("--tls-key", exists=True, dir_okay=False, help="Its private key (PEM).")
    ] = None,
    log: Annotated[
        Literal["auto", "console", "json"],
        typer.Option("--log", help="How the log on stderr is written; auto: for people on a terminal, else as JSON."),
    ] = "auto",
    plays: Annotated[
        bool, typer.Option("--play", help="Made-up programs spend, to have something to see: on the simulator only.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Serve every program that spends tokens, until Ctrl-C: one budget, and nobody but this needs the Keepa key.

    The dashboard is at /, its own API under /api/v1/ (described at /openapi.json), Keepa's under /keepa/. The first
    start prints an admin key; keepahead keys makes more.
    """
    if is_open and not is_loopback(host):
        raise typer.BadParameter("works on a loopback address only, such as 127.0.0.1", param_hint="'--open'")
    if (certificate is None) != (certificate_key is None):
        raise typer.BadParameter("give both, or neither", param_hint="'--tls-cert', '--tls-key'")
    settings = read_settings()
    as_json = log == "json" or (log == "auto" and not sys.stderr.isatty())
    configure_logs(as_json=as_json)
    if as_json:
        say_through(structlog.get_logger("keepahead").info)
    opened = open_gateway(settings, is_open=is_open, plays=plays)
    add_dashboard(opened)
    say_if_simulated(settings)
    if plays and not is_simulated(settings):
        say("--play does nothing here: it spends the built-in simulator's tokens only, and another Keepa is set")
    address = Address(host=host, port=port, certificate=certificate, certificate_key=certificate_key)

    def ready(url: str) -> None:
        if json:
            put_json({"url": url, "api": f"{url}/api/v1", "keepa": f"{url}/keepa", "admin_key": opened.first_key})
        for line in _welcome(url, is_open=is_open, plays=plays and is_simulated(settings)):
            say(line)
        if opened.first_key is not None and not json:
            say("the first admin key is on the next line; it is shown this once, and only its hash is kept:")
            put_text(opened.first_key)  # `say` lets no key through

    try:
        run_server(opened.app, address, ready=ready)
    except KeyboardInterrupt:
        say("stopped")
    except OSError as failed:
        reason = failed.strerror or failed
        raise SettingsError("--port", f"cannot listen on {host}, port {port}: {reason}; choose another") from None


def _welcome(url: str, *, is_open: bool, plays: bool) -> list[str]:
    lines = [
        f"keepahead listens on {url}: open it in a browser for the dashboard",
        f"its own API is at {url}/api/v1, Keepa's at {url}/keepa; Ctrl-C stops it",
    ]
    if plays:
        lines.append("made-up programs spend the simulator's tokens, so that there is something to see")
    if is_open:
        lines.append("nobody is asked for a key: whoever reaches this address spends")
    elif url.startswith("http://") and not is_loopback(urlsplit(url).hostname or ""):
        lines.append(
            "warning: keys travel unencrypted; give --tls-cert and --tls-key, or put a proxy with TLS before it"
        )
    return lines
