"""How the commands show entries and totals of the ledger: as tables for people, as JSON for programs."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from keepahead.budget.entry import Carried, Entry, Observed, Settled
from keepahead.budget.lane import LIVE
from keepahead.clock import SystemClock
from keepahead.faces.cli.results import Cell, Column, put_json, put_table
from keepahead.faces.cli.streams import say
from keepahead.faces.entry_words import SHORT_ID, observed_words, why
from keepahead.faces.ledger_documents import entry_json, shape_of
from keepahead.store.record import GroupBy, Line, Sum
from keepahead.store.rows import kind_of

_SUMS = ("calls", "charged", "unknown", "refused", "external", "saved")


def put_totals(sums: Sequence[Sum], by: GroupBy, *, json: bool) -> None:
    """Write what each group spent."""
    if json:
        put_json({"by": by, "totals": sums})
        return
    columns = [Column(by), *(Column(name, right=True) for name in _SUMS)]
    put_table(columns, [(_group(each.group, by), *(getattr(each, name) for name in _SUMS)) for each in sums])


def put_entries(lines: Sequence[Line], asked: Mapping[str, str], limit: int, *, json: bool) -> None:
    """Write entries; `asked` tells what each call was about."""
    if json:
        put_json({"entries": [entry_json(line, asked) for line in lines]})
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


def _group(name: str, by: GroupBy) -> str:
    """Return the name of a group; hours in local time."""
    if by is GroupBy.HOUR:
        return f"{datetime.fromisoformat(name).astimezone():%Y-%m-%d %H:%M}"
    return name or "(somebody else)"


def _row(entry: Entry, asked: Mapping[str, str]) -> Sequence[Cell]:
    time = _time(entry.at)
    match entry:
        case Observed():
            spent = entry.external_tokens or None
            return (time, kind_of(entry), spent, entry.meter.tokens_left, None, None, observed_words(entry))
        case Carried():
            words = "older entries were put away here"
            return (time, kind_of(entry), None, entry.meter.tokens_left, None, None, words)
        case _:
            label = entry.label
    return (
        time,
        kind_of(entry),
        entry.tokens,
        entry.meter.tokens_left if isinstance(entry, Settled) else getattr(entry, "balance", None),
        label.caller if label.lane == LIVE.name else f"{label.caller} ({label.lane})",
        label.call_id[:SHORT_ID],
        "; ".join(word for word in (shape_of(entry, asked), why(entry)) if word),
    )


def _time(at: datetime) -> str:
    """Return the local time; the day only if it is not today."""
    local, today = at.astimezone(), SystemClock().now().astimezone().date()
    return f"{local:%H:%M:%S}" if local.date() == today else f"{local:%Y-%m-%d %H:%M}"
