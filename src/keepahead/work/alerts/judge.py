"""Decides what fires, what is over, and what of it is told. Pure: the same facts and states give the same judgement."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.store.alarms import Alarm, AlarmKey, Silence
from keepahead.work.alerts.facts import Facts
from keepahead.work.alerts.rule import Finding, Rule, Sight
from keepahead.work.alerts.rules import BROKEN


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be told of an alarm, in the state that it has got to."""

    rule: Rule
    alarm: Alarm


@dataclass(frozen=True, slots=True)
class Judgement:
    """Alarms whose state is new, those of them that are to be told, and the rules that failed with their reasons."""

    alarms: Sequence[Alarm]
    told: Sequence[Told]
    broken: Mapping[str, str]


def judge(
    rules: Sequence[Rule], facts: Facts, states: Mapping[AlarmKey, Alarm], silences: Sequence[Silence], now: datetime
) -> Judgement:
    """Judge all rules that are on. The states of others are left alone: another gateway may have them on."""
    broken: dict[str, str] = {}
    found = [(rule, _look(rule, facts, now, broken)) for rule in rules if rule.is_on and rule.name != BROKEN]
    found += [(rule, _sight_of(broken, facts)) for rule in rules if rule.is_on and rule.name == BROKEN]
    alarms: list[Alarm] = []
    told: list[Told] = []
    for rule, sight in ((rule, sight) for rule, sight in found if sight is not None):
        for finding in _with_the_gone(rule, sight.findings, states):
            key = AlarmKey(rule.name, finding.subject)
            before = states.get(key)
            if before is not None and _is_older(sight.as_of, before, now):
                continue
            after = _after(rule, finding, before, now)
            if after is None:
                continue
            if after.is_firing and _may_tell(rule, after, silences, now):
                after = replace(after, is_told=True, told_at=now, headline=finding.headline)
                told.append(Told(rule, after))
            elif not after.is_firing and before is not None and before.is_told:
                told.append(Told(rule, after))
            if after != before:
                alarms.append(after)
    return Judgement(alarms, told, broken)


def _look(rule: Rule, facts: Facts, now: datetime, broken: dict[str, str]) -> Sight | None:
    try:
        return rule.look(rule, facts, now)
    except Exception as error:  # noqa: BLE001 - whatever it is, the other rules go on
        broken[rule.name] = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return None


def _sight_of(broken: Mapping[str, str], facts: Facts) -> Sight:
    findings = [
        Finding(subject=name, is_bad=True, is_over=False, headline=f"The rule {name} fails ({why}) and watches nothing")
        for name, why in broken.items()
    ]
    return Sight(facts.at, findings)


def _with_the_gone(rule: Rule, findings: Sequence[Finding], states: Mapping[AlarmKey, Alarm]) -> Iterator[Finding]:
    """Yield what was found, and that it is over for every subject that fires and of which nothing is said any more."""
    yield from findings
    seen = {finding.subject for finding in findings}
    for key, alarm in states.items():
        if key.rule == rule.name and alarm.is_firing and key.subject not in seen:
            gone = f"{key.subject} is fine again" if key.subject else "It is over"
            yield Finding(subject=key.subject, is_bad=False, is_over=True, headline=gone)


def _is_older(as_of: datetime, alarm: Alarm, now: datetime) -> bool:
    """Tell whether what was found rests on what was read before the alarm got to its state, by another gateway perhaps.

    Else one that has not yet read of a charge would say that it is over what has just begun. An alarm that changed at
    what is not yet did so before a clock was put back.
    """
    return as_of < alarm.changed_at <= now + CLOCKS_AGREE


def _after(rule: Rule, finding: Finding, before: Alarm | None, now: datetime) -> Alarm | None:
    """Return the state that follows; None where nothing fires and nothing did."""
    if before is not None and before.is_firing:
        if not finding.is_over:
            return before
        return replace(before, is_firing=False, is_told=False, changed_at=now, headline=finding.headline)
    if not finding.is_bad:
        return None
    return Alarm(
        rule=rule.name,
        subject=finding.subject,
        severity=rule.severity,
        is_firing=True,
        is_told=False,
        began_at=now,
        changed_at=now,
        told_at=before.told_at if before else None,
        headline=finding.headline,
    )


def _may_tell(rule: Rule, alarm: Alarm, silences: Sequence[Silence], now: datetime) -> bool:
    """Tell whether people are to be told that it fires: once, not too soon after the last time, and not in a silence.

    What fires on when the cool-down or the silence ends is told then. A last time that is not yet is from before a
    clock was put back, and holds nothing up.
    """
    if alarm.is_told or any(silence.is_in_force(now) and silence.covers(alarm.key) for silence in silences):
        return False
    return alarm.told_at is None or not -CLOCKS_AGREE < now - alarm.told_at < rule.cool_down
