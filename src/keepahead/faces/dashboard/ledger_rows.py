"""Entries of the ledger as rows of a table, and the life of a call in sentences. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from keepahead.budget.entry import (
    Absorbed,
    Carried,
    Entry,
    Lost,
    Observed,
    Refusal,
    Released,
    Reserved,
    Served,
    Settled,
)
from keepahead.faces.entry_words import SHORT_ID, observed_words, why
from keepahead.faces.ledger_documents import life_json, shape_of
from keepahead.faces.words import span, tokens
from keepahead.store.record import Line
from keepahead.store.rows import kind_of

Row = dict[str, str | int]

_REASONS: Mapping[str, str] = {
    "never_fits": "it is more than the bucket can hold above the floor",
    "no_refill": "nothing is refilled: trackings take it all",
    "not_in_time": "the tokens would not have been there in time",
    "never_at_once": "it is more than there ever is at once above the floor",
    "frozen": "a freeze forbids it",
    "caller_limit": "the caller's own limit is used up, or smaller than the call",
}

LOOKS: Mapping[str, tuple[str, str]] = {
    "reserved": ("lock_clock", ""),
    "settled": ("check_circle", "kh-good"),
    "released": ("undo", "kh-soft"),
    "lost": ("help", "kh-warn"),
    "absorbed": ("done_all", "kh-soft"),
    "refusal": ("block", "kh-bad"),
    "observed": ("speed", "kh-soft"),
    "external": ("group", "kh-external"),
    "carried": ("inventory_2", "kh-soft"),
    "served_from_archive": ("archive", "kh-good"),
    "open": ("hourglass_top", ""),
}
"""The icon and the colour of each kind of entry; a word always stands beside them."""

_KINDS: Mapping[str, str] = {
    "refusal": "refused",
    "observed": "meter read",
    "external": "spent by others",
    "carried": "put away",
    "served_from_archive": "from archive",
}


@dataclass(frozen=True, slots=True)
class Chapter:
    """One step in the life of a call: when, how long after the one before, what, and what that means."""

    at: str
    after: str
    kind: str
    words: str


def kind_words(kind: str) -> str:
    """Return the name of a kind of entry as people read it."""
    return _KINDS.get(kind, kind)


def look_of(entry: Entry) -> str:
    """Return by which of LOOKS an entry is shown: its kind, but for what somebody else spent."""
    return "external" if isinstance(entry, Observed) and entry.external_tokens else kind_of(entry)


def row_of(line: Line, asked: Mapping[str, str]) -> Row:
    """Return the row of an entry; `asked` tells what each call was about."""
    entry, look = line.entry, look_of(line.entry)
    icon, tone = LOOKS[look]
    row: Row = {"seq": line.seq, "time": clock_time(entry.at), "kind": kind_words(look), "icon": icon, "tone": tone}
    match entry:
        case Observed():
            spent = f"{entry.external_tokens:,}" if entry.external_tokens else ""
            own: Row = {"tokens": spent, "left": f"{entry.meter.tokens_left:,}", "asked": observed_words(entry)}
            return {**row, **own, "why": "", "caller": "", "endpoint": "", "lane": "", "call": "", "id": ""}
        case Carried():
            words = "Older entries were put away here; the hours keep their sums."
            own = {"tokens": "", "left": f"{entry.meter.tokens_left:,}", "asked": words}
            return {**row, **own, "why": "", "caller": "", "endpoint": "", "lane": "", "call": "", "id": ""}
        case _:
            label = entry.label
    left = entry.meter.tokens_left if isinstance(entry, Settled) else getattr(entry, "balance", None)
    return {
        **row,
        "tokens": f"{entry.tokens:,}",
        "left": "" if left is None else f"{left:,}",
        "asked": shape_of(entry, asked),
        "why": _short_why(entry),
        "caller": label.caller,
        "endpoint": label.endpoint,
        "lane": label.lane,
        "call": label.call_id,
        "id": label.call_id[:SHORT_ID],
    }


def clock_time(at: datetime) -> str:
    """Return a moment in UTC to the second."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"


