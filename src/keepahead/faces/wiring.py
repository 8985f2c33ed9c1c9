"""The only file that builds objects: settings in, clients out. `Keepa` and `AsyncKeepa` of the front door are these."""

import hashlib
import logging
import re
import sqlite3
import sys
import urllib.request
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2

from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.rule import is_caller_name
from keepahead.clock import Clock, SystemClock
from keepahead.errors import LedgerError, SettingsError
from keepahead.faces.loopback import is_loopback
from keepahead.faces.redaction import blot_logs_of_http
from keepahead.faces.settings import KEEPA_URL, Settings, data_folder, read_settings
from keepahead.keepa import client
from keepahead.keepa.client import Parts
from keepahead.keepa.steps import Step
from keepahead.keepa.terms import Terms
from keepahead.simulator import SIMULATOR_KEY, Simulator, SimulatorTransport
from keepahead.store.archive import Archive
from keepahead.store.audit import FOLD_AT_A_TIME, Audit
from keepahead.store.database import Database, open_database
from keepahead.store.ledger import Ledger

SIMULATOR_URL = "http://simulator"
"""Stands for the built-in simulator where an upstream is named; nothing is sent there."""

log = logging.getLogger("keepahead")

_KEEPA_KEY = re.compile(r"[0-9A-Za-z]{64}")
_SAFE_KEY = re.compile(r"[0-9A-Za-z._~-]*")  # the same in a URL as out of it, so that it can be blotted out anywhere
_DEFAULT_PORTS = {"http": 80, "https": 443}
_HIGHEST_PORT = 65_535


class AsyncKeepa(client.AsyncKeepa):
    """Keepa within its budget, for asyncio.

    async with AsyncKeepa() as keepa:
        products = await keepa.products(["B0D8W1YVBX"], domain=1, stats=90)

    What is None comes from the settings. `lane` is "live" (a person waits) or "jobs"; `floor` is in tokens;
    `max_wait_seconds` 0 refuses at once, None waits as long as it takes. `clock`, `transport` (one of httpx2's) and
    `watch` (sees every step) are for tests and for faces. Raises SettingsError and LedgerError.
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        upstream_url: str | None = None,
        database_url: str | None = None,
        floor: int | None = None,
        lane: str = "live",
        caller: str | None = None,
        max_wait_seconds: float | None = None,
        max_concurrency: int | None = None,
        pace: int | None = None,
        clock: Clock | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
        watch: Callable[[Step], None] | None = None,
    ) -> None:
        settings = read_settings(
            api_key=api_key,
            upstream_url=upstream_url,
            database_url=database_url,
            floor=floor,
            caller=caller,
            max_wait_seconds=max_wait_seconds,
            max_concurrency=max_concurrency,
            pace=pace,
        )
        super().__init__(
            parts_for(settings, lane, floor, clock=clock, transport=transport or httpx2.AsyncHTTPTransport, watch=watch)
        )


class Keepa(client.Keepa):
    """Keepa within its budget, blocking; see AsyncKeepa.

    with Keepa() as keepa:
        products = keepa.products(["B0D8W1YVBX"], domain=1, stats=90)
    """

    def __init__(
        self,
        api_key: str | None = None,
        *,
        upstream_url: str | None = None,
        database_url: str | None = None,
        floor: int | None = None,
        lane: str = "live",
        caller: str | None = None,
        max_wait_seconds: float | None = None,
        max_concurrency: int | None = None,
        pace: int | None = None,
        clock: Clock | None = None,
        transport: httpx2.BaseTransport | None = None,
        watch: Callable[[Step], None] | None = None,
    ) -> None:
        settings = read_settings(
            api_key=api_key,
            upstream_url=upstream_url,
            database_url=database_url,
            floor=floor,
            caller=caller,
            max_wait_seconds=max_wait_seconds,
            max_concurrency=max_concurrency,
            pace=pace,
        )
        super().__init__(
            parts_for(settings, lane, floor, clock=clock, transport=transport or httpx2.HTTPTransport, watch=watch)
        )


def parts_for(
    settings: Settings,
    lane: str,
    floor: int | None = None,
    *,
    clock: Clock | None,
    transport: Any,
    watch: Callable[[Step], None] | None,
    memory_megabytes: int = 0,
) -> Parts:
    """Build what a client is made of. `transport` is one of httpx2's, or the class to make one of."""
    clock = clock or SystemClock()
    url, key = upstream_of(settings)
    of_lane = lane_of(settings, lane, floor)
    if isinstance(transport, type):
        transport = _transport(url, clock, transport)
    database = _open_database(settings)
    ledger = Ledger(database, fingerprint_of(url, key), clock.now)
    archive = Archive(database, url, settings.archive_megabytes, memory_megabytes)
    return Parts(
        key=key,
        upstream_url=url,
        ledger=ledger,
        clock=clock,
        terms=Terms(
            lane=of_lane,
            caller=settings.caller or _program_name(),
            max_wait_seconds=settings.max_wait_seconds,
            safe_margin=settings.safe_margin,
            low=settings.low,
            ages=settings.ages,
        ),
        transport=transport,
        archive=archive if archive.is_on else None,
        max_concurrency=settings.max_concurrency,
        calls_per_minute=settings.pace,
        watch=watch,
        close=lambda: _close(ledger, archive, clock.now() - timedelta(days=settings.keep_entries_days)),
    )


