"""Keepa is not hammered: neither with calls that an empty bucket refuses, nor with questions for the meter."""

import sqlite3
import weakref
from collections.abc import Callable

from keepahead.keepa.flow import REQUEUES
from keepahead.simulator.answers import Reply
from keepahead.simulator.bucket import Bucket
from lab.laws.asked import Asked
from lab.network import Exchange

PROBE_LIFE_SECONDS = 15.0
"""While somebody's /token is younger than this nobody else sends one."""

PLAN_KNOWN_FOR_US = 300_000_000
_RECEIVED = "SELECT received_at FROM accounts"
_TOO_MANY = 429
_LOSES_METERS = {"clocks", "deaths", "store"}


class Gentle:
    """No 429, and no polling.

    Law "no hammering": where nobody else spends, the plan stays, all clocks agree, and Keepa itself has no faults,
    Keepa never answers 429, and no call arrives at a balance of 0 or less. Whatever happens, of each of Keepa's calls
    into which a wish falls no more than 6 are answered 429: one, and 5 that go back to the queue. Riders whose common
    call ended so may ride once more alone.

    Law "/token is not polled": where all hosts go by one clock and no meter is lost on its way to the ledger (by a
    death, or a database in trouble), each /token that brings a meter is the first of all, or comes after a call that
    was lost, or was sent because another had been under way for 15 s, or because the newest meter was five minutes old:
    nothing is refused for good on such a one. And none is sent within 15 s of another that is still under way (the
    database not stalling, its caller living).
    """

    def __init__(
        self, connection: sqlite3.Connection, seconds: Callable[[], float], kinds: frozenset[str], bucket: Bucket
    ) -> None:
        self._connection = connection
        self._seconds = seconds
        self._kinds = kinds
        self._bucket = bucket
        self._refused: weakref.WeakKeyDictionary[Asked, int] = weakref.WeakKeyDictionary()
        self._probe: Exchange | None = None
        self.probes = self.overdue = self.aged = 0

    def sent(self, exchange: Exchange) -> str | None:
        """Tell what is wrong with a /token that is sent."""
        if exchange.request.url.path != "/token":
            return None
        [received_us] = self._connection.execute(_RECEIVED).fetchone() or [None]
        now_us = exchange.process.clock.now().timestamp() * 1_000_000
        self.aged += received_us is not None and now_us - received_us >= PLAN_KNOWN_FOR_US
        other, self._probe = self._probe, exchange
        if other is None or other.heard.done() or not other.process.is_alive:
            return None
        self.overdue += exchange.at - other.at >= PROBE_LIFE_SECONDS - 1
        if self._kinds & {"clocks", "store"}:
            return None
        if exchange.at - other.at < PROBE_LIFE_SECONDS - 1:
            return f"/token was sent at {exchange.at:.1f}, and another since {other.at:.1f} is not answered yet"
        return None

    def ended(self, reply: Reply, asked: Asked | None) -> str | None:
        """Tell what is wrong with how often Keepa has refused a request."""
        if reply.status != _TOO_MANY or asked is None:
            return None
        count = self._refused[asked] = self._refused.get(asked, 0) + 1
        if count > (REQUEUES + 1) * (asked.calls + 1):
            return f"{asked.name}, of {asked.calls} calls, has been answered 429 {count} times"
        return None

    def delivered(self, exchange: Exchange) -> str | None:
        """Tell whether a meter that comes was needed."""
        has_meter = exchange.pending is not None and exchange.pending.fate.kind == "none"
        if exchange.request.url.path != "/token" or not has_meter or self._kinds & _LOSES_METERS:
            return None
        self.probes += 1
        lost = self._connection.execute("SELECT count(*) FROM entries WHERE kind = 'lost'").fetchone()[0]
        if self.probes > 1 + lost + self.overdue + self.aged:
            return f"/token has told the meter {self.probes} times, and {lost} calls were lost"
        return None

    def check(self) -> str | None:
        """Tell whether Keepa has had to refuse anything."""
        bucket = self._bucket
        if self._kinds & {"outsiders", "plans", "clocks", "keepa"}:
            return None
        if bucket.refused_429 or bucket.requests_at_or_below_zero:
            return (
                f"Keepa answered 429 {bucket.refused_429} times, and {bucket.requests_at_or_below_zero} calls arrived "
                "at an empty bucket, which nobody but us empties"
            )
        return None
