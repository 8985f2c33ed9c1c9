"""Puts the gateway together. Not in wiring.py, which the library imports: FastAPI is an extra."""

import asyncio
from dataclasses import dataclass

import httpx2
from fastapi import FastAPI

from keepahead.budget.lane import JOBS, LIVE
from keepahead.clock import Clock, SystemClock
from keepahead.faces.alert_channels import channels_of
from keepahead.faces.gateway.access import Access
from keepahead.faces.gateway.alerting import Alerting
from keepahead.faces.gateway.app import Background, make_app
from keepahead.faces.gateway.books import Books
from keepahead.faces.gateway.door import Door
from keepahead.faces.gateway.gateway import Gateway, Patience, Usual
from keepahead.faces.gateway.play import Play
from keepahead.faces.gateway.pulse import Pulse
from keepahead.faces.gateway.routes import (
    alerts,
    archive,
    budget,
    callers,
    discovery,
    estimate,
    events,
    health,
    judgement,
    ledger,
    lists,
    metrics,
    problems,
    products,
    series,
)
from keepahead.faces.gateway.routes.remembered import RememberedRoute, ShortCut
from keepahead.faces.gateway.telemetry import Telemetry
from keepahead.faces.sentry import close_sentry, open_sentry
from keepahead.faces.settings import Settings
from keepahead.faces.wiring import SIMULATOR_URL, lane_of, open_keepa, upstream_of
from keepahead.store.alarms import Alarms
from keepahead.store.audit import Audit
from keepahead.store.keyring import Keyring
from keepahead.store.outbox import Outbox
from keepahead.work.alerts.channels import Channels
from keepahead.work.alerts.courier import Courier
from keepahead.work.alerts.inspector import Inspector
from keepahead.work.alerts.observer import Observer
from keepahead.work.alerts.watch import Watch

ROUTERS = (
    discovery.router,
    products.quick,
    products.router,
    judgement.router,
    series.router,
    lists.router,
    budget.router,
    ledger.router,
    callers.router,
    archive.router,
    alerts.router,
    estimate.router,
    events.router,
    health.router,
    metrics.router,
    problems.router,
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A gateway that is ready to serve: the application, and the first admin key, if it has just been made.

    `keyring` is None where nobody is asked for a key.
    """

    app: FastAPI
    first_key: str | None
    access: Access
    keyring: Keyring | None


def open_gateway(
    settings: Settings,
    *,
    is_open: bool = False,
    plays: bool = False,
    clock: Clock | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
    patience: Patience | None = None,
) -> Opened:
    """Open the ledger and build the application. `is_open`: whoever reaches it may do everything, without a key.

    `plays`: made-up programs spend what there is, on the built-in simulator only.
    `clock`, `transport` and `patience` are for tests. Raises SettingsError and LedgerError.
    """
    open_sentry(settings.sentry_dsn)
    clock = clock or SystemClock()
    channels = channels_of(settings)
    keepa = open_keepa(settings, clock=clock, transport=transport, memory_megabytes=settings.memory_megabytes)
    book = Keyring(keepa.ledger.database, keepa.ledger.fingerprint)
    made = None if is_open else book.create_first(clock.now())
    patience = patience or Patience(
        request_seconds=settings.request_seconds,
        keeps_place_for=settings.keep_place,
        max_requests=settings.max_requests,
        drain_seconds=settings.drain_seconds,
    )
    lanes = {lane.name: lane_of(settings, lane.name) for lane in (LIVE, JOBS)}
    usual = Usual(details_max_age=settings.discovery_max_age, analysis=settings.analysis)
    gateway = Gateway(keepa, Pulse(keepa.ledger, clock), clock, lanes, patience, usual)
    access = Access(None if is_open else book, clock)
    door, books = Door(gateway), Books.of(keepa.ledger, settings)

    alerting = _alerting_of(gateway, books, settings, channels)
    beside: list[Background] = []
    if plays and upstream_of(settings)[0] == SIMULATOR_URL:
        beside.append(Play(gateway))

    async def close() -> None:
        await access.close()
        await keepa.aclose(drain_seconds=gateway.seconds_to_drain())
        if settings.sentry_dsn is not None:
            await asyncio.to_thread(close_sentry)

    app = make_app(
        gateway,
        access,
        books,
        Telemetry.of(gateway, books, alerting),
        alerting,
        routers=ROUTERS,
        first=(door, *(ShortCut(each) for each in products.quick.routes if isinstance(each, RememberedRoute))),
        refuse_at_the_door=door.refuse,
        cors_origins=settings.cors_origins,
        beside=beside,
        close=close,
    )
    return Opened(app, made[1] if made else None, access, None if is_open else book)


def _alerting_of(gateway: Gateway, books: Books, settings: Settings, channels: Channels) -> Alerting:
    ledger, lanes, clock = books.ledger, gateway.lanes, gateway.clock
    observer = Observer(
        ledger, books.inventory, live=lanes[LIVE.name], jobs=lanes[JOBS.name], archive_limit=books.archive.limit
    )
    inspector = Inspector(Audit(ledger.database, ledger.fingerprint), observer.report, clock)
    alarms = Alarms(ledger.database, ledger.fingerprint)
    outbox = Outbox(ledger.database, ledger.fingerprint)
    return Alerting(
        rules=settings.rules,
        channels=channels,
        alarms=alarms,
        outbox=outbox,
        watch=Watch(observer, inspector, alarms, settings.rules, channels.heard_by, clock),
        courier=Courier(outbox, channels, clock),
        seconds_to_end=gateway.seconds_to_drain,
    )
