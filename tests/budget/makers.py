"""Short ways to make meters, asks and accounts. Moments are milliseconds after an arbitrary origin."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from keepahead.budget.account import Account, Reservation, apply
from keepahead.budget.ask import Ask
from keepahead.budget.decide import CALL_LIMIT
from keepahead.budget.entry import Entry, Label
from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.meter import Meter
from keepahead.budget.ticket import TICKET_LIFE, Ticket

ORIGIN = datetime(2025, 3, 1, 12, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)

DEFICIT = Lane("live", rank=0, floor=-200)
"""The live lane of somebody who chose to go below zero."""


def evenly(low: int, high: int) -> st.SearchStrategy[int]:
    """Draw from a wide range: edges and small numbers, as hypothesis likes, but everything between as often."""
    spread = st.builds(
        lambda a, b: low + (high - low) * (256 * a + b) // 65_535, st.integers(0, 255), st.integers(0, 255)
    )
    return st.integers(low, high) | spread


def at(ms: int) -> datetime:
    """Return the moment so many milliseconds after the origin."""
    return ORIGIN + ms * MILLISECOND


def ms_of(moment: datetime) -> int:
    """Return how many milliseconds after the origin that is."""
    return (moment - ORIGIN) // MILLISECOND


def label(call_id: str, endpoint: str = "product", lane: str = "live") -> Label:
    """Return the label of a call."""
    return Label(call_id, endpoint, lane, "tester")


def meter(
    left: int, *, rate: int = 20, tick: int = 30_000, flow: int = 0, ms: int = 0, keepa_ms: int | None = None
) -> Meter:
    """Return a meter asked for and received at `ms`; `keepa_ms` is Keepa's own time, the same unless stated."""
    return Meter(at(ms if keepa_ms is None else keepa_ms), at(ms), at(ms), left, rate, tick, flow)


def ask(
    tokens: int,
    *,
    name: str = "ask",
    lane: Lane = LIVE,
    items: int = 1,
    ms: int = 0,
    deadline: int | None = None,
    is_probe: bool = False,
    endpoint: str = "product",
) -> Ask:
    """Return an ask opened at `ms`, with its deadline in milliseconds too."""
    return Ask(
        label=label(name, endpoint, lane.name),
        lane=lane,
        shape=f"{endpoint} x{items}",
        tokens_max=tokens,
        opened_at=at(ms),
        items=items,
        deadline=None if deadline is None else at(deadline),
        is_probe=is_probe,
    )


def held(name: str, tokens: int, *, ms: int = 0, proven: int | None = None, endpoint: str = "product") -> Reservation:
    """Return a reservation opened at `ms`: open, or unknown until a meter asked for at `proven`."""
    proven_after = None if proven is None else at(proven)
    return Reservation(label(name, endpoint), tokens, at(ms), at(ms) + CALL_LIMIT, proven_after)


def ticket(
    name: str, tokens: int, *, rank: int = 0, floor: int | None = None, ms: int = 0, renewed: int | None = None
) -> Ticket:
    """Return the place of a call that first asked at `ms` and last renewed at `renewed`."""
    lane = JOBS if rank else LIVE
    return Ticket(
        call_id=name,
        holder="",
        rank=rank,
        floor=lane.floor if floor is None else floor,
        tokens=tokens,
        patience=lane.patience,
        opened_at=at(ms),
        expires_at=at(ms if renewed is None else renewed) + TICKET_LIFE,
    )


def account(newest: Meter | None, *reservations: Reservation, tickets: Iterable[Ticket] = ()) -> Account:
    """Return an account in that state."""
    return Account("key", newest, tuple(reservations), tuple(tickets))


def after(before: Account, entries: Iterable[Entry]) -> Account:
    """Return the account after those entries."""
    for entry in entries:
        before = apply(before, entry)
    return before


def without_tickets(whole: Account) -> Account:
    """Return what replay can know of an account."""
    return replace(whole, tickets=())
