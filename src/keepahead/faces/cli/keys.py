"""`keepahead keys`: who may use the gateway, for what, and how much."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from typing import Annotated, Any

import typer

from keepahead.budget.rule import Limit
from keepahead.budget.scope import Scope
from keepahead.clock import SystemClock
from keepahead.faces.caller_limits import enforce, limit_of
from keepahead.faces.cli import options
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.results import Cell, Column, put_json, put_table, put_text
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import count_or_none
from keepahead.faces.key_words import REQUESTS_MOST, key_words
from keepahead.keepa.filters import nearest_name
from keepahead.store.database import Database
from keepahead.store.keyring import GatewayKey, Keyring
from keepahead.store.rulebook import Rulebook

Name = Annotated[
    str,
    typer.Argument(callback=options.caller_name, help="The caller that the ledger charges for what the key spends."),
]

ScopeOption = typer.Option("--scope", help="read: see; spend: spend tokens too; admin: change rules and keys too.")

LaneOption = typer.Option("--lane", help="live: may spend in both lanes; jobs: in the background only.")

PerHour = Annotated[
    str | None, typer.Option("--tokens-per-hour", help="The caller's tokens in each full hour (UTC); none: no limit.")
]

PerDay = Annotated[
    str | None, typer.Option("--tokens-per-day", help="The caller's tokens in each full day (UTC); none: no limit.")
]

PerMinute = Annotated[
    str | None, typer.Option("--requests-per-minute", help="Requests to each gateway in a minute; none: no limit.")
]


def keys(
    *,
    revoked: Annotated[bool, typer.Option("--revoked", help="Show revoked keys too.")] = False,
    json: options.Json = False,
) -> None:
    """Show the keys of the gateway: whose they are, what for, how much, when made and last used. Sends nothing."""
    with _opened() as (keyring, rulebook):
        found = keyring.listed(include_revoked=revoked)
        limits = {each.name: each.limit for each in rulebook.callers(SystemClock().now()) if each.limit}
    if json:
        put_json({"keys": [_document(key, limits.get(key.name)) for key in found]})
        return
    numbers = ("per hour", "per day", "requests/min")
    columns = [
        *map(Column, ("name", "id", "scope", "lane")),
        *(Column(name, right=True) for name in numbers),
        *map(Column, ("made", "last used")),
        *([Column("revoked")] if revoked else ()),
    ]
    put_table(columns, [_row(key, limits, revoked=revoked) for key in found])
    if not found:
        say("there is no key; keepahead keys create NAME makes one")


def create(
    *,
    name: Name,
    scope: Annotated[Scope, ScopeOption] = Scope.SPEND,
    lane: Annotated[options.LaneName, LaneOption] = "live",
    tokens_per_hour: PerHour = None,
    tokens_per_day: PerDay = None,
    requests_per_minute: PerMinute = None,
    json: options.Json = False,
) -> None:
    """Make a key and show it, this once: only a hash of it is kept. Limits that the caller has already stay."""
    per_minute = _per_minute(requests_per_minute)
    now = SystemClock().now()
    with _opened() as (keyring, rulebook):
        if _key_of(keyring, name):
            raise _taken(name)
        limit = _limited(rulebook, name, tokens_per_hour, tokens_per_day)  # first: no key is without its limits
        created = keyring.create(name, scope, lane, per_minute, now)
    if created is None:
        raise _taken(name)
    key, text = created
    if json:
        put_json({"created": _document(key, limit), "key": text})
    else:
        put_text(text)
        say(key_words(key, limit))
    say("the key is not shown again: keep it now. Programs send it where they would send a Keepa key")


def limit(
    *,
    name: Name,
    scope: Annotated[Scope | None, ScopeOption] = None,
    lane: Annotated[options.LaneName | None, LaneOption] = None,
    tokens_per_hour: PerHour = None,
    tokens_per_day: PerDay = None,
    requests_per_minute: PerMinute = None,
    json: options.Json = False,
) -> None:
    """Change what a key is good for; what is not given stays. Every gateway follows within two seconds."""
    if all(each is None for each in (scope, lane, tokens_per_hour, tokens_per_day, requests_per_minute)):
        raise typer.BadParameter("what is to change? Give at least one option", param_hint="'NAME'")
    per_minute = _per_minute(requests_per_minute)
    with _opened() as (keyring, rulebook):
        key = _key_of(keyring, name)
        if key is None:
            raise _unknown(keyring, name)
        key = replace(key, scope=scope or key.scope, lane=lane or key.lane)
        if requests_per_minute is not None:
            key = replace(key, requests_per_minute=per_minute)
        of_caller = _limited(rulebook, name, tokens_per_hour, tokens_per_day)
        if not keyring.change(key):
            raise _unknown(keyring, name)
    if json:
        put_json({"changed": _document(key, of_caller)})
    else:
        put_text(key_words(key, of_caller))


def revoke(
    *,
    name: Annotated[str, typer.Argument(callback=options.caller_name, help="The caller, or the id of the key.")],
    json: options.Json = False,
) -> None:
    """Let a key open nothing any more, for good: every gateway refuses it within two seconds."""
    with _opened() as (keyring, _):
        if not keyring.revoke(name, SystemClock().now()):
            raise _unknown(keyring, name)
    if json:
        put_json({"revoked": name})
    else:
        put_text(f"the key of {name} opens nothing any more")


VERBS = (create, limit, revoke)


@contextmanager
def _opened() -> Generator[tuple[Keyring, Rulebook]]:
    def both(database: Database, fingerprint: str) -> tuple[Keyring, Rulebook]:
        return Keyring(database, fingerprint), Rulebook(database, fingerprint)

    with opened(both) as books:
        yield books


def _key_of(keyring: Keyring, name: str) -> GatewayKey | None:
    return next((key for key in keyring.listed() if key.name == name), None)


def _limited(rulebook: Rulebook, name: str, per_hour: str | None, per_day: str | None) -> Limit:
    """Change the limit of the caller where anything of it is given; return it."""
    have = limit_of(rulebook, name, SystemClock().now()) or Limit(caller=name)
    wanted = Limit(
        caller=name,
        tokens_per_hour=have.tokens_per_hour if per_hour is None else count_or_none(per_hour, "--tokens-per-hour"),
        tokens_per_day=have.tokens_per_day if per_day is None else count_or_none(per_day, "--tokens-per-day"),
    )
    if wanted != have:
        enforce(rulebook, wanted)
    return wanted


def _per_minute(text: str | None) -> int | None:
    if text is None or text == "none":
        return None
    if text.isdecimal() and text.isascii() and len(text) < 10 and 1 <= int(text) <= REQUESTS_MOST:
        return int(text)
    raise typer.BadParameter(
        f"{text!r} is no number of requests; write 60 or none", param_hint="'--requests-per-minute'"
    )


def _taken(name: str) -> typer.BadParameter:
    advice = f"keepahead keys limit {name} changes it, keepahead keys revoke {name} takes it back"
    return typer.BadParameter(f"{name} has a key already; {advice}", param_hint="'NAME'")


def _unknown(keyring: Keyring, name: str) -> typer.BadParameter:
    nearest = nearest_name(name, tuple(key.name for key in keyring.listed()))
    advice = f"did you mean {nearest}?" if nearest else "keepahead keys shows which there are"
    return typer.BadParameter(f"{name} has no key; {advice}", param_hint="'NAME'")


def _row(key: GatewayKey, limits: Mapping[str, Limit | None], *, revoked: bool) -> tuple[Cell, ...]:
    limit = limits.get(key.name)
    hour, day = (limit.tokens_per_hour, limit.tokens_per_day) if limit else (None, None)
    row = (key.name, key.key_id, key.scope, key.lane, hour, day, key.requests_per_minute)
    moments = (key.made_at, key.used_at, *((key.revoked_at,) if revoked else ()))
    return (*row, *map(_local, moments))


def _local(moment: datetime | None) -> str | None:
    return None if moment is None else f"{moment.astimezone():%Y-%m-%d %H:%M}"


def _document(key: GatewayKey, limit: Limit | None) -> dict[str, Any]:
    hour, day = (limit.tokens_per_hour, limit.tokens_per_day) if limit else (None, None)
    return {**asdict(key), "tokens_per_hour": hour, "tokens_per_day": day}
