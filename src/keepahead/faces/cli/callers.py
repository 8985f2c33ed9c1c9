"""`keepahead callers`: who spends how much, and how much each may."""

from typing import Annotated

import typer

from keepahead.budget.rule import Limit
from keepahead.clock import SystemClock
from keepahead.faces.caller_limits import enforce, limit_of, limit_words
from keepahead.faces.cli import options
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.results import Column, put_json, put_table, put_text
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import count_or_none
from keepahead.faces.ledger_documents import callers_json
from keepahead.keepa.filters import nearest_name
from keepahead.store.rulebook import Caller, Rulebook

Name = Annotated[str, typer.Argument(callback=options.caller_name, help="The caller, as the ledger names it.")]

PerHour = Annotated[
    str | None, typer.Option("--per-hour", help="Tokens in each full hour (UTC); none takes this limit away.")
]

PerDay = Annotated[
    str | None, typer.Option("--per-day", help="Tokens in each full day (UTC); none takes this limit away.")
]


def callers(*, json: options.Json = False) -> None:
    """Show who has a limit or has called today, and what was spent; hours and days are UTC. Sends nothing."""
    now = SystemClock().now()
    with opened(Rulebook) as rulebook:
        found = rulebook.callers(now)
    if json:
        put_json(callers_json(found, now))
        return
    numbers = ("this hour", "per hour", "today", "per day", "held")
    put_table([Column("caller"), *(Column(name, right=True) for name in numbers)], [_row(each) for each in found])
    if not found:
        say("nobody has called today, and nobody has a limit; keepahead callers add NAME --per-day 500 makes one")


def add(*, name: Name, per_hour: PerHour = None, per_day: PerDay = None, json: options.Json = False) -> None:
    """Give a limit to a caller that has none. Every process keeps it from its next call on."""
    with opened(Rulebook) as rulebook:
        if limit_of(rulebook, name, SystemClock().now()):
            hint = f"{name} has a limit already; keepahead callers limit {name} changes it"
            raise typer.BadParameter(hint, param_hint="'NAME'")
        _put(_set(rulebook, Limit(caller=name), per_hour, per_day), json=json)


def limit(*, name: Name, per_hour: PerHour = None, per_day: PerDay = None, json: options.Json = False) -> None:
    """Change the limit of a caller; what is not given stays as it is."""
    with opened(Rulebook) as rulebook:
        have = limit_of(rulebook, name, SystemClock().now()) or Limit(caller=name)
        _put(_set(rulebook, have, per_hour, per_day), json=json)


def remove(*, name: Name, json: options.Json = False) -> None:
    """Take the limit of a caller away; what it spent stays in the ledger."""
    with opened(Rulebook) as rulebook:
        if not rulebook.unlimit(name):
            limited = tuple(each.name for each in rulebook.callers(SystemClock().now()) if each.limit)
            raise typer.BadParameter(f"{name} has no limit{_advice(name, limited)}", param_hint="'NAME'")
    if json:
        put_json({"removed": name})
    else:
        put_text(f"{name} has no limit any more")


VERBS = (add, limit, remove)


def _set(rulebook: Rulebook, have: Limit, per_hour: str | None, per_day: str | None) -> Limit:
    """Put the limit in force; one that limits nothing is taken away."""
    if per_hour is None and per_day is None:
        raise typer.BadParameter("how many tokens? Give one of them, or both", param_hint="'--per-hour', '--per-day'")
    wanted = Limit(
        caller=have.caller,
        tokens_per_hour=have.tokens_per_hour if per_hour is None else count_or_none(per_hour, "--per-hour"),
        tokens_per_day=have.tokens_per_day if per_day is None else count_or_none(per_day, "--per-day"),
    )
    enforce(rulebook, wanted)
    return wanted


def _put(limit: Limit, *, json: bool) -> None:
    if json:
        put_json({"limit": limit})
        return
    put_text(limit_words(limit))


def _row(each: Caller) -> tuple[str, int, int | None, int, int | None, int]:
    hour, day = (each.limit.tokens_per_hour, each.limit.tokens_per_day) if each.limit else (None, None)
    return (each.name, each.spent_hour, hour, each.spent_day, day, each.held)


def _advice(name: str, limited: tuple[str, ...]) -> str:
    nearest = nearest_name(name, limited)
    return f"; did you mean {nearest}?" if nearest else "; keepahead callers shows who has one"
