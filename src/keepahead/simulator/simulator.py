"""The simulated Keepa: admits a request, and charges and answers it when it finishes.

The two moments are apart on purpose: several requests can be admitted on one positive balance and all be charged.
It never reads the system's time: `now` is given.
"""

import random
import re
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from keepahead.simulator.answers import (
    Reply,
    empty_reply,
    envelope,
    html_reply,
    image_reply,
    json_reply,
    zero_envelope,
)
from keepahead.simulator.bucket import LogLine, open_bucket
from keepahead.simulator.catalogue.catalogue import Catalogue
from keepahead.simulator.endpoints.routes import ROUTES, Execute, Moment, is_free
from keepahead.simulator.faults import Fate, Faults, Outsider, draw
from keepahead.simulator.request import Outcome, Params, RejectedError
from keepahead.simulator.state import Account, FileState, MemoryState, Room, State, fingerprint

SIMULATOR_KEY = "simulator"
_KEY = re.compile(r"[a-z0-9]{64}\Z")
_NO_FAULT = Fate("none", 0.0, 0.0, coin_a=False, coin_b=False)


@dataclass(frozen=True, slots=True)
class Truth:
    """What really happened to one key's bucket.

    Always: opening + refilled - expired - consumed - consumed_by_outsider == balance.
    expired: refill lost at the cap. requests_at_or_below_zero: requests that cost tokens and arrived at a balance <= 0.
    """

    balance: int
    lowest_balance: int
    refill_rate: int
    capacity: int
    token_flow_reduction: int
    opening: int
    refilled: int
    expired: int
    consumed: int
    consumed_by_outsider: int
    requests: int
    refused_429: int
    requests_at_or_below_zero: int
    log: tuple[LogLine, ...]


@dataclass(frozen=True, slots=True)
class Pending:
    """A request that has arrived and takes `delay_seconds` at Keepa.

    refused: the connection was refused before anything happened; there is nothing to finish.
    """

    path: str
    delay_seconds: float
    refused: bool
    arrived_ms: int
    fate: Fate
    account: str
    compressed: bool
    execute: Execute | None = None
    reply: Reply | None = None


