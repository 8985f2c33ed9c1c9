"""How rules, alarms, silences and deliveries stand, in words: pure, from what is in the ledger."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from keepahead.faces.alert_documents import Standing
from keepahead.faces.dashboard.moments import away, moment
from keepahead.store.alarms import Alarm, Silence
from keepahead.store.outbox import Delivery
from keepahead.work.alerts.rule import Rule


@dataclass(frozen=True, slots=True)
class Saying:
    """How something stands, in words that change as time goes by; to be taken as good, warn, bad or soft."""

    mood: str
    say: Callable[[datetime], str]


def state_of_rule(rule: Rule, standing: Standing) -> Saying:
    """Return how a rule stands."""
    alarms = standing.alarms_of(rule)
    until = standing.silenced_until(rule)
    firing = [alarm for alarm in alarms if alarm.is_firing]
    if firing:
        first, count = min(alarm.began_at for alarm in firing), len(firing)
        times = f" for {count}" if count > 1 else ""
        return Saying(mood_of(firing[0]), lambda now: f"fires{times} since {moment(first, now)}{_silent(until, now)}")
    if not rule.is_on:
        return Saying("soft", lambda _: "off")
    last = max((alarm.changed_at for alarm in alarms), default=None)

    def quiet(now: datetime) -> str:
        return f"quiet{'' if last is None else f' since {moment(last, now)}'}{_silent(until, now)}"

    return Saying("good" if until is None else "soft", quiet)


def mood_of(alarm: Alarm) -> str:
    """Return how an alarm is to be taken."""
    return "bad" if alarm.severity == "critical" else "warn"


def name_of(rule: str, subject: str) -> str:
    """Return what an alarm is called: caller_limit (nightly)."""
    return f"{rule} ({subject})" if subject else rule


def silenced(silence: Silence) -> str:
    """Return what a silence is about."""
    subject = f", only for {silence.subject}" if silence.subject else ""
    return f"{silence.rule or 'every rule'}{subject}"


def state_of_delivery(delivery: Delivery) -> Saying:
    """Return how it went with a letter."""
    why = f": {delivery.failure}" if delivery.failure else ""
    times = f" at attempt {delivery.attempts}" if delivery.attempts > 1 else ""
    if (delivered_at := delivery.delivered_at) is not None:
        return Saying("good", lambda now: f"delivered{times} {moment(delivered_at, now)}")
    if (given_up_at := delivery.given_up_at) is not None:
        return Saying("bad", lambda now: f"given up {moment(given_up_at, now)}{why}")
    if delivery.failure is None:
        return Saying("soft", lambda _: "on its way")
    return Saying("warn", lambda now: f"failed{times}, again {_again(delivery.due_at, now)}{why}")


def _again(due_at: datetime, now: datetime) -> str:
    return moment(due_at, now) if due_at > now else "in a moment"


def _silent(until: datetime | None, now: datetime) -> str:
    return "" if until is None else f"; silenced, ends {away(until, now)}"
