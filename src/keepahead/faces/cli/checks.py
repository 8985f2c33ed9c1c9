"""What the doctor looks at. Each check says what it found and, where something is wrong, what to do."""

import os
import socket
import ssl
import sys
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

import httpx2
from sqlalchemy.engine import make_url

from keepahead.budget.account import Account
from keepahead.errors import KeepaheadError
from keepahead.faces.settings import Settings, setting_name
from keepahead.faces.wiring import SIMULATOR_URL, open_ledger, upstream_of
from keepahead.faces.words import span
from keepahead.keepa.filters import nearest_name
from keepahead.store.database import HEAD, Database
from keepahead.store.ledger import Ledger

State = Literal["ok", "note", "wrong"]

_CONNECT_SECONDS = 5.0
_CLOCK_SLACK = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at; `advice` is what to do about it."""

    name: str
    state: State
    found: str
    advice: str = ""


def check_names() -> list[Check]:
    """Look for settings in the environment that nobody reads: mostly misspelt."""
    known = tuple(map(setting_name, Settings.model_fields))
    ours = [name for name in os.environ if name.upper().startswith("KEEPAHEAD_")]
    strangers = [name for name in ours if name.upper().partition("__")[0] not in known]
    checks: list[Check] = []
    for name in strangers:
        nearest = nearest_name(name, known)
        checks.append(Check("settings", "note", f"{name} is no setting", f"did you mean {nearest}?" if nearest else ""))
    return checks


def check_upstream(settings: Settings) -> list[Check]:
    """Say where calls go, and whether the host answers the telephone; no request is sent."""
    try:
        url, _ = upstream_of(settings)
    except KeepaheadError as error:
        return [Check("upstream", "wrong", str(error), "set it right, then ask again")]
    if url == SIMULATOR_URL:
        return [Check("upstream", "ok", "the built-in simulator: no KEEPA_API_KEY is set, no real token is spent")]
    parsed = httpx2.URL(url)
    proxy = None if urllib.request.proxy_bypass(parsed.host) else urllib.request.getproxies().get(parsed.scheme)
    what = "a key is set" if settings.api_key else "no key is set"
    if proxy:
        through = httpx2.URL(proxy)
        where = f"the proxy {through.host}, port {through.port or 80}"
        reached = _reach(through.host, through.port or 80, secure=through.scheme == "https")
    else:
        where = f"{parsed.host}, port {_port(parsed)}"
        reached = _reach(parsed.host, _port(parsed), secure=parsed.scheme == "https")
    configured = Check("upstream", "ok", f"{url}; {what}")
    if reached is None:
        return [configured, Check("network", "ok", f"{where} can be reached")]
    advice = "check the network, the proxy and KEEPAHEAD_UPSTREAM_URL"
    return [configured, Check("network", "wrong", f"{where} cannot be reached: {reached}", advice)]


def check_ledger(settings: Settings) -> tuple[list[Check], Account | None]:
    """Open the ledger as every command does, and take the right to write, without writing."""
    try:
        database, fingerprint = open_ledger(settings)
    except KeepaheadError as error:
        return [Check("ledger", "wrong", str(error), "until then nothing is sent")], None
    try:
        with database.write():
            pass
        return [Check("ledger", "ok", _ledger_words(database))], Ledger(database, fingerprint).account()
    except KeepaheadError as error:
        return [Check("ledger", "wrong", str(error), "until then nothing is sent")], None
    finally:
        database.close()


def check_clock(account: Account | None) -> list[Check]:
    """Compare Keepa's clock with ours, by the newest meter in the ledger."""
    meter = account.meter if account else None
    if meter is None:
        return [Check("clock", "ok", "not compared yet: nothing has been heard of Keepa")]
    behind = min(meter.measured_at - meter.asked_at, timedelta()) + max(
        meter.measured_at - meter.received_at, timedelta()
    )
    if abs(behind) <= _CLOCK_SLACK:
        return [Check("clock", "ok", "agrees with Keepa's")]
    word = "behind" if behind > timedelta() else "ahead of"
    found = f"this clock is {span(abs(behind.total_seconds()))} {word} Keepa's"
    return [Check("clock", "note", found, "set the time of this machine (a simulator that runs fast does this too)")]


def check_python() -> list[Check]:
    """Say what runs this."""
    version = ".".join(map(str, sys.version_info[:3]))
    return [Check("python", "ok", f"{version}, TLS by {ssl.OPENSSL_VERSION}")]


def _ledger_words(database: Database) -> str:
    url = database.url
    words = f"{url.render_as_string()}, version {HEAD}, writable"
    if url.get_backend_name() != "sqlite" or not url.database:
        return words
    return f"{words}, {Path(url.database).stat().st_size / 1000:,.0f} kB"


def masked_url(url: str) -> str:
    """Return a database URL without its password."""
    try:
        return make_url(url).render_as_string()
    except Exception:  # noqa: BLE001 - whatever it is, it may hold a password
        return "(no database URL)"


def _port(url: httpx2.URL) -> int:
    return url.port or (443 if url.scheme == "https" else 80)


def _reach(host: str, port: int, *, secure: bool) -> str | None:
    """Connect and hang up; return why that failed."""
    try:
        with socket.create_connection((host, port), timeout=_CONNECT_SECONDS) as plain:
            if secure:
                with httpx2.create_ssl_context().wrap_socket(plain, server_hostname=host):
                    pass
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error) or type(error).__name__
    return None
