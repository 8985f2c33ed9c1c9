"""Nothing paid for is lost, and nothing is paid for twice."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

from keepahead.simulator.answers import Reply
from lab.laws.asked import Asked
from lab.laws.paid import Wish, items_in, serves_again, wish_of
from lab.network import Exchange
from lab.process import Process

KEPT_WITHIN_SECONDS = 3.0
"""So soon after an answer was handed to a living process the archive has it, if the database does not stall."""

STALL_SECONDS = 30.0
"""The longest stall of the database: one lies between an answer and the archive, one between a wish and its look."""

PATIENCE_SECONDS = 30.0
"""So long those wait for what others fetch who do not wait for tokens."""

RENEWED_SECONDS = 60.0
"""A lease that is older is looked at once more before its call is sent; a fresh one may miss what came unleased."""

_ITEM = "SELECT call_id, fetched_at FROM answers WHERE endpoint = ? AND item = ?"
_WHOLE = "SELECT call_id, fetched_at FROM answers WHERE endpoint = ?"


@dataclass(eq=False)
class Copy:
    """One item of an answer that has come: when it arrived (also by its host's clock), and when it was kept."""

    exchange: Exchange
    wish: Wish
    item: str
    arrived_us: int
    arrived_at: float
    due_at: float
    was_leased: bool
    serves: bool
    archived_at: float | None = None


class Kept:
    """Law "nothing paid for is lost": an answer that reached a living process is in the archive within 3 seconds.

    Plus one stall of the database, where it stalls. In place of it there may be a newer one of the same item. Excused
    are a process that died, and one whom the database has failed meanwhile.

    Law "nothing is paid for twice": where all hosts go by one clock, no call is sent for an item that
    - lay in the archive, young enough for its caller, when the caller asked; nor
    - came there since, before the call was sent: leased, or so long ago that it must have been looked for again; nor
    - is on its way to a living process that leased it.
    The last two only before the caller may give up waiting for others: at his deadline, not before 30 s.
    """

    def __init__(self, connection: sqlite3.Connection, seconds: Callable[[], float], kinds: frozenset[str]) -> None:
        self._connection = connection
        self._seconds = seconds
        self._one_clock = "clocks" not in kinds
        self._stall_seconds = STALL_SECONDS if "store" in kinds else 0.0
        self._awaited: list[Copy] = []
        self._copies: dict[tuple[str, str], Copy] = {}
        self._on_their_way: dict[tuple[str, str], tuple[Exchange, Asked]] = {}
        self._wholes: dict[str, str] = {}

    @property
    def due_at(self) -> float:
        """When the oldest answer must be there."""
        return self._awaited[0].due_at if self._awaited else float("inf")

    def sent(self, exchange: Exchange, asked: Asked | None) -> str | None:
        """Note a request that leaves; tell what is wrong with that."""
        wish = wish_of(exchange)
        if wish.endpoint == "token":
            return None
        age = asked.age_seconds if asked else None
        for item in wish.items:
            if asked is not None and age and self._one_clock:
                wrong = self._is_paid_already(wish, item, asked, age)
                if wrong:
                    return wrong
            if asked is not None and age:
                self._on_their_way[wish.text, item] = exchange, asked
        return None

    def _is_paid_already(self, wish: Wish, item: str, asked: Asked, age: float) -> str | None:
        now = self._seconds()
        called = f"{asked.name} pays for {item or wish.endpoint} (asked at {asked.at:.1f}, sent at {now:.1f}, "
        shares = now < asked.may_give_up_at(PATIENCE_SECONDS)
        copy = self._copies.get((wish.text, item))
        if copy is not None and copy.archived_at is not None:
            looked_by = asked.at + self._stall_seconds + 1
            lay_there = copy.archived_at < asked.at and copy.arrived_at > min(now, looked_by) - age
            looked_again = copy.was_leased or copy.archived_at < now - RENEWED_SECONDS - self._stall_seconds - 1
            came = shares and looked_again and copy.archived_at < now and copy.arrived_at > now - age
            if lay_there or came:
                return (
                    f"{called}age {age:.0f} s), and the archive has had it since {copy.archived_at:.1f}, "
                    f"by call {copy.exchange.call_id}"
                )
        other, others = self._on_their_way.get((wish.text, item), (None, None))
        if other is None or others is None or others is asked or not shares:
            return None
        if other.at >= others.may_give_up_at(PATIENCE_SECONDS):  # it gave up waiting for a third, who held the lease
            return None
        if other.process.is_alive and not other.heard.done() and other.at >= now - age:
            return f"{called}age {age:.0f} s), and call {other.call_id} has been fetching it since {other.at:.1f}"
        return None

    def delivered(self, exchange: Exchange, reply: Reply, asked: Asked | None) -> None:
        """Note an answer that reaches its process."""
        if exchange.heard.done() or not exchange.process.is_alive:
            return
        now, wish = self._seconds(), wish_of(exchange)
        arrived_us = round(exchange.process.clock.now().timestamp() * 1_000_000)
        due_at = now + KEPT_WITHIN_SECONDS + self._stall_seconds
        was_leased = bool(asked and asked.age_seconds) and (wish.endpoint == "product" or len(wish.items) == 1)
        items, serves = items_in(exchange, reply), serves_again(exchange, reply)
        for item in items:
            if not item:
                self._wholes[exchange.call_id] = wish.text
            self._awaited.append(Copy(exchange, wish, item, arrived_us, now, due_at, was_leased, item in serves))

    def after_commit(self) -> None:
        """See what has come into the archive."""
        if self._awaited:
            self._awaited = [copy for copy in self._awaited if not self._is_there(copy)]

    def _is_there(self, copy: Copy) -> bool:
        call_id = copy.exchange.call_id
        if copy.item:
            found = self._connection.execute(_ITEM, (copy.wish.endpoint, copy.item)).fetchall()
            is_own = any(row[0] == call_id for row in found)
            is_there = is_own or any(row[1] >= copy.arrived_us for row in found)
        else:
            found = self._connection.execute(_WHOLE, (copy.wish.endpoint,)).fetchall()
            alike = [row for row in found if self._wholes.get(row[0]) == copy.wish.text]
            is_own = any(row[0] == call_id for row in alike)
            is_there = is_own or any(row[1] >= copy.arrived_us for row in alike)
        if is_own and copy.serves:
            copy.archived_at = self._seconds()
            self._copies[copy.wish.text, copy.item] = copy
        return is_there

    def check(self) -> str | None:
        """Tell which answer should be in the archive by now, and is not."""
        now = self._seconds()
        for copy in self._awaited:
            if copy.due_at > now:
                continue
            process = copy.exchange.process
            if not self._is_there(copy) and process.store_troubled_at < copy.arrived_at:
                return (
                    f"the answer to call {copy.exchange.call_id} reached {process.name} at {copy.arrived_at:.1f}, and "
                    f"{copy.item or copy.wish.endpoint} is not in the archive"
                )
        self._awaited = [copy for copy in self._awaited if copy.due_at > now]
        return None

    def died(self, process: Process) -> None:
        """Expect nothing more of a process that was killed."""
        self._awaited = [copy for copy in self._awaited if copy.exchange.process is not process]
