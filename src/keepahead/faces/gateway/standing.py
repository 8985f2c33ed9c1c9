"""How the account stands at the moment of a scrape: what the gauges show."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepahead.budget.account import Account
from keepahead.budget.lane import JOBS, LIVE, Lane
from keepahead.budget.status import Status, status_of
from keepahead.budget.waiting import waiting_of
from keepahead.faces.gateway.books import spendable
from keepahead.work.alerts.facts import Facts

Value = tuple[float, Mapping[str, str]]
"""A number, and its labels."""


@dataclass(frozen=True, slots=True)
class Standing:
    """One account at one moment; `facts` are what the alerts go by, `read_at` is when the ledger was last read."""

    account: Account
    status: Status
    lanes: Mapping[str, Lane]
    facts: Facts | None
    now: datetime
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class Gauge:
    """One gauge: its name as OpenTelemetry writes it, its unit, what it means, and how it is read.

    `needs_meter` shows nothing as long as nobody has seen the bucket: zero would be a lie.
    """

    name: str
    unit: str
    meaning: str
    read: Callable[[Standing], Iterable[Value]]
    needs_meter: bool = True


def standing_of(
    account: Account,
    lanes: Mapping[str, Lane],
    facts: Facts | None,
    now: datetime,
    read_at: datetime | None,
) -> Standing:
    """Return how an account stands."""
    return Standing(account, status_of(account, lanes[LIVE.name], now), lanes, facts, now, read_at)


def _one(value: Callable[[Standing], float]) -> Callable[[Standing], Iterable[Value]]:
    return lambda standing: ((value(standing), {}),)


def _of_lanes(value: Callable[[Standing, Lane], float | None]) -> Callable[[Standing], Iterable[Value]]:
    def read(standing: Standing) -> Iterable[Value]:
        for lane in standing.lanes.values():
            found = value(standing, lane)
            if found is not None:
                yield found, {"lane": lane.name}

    return read


def _held(standing: Standing) -> Iterable[Value]:
    return (standing.status.reserved, {"state": "reserved"}), (standing.status.unknown, {"state": "unknown"})


def _seconds_to(moment: datetime | None, now: datetime) -> float | None:
    return None if moment is None else max(0.0, (moment - now) / timedelta(seconds=1))


def _to_full(standing: Standing) -> Iterable[Value]:
    seconds = _seconds_to(standing.status.full_at, standing.now)
    return () if seconds is None else ((seconds, {}),)


def _to_floor(standing: Standing) -> Iterable[Value]:
    if standing.status.balance <= standing.status.floor:
        return ((0, {}),)
    seconds = None if standing.facts is None else _seconds_to(standing.facts.floor_at, standing.now)
    return () if seconds is None else ((seconds, {}),)


def _pace(standing: Standing) -> Iterable[Value]:
    return () if standing.facts is None else ((standing.facts.pace.per_minute, {}),)


def _waiting(standing: Standing) -> Iterable[Value]:
    kept = {ticket.call_id for ticket in standing.account.tickets if ticket.is_kept}
    waiting = [each for each in waiting_of(standing.account, standing.now) if each.call_id not in kept]
    return ((sum(each.lane == lane for each in waiting), {"lane": lane}) for lane in (LIVE.name, JOBS.name))


def _age(standing: Standing) -> Iterable[Value]:
    return () if standing.read_at is None else (((standing.now - standing.read_at).total_seconds(), {}),)


GAUGES: Sequence[Gauge] = (
    Gauge("keepahead.tokens.balance", "{token}", "What Keepa has, by projection.", _one(lambda at: at.status.balance)),
    Gauge("keepahead.tokens.free", "{token}", "The balance less all that is held.", _one(lambda at: at.status.free)),
    Gauge("keepahead.tokens.capacity", "{token}", "The most that Keepa holds.", _one(lambda at: at.status.capacity)),
    Gauge(
        "keepahead.tokens.held", "{token}", "Set aside for calls under way, or for calls whose answer was lost.", _held
    ),
    Gauge(
        "keepahead.tokens.floor",
        "{token}",
        "What the lane may not touch.",
        _of_lanes(lambda at, lane: lane.floor_of(at.status.capacity)),
    ),
    Gauge(
        "keepahead.tokens.spendable",
        "{token}",
        "What the lane may spend now: free above its floor.",
        _of_lanes(lambda at, lane: spendable(at.account, lane, at.status.balance, at.status.free)),
    ),
    Gauge(
        "keepahead.refill.rate_per_minute",
        "",
        "What the plan brings, before the flow reduction.",
        _one(lambda at: at.status.refill_rate_per_minute),
    ),
    Gauge(
        "keepahead.flow.reduction_per_minute",
        "",
        "What trackings take of the refill.",
        _one(lambda at: at.status.flow_reduction_per_minute),
    ),
    Gauge(
        "keepahead.pace_per_minute",
        "",
        "What was spent of late, by us and by others, as the alerts see it.",
        _pace,
    ),
    Gauge("keepahead.time.to_full", "s", "Until the bucket is full if nothing is spent; missing: never.", _to_full),
    Gauge(
        "keepahead.time.to_floor",
        "s",
        "Until the present pace leads to the floor of live calls; missing: never.",
        _to_floor,
    ),
    Gauge("keepahead.calls.waiting", "{call}", "Calls that wait for tokens.", _waiting, needs_meter=False),
    Gauge("keepahead.ledger.age", "s", "Since the ledger was last read.", _age, needs_meter=False),
)
