"""Ways to tell people: the log, Sentry, and the addresses of the settings; which of them hears of what."""

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol

import sentry_sdk

from keepahead.work.alerts.alert import Alert, Severity
from keepahead.work.alerts.message import message_of

LOG = "log"
SENTRY = "sentry"

_LEVELS = {Severity.WARNING: logging.WARNING, Severity.CRITICAL: logging.ERROR}
_SENTRY_LEVELS: Mapping[Severity, Literal["warning", "error"]] = {
    Severity.WARNING: "warning",
    Severity.CRITICAL: "error",
}
_FLUSH_SECONDS = 5.0

log = logging.getLogger("keepahead.alerts")  # Sentry is told by the other channel, and leaves this out


class Channel(Protocol):
    """One way to tell somebody."""

    @property
    def name(self) -> str:
        """What it is called in lists and logs, and in the outbox: it stays the same over restarts, and is no secret."""
        ...

    def send(self, alert: Alert, now: datetime) -> str:
        """Tell of an alert; return why that failed, or nothing. May block; raises nothing that is to be expected."""
        ...


class Log:
    """The gateway's own log: one line."""

    name = LOG

    def send(self, alert: Alert, now: datetime) -> str:
        """Write the line; that never fails."""
        _ = now
        level = logging.INFO if alert.is_over else _LEVELS[alert.severity]
        subject = f" ({alert.subject})" if alert.subject else ""
        log.log(level, "alert %s%s%s: %s", alert.rule, subject, " is over" if alert.is_over else "", alert.headline)
        return ""


class Sentry:
    """Sentry, where it has been set up: one message, grouped by rule and subject."""

    name = SENTRY

    def send(self, alert: Alert, now: datetime) -> str:
        """Hand the message over; Sentry's own queue takes it from there, and does nothing if it is not set up."""
        message = message_of(alert, now)
        level = "info" if alert.is_over else _SENTRY_LEVELS[alert.severity]
        with sentry_sdk.new_scope() as scope:
            scope.set_tag("alert.rule", alert.rule)
            scope.set_tag("alert.subject", alert.subject)
            scope.fingerprint = ["keepahead-alert", alert.rule, alert.subject]
            scope.set_context("alert", {"text": message.text})
            scope.capture_message(message.subject.removeprefix("[keepahead] "), level=level)
        sentry_sdk.flush(timeout=_FLUSH_SECONDS)
        return ""


class Channels:
    """All channels of a gateway by name, and who hears of what."""

    def __init__(self, every: Sequence[Channel], heard: Mapping[Severity, Sequence[str]]) -> None:
        self._by_name = {channel.name: channel for channel in every}
        self._heard = heard

    def every(self) -> Sequence[Channel]:
        """Return all of them."""
        return tuple(self._by_name.values())

    def named(self, name: str) -> Channel | None:
        """Return the channel of that name; None where the settings have it no more."""
        return self._by_name.get(name)

    def heard_by(self, severity: Severity) -> Sequence[str]:
        """Return who hears of alerts so bad."""
        return self._heard.get(severity, ())
