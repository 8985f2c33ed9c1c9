"""More laws of the books: what is known gets on record, no tokens are held for nothing, each lane keeps its own floor.

And nobody decides on less than there is, or blames others for what we spent. It reads the committed rows by itself, and
shares no code with keepahead.
"""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keepahead.simulator.answers import Reply
from keepahead.simulator.bucket import Bucket
from lab.auditor import BrokenLawError
from lab.network import Exchange
from lab.process import Process

BOOKED_WITHIN_SECONDS = 65.0
"""A program that writes so long after an answer has booked that answer: twice the longest stall, and a little."""

SENT_WITHIN_SECONDS = 65.0
"""A program that writes so long after a grant has sent the call, or given it back; for the same reason."""

LUMPS_LATE = 3
"""An answer comes up to so many lumps after it was written, and its meter's next lump is counted from there."""

FLOORS: Mapping[str, tuple[int, int]] = {"live": (10, 100), "jobs": (100, 25)}
"""Of each lane: tokens, and at most this percentage of what the bucket holds."""

_PROCESS_GONE = "its process ended"
_COLUMNS = "seq, kind, call_id, lane, tokens, balance, floor, external_tokens, reason"


@dataclass
class _Call:
    """A call of the ledger that has not ended: whose, since when, and when its answer came."""

    process: Process | None
    opened: float
    is_sent: bool = False
    told: float | None = None


class Books:
    """The laws of one run. `is_steady`: neither plans nor clocks change, so that a projection can be judged."""

    def __init__(self, path: Path, bucket: Bucket, *, is_steady: bool) -> None:
        self._bucket = bucket
        self.is_steady = is_steady
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._seq = 0
        self._calls: dict[str, _Call] = {}
        self._external = 0

    def sent(self, exchange: Exchange) -> None:
        """Note that a call has left."""
        call = self._calls.get(exchange.call_id)
        if call is not None:
            call.is_sent = True

    def delivered(self, exchange: Exchange, reply: Reply, seconds: float) -> None:
        """Note that an answer has come to somebody who still listens, with a meter that can be read."""
        call = self._calls.get(exchange.call_id)
        is_heard = exchange.process.is_alive and not exchange.heard.done()
        if call is not None and is_heard and _has_meter(reply.body):
            call.told = seconds

    def after_commit(self, process: Process | None, seconds: float) -> None:
        """Check what this process has just written, and what it should have written with it."""
        rows = self._connection.execute(
            f"SELECT {_COLUMNS} FROM entries WHERE seq > ? ORDER BY seq",  # noqa: S608 - a constant
            (self._seq,),
        ).fetchall()
        for seq, kind, call_id, lane, tokens, balance, floor, external, reason in rows:
            self._seq = seq
            self._external += external or 0
            if kind in {"reserved", "refusal"} and tokens:
                self._check_balance(balance)
            if kind == "reserved":
                self._calls[call_id] = _Call(process, seconds)
                self._check_floor(call_id, lane, tokens, floor)
            elif kind == "lost":
                self._check_loss(call_id, reason)
            elif kind in {"settled", "released", "absorbed"}:
                self._calls.pop(call_id, None)
        if rows:
            self._check_owed(process, seconds)
            self._check_external()

    def close(self) -> None:
        """Close its connection."""
        self._connection.close()

    def _check_loss(self, call_id: str, reason: str) -> None:
        call = self._calls.get(call_id)
        if call is not None and call.told is not None and reason != _PROCESS_GONE:
            raise BrokenLawError(f"call {call_id} is lost ({reason}), and its answer had come, with a meter")

    def _check_owed(self, process: Process | None, seconds: float) -> None:
        for call_id, call in self._calls.items():
            if call.process is not process or process is None or not process.is_alive:
                continue
            if call.told is not None and seconds - call.told > BOOKED_WITHIN_SECONDS:
                raise BrokenLawError(
                    f"call {call_id} was answered {seconds - call.told:.0f} s ago, its program has written since, and "
                    "it is not on record"
                )
            if not call.is_sent and seconds - call.opened > SENT_WITHIN_SECONDS:
                raise BrokenLawError(f"call {call_id} holds tokens since {seconds - call.opened:.0f} s for nothing")

    def _check_balance(self, balance: int) -> None:
        """Demand that nobody decides on a balance that is far below the real one."""
        least = self._bucket.balance - LUMPS_LATE * self._bucket.rate
        if self.is_steady and balance < least:
            raise BrokenLawError(f"it was decided on a balance of {balance}, and Keepa holds {self._bucket.balance}")

    def _check_external(self) -> None:
        """Demand that nobody else is blamed for what we spent."""
        outsider = self._bucket.consumed_by_outsider
        if self.is_steady and self._external > outsider:
            raise BrokenLawError(f"others are said to have spent {self._external} tokens, and spent {outsider}")

    def _check_floor(self, call_id: str, lane: str, tokens: int, floor: int) -> None:
        """Demand that a call was held against the floor of its own lane."""
        least, percent = FLOORS[lane]
        own = min(least, self._bucket.capacity * percent // 100)
        if self.is_steady and tokens and floor < own:
            raise BrokenLawError(f"call {call_id} of the lane {lane} was granted above {floor}, and its floor is {own}")


def _has_meter(body: bytes) -> bool:
    try:
        told = json.loads(body)
    except ValueError:
        return False
    fields = ("timestamp", "refillRate")
    return isinstance(told, dict) and all(told.get(name, 0) > 0 for name in fields) and "tokensLeft" in told
