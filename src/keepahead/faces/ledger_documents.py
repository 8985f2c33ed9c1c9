"""What is told of the account and its ledger as JSON: the same at the command line and in the gateway."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, get_args

from keepahead.budget.entry import CallEntry, Carried, Observed
from keepahead.budget.rule import DAY, HOUR, Limit, day_of, hour_of
from keepahead.budget.status import Status
from keepahead.keepa.calls import Call
from keepahead.store.inventory import Stock
from keepahead.store.record import Line, Record
from keepahead.store.rows import kind_of
from keepahead.store.rulebook import Caller

ENDPOINTS = tuple(sorted({call.endpoint for call in get_args(Call)}))
"""The names of Keepa's endpoints, as the ledger keeps them."""


def account_json(status: Status, now: datetime) -> dict[str, Any]:
    """Return the account; moments in UTC, and as seconds from now."""
    return {
        **asdict(status),
        "next_refill_in_seconds": seconds_to(status.next_refill_at, now),
        "full_in_seconds": seconds_to(status.full_at, now),
    }


def standing_json(status: Status, now: datetime) -> dict[str, Any]:
    """Return the account without what was spent today, which takes a look into the record."""
    return {name: value for name, value in account_json(status, now).items() if not name.endswith("_today")}


def seconds_to(moment: datetime | None, now: datetime) -> float | None:
    """Return the seconds from now to a moment, 0 if it has passed."""
    return None if moment is None else max(0.0, round((moment - now).total_seconds(), 1))


def entry_json(line: Line, asked: Mapping[str, str]) -> dict[str, Any]:
    """Return an entry; `asked` tells what each call was about (shapes_of)."""
    entry = line.entry
    own = {each.name: getattr(entry, each.name) for each in fields(entry) if each.name != "label"}
    if isinstance(entry, Observed | Carried):
        return {"seq": line.seq, "kind": kind_of(entry), **own}
    return {"seq": line.seq, "kind": kind_of(entry), **asdict(entry.label), **own, "shape": shape_of(entry, asked)}


def shape_of(entry: CallEntry, asked: Mapping[str, str]) -> str:
    """Return what the call of an entry asked for, in words."""
    return getattr(entry, "shape", None) or asked.get(entry.label.call_id, entry.label.endpoint)


def shapes_of(lines: Collection[Line], record: Record) -> Mapping[str, str]:
    """Return what the calls of these entries asked for, as far as entries of others tell."""
    named = (line.entry for line in lines if not isinstance(line.entry, Observed | Carried))
    return record.shapes({entry.label.call_id for entry in named if not hasattr(entry, "shape")})


def life_json(lines: Sequence[Line], asked: Mapping[str, str]) -> dict[str, Any]:
    """Return the life of a call with these entries: what was reserved for it, what became of it, and what it cost."""
    entries = [entry_json(line, asked) for line in lines]
    last = entries[-1]
    is_open = last["kind"] == "reserved"
    named = {name: last[name] for name in ("call_id", "endpoint", "lane", "caller", "shape")}
    return {
        **named,
        "state": "open" if is_open else last["kind"],
        "began_at": entries[0]["at"],
        "ended_at": None if is_open else last["at"],
        "tokens_reserved": next((each["tokens"] for each in entries if each["kind"] == "reserved"), 0),
        "tokens_charged": _charged(entries),
        "entries": entries,
    }


def callers_json(callers: Sequence[Caller], now: datetime) -> dict[str, Any]:
    """Return callers, and when the windows of their limits end."""
    ends = {"hour_ends_at": hour_of(now) + HOUR, "day_ends_at": day_of(now) + DAY}
    return {"callers": [caller_json(each) for each in callers], **ends}


def caller_json(caller: Caller) -> dict[str, Any]:
    """Return a caller, its limit, and what it has spent of it."""
    limit = asdict(caller.limit or Limit(caller=caller.name))
    return {**limit, "spent_hour": caller.spent_hour, "spent_day": caller.spent_day, "held": caller.held}


def archive_json(stock: Stock, limit: int, saved_today: int) -> dict[str, Any]:
    """Return what lies in the archive; `limit` in bytes, `saved_today` in tokens."""
    return {"archive": stock, "limit": limit, "saved_today": saved_today}


def _charged(entries: Sequence[dict[str, Any]]) -> int | None:
    """Return what the call has cost; None while nobody knows."""
    last = entries[-1]
    match last["kind"]:
        case "settled":
            return last["tokens"]
        case "absorbed":
            return last["charged"]
        case "reserved" | "lost":
            return None
        case _:
            return 0
