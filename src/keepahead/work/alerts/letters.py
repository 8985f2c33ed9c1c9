"""Alerts as the outbox keeps them: one letter for each channel, with the whole alert in it."""

from collections.abc import Sequence

import msgspec

from keepahead.store.outbox import Letter
from keepahead.work.alerts.alert import Alert


def letters_of(alert: Alert, channels: Sequence[str]) -> Sequence[Letter]:
    """Return a letter for each of the channels: one that cannot be reached holds no other up."""
    written = msgspec.json.encode(alert).decode()
    return [
        Letter(
            channel=channel,
            rule=alert.rule,
            subject=alert.subject,
            is_over=alert.is_over,
            headline=alert.headline,
            alert=written,
        )
        for channel in channels
    ]


def alert_of(letter: Letter) -> Alert:
    """Return the alert that a letter tells of. Raises msgspec.ValidationError for one of another version."""
    return msgspec.json.decode(letter.alert, type=Alert)
