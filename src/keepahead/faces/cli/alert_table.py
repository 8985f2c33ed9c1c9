"""The alerts as tables: rules and how they stand, silences, deliveries."""

from collections.abc import Iterator
from datetime import datetime

from keepahead.faces.alert_documents import Standing, delivery_state
from keepahead.faces.cli.results import Cell, Column, put_table, put_text
from keepahead.faces.ledger_documents import seconds_to
from keepahead.faces.words import span
from keepahead.store.alarms import Silence
from keepahead.store.outbox import Delivery
from keepahead.work.alerts.rule import Rule

_RULES = ("rule", "state", "since", "severity", "for")


def put_standing(standing: Standing, now: datetime) -> None:
    """Write all of it."""
    put_table([*map(Column, _RULES), Column("what", flexible=True)], list(_rule_rows(standing)))
    if standing.silences:
        put_text("")
        columns = [Column("silence", right=True), *map(Column, ("of", "ends")), Column("words", flexible=True)]
        put_table(columns, [_silence_row(each, now) for each in standing.silences])
    put_text("")
    if standing.deliveries:
        columns = [*map(Column, ("told", "rule", "to", "state")), Column("what, or why not", flexible=True)]
        put_table(columns, [_delivery_row(each, now) for each in standing.deliveries])
    else:
        put_text("nobody has been told anything yet; keepahead alerts test sends a test message to every address")


def rules_in(silence: Silence) -> str:
    """Return what a silence is about, in words."""
    rules = silence.rule or "any rule"
    return f"{rules} for {silence.subject}" if silence.subject else rules


def _rule_rows(standing: Standing) -> Iterator[tuple[Cell, ...]]:
    for rule in standing.rules:
        firing = [alarm for alarm in standing.alarms_of(rule) if alarm.is_firing]
        state = standing.state_of(rule)
        if standing.silenced_until(rule) is not None and rule.is_on:
            state = f"{state}, silenced"
        if not firing or not rule.is_on:
            yield rule.name, state, None, rule.severity.value, None, _limits(rule)
            continue
        for alarm in firing:
            yield rule.name, state, _local(alarm.began_at), alarm.severity, alarm.subject or None, alarm.headline


def _limits(rule: Rule) -> str:
    if rule.unit == "things":
        return "fires for any"
    return f"fires at {_amount(rule.threshold, rule.unit)}, over at {_amount(rule.over, rule.over_unit)}"


def _amount(number: float, unit: str) -> str:
    return f"{number:g} {unit.removesuffix('s') if number == 1 else unit}"


def _silence_row(silence: Silence, now: datetime) -> tuple[Cell, ...]:
    ends = f"{_local(silence.until)} (in {span(seconds_to(silence.until, now))})"
    return silence.silence_id, rules_in(silence), ends, silence.words


def _delivery_row(delivery: Delivery, now: datetime) -> tuple[Cell, ...]:
    state = delivery_state(delivery).replace("_", " ")
    if state == "waiting" and delivery.failure:
        state = f"again in {span(seconds_to(delivery.due_at, now))}"
    over = " is over" if delivery.is_over else ""
    told = delivery.failure or delivery.headline
    return _local(delivery.made_at), f"{delivery.rule}{over}", delivery.channel, state, told


def _local(at: datetime) -> str:
    return f"{at.astimezone():%Y-%m-%d %H:%M}"