def open_keepa(
    settings: Settings,
    lane: str = "live",
    *,
    clock: Clock | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    memory_megabytes: int = 0,
    watch: Callable[[Step], None] | None = None,
) -> client.AsyncKeepa:
    """Return a client by settings that were read before, for a server: nobody waits for others who may not come.

    So many megabytes of archived answers are kept in memory. Raises SettingsError and LedgerError.
    """
    parts = parts_for(
        settings,
        lane,
        clock=clock,
        transport=transport or httpx2.AsyncHTTPTransport,
        watch=watch,
        memory_megabytes=memory_megabytes,
    )
    return client.AsyncKeepa(replace(parts, waits_alone=False))


def _program_name() -> str:
    name = Path(next(iter(sys.argv), "")).name
    return name if is_caller_name(name) else "python"


def _close(ledger: Ledger, archive: Archive, keep_since: datetime) -> None:
    """Close the ledger; first write what is still to be written, and put away some of the entries that are too old."""
    with suppress(LedgerError):
        ledger.flush()
        archive.flush()
        Audit(ledger.database, ledger.fingerprint).fold(keep_since, at_most=FOLD_AT_A_TIME)
    ledger.database.close()


def open_ledger(settings: Settings) -> tuple[Database, str]:
    """Open the ledger alone, for those who only read it; return it with the account's fingerprint."""
    url, key = upstream_of(settings)
    return _open_database(settings), fingerprint_of(url, key)


def _open_database(settings: Settings) -> Database:
    return open_database(settings.database_url.get_secret_value(), timeout_seconds=settings.ledger_timeout_seconds)


def upstream_of(settings: Settings) -> tuple[str, str]:
    """Return where calls go and with which key. Raises SettingsError where the two do not fit together."""
    key = settings.api_key.get_secret_value().strip() if settings.api_key else ""
    upstream = _upstream(settings.upstream_url or (KEEPA_URL if key else SIMULATOR_URL))
    url, host = str(upstream).rstrip("/"), upstream.host
    if not _SAFE_KEY.fullmatch(key):
        raise SettingsError(
            "KEEPA_API_KEY", "KEEPA_API_KEY holds blanks or signs that no key has: copy it again. Nothing was sent"
        )
    if url == SIMULATOR_URL or (not key and is_loopback(host)):
        return url, key or SIMULATOR_KEY
    if not key:
        raise SettingsError("KEEPA_API_KEY", f"no KEEPA_API_KEY is set, and {host} asks for one; nothing was sent")
    if url == KEEPA_URL and not _KEEPA_KEY.fullmatch(key):
        raise SettingsError(
            "KEEPA_API_KEY",
            f"KEEPA_API_KEY has {len(key)} characters; a Keepa key has 64 letters and digits. Copy it from "
            "keepa.com/#!api. Nothing was sent",
        )
    if url.startswith("http://") and not is_loopback(host):
        log.warning("the key goes to %s unencrypted; use https", host)
    return url, key


