"""Tells one address by apprise: a mail, a chat, a webhook."""

import logging
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sentry_sdk
from apprise import Apprise, AppriseResult, NotifyBase, NotifyFormat, NotifyType

from keepahead.work.alerts.address import Address, AddressError
from keepahead.work.alerts.alert import Alert, Severity
from keepahead.work.alerts.message import TEST, Message, message_of

_TYPES = {Severity.WARNING: NotifyType.WARNING, Severity.CRITICAL: NotifyType.FAILURE}
_EXCEPTION = "Socket Exception: "
_CAUSE = re.compile(r"\[(?:Errno|SSL)[^]]*\] [^()'\"]+|[Rr]ead timed out|[Cc]onnect(?:ion)? timed out")
_REFUSAL = re.compile(r"\((\d{3}), b['\"]([^'\"]*)")
_URL_IN_IT = re.compile(r"url: \S+")
_LONGEST = 300


class Target:
    """A channel that leads to one address."""

    def __init__(self, address: Address) -> None:
        self._address = address

    @property
    def name(self) -> str:
        """What it is called in lists and logs."""
        return self._address.name

    def send(self, alert: Alert, now: datetime) -> str:
        """Tell it; return why that failed, or nothing, and no secret. Blocks for as long as the other side takes."""
        try:
            plugin = self._address.plugin()
        except AddressError as error:
            return str(error)
        message = message_of(alert, now)
        body, body_format = _body(plugin, message)
        result = _send(
            plugin,
            body=body,
            title=message.subject,
            body_format=body_format,
            notify_type=_type(alert),
            log_level=logging.DEBUG,
        )
        return "" if result else self._why(result)

    def _why(self, result: AppriseResult) -> str:
        told = [(entry.level, entry.message) for entry in result.logs()]
        warnings = (message.rstrip(".") for level, message in told if level in {"WARNING", "ERROR", "CRITICAL"})
        first = next(warnings, "it was not taken")
        causes = _causes(message for _, message in told if message.startswith(_EXCEPTION))
        words = self._address.without_secrets(": ".join((first, *causes)))
        return " ".join(words.split())[:_LONGEST]


def _send(plugin: NotifyBase, **said: Any) -> AppriseResult:
    sender = Apprise()
    sender.add(plugin)  # pyright: ignore[reportUnknownMemberType]
    with sentry_sdk.isolation_scope():  # in which the URLs that are asked for now stay: Sentry keeps a trail of them
        return sender.notify(**said)  # pyright: ignore[reportUnknownMemberType]


def _body(plugin: NotifyBase, message: Message) -> tuple[str, NotifyFormat]:
    """Choose what goes there: HTML where it is mail, all of the text where there is room, else the figure alone."""
    formats = plugin.notify_format
    first = formats[0] if isinstance(formats, tuple) else formats
    if first == NotifyFormat.HTML and str(plugin.service_name) != "Telegram":  # which has no paragraphs
        return message.html, NotifyFormat.HTML
    is_short = len(message.text) > plugin.body_maxlen
    return message.text.splitlines()[0] if is_short else message.text, NotifyFormat.TEXT


def _type(alert: Alert) -> NotifyType:
    if alert.rule == TEST:
        return NotifyType.INFO
    return NotifyType.SUCCESS if alert.is_over else _TYPES[alert.severity]


def _causes(exceptions: Iterator[str]) -> Iterator[str]:
    """Find what an exception says in plain words: those of requests hold the URL."""
    for each in exceptions:
        if refusal := _REFUSAL.search(each):
            yield f"{refusal[1]} {refusal[2]}"
        elif cause := _CAUSE.search(each):
            yield cause[0]
        else:
            yield _URL_IN_IT.sub("", each.removeprefix(_EXCEPTION))
        return
