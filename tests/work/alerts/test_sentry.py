"""Alerts in Sentry: one message each, grouped by rule and subject; the addresses of others never get there."""

from collections.abc import Iterator
from typing import Any

import pytest
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from tests.work.alerts.letters import AT, alert
from tests.work.alerts.sinks import webhook_sink

from keepahead.work.alerts.address import AddressError, read_address
from keepahead.work.alerts.alert import Severity
from keepahead.work.alerts.channels import Sentry
from keepahead.work.alerts.target import Target


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        self.events.append(envelope.get_event())


@pytest.fixture
def sentry() -> Iterator[Kept]:
    """A Sentry that keeps its events here."""
    kept = Kept()
    sentry_sdk.init("http://key@127.0.0.1:1/1", transport=kept, debug=False)
    yield kept
    sentry_sdk.get_client().close(timeout=0)
    sentry_sdk.get_global_scope().set_client(None)


def test_an_alert_is_a_message(sentry):
    """Its level is how bad it is; the rule and what it fired for are tags, and group its messages."""
    for told in (
        alert(),
        alert(rule="caller_limit", subject="web", severity=Severity.WARNING),
        alert(is_over=True),
    ):
        assert Sentry().send(told, AT) == ""
    critical, warning, over = sentry.events
    assert critical["message"] == "critical: 18 tokens are left; critical is below 20"
    assert [event["level"] for event in (critical, warning, over)] == ["error", "warning", "info"]
    assert warning["tags"] == {"alert.rule": "caller_limit", "alert.subject": "web"}
    assert warning["fingerprint"] == ["keepahead-alert", "caller_limit", "web"]
    assert critical["fingerprint"] == over["fingerprint"]
    assert "Who spent most" in critical["contexts"]["alert"]["text"]


def test_no_address_gets_into_sentry(sentry):
    """What is asked for while others are told, and what apprise says of it, leaves no trail in later events."""
    with pytest.raises(AddressError):
        read_address("slak://very-secret", None)
    with webhook_sink() as hook:
        assert Target(read_address(hook.url, None)).send(alert(), AT) == ""
    sentry_sdk.capture_message("later")
    (event,) = sentry.events
    assert event["message"] == "later"
    assert "secret" not in str(event)


def test_without_a_sentry_it_does_nothing():
    """A gateway without Sentry may have the channel all the same."""
    assert Sentry().send(alert(), AT) == ""