def fingerprint_of(url: str, key: str) -> str:
    """Return the name of the account: it tells keys apart and says nothing of them."""
    return hashlib.sha256(f"{'' if url == KEEPA_URL else url}\n{key}".encode()).hexdigest()[:16]


def lane_of(settings: Settings, name: str, floor: int | None = None) -> Lane:
    """Return the lane of that name with its floor. Raises SettingsError for any other name."""
    match name:
        case "live":
            return replace(LIVE, floor=settings.floor)
        case "jobs":
            patience = timedelta(seconds=settings.jobs_patience_seconds)
            jobs = replace(JOBS, floor=settings.jobs_floor, patience=patience)
            return jobs if floor is None else replace(jobs, floor=floor, floor_percent=100)
        case _:
            raise SettingsError("lane", f'there is no lane "{name}": it is "live" (a person waits) or "jobs"')


def _upstream(text: str) -> httpx2.URL:
    """Read a URL; spelled another way it is the same account. Raises SettingsError."""
    try:
        parsed = httpx2.URL(text.strip())
    except httpx2.InvalidURL:
        parsed = httpx2.URL()
    surplus = parsed.query or parsed.userinfo or parsed.fragment or "%" in parsed.host
    if parsed.scheme not in _DEFAULT_PORTS or not parsed.host or surplus or (parsed.port or 1) > _HIGHEST_PORT:
        raise SettingsError(
            "KEEPAHEAD_UPSTREAM_URL",
            "KEEPAHEAD_UPSTREAM_URL must look like https://api.keepa.com: http or https, a host, and nothing secret",
        )
    return parsed.copy_with(port=None) if parsed.port == _DEFAULT_PORTS[parsed.scheme] else parsed


def _transport(url: str, clock: Clock, kind: type) -> Any:
    if url == SIMULATOR_URL:
        return SimulatorTransport(_built_in(clock), sleep=clock.sleep, sleep_async=clock.sleep_async)
    parsed = httpx2.URL(url)
    # Nobody else is to see what goes to this machine, and by plain http a proxy sees all of it, the key included.
    is_direct = is_loopback(parsed.host) or urllib.request.proxy_bypass(parsed.host)
    proxy = None if is_direct else urllib.request.getproxies().get(parsed.scheme)
    if proxy and "://" not in proxy:
        proxy = f"http://{proxy}"  # as curl reads it
    blot_logs_of_http()
    try:
        # How many calls are under way is client.py's business; here none may wait for a connection.
        return kind(proxy=proxy, limits=httpx2.Limits(max_connections=None, max_keepalive_connections=20))
    except (ValueError, ImportError, httpx2.InvalidURL):
        name = f"{parsed.scheme.upper()}_PROXY"
        raise SettingsError(
            name, f"the proxy in {name} cannot be used; write http://host:port, or unset it. Nothing was sent"
        ) from None


def _built_in(clock: Clock) -> Simulator:
    """Return the simulator whose bucket lives in the data folder, shared by all programs of this user."""
    folder = data_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return Simulator(now=clock.now, state_file=folder / "simulator.db")
    except (OSError, sqlite3.Error) as error:
        raise SettingsError(
            "XDG_DATA_HOME", f"the built-in simulator cannot use its folder {folder} ({error}); make it writable"
        ) from None
