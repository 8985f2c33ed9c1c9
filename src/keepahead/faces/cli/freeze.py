"""`keepahead freeze`: some calls forbidden for some time, for everybody who shares the ledger."""

from dataclasses import replace
from typing import Annotated

import typer

from keepahead.budget.rule import Freeze
from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.results import Column, put_json, put_table, put_text
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import moment_ahead, one_of
from keepahead.faces.freeze_words import LONGEST_WORDS, endless, ends, forbidden, freeze_json, over_at_once, words_of
from keepahead.faces.ledger_documents import ENDPOINTS
from keepahead.faces.words import clean
from keepahead.store.ledger import Ledger
from keepahead.store.rulebook import Rulebook

_MOST = 1_000_000_000


def freeze(*, json: options.Json = False) -> None:
    """Show the freezes in force: what is forbidden, until when, and why. Sends nothing."""
    now = SystemClock().now()
    with opened(Rulebook) as rulebook:
        found = rulebook.freezes(now)
    if json:
        put_json({"freezes": [freeze_json(each, now) for each in found]})
        return
    columns = (Column("id", right=True), Column("forbidden"), Column("ends"), Column("words", flexible=True))
    put_table(columns, [(each.freeze_id, forbidden(each), ends(each, now), each.words) for each in found])
    if not found:
        say("no freeze is in force")


def add(
    *,
    endpoint: Annotated[
        list[str] | None, typer.Option("--endpoint", help="Only calls to this endpoint, such as product; repeatable.")
    ] = None,
    above: Annotated[
        int | None, typer.Option("--above", min=0, max=_MOST, help="Only calls that may cost more tokens than this.")
    ] = None,
    lane: Annotated[options.LaneName | None, typer.Option("--lane", help="Only calls of this lane.")] = None,
    caller: options.OfCaller = None,
    until: Annotated[
        str | None, typer.Option("--until", help='Its end: 2h, 1d from now, or a local time ("2026-11-22 10:00").')
    ] = None,
    until_balance: Annotated[
        int | None,
        typer.Option("--until-balance", min=-_MOST, max=_MOST, help="It ends when so many tokens are there."),
    ] = None,
    why: Annotated[str | None, typer.Option("--why", help="What refused callers are told. [default: the rule]")] = None,
    json: options.Json = False,
) -> None:
    """Forbid calls: all that cost tokens, or those that fit every option given.

    With neither --until nor --until-balance it holds until it is removed; with both, the first of them ends it.
    """
    now = SystemClock().now()
    wanted = Freeze(
        freeze_id=0,
        words="",
        made_at=now,
        endpoints=tuple(dict.fromkeys(one_of(name, ENDPOINTS, "--endpoint") for name in endpoint or ())),
        above=above,
        lane=lane,
        caller=caller,
        until=moment_ahead(until, "--until", now),
        until_balance=until_balance,
    )
    words = clean(why or "") or words_of(wanted)
    if why and len(words) > LONGEST_WORDS:
        raise typer.BadParameter(f"say it in {LONGEST_WORDS} characters", param_hint="'--why'")
    with opened(Ledger) as ledger:
        _demand_ahead(ledger, wanted)
        made = Rulebook(ledger.database, ledger.fingerprint).freeze(replace(wanted, words=words))
    if json:
        put_json({"freeze": freeze_json(made, now)})
    else:
        put_text(f"freeze {made.freeze_id}: {made.words}; keepahead freeze remove {made.freeze_id} takes it back")


def remove(
    *,
    which: Annotated[str, typer.Argument(metavar="ID", help="The number of the freeze, or all.")],
    json: options.Json = False,
) -> None:
    """Take a freeze back, or all of them. What waits looks at the rules anew at once."""
    with opened(Rulebook) as rulebook:
        there = [each.freeze_id for each in rulebook.freezes(SystemClock().now())]
        numbers = there if which == "all" else [_number(which, there)]
        gone = [number for number in numbers if rulebook.thaw(number)]
    if which != "all" and not gone:
        raise _unknown(which, there)
    if json:
        put_json({"removed": gone})
    else:
        names = f"freeze{'' if len(gone) == 1 else 's'} {', '.join(map(str, gone))} removed"
        put_text(names if gone else "no freeze was in force")


VERBS = (add, remove)


def _demand_ahead(ledger: Ledger, wanted: Freeze) -> None:
    """Refuse a freeze that would end at once; warn of one that the bucket can never end."""
    meter = ledger.account().meter
    if hint := over_at_once(wanted, meter):
        raise typer.BadParameter(hint, param_hint="'--until-balance'")
    if warning := endless(wanted, meter):
        say(f"warning: {warning}")


def _number(which: str, there: list[int]) -> int:
    if not which.isdecimal() or len(which) > 18:
        raise _unknown(which, there)
    return int(which)


def _unknown(which: str, there: list[int]) -> typer.BadParameter:
    known = f"in force: {', '.join(map(str, there))}" if there else "none is in force"
    return typer.BadParameter(f"there is no freeze {which}; {known}", param_hint="'ID'")
