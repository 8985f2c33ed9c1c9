"""Sends a test message to every channel, to see which of them work."""

from collections.abc import Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from datetime import datetime

from keepahead.work.alerts.alert import Alert, Picture, Severity
from keepahead.work.alerts.channels import Channel
from keepahead.work.alerts.courier import SEND_SECONDS
from keepahead.work.alerts.message import TEST
from keepahead.work.alerts.threads import OwnThreads

_NO_PICTURE = Picture(
    balance=None,
    free=None,
    floor=0,
    capacity=0,
    refill_rate_per_minute=0,
    next_refill_at=None,
    full_at=None,
    pace_per_minute=0,
    floor_at=None,
    waiting=0,
)


@dataclass(frozen=True, slots=True)
class Trial:
    """How it went with one channel; `failure` is empty where the message was taken."""

    channel: str
    failure: str


def try_out(channels: Sequence[Channel], now: datetime, *, seconds: float = SEND_SECONDS) -> Sequence[Trial]:
    """Send a test message to all channels at once; return how it went with each. Blocks for at most so long."""
    alert = trial_alert(now)
    threads = OwnThreads()
    sent = {channel.name: threads.submit(channel.send, alert, now) for channel in channels}
    wait(sent.values(), timeout=seconds)
    trials: list[Trial] = []
    for name, future in sent.items():
        if not future.done():
            failure = f"no answer within {seconds:.0f} s"
        elif (error := future.exception()) is not None:
            failure = f"a fault of the channel: {type(error).__name__}"
        else:
            failure = future.result()
        trials.append(Trial(name, failure))
    return trials


def trial_alert(now: datetime) -> Alert:
    """Return what is sent: an alert of no rule."""
    return Alert(
        rule=TEST,
        subject="",
        severity=Severity.WARNING,
        is_over=False,
        began_at=now,
        at=now,
        headline="alerts of keepahead arrive here",
        advice=("Nothing: somebody wanted to know whether this arrives.",),
        picture=_NO_PICTURE,
    )
