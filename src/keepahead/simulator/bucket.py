"""Keepa's token bucket for one key, as the protocol sheet describes it (sections 5 and 5.2). Pure: time is an argument.

Times are Unix milliseconds, amounts whole tokens. Events happen strictly in the order of their moments: refill
ticks, recomputed flow reduction, charges of requests that finish after their client left, an outsider's spending.
"""

import math
import random

import msgspec

TICK_MS = 60_200
FLOW_CHECK_MS = 300_000
_LOG_LENGTH = 5_000


class LogLine(msgspec.Struct, frozen=True, array_like=True):
    """One charge: when (Unix ms), what for, how much, and the balance after it."""

    at_ms: int
    path: str
    consumed: int
    balance_after: int


class Drain(msgspec.Struct, array_like=True):
    """What one tracking takes from the refill: tokens per minute until it ends (0: never ends)."""

    tokens_per_minute: float
    ends_ms: int


class Bucket(msgspec.Struct):
    """State and books of one bucket. opening + refilled - expired - consumed - consumed_by_outsider == balance."""

    rate: int
    balance: int
    opening: int
    at_ms: int
    next_tick_ms: int
    next_flow_ms: int
    seed: int
    flow_reduction: int = 0
    lowest: int = 0
    refilled: int = 0
    expired: int = 0
    consumed: int = 0
    consumed_by_outsider: int = 0
    requests: int = 0
    refused_429: int = 0
    requests_at_or_below_zero: int = 0
    outsider_rate: float = 0.0
    outsider_next_ms: int = 0
    outsider_lump: int = 0
    outsider_count: int = 0
    drains: dict[str, Drain] = {}
    due: list[tuple[int, str, int]] = []
    log: list[LogLine] = []

    @property
    def capacity(self) -> int:
        """Tokens it can hold: 60 minutes' worth of the gross rate."""
        return self.rate * 60

    @property
    def lump(self) -> int:
        """Tokens that one tick adds."""
        return max(0, self.rate - self.flow_reduction)

    def admits(self) -> bool:
        """Say whether a paid request that arrives now is executed: positive balance, and some refill left."""
        return self.balance > 0 and self.lump > 0

    def advance(self, now_ms: int) -> None:
        """Let everything happen that happens until `now_ms`. A moment in the past changes nothing."""
        if not self.drains and not self.flow_reduction and self.next_flow_ms <= now_ms:
            self.next_flow_ms += ((now_ms - self.next_flow_ms) // FLOW_CHECK_MS + 1) * FLOW_CHECK_MS
        while True:
            at = min(self.next_tick_ms, self.next_flow_ms, self._next_due_ms(), self._next_outsider_ms())
            if at > now_ms:
                break
            self.at_ms = max(self.at_ms, at)
            if at == self.next_tick_ms:
                self._tick(min(now_ms, self.next_flow_ms, self._next_due_ms(), self._next_outsider_ms()))
            elif at == self.next_flow_ms:
                self._check_flow()
            elif at == self._next_due_ms():
                _, path, tokens = self.due.pop(0)
                self.charge(path, tokens)
            else:
                self._outsider_spends()
        self.at_ms = max(self.at_ms, now_ms)

    def charge(self, path: str, tokens: int) -> None:
        """Book what a finished request cost; the balance may go below zero, without a floor."""
        self.balance -= tokens
        self.consumed += tokens
        self.lowest = min(self.lowest, self.balance)
        self.log.append(LogLine(self.at_ms, path, tokens, self.balance))
        if len(self.log) > _LOG_LENGTH:
            del self.log[: _LOG_LENGTH // 2]

    def charge_later(self, at_ms: int, path: str, tokens: int) -> None:
        """Book a charge at a later moment: its client has left, Keepa works on."""
        self.due.append((max(at_ms, self.at_ms), path, tokens))
        self.due.sort()

    def set_rate(self, rate: int) -> None:
        """Change the plan at the bucket's moment; what no longer fits is lost."""
        self.rate = rate
        self._lose(self.balance - self.capacity)

    def set_outsider(self, tokens_per_minute: float) -> None:
        """Let somebody else spend from now on (0: nobody)."""
        if tokens_per_minute == self.outsider_rate:
            return
        self.outsider_rate = tokens_per_minute
        self._plan_outsider()

    def _tick(self, until_ms: int) -> None:
        """Add one lump for every tick up to that moment; nothing else happens before it."""
        ticks = (until_ms - self.next_tick_ms) // TICK_MS + 1
        self.next_tick_ms += ticks * TICK_MS
        self.at_ms = max(self.at_ms, self.next_tick_ms - TICK_MS)
        self.balance += ticks * self.lump
        self.refilled += ticks * self.lump
        self._lose(self.balance - self.capacity)

    def _lose(self, tokens: int) -> None:
        if tokens > 0:
            self.balance -= tokens
            self.expired += tokens
            self.lowest = min(self.lowest, self.balance)

    def _check_flow(self) -> None:
        self.next_flow_ms += FLOW_CHECK_MS
        if not self.drains:
            self.flow_reduction = 0
            return
        living = (drain for drain in self.drains.values() if not drain.ends_ms or drain.ends_ms > self.at_ms)
        self.flow_reduction = math.ceil(round(sum(drain.tokens_per_minute for drain in living), 9))

    def _next_due_ms(self) -> int:
        return self.due[0][0] if self.due else 1 << 62

    def _next_outsider_ms(self) -> int:
        return self.outsider_next_ms if self.outsider_rate else 1 << 62

    def _plan_outsider(self) -> None:
        self.outsider_count += 1
        rng = random.Random(f"{self.seed}/{self.outsider_count}")
        wait_seconds = rng.uniform(5.0, 55.0)
        self.outsider_next_ms = self.at_ms + int(wait_seconds * 1000)
        self.outsider_lump = max(1, round(self.outsider_rate * wait_seconds / 60 * rng.uniform(0.5, 1.5)))

    def _outsider_spends(self) -> None:
        if self.admits():
            self.balance -= self.outsider_lump
            self.consumed_by_outsider += self.outsider_lump
            self.lowest = min(self.lowest, self.balance)
        self._plan_outsider()


def open_bucket(*, rate: int, balance: int | None, seed: int, now_ms: int) -> Bucket:
    """Open a bucket with a phase of its own; `balance` None means full."""
    rng = random.Random(f"phase/{seed}")
    opening = rate * 60 if balance is None else balance
    return Bucket(
        rate=rate,
        balance=opening,
        opening=opening,
        lowest=opening,
        at_ms=now_ms,
        next_tick_ms=now_ms + rng.randint(1_000, TICK_MS),
        next_flow_ms=now_ms + rng.randint(1_000, FLOW_CHECK_MS),
        seed=seed,
    )
