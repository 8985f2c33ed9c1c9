"""What was spent, as rows of tables and large figures. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from keepahead.budget.entry import Settled
from keepahead.faces.dashboard.figures import Column, Row
from keepahead.faces.dashboard.ledger_rows import clock_time
from keepahead.faces.dashboard.spending_chart import SOMEBODY_ELSE, Stack
from keepahead.faces.ledger_documents import shape_of
from keepahead.store.record import Line, Sum
from keepahead.store.spending import Estimate

WHO = (
    Column("name", "Who"),
    Column("spent", "Tokens"),
    Column("part", "Share"),
    Column("calls", "Calls"),
    Column("each", "A call", minor=True),
    Column("lost", "Not proven", minor=True),
    Column("refused", "Refused", minor=True),
    Column("saved", "Saved", minor=True),
)
DEAREST = (
    Column("name", "Call"),
    Column("charged", "Charged"),
    Column("reserved", "Set aside"),
)
ESTIMATES = (
    Column("name", "Who"),
    Column("calls", "Calls", minor=True),
    Column("reserved", "Set aside"),
    Column("charged", "Charged"),
    Column("part", "Of it"),
    Column("exceeded", "Dearer calls", minor=True),
    Column("overage", "Tokens beyond", minor=True),
)


def headlines(sums: Sequence[Sum]) -> Mapping[str, tuple[int, str, str]]:
    """Return the figures at the top: how many, the colour, and what that is."""
    return {
        "Charged": (sum(each.charged for each in sums), "", "tokens, by Keepa to us"),
        "Somebody else": (sum(each.external for each in sums), "kh-external", "tokens, on the same key"),
        "Saved": (sum(each.saved for each in sums), "kh-good", "tokens, by the archive"),
        "Calls": (sum(each.calls for each in sums), "", "sent to Keepa"),
        "Refused": (sum(each.refused for each in sums), "", "calls, before anything was spent"),
        "Not proven": (sum(each.unknown for each in sums), "", "tokens, of calls without an answer"),
    }


def who_rows(sums: Sequence[Sum]) -> Sequence[Row]:
    """Return what each group spent, the dearest first; somebody else among them."""
    spent = {each.group: each.charged + each.external for each in sums}
    most, total = max(spent.values(), default=0) or 1, sum(spent.values()) or 1
    return [
        {
            "key": each.group,
            "name": each.group or SOMEBODY_ELSE,
            "tone": "" if each.group else "kh-external",
            "share": round(100 * spent[each.group] / most, 1),
            "spent": f"{spent[each.group]:,}",
            "part": f"{100 * spent[each.group] / total:.0f}%",
            "calls": f"{each.calls:,}" if each.group else "",
            "each": f"{each.charged / each.calls:,.1f}" if each.calls else "",
            "lost": f"{each.unknown:,}" if each.group else "",
            "refused": f"{each.refused:,}" if each.group else "",
            "saved": f"{each.saved:,}" if each.group else "",
        }
        for each in sorted(sums, key=lambda each: (-spent[each.group], each.group))
    ]


def stack_columns(stack: Stack) -> Sequence[Column]:
    """Return the columns of a stack's figures."""
    return [Column("name", "From (UTC)"), Column("all", "All"), *(Column(f"of {name}", name) for name in stack.series)]


def stack_rows(stack: Stack) -> Sequence[Row]:
    """Return the figures of a stack, the newest part first; parts in which nothing was spent are left out."""
    rows: list[Row] = []
    for number, moment in enumerate(stack.window.moments):
        values = {name: series[number] for name, series in stack.series.items()}
        if total := sum(values.values()):
            own = {f"of {name}": f"{value:,}" for name, value in values.items()}
            rows.append({"key": moment.isoformat(), "name": f"{moment:%Y-%m-%d %H:%M}", "all": f"{total:,}", **own})
    return rows[::-1]


def dearest_rows(lines: Sequence[Line], asked: Mapping[str, str]) -> Sequence[Row]:
    """Return the dearest calls."""
    return [
        {
            "key": line.seq,
            "name": shape_of(entry, asked),
            "under": f"{entry.label.caller} · {clock_time(entry.at)} UTC",
            "charged": f"{entry.tokens:,}",
            "reserved": f"{entry.reserved:,}",
            "open": entry.label.call_id,
        }
        for line in lines
        if isinstance(entry := line.entry, Settled)
    ]


def estimate_rows(estimates: Sequence[Estimate]) -> Sequence[Row]:
    """Return how well each group's costs were foreseen."""
    return [
        {
            "key": each.group,
            "name": each.group,
            "calls": f"{each.calls:,}",
            "reserved": f"{each.reserved:,}",
            "charged": f"{each.charged:,}",
            "part": f"{100 * each.charged / each.reserved:.0f}%" if each.reserved else "",
            "exceeded": f"{each.exceeded:,}",
            "overage": f"{each.overage:,}",
        }
        for each in estimates
    ]


def seen_words(since: datetime, seen_since: datetime) -> str:
    """Return which calls were looked at, where those are not all."""
    return "" if seen_since <= since else f"Of the newest entries, from {clock_time(seen_since)} UTC on"
