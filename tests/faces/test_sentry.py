"""Sentry, as a local endpoint that reads what arrives: the gateway's faults, alerts, and not one key."""

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from fastapi import Request
from pydantic import SecretStr
from tests.gateway_house import GatewayHouse
from tests.house import KEY, run
from tests.sink import Sink, sink

from keepahead.errors import SettingsError
from keepahead.faces.sentry import close_sentry, open_sentry, tell_fault
from keepahead.store.database import open_database

PASSWORD = "hunter" + "2"


@pytest.fixture(autouse=True)
def _off_again() -> Iterator[None]:
    """Leave nothing for the next test: there is one Sentry for each process."""
    yield
    sentry_sdk.get_global_scope().set_client(None)


@pytest.fixture
def endpoint() -> Iterator[Sink]:
    """What stands for Sentry."""
    with sink() as found:
        yield found


@pytest.fixture
def dsn(endpoint) -> str:
    """Where it is."""
    return endpoint.url.replace("http://", "http://public@") + "/42"


def events(endpoint: Sink) -> list[dict[str, Any]]:
    """Return the events of all envelopes that arrived."""
    found: list[dict[str, Any]] = []
    for envelope in endpoint.bodies("/api/42/envelope/"):
        _, *items = envelope.split(b"\n")
        for head, body in zip(items[::2], items[1::2], strict=False):
            if head and json.loads(head)["type"] == "event":
                found.append(json.loads(body))
    return found


async def faulty(request: Request, house: GatewayHouse) -> None:
    """Fail as a fault of ours would, with secrets in locals, in the message and in what was logged before."""
    api_key = KEY[:20]  # too short to look like one: its name must do
    raw = [(b"x-api-key", house.keys["spend"].encode())]
    url = f"https://api.keepa.com/product?key={KEY}&asin=B0D8W1YVBX"
    database_url = f"postgresql://keepahead:{PASSWORD}@db/keepahead"
    address = f"mailto://me:{PASSWORD}@mail.example"
    sentry_sdk.add_breadcrumb(category="http", message=f"GET {url}", data={"headers": {"Authorization": "Bearer abc"}})
    raise RuntimeError(f"cannot read {url}: {raw} {len(api_key)} {len(database_url)} {address} {request.url}")


def test_a_fault_arrives_without_keys(tmp_path, endpoint, dsn):
    """A fault is sent with its traceback, its request and its id; keys are blotted out wherever they stood."""

    async def main():
        async with GatewayHouse(tmp_path).opened(sentry_dsn=dsn) as house:

            async def boom(request: Request) -> None:
                await faulty(request, house)

            house.app.add_api_route("/api/v1/boom", boom)
            async with house.client("spend", Cookie=f"session={KEY}", **{"X-Request-ID": "id-of-mine"}) as client:
                answer = await client.get(f"/api/v1/boom?key={house.keys['spend']}&asin=B0D8W1YVBX")
            return answer, house.keys

    answer, keys = run(main())
    assert answer.status_code == 500
    (event,) = events(endpoint)
    told = endpoint.everything.decode()
    for secret in (KEY, KEY[:20], *keys.values(), PASSWORD, "Bearer abc"):
        assert secret not in told
    (error,) = event["exception"]["values"]
    assert error["type"] == "RuntimeError"
    assert error["value"].startswith("cannot read https://api.keepa.com/product?key=[key]&asin=B0D8W1YVBX")
    assert error["stacktrace"]["frames"][-1]["vars"]["api_key"] == "[key]"
    assert event["request"]["url"] == "/api/v1/boom"
    assert event["request"]["query_string"] == "key=[key]&asin=B0D8W1YVBX"
    assert event["request"]["headers"]["x-api-key"] == event["request"]["headers"]["cookie"] == "[key]"
    assert event["tags"]["request_id"] == "id-of-mine"
    assert event["release"].startswith("keepahead@")
    assert "user" not in event


def test_what_is_logged_as_an_error_arrives(tmp_path, endpoint, dsn):
    """Errors that no request meets arrive too: the ledger cannot be read, a task that failed."""
    open_sentry(SecretStr(dsn))
    logging.getLogger("keepahead.gateway").error("the ledger cannot be read: %s", f"no {KEY} today")
    logging.getLogger("keepahead.gateway").warning("a warning is none")
    logging.getLogger("keepahead.alerts").error("18 tokens are left: Sentry is told of that by itself")
    close_sentry()
    (event,) = events(endpoint)
    assert event["logentry"]["formatted"] == "the ledger cannot be read: no [key] today"
    assert KEY not in endpoint.everything.decode()


def test_a_fault_is_told_once(endpoint, dsn):
    """A fault in the middle of an answer is told of by the gateway and logged by its server: that is one event."""
    open_sentry(SecretStr(dsn))
    error = RuntimeError("a fault")
    scope = {"type": "http", "method": "GET", "path": "/x", "query_string": b"", "headers": []}
    tell_fault(error, scope, "id-of-mine")
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    close_sentry()
    assert len(events(endpoint)) == 1


def test_messages_of_alerts_arrive(endpoint, dsn):
    """What is sent when an alert fires arrives with its level, scrubbed as everything is."""
    open_sentry(SecretStr(dsn))
    sentry_sdk.capture_message(f"18 tokens are left ({KEY})", level="warning")
    close_sentry()
    (event,) = events(endpoint)
    assert (event["message"], event["level"]) == ("18 tokens are left ([key])", "warning")


def test_refusals_are_no_faults(tmp_path, endpoint, dsn):
    """What the gateway refuses as it should is nobody's error."""

    async def main():
        async with GatewayHouse(tmp_path, balance=5).opened(sentry_dsn=dsn) as house, house.client("spend") as client:
            return [(await client.get(path)).status_code for path in ("/no", "/api/v1/products/B0D8W1YVBX", "/keepa/x")]

    assert run(main()) == [404, 503, 404]
    assert events(endpoint) == []


def test_without_an_address_nothing_is_sent(tmp_path, endpoint, dsn, monkeypatch):
    """Off unless KEEPAHEAD_SENTRY_DSN is set, whatever SENTRY_DSN says; and after the gateway's end it is off again."""
    monkeypatch.setenv("SENTRY_DSN", dsn)

    async def main(**settings: str):
        async with GatewayHouse(tmp_path).opened(**settings):
            pass

    run(main())
    assert sentry_sdk.get_client().is_active() is False
    run(main(sentry_dsn=dsn))
    sentry_sdk.capture_message("too late")
    assert sentry_sdk.get_client().is_active() is False
    assert events(endpoint) == []


@pytest.mark.parametrize("told", ["not an address", "https://sentry.example/42", "http://"])
def test_a_wrong_address_is_said_at_once(told):
    """What is no DSN is an error that names the setting, and not what it holds."""
    with pytest.raises(SettingsError, match="KEEPAHEAD_SENTRY_DSN") as caught:
        open_sentry(SecretStr(told))
    assert told not in str(caught.value)


def test_an_endpoint_that_is_away_holds_nothing_up(tmp_path):
    """With a Sentry that cannot be reached faults are answered, and the gateway ends."""

    async def main():
        async with GatewayHouse(tmp_path).opened(sentry_dsn="http://public@127.0.0.1:1/42") as house:

            async def boom() -> None:
                raise RuntimeError

            house.app.add_api_route("/api/v1/boom", boom)
            async with house.client("spend") as client:
                return (await client.get("/api/v1/boom")).status_code

    assert run(main()) == 500
    open_database(f"sqlite:///{tmp_path / 'house.db'}").close()
