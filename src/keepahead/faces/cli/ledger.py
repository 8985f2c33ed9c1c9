"""`keepahead ledger`: who spent what, when and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Annotated, Any, Literal

import typer

from keepahead.budget.entry import CallEntry, Carried, Entry, Observed, Settled
from keepahead.budget.lane import LIVE
from keepahead.clock import SystemClock
from keepahead.faces.cli import options
from keepahead.faces.cli.account import say_if_simulated
from keepahead.faces.cli.results import Cell, Column, put_json, put_table
from keepahead.faces.cli.streams import say
from keepahead.faces.cli.values import moment
from keepahead.faces.settings import read_settings
from keepahead.faces.wiring import open_ledger
from keepahead.store.record import Filter, GroupBy, Line, Record, Sum
from keepahead.store.rows import kind_of

Kind = Literal["reserved", "settled", "released", "lost", "absorbed", "refusal", "observed", "carried"]

_SHORT_ID = 10


def ledger(
    *,
    since: Annotated[
        str | None, typer.Option("--since", help='From then on: 2h, 1d, or a local time ("2026-11-22 10:00").')
    ] = None,
    until: Annotated[str | None, typer.Option("--until", help="Before then; written like --since.")] = None,
    endpoint: Annotated[str | None, typer.Option("--endpoint", help="Only this endpoint, such as product.")] = None,
    caller: Annotated[str | None, typer.Option("--caller", help="Only this program or person.")] = None,
    lane: Annotated[options.LaneName | None, typer.Option("--lane", help="Only this lane.")] = None,
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only this kind of entry.")] = None,
    call: Annotated[str | None, typer.Option("--call", help="Only this call; the beginning of its id will do.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many entries, newest first.")] = 20,
    by: Annotated[GroupBy | None, typer.Option("--by", help="Totals instead of entries.")] = None,
    json: options.Json = False,
) -> None:
    """Show who spent what, when and why; with --by the totals. Sends nothing."""
    now = SystemClock().now()
    wanted = Filter(
        since=moment(since, "--since", now),
        until=moment(until, "--until", now),
        endpoint=endpoint,
        caller=caller,
        lane=lane,
        kind=kind,
        call_id=call,
    )
    settings = read_settings()
    say_if_simulated(settings)
    database, fingerprint = open_ledger(settings)
    try:
        record = Record(database, fingerprint)
        if by is not None:
            _put_totals(record.sums(by, wanted), by, json=json)
        else:
            lines = record.lines(wanted, limit=limit)
            asked = record.shapes(
                {line.entry.label.call_id for line in lines if not isinstance(line.entry, Observed | Carried)}
            )
            _put_entries(lines, asked, limit, json=json)
    finally:
        database.close()


def _put_totals(sums: Sequence[Sum], by: GroupBy, *, json: bool) -> None:
    if json:
        put_json({"by": by, "totals": sums})
        return
    columns = [Column(by), *(Column(name, right=True) for name in ("calls", "charged", "unknown", "refused"))]
    put_table(
        columns, [(_group(each.group, by), each.calls, each.charged, each.unknown, each.refused) for each in sums]
    )


def _group(name: str, by: GroupBy) -> str:
    """Return the name of a group; hours in local time."""
    return f"{datetime.fromisoformat(name).astimezone():%Y-%m-%d %H:%M}" if by is GroupBy.HOUR else name


def _put_entries(lines: Sequence[Line], asked: Mapping[str, str], limit: int, *, json: bool) -> None:
    if json:
        put_json({"entries": [_document(line, asked) for line in lines]})
        return
    columns = (
        Column("time"),
        Column("entry"),
        Column("tokens", right=True),
        Column("balance", right=True),
        Column("caller"),
        Column("call"),
        Column("what and why", flexible=True),
    )
    put_table(columns, [_row(line.entry, asked) for line in lines])
    if not lines:
        say("no entries; nothing was spent here, or the filters leave nothing")
    elif len(lines) == limit:
        say(f"the newest {limit}; --limit shows more")


def _row(entry: Entry, asked: Mapping[str, str]) -> Sequence[Cell]:
    time = _time(entry.at)
    if isinstance(entry, Observed | Carried):
        return (time, kind_of(entry), None, entry.meter.tokens_left, None, None, "a meter without a call")
    label = entry.label
    return (
        time,
        kind_of(entry),
        entry.tokens,
        entry.meter.tokens_left if isinstance(entry, Settled) else getattr(entry, "balance", None),
        label.caller if label.lane == LIVE.name else f"{label.caller} ({label.lane})",
        label.call_id[:_SHORT_ID],
        "; ".join(word for word in (_asked(entry, asked), getattr(entry, "reason", None)) if word),
    )


def _time(at: datetime) -> str:
    """Return the local time; the day only if it is not today."""
    local, today = at.astimezone(), SystemClock().now().astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"


def _asked(entry: CallEntry, asked: Mapping[str, str]) -> str:
    return getattr(entry, "shape", None) or asked.get(entry.label.call_id, entry.label.endpoint)


def _document(line: Line, asked: Mapping[str, str]) -> dict[str, Any]:
    entry = line.entry
    own = {each.name: getattr(entry, each.name) for each in fields(entry) if each.name != "label"}
    if isinstance(entry, Observed | Carried):
        return {"seq": line.seq, "kind": kind_of(entry), **own}
    return {"seq": line.seq, "kind": kind_of(entry), **asdict(entry.label), **own, "shape": _asked(entry, asked)}
