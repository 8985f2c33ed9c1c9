"""`keepahead status`: the account as it stands."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from rich.text import Text

from keepahead.budget.rule import Freeze
from keepahead.budget.status import Status
from keepahead.clock import SystemClock
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.caller_words import spent_of_limit
from keepahead.faces.cli.options import Json, Lane, LaneName
from keepahead.faces.cli.results import Cell, put_facts, put_json
from keepahead.faces.freeze_words import ends, freeze_json
from keepahead.faces.ledger_documents import account_json, caller_json, seconds_to
from keepahead.faces.settings import Settings, read_settings
from keepahead.faces.wiring import AsyncKeepa
from keepahead.faces.words import span, tokens
from keepahead.store.rulebook import Caller, Rulebook


def status(*, lane: Lane = "live", json: Json = False) -> None:
    """Show the tokens: balance, rate, next refill, spent today, limits of callers, freezes in force.

    Asks Keepa's free /token only if nothing is known yet.
    """
    settings = read_settings()
    with opened(Rulebook) as rulebook:
        found = asyncio.run(_status(lane, settings.caller or "keepahead"))
        now = SystemClock().now()
        freezes, limited = rulebook.freezes(now), [each for each in rulebook.callers(now) if each.limit]
    if json:
        frozen, limits = [freeze_json(each, now) for each in freezes], [caller_json(each) for each in limited]
        put_json({"account": account_json(found, now), "limits": limits, "freezes": frozen})
    else:
        put_facts([*_facts(found, settings, now), *_limited(limited), *_frozen(freezes, now)])


async def _status(lane: LaneName, caller: str) -> Status:
    async with AsyncKeepa(lane=lane, caller=caller) as keepa:
        return await keepa.status()


def _facts(found: Status, settings: Settings, now: datetime) -> list[tuple[str, Cell]]:
    rate = f"{found.refill_rate_per_minute} a minute"
    if found.flow_reduction_per_minute:
        rate += f", {found.flow_reduction_per_minute} of them go to trackings"
    others = f"{tokens(found.external_today)} today, on this key"
    return [
        ("balance", _coloured(found.balance, settings)),
        ("free", _coloured(found.free, settings)),
        ("capacity", found.capacity),
        ("rate", rate),
        ("next refill", f"in {span(seconds_to(found.next_refill_at, now))}" if found.next_refill_at else "none"),
        ("full", _when_full(found, seconds_to(found.full_at, now))),
        ("reserved", found.reserved),
        ("unknown", found.unknown),
        ("waiting", f"{found.waiting} call{'' if found.waiting == 1 else 's'}"),
        ("spent today", found.spent_today),
        ("saved today", f"{tokens(found.saved_today)}, by the archive"),
        *((("somebody else", others),) if found.external_today else ()),
        ("floor", found.floor),
    ]


def _limited(limited: Sequence[Caller]) -> list[tuple[str, Cell]]:
    return [(f"limit of {each.name}", spent_of_limit(each)) for each in limited]


def _frozen(freezes: Sequence[Freeze], now: datetime) -> list[tuple[str, Cell]]:
    return [(f"freeze {each.freeze_id}", f"{each.words} (ends {ends(each, now)})") for each in freezes]


def _when_full(found: Status, seconds: float | None) -> str:
    if found.balance >= found.capacity:
        return "now"
    return "never" if seconds is None else f"in {span(seconds)}"


def _coloured(count: int, settings: Settings) -> Text:
    """Colour a number of tokens by the marks of the settings."""
    if count < settings.critical:
        return Text(f"{count:,} (critical)", style="bold red")
    return Text(f"{count:,} (low)", style="yellow") if count < settings.low else Text(f"{count:,}", style="green")
