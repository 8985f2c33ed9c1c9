"""What each rule looks for, and in which words it tells of it. Pure."""

from dataclasses import replace
from datetime import datetime, timedelta

from keepahead.keepa.costs import counted
from keepahead.work.alerts.facts import Allowance, Facts
from keepahead.work.alerts.history import REMEMBERED, Seen
from keepahead.work.alerts.rule import Finding, Rule, Sight

CALLS_LEAST = 20
"""Of fewer calls no share is told: one of three that fails is no third."""

LUMPS_ABOVE = 2
"""At the floor, spending goes at the pace of the refill, and no pace leads there: that is over with so many lumps."""

_MINUTE = timedelta(minutes=1)
_MEGABYTE = 1_000_000


def balance_below(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for a balance below the threshold; it is over with as many tokens as `over`, or a full bucket."""
    _ = now
    if facts.balance is None:
        return None
    left = f"{counted(facts.balance, 'token')} {_are(facts.balance)} left"
    is_bad = facts.balance < rule.threshold
    enough = max(rule.threshold, min(rule.over, facts.capacity))
    is_over = facts.balance >= enough
    told = f"{left}; {rule.name} is below {rule.threshold:g}" if not is_over else f"{left} again"
    return Sight(facts.at, [Finding(is_bad=is_bad, is_over=is_over, headline=told)])


def balance_negative(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for a balance below zero."""
    sight = balance_below(rule, facts, now)
    if sight is None or sight.findings[0].is_over:
        return sight
    told = f"The balance is {counted(facts.balance or 0, 'token')}; Keepa refuses every call until it is above 0"
    return replace(sight, findings=[replace(sight.findings[0], headline=told)])


def floor_near(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look whether the present pace leads to the floor within `threshold` minutes; over: not within `over` minutes."""
    if facts.balance is None:
        return None
    minutes = None if facts.floor_at is None else (facts.floor_at - now) / _MINUTE
    room = min(LUMPS_ABOVE * facts.net_rate_per_minute, facts.capacity - facts.floor)
    is_clear = facts.balance - facts.floor >= room
    is_bad = minutes is not None and minutes <= rule.threshold
    is_over = not is_bad and (minutes is None or minutes > rule.over) and is_clear
    pace = f"{facts.pace.per_minute:.1f}".removesuffix(".0")
    left = f"{counted(facts.balance, 'token')} {_are(facts.balance)} left"
    if is_over:
        told = f"The floor of {facts.floor} is no longer near: {left}"
    elif minutes is None or minutes < 1:
        told = f"At {pace} tokens a minute the floor of {facts.floor} is reached just now; {left}"
    else:
        told = f"At {pace} tokens a minute the floor of {facts.floor} is reached in {_minutes(minutes)}; {left}"
    return Sight(facts.at, [Finding(is_bad=is_bad, is_over=is_over, headline=told)])


def limit_reached(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for callers that have spent their limit, or were refused for it."""
    _ = now
    if facts.allowances is None:
        return None
    return Sight(facts.allowances.at, [_of_allowance(rule, each) for each in facts.allowances.each])


def external_spending(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for what somebody else spends on the same key."""
    seen = facts.external
    told = f"Somebody else spent {counted(seen.tokens, 'token')} with the same key in the last hour"
    return _of_event(rule, facts, seen, now, told=told, over="Nobody else has spent with the same key")


def cost_outside(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for calls that cost more than they could."""
    seen = facts.overage
    told = (
        f"{counted(seen.times, 'call')} cost more than {_are(seen.times, 'it', 'they')} could, "
        f"{counted(seen.tokens, 'token')} in the last hour; the last was of {seen.last}"
    )
    return _of_event(rule, facts, seen, now, told=told, over="No call has cost more than it could")


def rate_change(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for a refill that is another than before."""
    change = facts.rate_change
    seen = Seen() if change is None else Seen(1, abs(change.after - change.before), change.at)
    told = "" if change is None else f"{change.after} tokens a minute are refilled now; it was {change.before}"
    over = f"{facts.net_rate_per_minute} tokens a minute have been refilled"
    return _of_event(rule, facts, seen, now, told=told, over=over)


def keepa_failing(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look for a share of calls that Keepa does not answer or answers with a fault; over: a smaller share."""
    errors = facts.errors
    is_enough = errors.calls >= CALLS_LEAST
    is_bad = is_enough and errors.percent > rule.threshold
    is_known = is_enough or now - facts.since >= REMEMBERED
    is_over = is_known and not is_bad and (errors.failed == 0 or (is_enough and errors.percent <= rule.over))
    of = f"{errors.failed} of the last {counted(errors.calls, 'call')} failed"
    told = f"Keepa answers again: {of}" if is_over else f"{of}; the last: {errors.last}"
    return Sight(facts.at, [Finding(is_bad=is_bad, is_over=is_over, headline=told)])


def ledger_drift(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look whether the account says something else than its entries add up to."""
    _ = now
    if facts.inspection is None:
        return None
    found = facts.inspection
    if found.drifts < rule.threshold:
        told = "The account says what its entries add up to"
        return Sight(found.at, [Finding(is_bad=False, is_over=True, headline=told)])
    told = f"{counted(found.drifts, 'thing')} of the account {_are(found.drifts, 'differs', 'differ')} from its entries"
    return Sight(found.at, [Finding(is_bad=True, is_over=False, headline=f"{told}; the first: {found.first}")])


def archive_full(rule: Rule, facts: Facts, now: datetime) -> Sight | None:
    """Look whether the archive is larger than it may be."""
    _ = now
    if facts.fill is None:
        return None
    size, limit = facts.fill.size, facts.fill.limit
    told = f"The archive holds {size / _MEGABYTE:.0f} MB; it may hold {limit / _MEGABYTE:.0f} MB"
    is_bad = size * 100 > limit * rule.threshold
    is_over = size * 100 <= limit * rule.over
    return Sight(facts.fill.at, [Finding(is_bad=is_bad, is_over=is_over, headline=told)])


def _of_allowance(rule: Rule, allowance: Allowance) -> Finding:
    used = f"{allowance.caller} has spent {allowance.spent} of its {allowance.tokens} tokens"
    told = f"{used} of the {allowance.window}" + (" and was refused" if allowance.was_refused else "")
    is_bad = allowance.was_refused or (allowance.tokens > 0 and allowance.percent >= rule.threshold)
    is_over = not is_bad and allowance.percent < rule.over
    return Finding(subject=allowance.caller, is_bad=is_bad, is_over=is_over, headline=told)


def _of_event(rule: Rule, facts: Facts, seen: Seen, now: datetime, *, told: str, over: str) -> Sight:
    """Say of something that happens and does not last: it is over once it has not happened for `over` minutes."""
    quiet = rule.over * _MINUTE
    is_bad = seen.last_at is not None and seen.tokens >= rule.threshold and now - seen.last_at < quiet
    quiet_since = facts.since if seen.last_at is None else max(seen.last_at, facts.since)
    is_over = not is_bad and now - quiet_since >= quiet
    headline = f"{over} for {_minutes(rule.over)}" if is_over else told
    return Sight(facts.at, [Finding(is_bad=is_bad, is_over=is_over, headline=headline)])


def _are(number: int, one: str = "is", many: str = "are") -> str:
    return one if number == 1 else many


def _minutes(minutes: float) -> str:
    whole = round(minutes)
    return f"{counted(whole // 60, 'hour')}" if whole >= 120 and whole % 60 == 0 else counted(whole, "minute")
