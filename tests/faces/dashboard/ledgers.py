"""Ledgers with a past, filled as the ledger itself fills them, for pages that show it."""

import random
from datetime import UTC, datetime, timedelta

from tests.house import KEY

from keepahead.budget.ask import Ask
from keepahead.budget.entry import Label
from keepahead.budget.lane import LIVE
from keepahead.budget.meter import Meter
from keepahead.faces.wiring import fingerprint_of
from keepahead.store.alarms import Alarm, Alarms, Change
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger

CALLERS = {"repricer": 1, "reports": 10, "ann": 25}
"""Who spends, and about how many tokens at a time."""


def fill_past(database_url: str, upstream_url: str, since: datetime, until: datetime, *, calls: int) -> None:
    """Spend as three programs do between two moments, from a plan of 20 a minute; a call in thirty is refused."""
    database = open_database(database_url)
    ledger, dice = Ledger(database, fingerprint_of(upstream_url, KEY)), random.Random(4)
    now, left, apart = since, 1_000, (until - since) / calls
    for number in range(calls):
        now += apart * dice.choice((0.2, 0.6, 2.2))
        if now >= until:
            break
        left = min(1_200, left + int(20 * (apart / timedelta(minutes=1))))
        caller, usual = dice.choice(list(CALLERS.items()))
        tokens = min(left + 5, usual * dice.randrange(1, 5) * (8 if number % 40 > 30 else 1))
        label = Label(f"{since:%d%H%M}-{number}", "product", "live", caller)
        most = 5_000 if number % 30 == 29 else max(1, tokens)
        ask = Ask(label=label, lane=LIVE, shape="a test", tokens_max=most, items=1, opened_at=now)
        ledger.reserve(ask, now)
        left -= tokens
        ledger.settle(label.call_id, tokens, Meter(now, now, now, left, 20, 30_000), now)
    database.close()


def fire(database_url: str, upstream_url: str, headline: str, severity: str = "warning") -> None:
    """Have an alert fire."""
    database = open_database(database_url)
    now = datetime.now(UTC)
    alarm = Alarm(
        rule="low",
        subject=severity,
        severity=severity,
        is_firing=True,
        is_told=True,
        began_at=now,
        changed_at=now,
        told_at=now,
        headline=headline,
    )
    Alarms(database, fingerprint_of(upstream_url, KEY)).change(lambda _states, _silences: Change(alarms=[alarm]), now)
    database.close()
