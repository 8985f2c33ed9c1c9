"""An alert as the incident would have made it, for tests of what becomes of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from keepahead.work.alerts.alert import Alert, Balance, Picture, Severity, Spender

AT = datetime(2026, 11, 26, 15, 45, 12, tzinfo=UTC)
_BALANCES = [220] * 20 + [225] * 15 + [170] * 10 + [120] * 10 + [60] * 4 + [30, 18]


def picture(**changes: Any) -> Picture:
    """Return how the account stood: 18 of 1,200 tokens, and going down."""
    told: dict[str, Any] = {
        "balance": 18,
        "free": 8,
        "floor": 10,
        "capacity": 1200,
        "refill_rate_per_minute": 20,
        "next_refill_at": AT + timedelta(seconds=40),
        "full_at": AT + timedelta(minutes=59),
        "pace_per_minute": 36.0,
        "floor_at": AT + timedelta(minutes=5),
        "waiting": 3,
        "trend": tuple(Balance(AT - timedelta(minutes=60 - minute), tokens) for minute, tokens in enumerate(_BALANCES)),
        "spenders": (
            Spender("discovery", "query", 212),
            Spender("nightly", "bestsellers", 150),
            Spender("", "", 40),
        ),
    }
    return Picture(**{**told, **changes})


def alert(**changes: Any) -> Alert:
    """Return an alert that has just fired: critical."""
    told: dict[str, Any] = {
        "rule": "critical",
        "subject": "",
        "severity": Severity.CRITICAL,
        "is_over": False,
        "began_at": AT,
        "at": AT,
        "headline": "18 tokens are left; critical is below 20",
        "advice": (
            "Forbid what is dear until the balance is back: keepahead freeze add --above 10 --until-balance 100",
            "Limit who spends most: keepahead callers limit discovery --per-hour 100",
        ),
        "picture": picture(),
    }
    return Alert(**{**told, **changes})
