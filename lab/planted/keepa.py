"""Deliberate bugs of the second floor, and of the gateway's door: what is sent, what is read, what is made of it."""

import asyncio
import contextvars
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import Any
from unittest import mock

import httpx2

from keepahead.budget.meter import Meter
from keepahead.faces.gateway.door import Door
from keepahead.keepa import flow, wire
from keepahead.keepa.async_driver import AsyncDriver
from keepahead.keepa.calls import Call
from keepahead.keepa.exchange import Exchange
from keepahead.keepa.flight import Flight
from keepahead.keepa.key_transport import KeyTransport
from keepahead.keepa.steps import NothingSent, Send
from keepahead.keepa.times import from_unix_ms
from keepahead.keepa.wire import Answer, Inbound, Reading
from keepahead.work.discovery.filters import Sieve
from keepahead.work.discovery.harvest import Harvest
from lab.planted.budget import Planted

_EMPTY_BUCKET = 429
_GONE: "contextvars.ContextVar[bool]" = contextvars.ContextVar("gone", default=False)


def hold_the_least() -> Planted:
    """Hold the least that a call may cost, in place of the most."""
    return mock.patch.object(flow, "hold_for", lambda _call, cost, _terms: cost.tokens_min)


def release_after_a_time_out() -> Planted:
    """Take a call without an answer for one that was never sent."""
    return mock.patch.object(Exchange, "failed", lambda _exchange, error: NothingSent(type(error).__name__))


def resend_after_a_time_out() -> Planted:
    """Send once more what was not answered."""
    send = KeyTransport.handle_async_request

    async def handle(transport: KeyTransport, request: httpx2.Request) -> httpx2.Response:
        try:
            return await send(transport, request)
        except (httpx2.ReadTimeout, httpx2.RemoteProtocolError):
            return await send(transport, request)

    return mock.patch.object(KeyTransport, "handle_async_request", handle)


def resend_after_an_error() -> Planted:
    """Send once more what Keepa failed at."""
    send = KeyTransport.handle_async_request

    async def handle(transport: KeyTransport, request: httpx2.Request) -> httpx2.Response:
        answer = await send(transport, request)
        return await send(transport, request) if answer.status_code >= 500 else answer

    return mock.patch.object(KeyTransport, "handle_async_request", handle)


def take_zeros_for_a_meter() -> Planted:
    """Believe an envelope of zeros, with a plan of one token a minute."""
    read = wire._meter

    def meter(envelope: Any, inbound: Inbound) -> Meter | None:
        told = read(envelope, inbound)
        if told is not None or envelope.tokens_left is None:
            return told
        at = from_unix_ms(envelope.timestamp) if envelope.timestamp else inbound.received_at
        rate = max(1, envelope.refill_rate)
        return Meter(at, inbound.asked_at, inbound.received_at, envelope.tokens_left, rate, envelope.refill_in)

    return mock.patch.object(wire, "_meter", meter)


def take_a_deficit_for_a_sign() -> Planted:
    """Take a balance that is not positive for no reading."""
    read = wire._meter

    def meter(envelope: Any, inbound: Inbound) -> Meter | None:
        told = read(envelope, inbound)
        return told if told is not None and told.tokens_left > 0 else None

    return mock.patch.object(wire, "_meter", meter)


def read_the_meter_by_our_clock() -> Planted:
    """Order meters by the moment at which they arrived here."""
    read = wire._meter

    def meter(envelope: Any, inbound: Inbound) -> Meter | None:
        told = read(envelope, inbound)
        return None if told is None else replace(told, measured_at=inbound.received_at)

    return mock.patch.object(wire, "_meter", meter)


def read_no_meter_from_an_error() -> Planted:
    """Look at the status first, and read nothing where it is not 200."""
    read = wire.read
    return mock.patch.object(wire, "read", lambda inbound: read(inbound) if inbound.status == 200 else Reading())


def charge_what_was_refused() -> Planted:
    """Book a 429 at its bound."""
    read = wire.read

    def charged(inbound: Inbound) -> Reading:
        reading = read(inbound)
        return replace(reading, consumed=None) if inbound.status == _EMPTY_BUCKET else reading

    return mock.patch.object(wire, "read", charged)


def book_what_can_be_read() -> Planted:
    """Book a call only if its answer can be made sense of."""
    settle = flow._Road._settle

    def settled(road: Any, call_id: str, tokens: int, inbound: Inbound, reading: Reading) -> None:
        if inbound.status == 200 and reading.fault is None:
            settle(road, call_id, tokens, inbound, reading)

    return mock.patch.object(flow._Road, "_settle", settled)


def forget_who_is_cancelled() -> Planted:
    """Let nobody bring to its end what a cancelled caller had sent."""
    forgotten: list[Any] = []

    async def go_on(_driver: Any, exchange: "asyncio.Task[Inbound]", way: Any) -> None:
        forgotten.append(way)
        await asyncio.wait([exchange])
        _ = exchange.exception()

    return mock.patch.object(AsyncDriver, "_go_on", go_on)


def release_who_is_cancelled() -> Planted:
    """Give back the tokens of a call whose caller has gone."""
    advance = AsyncDriver._have_sent

    async def have_sent(driver: AsyncDriver, send: Send, way: Any) -> Inbound:
        try:
            return await advance(driver, send, way)
        except asyncio.CancelledError:
            driver.ledger.release(send.call_id, "cancelled", driver.clock.now())
            raise

    return mock.patch.object(AsyncDriver, "_have_sent", have_sent)


def wait_beyond_the_deadline() -> Planted:
    """Wait as long as it takes, whatever the caller said."""
    road = flow._road
    return mock.patch.object(flow, "_road", lambda *facts, **how: replace(road(*facts, **how), deadline=None))


def decode_before_archiving() -> Planted:
    """Keep of an answer what somebody could still make sense of: nothing where the caller has gone."""
    keep, go_on = Flight.keep, AsyncDriver._go_on

    async def gone_on(driver: AsyncDriver, exchange: "asyncio.Task[Inbound]", way: Any) -> None:
        _GONE.set(True)
        await go_on(driver, exchange, way)

    def kept(flight: Flight, answer: Answer) -> None:
        if not _GONE.get():
            keep(flight, answer)

    stack = ExitStack()
    stack.enter_context(mock.patch.object(AsyncDriver, "_go_on", gone_on))
    stack.enter_context(mock.patch.object(Flight, "keep", kept))
    return stack


def take_what_does_not_fit() -> Planted:
    """Let a discovery take whatever its road brings."""
    return mock.patch.object(Harvest, "_sieve", return_value=Sieve(()))


def send_past_the_ledger() -> Planted:
    """Send straight on what comes to the door."""
    buy = Door._buy

    async def bought(door: Door, request: Any, call: Call, terms: Any) -> tuple[Answer, ...]:
        keepa: Any = door._gateway._keepa
        send = Send("", wire.outbound(call), 0)
        with suppress(httpx2.HTTPError):
            await keepa._http.send(keepa._exchange.request(keepa._http, send))
        return await buy(door, request, call, terms)

    return mock.patch.object(Door, "_buy", bought)
