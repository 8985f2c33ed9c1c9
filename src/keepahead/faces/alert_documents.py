"""What is told of the alerts as JSON: the same at the command line and in the gateway."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from keepahead.faces.ledger_documents import seconds_to
from keepahead.store.alarms import Alarm, Alarms, Silence
from keepahead.store.outbox import Delivery, Outbox
from keepahead.work.alerts.rule import Rule

DELIVERIES = 20
"""So many of the last deliveries are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How the alerts of an account stand."""

    rules: Sequence[Rule]
    alarms: Sequence[Alarm]
    silences: Sequence[Silence]
    deliveries: Sequence[Delivery]
    waiting: int

    @classmethod
    def read(cls, rules: Sequence[Rule], alarms: Alarms, outbox: Outbox, now: datetime) -> Self:
        """Read it from the ledger. Raises LedgerError."""
        return cls(
            rules=rules,
            alarms=alarms.states(),
            silences=alarms.silences(now),
            deliveries=outbox.recent(DELIVERIES),
            waiting=outbox.waiting(),
        )

    def state_of(self, rule: Rule) -> str:
        """Return off, firing or ok."""
        if not rule.is_on:
            return "off"
        return "firing" if any(alarm.is_firing for alarm in self.alarms_of(rule)) else "ok"

    def alarms_of(self, rule: Rule) -> Sequence[Alarm]:
        """Return how it stands with what the rule has fired for of late."""
        return [alarm for alarm in self.alarms if alarm.rule == rule.name]

    def silenced_until(self, rule: Rule) -> datetime | None:
        """Return until when nobody is told of the rule, whatever it fires for; None if people are."""
        ends = (each.until for each in self.silences if each.subject is None and each.rule in {None, rule.name})
        return max(ends, default=None)


def standing_json(standing: Standing, now: datetime) -> dict[str, Any]:
    """Return all of it for a JSON document."""
    return {
        "rules": [_rule_json(standing, rule) for rule in standing.rules],
        "silences": [silence_json(each, now) for each in standing.silences],
        "deliveries": [{"state": delivery_state(each), **asdict(each)} for each in standing.deliveries],
        "waiting": standing.waiting,
    }


def silence_json(silence: Silence, now: datetime) -> dict[str, Any]:
    """Return a silence for a JSON document."""
    return {**asdict(silence), "ends_in_seconds": seconds_to(silence.until, now)}


def delivery_state(delivery: Delivery) -> str:
    """Return delivered, given_up or waiting."""
    if delivery.delivered_at is not None:
        return "delivered"
    return "waiting" if delivery.given_up_at is None else "given_up"


def _rule_json(standing: Standing, rule: Rule) -> dict[str, Any]:
    return {
        "rule": rule.name,
        "state": standing.state_of(rule),
        "severity": rule.severity,
        "to": rule.to,
        "threshold": float(rule.threshold),
        "unit": rule.unit,
        "over": float(rule.over),
        "over_unit": rule.over_unit,
        "cool_down_seconds": rule.cool_down.total_seconds(),
        "silenced_until": standing.silenced_until(rule),
        "alarms": [asdict(alarm) for alarm in standing.alarms_of(rule)],
    }
