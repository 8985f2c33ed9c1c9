"""What a discovery asks, what it costs, and whether it can be paid for: all of it before the first call. Pure."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from keepahead.budget.cost import Cost
from keepahead.budget.meter import TICK_MS
from keepahead.budget.status import Status
from keepahead.errors import InvalidCallError
from keepahead.keepa.refusal import too_dear
from keepahead.work.discovery.criteria import Criteria
from keepahead.work.discovery.roads import (
    Closed,
    Road,
    RoadName,
    archive_road,
    best_sellers_road,
    deals_road,
    finder_road,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscoveryPlan:
    """The road that is taken, why, and what it costs; `now` is the moment that ages of changes count from.

    `archived` are the ASINs of the archive's road.
    """

    criteria: Criteria
    road: Road
    because: tuple[str, ...]
    now: datetime
    archived: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called as work of many calls: the same for the same criteria."""
        return f"this discovery: {self.criteria}"

    @property
    def cost(self) -> Cost:
        """What all of it costs, carried out to the end with nothing of it in the archive."""
        return self.road.cost

    @property
    def tokens_max(self) -> int:
        """The most that all of it can cost."""
        return self.road.tokens_max


@dataclass(frozen=True, slots=True)
class Forecast:
    """What a plan leaves of the free tokens, and in how many seconds it can be paid for; None: never."""

    free: int
    leaves_likely: int
    leaves_least: int
    paid_in_seconds: float | None


def plan_discovery(
    criteria: Criteria, *, now: datetime, road: RoadName | None = None, archived: Collection[str] = ()
) -> DiscoveryPlan:
    """Return the cheapest road that answers the criteria, or the one that is asked for.

    `archived` are products of the archive that are known to meet all criteria. Raises InvalidCallError.
    """
    every = (
        archive_road(criteria, archived),
        finder_road(criteria, now),
        best_sellers_road(criteria),
        deals_road(criteria),
    )
    opened = [each for each in every if isinstance(each, Road)]
    if road is not None:
        chosen = next((each for each in opened if each.name == road), None)
        if chosen is None:
            raise _closed(road, [each for each in every if isinstance(each, Closed)])
        because = (f"{road}: asked for", *chosen.because, *filter(None, (chosen.only_if_asked,)))
    else:
        able = [each for each in opened if not each.only_if_asked]
        if not able:
            raise _no_road(every)
        chosen = min(able, key=lambda each: (each.tokens_max, each.cost.tokens_likely))
        because = (*_cheapest(chosen, able), *chosen.because, *_others(chosen, every))
    asins = tuple(archived) if chosen.name == "archive" else ()
    return DiscoveryPlan(criteria=criteria, road=chosen, because=because, now=now, archived=asins)


def forecast(cost: Cost, status: Status, now: datetime) -> Forecast:
    """Return what a plan of this cost leaves and when it can be paid for, if nobody else spends."""
    most = cost.tokens_max or 0
    return Forecast(
        status.free, status.free - cost.tokens_likely, status.free - most, seconds_until_paid(most, status, now)
    )


def check_tokens(plan: DiscoveryPlan) -> None:
    """Raise MaxTokensError if the whole may cost more than is allowed."""
    allowed = plan.criteria.max_tokens
    if allowed is not None and plan.tokens_max > allowed:
        raise too_dear(None, plan.tokens_max, allowed)


def seconds_until_paid(tokens_max: int, status: Status, now: datetime) -> float | None:
    """Return in how many seconds so many tokens will have come, if nobody else spends; None if they never will."""
    if tokens_max == 0:
        return 0.0
    short = max(tokens_max + status.floor - status.free, 1 - status.balance)
    if short <= 0:
        return 0.0
    net = status.refill_rate_per_minute - status.flow_reduction_per_minute
    if status.next_refill_at is None or net <= 0:
        return None
    lumps = -(-short // net)
    return max(0.0, (status.next_refill_at - now).total_seconds()) + (lumps - 1) * TICK_MS / 1000


def _cheapest(chosen: Road, able: Collection[Road]) -> tuple[str, ...]:
    if len(able) == 1:
        return (f"{chosen.name}: the only road that answers the criteria",)
    dearer = ", ".join(f"{each.name} {each.tokens_max:,}" for each in able if each is not chosen)
    return (f"{chosen.name}: the cheapest road that answers the criteria; at most, others take: {dearer} tokens",)


def _others(chosen: Road, every: Collection[Road | Closed]) -> tuple[str, ...]:
    """Say why each road that is not in the running is not; of an archive that cannot help nobody needs to hear."""
    return tuple(
        f"not {each.name}: {_why_not(each)}"
        for each in every
        if each is not chosen and _why_not(each) and not (isinstance(each, Closed) and each.name == "archive")
    )


def _why_not(road: Road | Closed) -> str:
    return road.because if isinstance(road, Closed) else road.only_if_asked


def _closed(road: RoadName, every: Collection[Closed]) -> InvalidCallError:
    why = next((each.because for each in every if each.name == road), "there is no such road")
    message = f"The road {road} cannot be taken: {why}; nothing was sent."
    return InvalidCallError("road_closed", message, parameter="road")


def _no_road(every: Collection[Road | Closed]) -> InvalidCallError:
    words = [f"{each.name}: {_why_not(each)}" for each in every]
    return InvalidCallError("no_road", f"No road answers these criteria. {'; '.join(words)}. Nothing was sent.")
