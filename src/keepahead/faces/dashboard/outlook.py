"""The balance in words: what it was, and where it leads. What the chart shows to those who look, for those who read."""

from datetime import datetime

from keepahead.budget.account import Account
from keepahead.budget.forecast import floor_reached_at
from keepahead.budget.status import Status
from keepahead.faces.dashboard.balance_chart import Drawn
from keepahead.faces.words import span, tokens


def past_words(shown: Drawn, name: str) -> str:
    """Say what the balance was in the last hour, day or week."""
    if not shown.balance:
        return f"Nothing is known of the last {name}."
    low, high = (pick(balance for _, balance in shown.balance) for pick in (min, max))
    refused = int(sum(calls for *_, calls in shown.refused))
    were = "no call was refused" if not refused else f"{refused:,} call{' was' if refused == 1 else 's were'} refused"
    return f"In the last {name} the balance was between {low:,.0f} and {tokens(int(high))}, and {were}."


def outlook_words(account: Account, status: Status, now: datetime, *, pace: float) -> tuple[str, bool]:
    """Say when the floor is reached at the pace of the last five minutes, and whether that is a reason to worry."""
    if account.meter is None:
        return "Nothing is known of the account yet: see Now.", False
    rate = account.meter.net_rate_per_minute
    full = f"full {_when(status.full_at, now)}" if status.full_at else "never full"
    if not pace:
        return f"Nothing was spent in the last 5 minutes; if it stays so, the bucket is {full}.", False
    goes_on = f"At the pace of the last 5 minutes ({pace:,.1f} tokens a minute; {rate:,} come)"
    floor_at = floor_reached_at(account, status.floor, now, pace=pace)
    if floor_at is None:
        return f"{goes_on} the floor is not reached. If nothing more is sent, the bucket is {full}.", False
    if floor_at <= now:
        return f"The floor of {status.floor:,} is reached: nothing is spent until it refills.", True
    return f"{goes_on} the floor of {status.floor:,} is reached {_when(floor_at, now)}.", True


def _when(moment: datetime, now: datetime) -> str:
    seconds = (moment - now).total_seconds()
    day = "" if moment.date() == now.date() else f"{moment:%d %b} "
    return "now" if seconds <= 0 else f"in {span(seconds)} ({day}{moment:%H:%M} UTC)"