def chapters_of(lines: Sequence[Line]) -> Sequence[Chapter]:
    """Return the life of a call step by step."""
    told: list[Chapter] = []
    before: datetime | None = None
    for line in lines:
        entry = line.entry
        after = "" if before is None else f"{length(before, entry.at)} later"
        told.append(Chapter(clock_time(entry.at), after, look_of(entry), sentence_of(entry)))
        before = entry.at
    return told


def facts_of(lines: Sequence[Line], asked: Mapping[str, str]) -> Mapping[str, str]:
    """Return what there is to know of a call: who, when, how long, and what it cost against what was set aside."""
    life = life_json(lines, asked)
    ended = life["ended_at"]
    return {
        "Call": life["call_id"],
        "Caller": life["caller"],
        "Lane": life["lane"],
        "Endpoint": life["endpoint"],
        "Began": f"{clock_time(life['began_at'])} UTC",
        "Ended": "not yet" if ended is None else f"{clock_time(ended)} UTC",
        "Took": "it is under way" if ended is None else length(life["began_at"], ended),
        "Set aside": tokens(life["tokens_reserved"]),
        "Cost": cost_words(life),
    }


def cost_words(life: Mapping[str, Any]) -> str:
    """Return what a call cost, against what was set aside for it."""
    charged, reserved = life["tokens_charged"], life["tokens_reserved"]
    if charged is None:
        return "not known yet"
    if not reserved or life["state"] == "released":
        return "nothing" if charged == 0 else tokens(charged)
    if charged > reserved:
        return f"{tokens(charged)}, {charged - reserved:,} more than was set aside"
    if charged < reserved:
        return f"{tokens(charged)}, {reserved - charged:,} less than was set aside"
    return f"{tokens(charged)}, as was set aside"


def sentence_of(entry: Entry) -> str:
    """Return what an entry means."""
    match entry:
        case Reserved():
            return (
                f"{_of(entry.tokens)} set aside. The balance was {entry.balance:,}, of which {entry.free:,} free; "
                f"the floor was {entry.floor:,}."
            )
        case Settled():
            late = f" The answer came late: {tokens(entry.counted_before)} had been counted already."
            return (
                f"Keepa charged {tokens(entry.tokens)}; {entry.reserved:,} had been set aside. It left "
                f"{entry.meter.tokens_left:,} in the bucket.{late if entry.counted_before else ''}"
            )
        case Released():
            return f"Nothing was sent, and {_of(entry.tokens)} given back: {entry.reason}."
        case Lost():
            return (
                f"What it cost is not known: {entry.reason}. {_of(entry.tokens, 'counts', 'count')} as charged until a "
                "newer meter shows more."
            )
        case Absorbed():
            return f"A newer meter showed that it cost {tokens(entry.charged)}; no more is held apart for it."
        case Refusal():
            reason = _REASONS.get(entry.reason, entry.reason)
            return (
                f"Not sent: {reason}. It could have cost {tokens(entry.tokens)}. The balance was {entry.balance:,}, "
                f"of which {entry.free:,} free; the floor was {entry.floor:,}."
            )
        case Served():
            payer = f" Call {entry.paid_by} had paid for it." if entry.paid_by else ""
            return f"The archive answered and saved {tokens(entry.tokens)}; nothing was sent.{payer}"
        case Observed():
            return f"{_capital(observed_words(entry))}. The bucket held {tokens(entry.meter.tokens_left)}."
        case Carried():
            return "Older entries were put away here; the hours keep their sums."


def length(since: datetime, until: datetime) -> str:
    """Return the time between two moments; short ones to the hundredth."""
    seconds = (until - since).total_seconds()
    return f"{seconds:.2f} s" if abs(seconds) < 10 else span(seconds)


def _short_why(entry: Any) -> str:
    reason = why(entry) or ""
    if isinstance(entry, Settled) and not reason:
        return f"of {entry.reserved:,} set aside" + (", more than expected" if entry.overage else "")
    return _REASONS.get(reason, reason)


def _of(count: int, one: str = "was", many: str = "were") -> str:
    return f"{tokens(count)} {one if count == 1 else many}"


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
