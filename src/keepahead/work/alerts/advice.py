"""What to do when a rule fires: short sentences, with commands that can be copied."""

import shlex

from keepahead.work.alerts.alert import Picture
from keepahead.work.alerts.rules import BROKEN

_FREEZE_ALL = "Stop all that costs tokens until there are 100: keepahead freeze add --until-balance 100"
_FREEZE_JOBS = "Stop background work for an hour: keepahead freeze add --lane jobs --until 1h"
_PACE = "Lower the pace: KEEPAHEAD_PACE is how many calls a minute a gateway sends"


def advice_of(rule: str, subject: str, picture: Picture) -> tuple[str, ...]:
    """Return what may help, the quickest first."""
    match rule:
        case "low":
            return (*_limit_dearest(picture), _FREEZE_JOBS, _plan(picture))
        case "critical" | "negative":
            return (_FREEZE_ALL, *_limit_dearest(picture), _plan(picture))
        case "floor_ahead":
            return (*_limit_dearest(picture), _FREEZE_JOBS, _PACE)
        case "caller_limit":
            name = shlex.quote(subject)
            return (
                f"See what it calls: keepahead ledger --caller {name} --by endpoint",
                f"Give it more: keepahead callers limit {name} --per-hour 500",
                "Hours and days begin in UTC; until the next one it is refused",
            )
        case "external":
            return (
                "Find the program that uses the key on its own, and have it use the gateway",
                "See when it was: keepahead ledger --kind observed",
                "If nobody knows of it, get another key from Keepa",
            )
        case "overage":
            return (
                "See which calls: keepahead ledger --kind settled",
                "The account has counted all of it; if it goes on, report it with the version of keepahead",
            )
        case "rate_changed":
            return (
                "Compare it with your plan at Keepa; trackings take tokens off it",
                "See what there is now: keepahead status",
            )
        case "keepa_errors":
            return (
                "Check the way to Keepa: keepahead doctor",
                "See what was lost, which counts as charged until a meter says otherwise: keepahead ledger --kind lost",
            )
        case "drift":
            return (
                "See all that differs: keepahead ledger verify",
                "Keep a copy of the ledger and report it: the balance shown may be wrong",
            )
        case "archive_size":
            return (
                "Drop what is old: keepahead archive prune --older-than 30d",
                "Or allow more: KEEPAHEAD_ARCHIVE_MEGABYTES",
            )
        case name if name == BROKEN:
            return (
                "Report it with the line in the gateway's log",
                f"Turn it off meanwhile: [alerts.{subject}] on = false",
            )
        case _:
            return ()


def _limit_dearest(picture: Picture) -> tuple[str, ...]:
    """Say how to slow down who spent most: to half of what that was."""
    dearest = next((spender for spender in picture.spenders if spender.caller), None)
    if dearest is None:
        return ()
    half = max(1, dearest.tokens // 2)
    return (f"Limit who spends most: keepahead callers limit {shlex.quote(dearest.caller)} --per-hour {half}",)


def _plan(picture: Picture) -> str:
    return f"If this happens often the plan is too small: it gives {picture.refill_rate_per_minute} tokens a minute"