class Simulator:
    """Keepa for tests, demos and machines without a key. Thread-safe; with a state file also between processes.

    now: aware UTC. balance None: a full bucket. The rate and balance given here open an account; a state file
    remembers both afterwards.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        seed: int = 1,
        refill_rate: int = 20,
        balance: int | None = None,
        faults: Faults | None = None,
        outsider: Outsider | None = None,
        state_file: Path | None = None,
    ) -> None:
        self.faults = faults or Faults()
        self.outsider = outsider
        self.catalogue = Catalogue(seed)
        self._now = now
        self._seed = seed
        self._refill_rate = refill_rate
        self._balance = balance
        self._state: State = FileState(state_file) if state_file else MemoryState()
        self._rng = random.Random(f"faults/{seed}")
        with self._account_now(SIMULATOR_KEY):
            pass  # the time of its bucket begins here

    def begin(
        self, method: str, path: str, query: Mapping[str, str], body: bytes = b"", *, accept_gzip: bool = True
    ) -> Pending:
        """Let a request arrive: its fate is drawn, its key and parameters are read, its admission decided."""
        key = query.get("key", "")
        with self._state.enter() as room:
            fate = draw(self.faults, self._rng)
            now_ms = self._now_ms()
            pending = Pending(path, fate.delay_seconds, False, now_ms, fate, fingerprint(key), accept_gzip)
            if fate.kind == "refuse":
                return replace(pending, refused=True)
            route = ROUTES.get(path.strip("/"))
            if route is None:
                return replace(pending, reply=empty_reply(404), fate=_NO_FAULT)
            if fate.kind == "zero" or not is_key(key):
                error = RejectedError().error
                return replace(pending, reply=self._json(pending, 400, zero_envelope() | {"error": error}))
            account = self._account(room, key)
            params = Params(query, body if method == "POST" else b"")
            return self._admit(pending, account, route, params)

    def _admit(self, pending: Pending, account: Account, route: Callable[[Params], Execute], params: Params) -> Pending:
        bucket = account.bucket
        bucket.requests += 1
        if not is_free(pending.path, params):
            if bucket.balance <= 0:
                bucket.requests_at_or_below_zero += 1
            if not bucket.admits() or pending.fate.kind == "storm":
                bucket.refused_429 += 1
                return replace(pending, reply=self._refuse(pending, account))
        try:
            return replace(pending, execute=route(params))
        except RejectedError as error:
            rejected = error
        except (ValueError, TypeError):  # a number or a list where the endpoint reads something else
            rejected = RejectedError()
        body = envelope(bucket, bucket.at_ms, 0, self._rng.randint(0, 3)) | {"error": rejected.error}
        return replace(pending, reply=self._json(pending, rejected.status, body))

    def _refuse(self, pending: Pending, account: Account) -> Reply:
        """Answer 429: true bucket numbers; the error object may be missing, and it may come uncompressed."""
        body = envelope(account.bucket, account.bucket.at_ms, 0, 0)
        if pending.fate.coin_a:
            body["error"] = {"type": "notEnoughToken", "message": "The bucket of this key is empty.", "details": ""}
        return json_reply(429, body, compressed=pending.compressed and pending.fate.coin_b)

    def finish(self, pending: Pending) -> Reply:
        """Let a request end: execute it, charge it, and build its answer."""
        if pending.reply is not None:
            return pending.reply
        if pending.execute is None:
            raise ValueError("a refused connection has nothing to finish")
        kind, fate = pending.fate.kind, pending.fate
        if kind in {"html", "error"} and not fate.coin_a:
            return self._broken(pending)
        with self._state.enter() as room:
            account = self._account_of(room, pending)
            outcome = self._execute(pending, room, account)
            account.bucket.charge(pending.path, outcome.tokens)
            now_ms = account.bucket.at_ms
            body = envelope(account.bucket, now_ms, outcome.tokens, max(1, now_ms - pending.arrived_ms))
        if kind in {"html", "error"}:
            return self._broken(pending, body)
        if outcome.image is not None:
            reply = image_reply(outcome.image())
        else:
            if outcome.error is not None:
                body["error"] = outcome.error
            reply = self._json(pending, 200, outcome.render() | body, keep=0.6 if kind == "truncated" else 1.0)
        return replace(reply, dropped=kind == "drop", delay_seconds=fate.late_seconds)

    def leave(self, pending: Pending) -> None:
        """Let the client go away early: Keepa works on and charges at the moment at which it would have finished."""
        if pending.execute is None:
            return
        with self._state.enter() as room:
            account = self._account_of(room, pending)
            outcome = self._execute(pending, room, account)
            due_ms = pending.arrived_ms + round(pending.delay_seconds * 1000)
            account.bucket.charge_later(due_ms, pending.path, outcome.tokens)
            account.bucket.advance(self._now_ms())

    def truth(self, key: str = SIMULATOR_KEY) -> Truth:
        """Return what really happened to a key's bucket up to now."""
        with self._account_now(key) as account:
            bucket = account.bucket
            return Truth(
                balance=bucket.balance,
                lowest_balance=bucket.lowest,
                refill_rate=bucket.rate,
                capacity=bucket.capacity,
                token_flow_reduction=bucket.flow_reduction,
                opening=bucket.opening,
                refilled=bucket.refilled,
                expired=bucket.expired,
                consumed=bucket.consumed,
                consumed_by_outsider=bucket.consumed_by_outsider,
                requests=bucket.requests,
                refused_429=bucket.refused_429,
                requests_at_or_below_zero=bucket.requests_at_or_below_zero,
                log=tuple(bucket.log),
            )

    def set_refill_rate(self, rate: int, key: str = SIMULATOR_KEY) -> None:
        """Change a key's plan now; tokens above the new capacity are lost."""
        with self._account_now(key) as account:
            account.bucket.set_rate(rate)

    def _now_ms(self) -> int:
        return round(self._now().timestamp() * 1000)

    @contextmanager
    def _account_now(self, key: str) -> Generator[Account]:
        with self._state.enter() as room:
            yield self._account(room, key)

    def _account(self, room: Room, key: str) -> Account:
        """Return a key's account with its bucket moved to now; the first request opens it."""
        name, now_ms = fingerprint(key), self._now_ms()
        account = room.account(name)
        if account is None:
            seed = int(fingerprint(f"{self._seed}/{name}")[:8], 16)
            bucket = open_bucket(rate=self._refill_rate, balance=self._balance, seed=seed, now_ms=now_ms)
            account = Account(bucket)
            room.add(name, account)
        account.bucket.advance(now_ms)
        account.bucket.set_outsider(self.outsider.tokens_per_minute if self.outsider else 0.0)
        return account

    def _account_of(self, room: Room, pending: Pending) -> Account:
        account = room.account(pending.account)
        if account is None:
            raise ValueError("this request did not begin here")
        account.bucket.advance(self._now_ms())
        return account

    def _execute(self, pending: Pending, room: Room, account: Account) -> Outcome:
        if pending.execute is None:
            raise ValueError("a refused request has nothing to execute")
        return pending.execute(Moment(account.bucket.at_ms, room, account, self.catalogue))

    def _json(self, pending: Pending, status: int, body: Mapping[str, object], *, keep: float = 1.0) -> Reply:
        reply = json_reply(status, body, compressed=pending.compressed and keep >= 1)
        if keep >= 1:
            return reply
        cut = reply.body[: int(len(reply.body) * keep)]
        return replace(reply, body=cut, headers=reply.headers | {"content-length": str(len(cut))})

    def _broken(self, pending: Pending, body: Mapping[str, object] | None = None) -> Reply:
        """Answer 500 or 502 for a request that may or may not have been charged."""
        if pending.fate.kind == "html":
            return html_reply()
        if not pending.fate.coin_b:
            return empty_reply(500)
        if body is None:
            with self._state.enter() as room:
                bucket = self._account_of(room, pending).bucket
                body = envelope(bucket, bucket.at_ms, 0, 0)
        error = {"type": "internalError", "message": "An unexpected error occurred.", "details": ""}
        return self._json(pending, 500, {**body, "error": error})


def is_key(key: str) -> bool:
    """Say whether this Keepa knows the key."""
    return key == SIMULATOR_KEY or bool(_KEY.match(key))
