"""A past for the pages: calls of several callers over the last days, written as they would have been."""

from contextlib import closing
from datetime import UTC, datetime, timedelta

from tests.faces.gateway.served_gateway import ServedGateway
from tests.house import KEY

from keepahead.budget.ask import Ask
from keepahead.budget.entry import Label, Served
from keepahead.budget.lane import JOBS, LIVE
from keepahead.budget.meter import Meter
from keepahead.budget.verdict import Granted
from keepahead.faces.wiring import fingerprint_of
from keepahead.keepa.call_id import new_call_id
from keepahead.store.database import open_database
from keepahead.store.ledger import Ledger

CALLERS = ("nightly", "repricer", "storefront", "analyst Zoë")
CALLS = (
    ("product", "product 10 products domain=1", 10, 10),
    ("search", 'search "instant <b>coffee</b>" domain=1', 20, 12),
    ("bestsellers", "bestsellers 283155 domain=1", 50, 50),
    ("query", "query rootCategory=3760911 domain=1", 15, 18),
    ("seller", "seller A2L77EE7U53NWQ domain=1", 2, 1),
)
"""Endpoint, what is asked, what is set aside, what Keepa charges."""


def make_past(gateway: ServedGateway, days: int = 30, a_day: int = 24) -> str:
    """Write it; return the id of the newest call, which the finder charged more for than was set aside."""
    now = datetime.now(UTC).replace(microsecond=0)
    calls = days * a_day
    with closing(open_database(gateway.environment["KEEPAHEAD_DATABASE_URL"])) as database:
        ledger = Ledger(database, fingerprint_of(gateway.upstream.url, KEY))
        newest = ""
        for number in range(calls):
            at = now - timedelta(days=days) * (calls - number) / calls
            endpoint, shape, held, charged = CALLS[(number * number + number // 7) % 5 if number < calls - 1 else 3]
            caller, lane = CALLERS[(number // 3) % 4], LIVE if number % 3 else JOBS
            newest = new_call_id(at)
            label = Label(newest, endpoint, lane.name, caller)
            if not number:
                ledger.observe(_meter(at, 3_600), at)
            ask = Ask(label=label, lane=lane, shape=shape, tokens_max=held, opened_at=at)
            verdict = ledger.reserve(ask, at)
            assert isinstance(verdict, Granted), verdict
            end = at + timedelta(seconds=1.25)
            if number % 29 == 7:
                ledger.release(newest, "the connection was not there", end)
            elif number % 97 == 50:
                ledger.lose(newest, "no answer within 30 s", end, answered=False)
            else:
                ledger.settle(newest, charged, _meter(end, 3_600 - charged - (80 if number % 30 == 11 else 0)), end)
            if number % 5 == 1:
                ledger.serve(Served(at=end, label=label, tokens=4, shape=shape, paid_by=newest))
            if number % 40 == 21:
                refused = Label(new_call_id(end), "bestsellers", LIVE.name, "storefront")
                ledger.reserve(
                    Ask(label=refused, lane=LIVE, shape="bestsellers 1055398 domain=1", tokens_max=9_000, opened_at=at),
                    end,
                )
        ledger.flush()
    return newest


def _meter(at: datetime, left: int) -> Meter:
    return Meter(at, at, at, left, refill_rate_per_minute=60, refill_in_ms=30_000)
