"""Checks the laws after every step: what the ledger's rows say against what really happened at Keepa.

It reads the committed rows with a driver of its own and shares no code with keepahead. Each law is spelled out in
docs/laboratory.md.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from keepahead.simulator.answers import Reply
from keepahead.simulator.bucket import Bucket
from lab.network import Exchange
from lab.process import Process

KEPT_WITHIN_SECONDS = 3.0
"""So soon after an answer was handed to a living process the archive has it."""

MOST_STEPS_AT_ONCE = 20_000
"""So many turns without any time passing are a livelock."""

_COLUMNS = "seq, kind, call_id, endpoint, tokens, balance, free, floor"


class BrokenLawError(AssertionError):
    """A law is broken."""


@dataclass(frozen=True, slots=True)
class Course:
    """What has come and gone at Keepa since the beginning, but for our own calls."""

    refilled: int
    expired: int
    outsider: int
    plans: int
    clocks: int

    @property
    def gain(self) -> int:
        """Tokens that came, less those that others took or that did not fit."""
        return self.refilled - self.expired - self.outsider


@dataclass
class Flight:
    """One call: what the ledger holds for it, and what Keepa can still do, or did."""

    tokens: int
    process: Process | None
    endpoint: str
    stage: str = "held"  # held, sent, done
    consumed: int = 0
    is_held: bool = True
    """The ledger still counts it: open or unknown."""

    @property
    def is_over(self) -> bool:
        """Neither side has anything more to do with it."""
        return not self.is_held and self.stage == "done"

    @property
    def may_still_charge(self) -> int:
        """Tokens that Keepa may yet take for it."""
        if self.stage == "held":
            return self.tokens if self.process is None or self.process.is_alive else 0
        return self.tokens if self.stage == "sent" else 0


@dataclass(frozen=True, slots=True)
class Bound:
    """What the newest grant promised: the floor, less what it could not know of, as of a course."""

    floor: int
    excuse: int
    course: Course
    call_id: str


@dataclass
class Auditor:
    """`clock_lumps` is how many lumps clocks that differ may make somebody count too early."""

    path: Path
    bucket: Bucket
    clock_lumps: int = 0
    plans: int = 0
    clocks: int = 0
    flights: dict[str, Flight] = field(default_factory=dict)
    """Those that are not over."""

    charged: int = 0
    overlap: int = 0
    """Tokens of calls under way whenever a lost one was found: a meter's shortfall may have been theirs."""

    snapshots: dict[int, Course] = field(default_factory=dict)
    grants: int = 0

    def __post_init__(self) -> None:
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._seq = 0
        self._bound: Bound | None = None
        self._meter: tuple[int, int, int, int] | None = None  # measured_at (us), left, rate, reduction

    def asks_for_meter(self, process: Process) -> bool:
        """Tell whether a /token of this process has not ended yet."""
        return any(each.endpoint == "token" and each.process is process for each in self.flights.values())

    # What really happens

    def course(self) -> Course:
        """Return the course as of now."""
        bucket = self.bucket
        return Course(bucket.refilled, bucket.expired, bucket.consumed_by_outsider, self.plans, self.clocks)

    def measured(self, at_ms: int) -> None:
        """Note the course at a moment of Keepa's clock at which somebody may read the meter."""
        self.snapshots.setdefault(at_ms, self.course())

    def sent(self, exchange: Exchange) -> None:
        """Note that a request has left its process."""
        flight = self.flights.get(exchange.call_id)
        if flight is None:
            raise BrokenLawError(f"{exchange.request.url.path} was sent without a reservation")
        if flight.stage != "held":
            raise BrokenLawError(f"call {exchange.call_id} was sent twice")
        if not flight.is_held:
            raise BrokenLawError(f"call {exchange.call_id} was sent after its reservation had ended")
        flight.stage, flight.process = "sent", exchange.process

    def vanished(self, exchange: Exchange) -> None:
        """Keepa never got it."""
        self.flights[exchange.call_id].stage = "done"
        self._end(exchange.call_id)

    def ended(self, exchange: Exchange, reply: Reply | None, charged: Mapping[str, int]) -> None:
        """Keepa has finished and charged."""
        _ = reply
        flight = self.flights.get(exchange.call_id)
        if flight is None:
            raise BrokenLawError(f"call {exchange.call_id} was forgotten while Keepa was still at it")
        flight.stage, flight.consumed = "done", charged["consumed"]
        if flight.consumed > flight.tokens:
            raise BrokenLawError(
                f"Keepa charged {flight.consumed} for {exchange.request.url.path}, and {flight.tokens} were held"
            )
        if flight.consumed and not flight.is_held:
            raise BrokenLawError(f"call {exchange.call_id} was charged after nobody counted it any more")
        self.charged += flight.consumed
        self._end(exchange.call_id)
        self.check_floor()

    # What the ledger says

    def after_commit(self, process: Process | None) -> None:
        """Check what this process has just written."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM entries WHERE seq > ? ORDER BY seq",  # noqa: S608 - a constant
            (self._seq,),
        ).fetchall()
        for row in rows:
            self._seq = row[0]
            self._read_entry(process, *row[1:])
        if rows:
            self._check_reservations()

    def check_floor(self) -> None:
        """Demand that the balance is not below what the newest grant promised, but for what nobody could know."""
        bound, bucket = self._bound, self.bucket
        if bound is None:
            return
        drop = max(0, bound.course.gain - self.course().gain)
        promised = bound.floor - bound.excuse - drop
        above = bucket.balance - promised
        if above < 0:
            raise BrokenLawError(
                f"the balance is {bucket.balance}, and call {bound.call_id} was granted on the promise of {promised} "
                f"(floor {bound.floor}, unknowable {bound.excuse + drop})"
            )

    def check_conservation(self) -> None:
        """Nothing comes from nowhere: what Keepa says of itself adds up, and nothing that it charged is forgotten."""
        bucket = self.bucket
        balance = bucket.opening + bucket.refilled - bucket.expired - bucket.consumed - bucket.consumed_by_outsider
        if balance != bucket.balance:
            raise BrokenLawError(f"Keepa's bucket does not add up: {balance} and {bucket.balance}")
        if self.charged != bucket.consumed:
            raise BrokenLawError(f"Keepa charged {bucket.consumed}, and the calls of the ledger cost {self.charged}")

    def _read_entry(
        self, process: Process | None, kind: str, call_id: str, endpoint: str, tokens: int, *stated: int
    ) -> None:
        if kind == "reserved":
            self._read_grant(Flight(tokens, process, endpoint), call_id, *stated[:3])
        elif kind == "settled":
            self._read_settlement(call_id, tokens)
        elif kind == "released":
            self._read_release(call_id)
        elif kind == "absorbed":
            self._read_absorption(call_id)
        if kind in {"settled", "observed"}:
            self._see_meter()

    def _read_settlement(self, call_id: str, tokens: int) -> None:
        flight = self._held(call_id, "settled")
        if flight.stage != "done" or tokens != flight.consumed:
            raise BrokenLawError(f"call {call_id} is settled at {tokens}, and Keepa took {flight.consumed}")
        self._let_go(flight, call_id)

    def _read_release(self, call_id: str) -> None:
        flight = self._held(call_id, "released")
        if flight.stage == "sent" or flight.consumed:
            raise BrokenLawError(f"call {call_id} was sent, and its tokens were given back")
        flight.stage = "done"
        self._let_go(flight, call_id)

    def _read_absorption(self, call_id: str) -> None:
        flight = self._held(call_id, "absorbed")
        others = (each for each in self.flights.values() if each is not flight)
        self.overlap += sum(each.tokens for each in others if each.stage != "held")
        if flight.may_still_charge:
            raise BrokenLawError(f"call {call_id} was taken for charged while Keepa was still at it")
        flight.stage = "done"
        self._let_go(flight, call_id)

    def _held(self, call_id: str, kind: str) -> Flight:
        flight = self.flights.get(call_id)
        if flight is None or not flight.is_held:
            raise BrokenLawError(f"call {call_id} is {kind}, and nothing was held for it")
        return flight

    def _let_go(self, flight: Flight, call_id: str) -> None:
        flight.is_held = False
        self._end(call_id)

    def _end(self, call_id: str) -> None:
        if self.flights[call_id].is_over:
            del self.flights[call_id]

    def _see_meter(self) -> None:
        row = self._connection.execute(
            "SELECT measured_at, tokens_left, refill_rate_per_minute, flow_reduction_per_minute FROM accounts"
        ).fetchone()
        self._meter = row if row and row[0] is not None else None

    def _read_grant(self, flight: Flight, call_id: str, balance: int, free: int, floor: int) -> None:
        if call_id in self.flights:
            raise BrokenLawError(f"call {call_id} is reserved twice")
        self.flights[call_id], tokens = flight, flight.tokens
        if not tokens:
            return
        self.grants += 1
        course = self.course()
        excuse = self._excuse(balance, course)
        others = sum(each.may_still_charge for each in self.flights.values() if each is not flight)
        sure = self.bucket.balance - others
        if free > sure + excuse:
            raise BrokenLawError(
                f"call {call_id} was granted on {free} free tokens; {sure} were there (balance {self.bucket.balance}, "
                f"{others} may still be charged, {excuse} unknowable)"
            )
        if free - tokens < floor or balance < 1:
            raise BrokenLawError(f"call {call_id} was granted {tokens} of {free} above a floor of {floor}")
        self._bound = Bound(floor, excuse, course, call_id)

    def _excuse(self, balance: int, course: Course) -> int:
        """Return by how much the projection may rightly be too high: what no meter has told yet.

        Where clocks differ or jump, the order of two meters may be taken wrong too, by as much as a lump counts.
        """
        assert self._meter is not None
        measured_us, left, rate, reduction = self._meter
        then = self.snapshots.get(measured_us // 1000)
        if then is None:
            return 0
        too_high = max(0, (balance - left) - (course.gain - then.gain))
        lumps = self.clock_lumps + (course.clocks - then.clocks)
        untold = course.outsider - then.outsider + lumps * max(0, rate - reduction)
        return untold if course.plans == then.plans else max(untold, too_high)

    def _check_reservations(self) -> None:
        """Demand that the ledger holds every call that was reserved and has not ended, and no other."""
        count, tokens = self._connection.execute(
            "SELECT count(*), coalesce(sum(tokens), 0) FROM reservations"
        ).fetchone()
        held = [flight.tokens for flight in self.flights.values() if flight.is_held]
        if (count, tokens) != (len(held), sum(held)):
            raise BrokenLawError(f"{count} calls hold {tokens} tokens, and by the entries {len(held)} hold {sum(held)}")

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()
