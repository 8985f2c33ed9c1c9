"""`keepahead ledger verify` and `keepahead ledger fold`: the account against its entries, and old entries put away."""

from datetime import timedelta
from typing import Annotated

import typer

from keepahead.budget.rule import hour_of
from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.exits import FAILED
from keepahead.faces.cli.progress import Tally
from keepahead.faces.cli.results import Column, put_json, put_table, put_text
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import age
from keepahead.faces.settings import read_settings
from keepahead.store.audit import FOLD_AT_A_TIME, Audit, Finding

_YOUNGEST = timedelta(days=2)
"""Entries of today and yesterday stay: people look at them, and day sums are made of whole days."""

_OLDEST = timedelta(days=36_500)


def verify(*, json: options.Json = False) -> None:
    """Rebuild the account from its entries and compare; exit code 1 if anything drifts. Changes nothing."""
    with opened(Audit) as audit:
        finding = audit.verify()
    if json:
        put_json({"ok": not finding.drifts, **_document(finding)})
    else:
        _put(finding)
    if finding.drifts:
        raise typer.Exit(FAILED)


def fold(
    *,
    older_than: Annotated[
        str | None,
        typer.Option(
            "--older-than", help="Their age: 90d, 12w; at least 2d. [default: KEEPAHEAD_KEEP_ENTRIES_DAYS, 90d]"
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """Put old entries away; their sums by the hour stay, so no total and no balance changes."""
    wanted = age(older_than, "--older-than")
    keep = timedelta(days=read_settings().keep_entries_days) if wanted is None else wanted
    if keep < _YOUNGEST:
        raise typer.BadParameter("the entries of the last 2 days stay; write 2d or more", param_hint="'--older-than'")
    now = SystemClock().now()
    before = hour_of(now - min(keep, _OLDEST))
    tally = Tally("entries put away")
    with opened(Audit) as audit, tally.shown():
        while some := audit.fold(before, at_most=FOLD_AT_A_TIME):
            tally.add(some)
    if json:
        put_json({"folded": tally.done, "before": before})
    else:
        put_text(f"{_entries(tally.done)} from before {before:%Y-%m-%d %H:%M} UTC put away")


def _put(finding: Finding) -> None:
    account = finding.account
    balance = account.meter.tokens_left if account.meter else None
    last = "no meter yet" if balance is None else f"{balance:,} tokens left at the newest meter"
    put_text(f"{_entries(finding.entries)} read: {last}, {account.reserved:,} reserved, {account.unknown:,} unknown")
    if not finding.drifts:
        put_text("the account and its sums are what the entries add up to")
        return
    columns = (Column("drift"), Column("kept"), Column("entries say", flexible=True))
    put_table(columns, [(drift.what, drift.kept, drift.rebuilt) for drift in finding.drifts])
    number = len(finding.drifts)
    say(f"{number} drift{'' if number == 1 else 's'}: the entries are the record; what is kept differs from it")


def _document(finding: Finding) -> dict[str, object]:
    account = finding.account
    rebuilt = {
        "meter": account.meter,
        "reserved": account.reserved,
        "unknown": account.unknown,
        "gap": account.gap,
        "reservations": account.reservations,
    }
    return {"entries": finding.entries, "account": rebuilt, "drifts": finding.drifts}


def _entries(count: int) -> str:
    return f"{count:,} {'entry' if count == 1 else 'entries'}"
