"""A freeze in words: what it forbids, when it ends, what refused callers are told, and what speaks against it."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from keepahead.budget.meter import Meter
from keepahead.budget.rule import Freeze
from keepahead.faces.ledger_documents import seconds_to
from keepahead.faces.words import span, tokens

LONGEST_WORDS = 500
"""So many characters may say why."""


def forbidden(freeze: Freeze) -> str:
    """Return what it forbids: product calls above 10 tokens of nightly."""
    return f"{' and '.join(freeze.endpoints) or 'all'} calls{_narrowed(freeze)}"


def words_of(freeze: Freeze) -> str:
    """Return the rule as refused callers read it: no call above 10 tokens until 2025-11-03 14:38 UTC."""
    kind = f"{' or '.join(freeze.endpoints)} call" if freeze.endpoints else "call"
    until = f"{freeze.until:%Y-%m-%d %H:%M} UTC" if freeze.until else ""
    balance = "" if freeze.until_balance is None else f"{tokens(freeze.until_balance)} are there"
    return f"no {kind}{_narrowed(freeze)} until {' or '.join(filter(None, (until, balance))) or 'this is removed'}"


def ends(freeze: Freeze, now: datetime) -> str:
    """Return when it ends, in local time."""
    found: list[str] = []
    if freeze.until is not None:
        found.append(f"{freeze.until.astimezone():%Y-%m-%d %H:%M} (in {span(seconds_to(freeze.until, now))})")
    if freeze.until_balance is not None:
        found.append(f"at a balance of {freeze.until_balance:,}")
    return " or ".join(found) or "when removed"


def over_at_once(freeze: Freeze, meter: Meter | None) -> str | None:
    """Return what is wrong with a freeze that the balance would end as soon as it is made."""
    balance = meter.balance_at(freeze.made_at) if meter else None
    if freeze.until_balance is None or balance is None or not freeze.is_over(balance, freeze.made_at):
        return None
    return f"the balance is {balance:,} already: the freeze would end at once"


def endless(freeze: Freeze, meter: Meter | None) -> str | None:
    """Return the warning for a freeze that waits for more tokens than there can be."""
    if freeze.until_balance is None or meter is None or freeze.until or freeze.until_balance <= meter.capacity:
        return None
    return f"the bucket holds no more than {meter.capacity:,} tokens, so only removing it ends this freeze"


def freeze_json(freeze: Freeze, now: datetime) -> dict[str, Any]:
    """Return a freeze for a JSON document."""
    return {**asdict(freeze), "ends_in_seconds": seconds_to(freeze.until, now)}


def _narrowed(freeze: Freeze) -> str:
    above = f" above {tokens(freeze.above)}" if freeze.above else ""
    lane = f" in the {freeze.lane} lane" if freeze.lane else ""
    return f"{above}{lane}{f' by {freeze.caller}' if freeze.caller else ''}"
