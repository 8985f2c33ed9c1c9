"""`keepahead ledger`: who spent what, when and why; and what can be done with the record of it."""

from typing import Annotated

import typer

from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.audit import fold, verify
from keepahead.faces.cli.books import opened
from keepahead.faces.cli.export import export
from keepahead.faces.cli.filters import OfEndpoint, OfKind, OfLane, Since, Until, filter_of
from keepahead.faces.cli.ledger_table import put_entries, put_totals
from keepahead.faces.ledger_documents import shapes_of
from keepahead.store.record import GroupBy, Record

VERBS = (verify, export, fold)


def ledger(
    *,
    since: Since = None,
    until: Until = None,
    endpoint: OfEndpoint = None,
    caller: options.OfCaller = None,
    lane: OfLane = None,
    kind: OfKind = None,
    call: Annotated[str | None, typer.Option("--call", help="Only this call; the beginning of its id will do.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many entries, newest first.")] = 20,
    by: Annotated[GroupBy | None, typer.Option("--by", help="Totals instead of entries.")] = None,
    json: options.Json = False,
) -> None:
    """Show who spent what, when and why; with --by the totals. Sends nothing."""
    now = SystemClock().now()
    wanted = filter_of(now, since=since, until=until, endpoint=endpoint, caller=caller, lane=lane, kind=kind, call=call)
    with opened(Record) as record:
        if by is not None:
            put_totals(record.sums(by, wanted), by, json=json)
            return
        lines = record.lines(wanted, limit=limit)
        put_entries(lines, shapes_of(lines, record), limit, json=json)
