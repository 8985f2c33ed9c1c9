"""Who is let into the gateway: a key is looked up, and what was found is remembered for two seconds.

No key is kept here, in any error or in any log: what is remembered is its SHA-256.
"""

import asyncio
import hmac
import ipaddress
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import ParamSpec, Protocol, TypeVar

from keepahead.budget.rule import is_caller_name
from keepahead.budget.scope import Scope
from keepahead.clock import Clock
from keepahead.errors import LedgerError
from keepahead.faces.gateway.turnstile import Turnstile
from keepahead.faces.gateway.visitor import NoKeyError, TooManyWrongKeysError, Visitor, WrongKeyError
from keepahead.faces.redaction import redacted
from keepahead.store.keyring import GatewayKey, Keyring, hash_of, id_of, is_key_text

P = ParamSpec("P")
R = TypeVar("R")

REMEMBERED = timedelta(seconds=2)
"""How long what was seen of a key holds: so long may a revoked one still open."""

USE_NOTED_EVERY = timedelta(minutes=1)
WRONG_KEYS_PER_MINUTE = 30
"""How many unknown keys may come from one address in a minute before the next has to wait."""

_MOST_WRONG = 1_000
_MOST_NAMES = 10_000  # of keys and of addresses that are counted

_Lookup = asyncio.Task[Visitor | None]


class RunInThread(Protocol):
    """Runs what blocks in a thread, as asyncio.to_thread does."""

    def __call__(self, work: Callable[P, R], /, *args: P.args, **options: P.kwargs) -> Awaitable[R]:
        """Run it and return what it returns."""
        ...


@dataclass(frozen=True, slots=True)
class _Known:
    """A key that was good at `seen_at`."""

    hash: bytes
    visitor: Visitor
    seen_at: datetime


class Access:
    """Lets visitors in. One for each gateway, for one event loop. Without a keyring anybody may do anything."""

    def __init__(self, keyring: Keyring | None, clock: Clock, run_in_thread: RunInThread = asyncio.to_thread) -> None:
        self._keyring = keyring
        self._clock = clock
        self._run_in_thread = run_in_thread
        self._known: dict[str, _Known] = {}
        self._wrong: dict[bytes, datetime] = {}
        self._lookups: dict[bytes, tuple[datetime, _Lookup]] = {}
        self._noted: dict[str, datetime] = {}
        self._notes: set[asyncio.Task[None]] = set()
        self._rate = Turnstile(_MOST_NAMES)
        self._brake = Turnstile(_MOST_NAMES)
        self._good: tuple[datetime, frozenset[bytes]] | None = None
        self._looking = asyncio.Lock()

    @property
    def is_open(self) -> bool:
        """Whether anybody may do anything."""
        return self._keyring is None

    async def admit(self, key_text: str | None, *, caller: str | None = None, peer: str = "") -> Visitor:
        """Return whose key that is. `caller` is asked for where no key is, `peer` is the address that it came from.

        Raises AccessDenied, and LedgerError where a key has to be looked up and cannot be.
        """
        if self._keyring is None:
            return _anybody(caller)
        if not key_text:
            raise NoKeyError
        if not is_key_text(key_text):
            raise WrongKeyError("this is no key of a gateway: those have 64 letters and digits, and begin with kah")
        now, digest = self._clock.now(), hash_of(key_text)
        # The id is no secret, so it may be looked up; that of a wrong key takes no longer than that of a good one.
        known = self._known.get(id_of(key_text))
        if known is None or not hmac.compare_digest(known.hash, digest):
            visitor = await self._look_at_unknown(self._keyring, key_text, digest, peer)
        elif _is_recent(known.seen_at, now, REMEMBERED):
            return known.visitor
        else:
            visitor = await self._look_up(self._keyring, key_text, digest)
        if visitor is None:
            raise WrongKeyError("this key is unknown or revoked")
        return visitor

    async def may_stay(self, visitor: Visitor) -> bool:
        """Tell whether the key that somebody came in with is still good; where the ledger is away nobody can say."""
        if self._keyring is None:
            return True
        try:
            return await self._run_in_thread(self._keyring.is_good, visitor.key_id)
        except LedgerError:
            return True

    def check_rate(self, visitor: Visitor) -> float | None:
        """Count one request of a visitor; None: it may go on, else in how many seconds its next one may."""
        if visitor.requests_per_minute is None:
            return None
        return self._rate.take(visitor.key_id, visitor.requests_per_minute, self._clock.now().timestamp())

    async def close(self) -> None:
        """Wait for what is still being written."""
        await asyncio.gather(*self._notes)

    async def _look_at_unknown(self, keyring: Keyring, text: str, digest: bytes, peer: str) -> Visitor | None:
        """Look up a key that was not good before. It counts as wrong until it is found: so many at once count too."""
        if digest in self._lookups:  # counted: it is being looked up
            return await self._look_up(keyring, text, digest)
        peer = _network_of(peer)
        wait = self._brake.take(peer, WRONG_KEYS_PER_MINUTE, self._clock.now().timestamp())
        if wait is not None:
            if not await self._is_good(keyring, digest):
                raise TooManyWrongKeysError(wait)
            return await self._look_up(keyring, text, digest)
        try:
            visitor = await self._look_up(keyring, text, digest)
        except LedgerError:
            self._brake.give_back(peer, WRONG_KEYS_PER_MINUTE)
            raise
        if visitor is not None:
            self._brake.give_back(peer, WRONG_KEYS_PER_MINUTE)
        return visitor

    async def _is_good(self, keyring: Keyring, digest: bytes) -> bool:
        """Tell whether a key is a good one: asked where its address guesses, so that a guesser keeps nobody else out.

        However many are guessed, the ledger is asked once in two seconds, for all good keys at once.
        """
        async with self._looking:
            now = self._clock.now()
            if self._good is None or not _is_recent(self._good[0], now, REMEMBERED):
                try:
                    self._good = now, await self._run_in_thread(keyring.hashes)
                except LedgerError:
                    return False
            return digest in self._good[1]  # what is looked for is a hash: how long it takes tells nothing of a key

    async def _look_up(self, keyring: Keyring, text: str, digest: bytes) -> Visitor | None:
        """Look up a key; whoever shows the same at the same time waits for the same look."""
        now = self._clock.now()
        if digest in self._wrong and _is_recent(self._wrong[digest], now, REMEMBERED):
            return None
        began, lookup = self._lookups.get(digest, (now, None))
        if lookup is None or not _is_recent(began, now, REMEMBERED):
            lookup = asyncio.create_task(self._find(keyring, text, digest, now))
            self._lookups[digest] = now, lookup
            lookup.add_done_callback(partial(self._looked_up, digest))
        return await asyncio.shield(lookup)  # who goes away takes nothing from the others

    async def _find(self, keyring: Keyring, text: str, digest: bytes, now: datetime) -> Visitor | None:
        """Ask the keyring, and remember from before the question what it said."""
        key = await self._run_in_thread(keyring.find, text)
        if key is None:
            self._remember_wrong(id_of(text), digest, now)
            return None
        visitor = Visitor(key.name, key.scope, key.lane, key.requests_per_minute, key.key_id)
        self._known[key.key_id] = _Known(digest, visitor, now)
        self._note_use(keyring, key, now)
        return visitor

    def _remember_wrong(self, key_id: str, digest: bytes, now: datetime) -> None:
        known = self._known.get(key_id)
        if known and hmac.compare_digest(known.hash, digest):
            del self._known[key_id]
        self._wrong.pop(digest, None)
        self._wrong[digest] = now
        if len(self._wrong) > _MOST_WRONG:
            del self._wrong[next(iter(self._wrong))]

    def _looked_up(self, digest: bytes, lookup: _Lookup) -> None:
        if not lookup.cancelled():
            lookup.exception()  # seen, even if all who waited have gone
        if digest in self._lookups and self._lookups[digest][1] is lookup:
            del self._lookups[digest]

    def _note_use(self, keyring: Keyring, key: GatewayKey, now: datetime) -> None:
        """Write down in the background when a key was used, unless somebody did within a minute."""
        noted = (key.used_at, self._noted.get(key.key_id))
        if any(at is not None and _is_recent(at, now, USE_NOTED_EVERY) for at in noted):
            return
        self._noted[key.key_id] = now
        note = asyncio.create_task(self._write_use(keyring, key.key_id, now))
        self._notes.add(note)
        note.add_done_callback(self._notes.discard)

    async def _write_use(self, keyring: Keyring, key_id: str, now: datetime) -> None:
        with suppress(LedgerError):  # the next use is written
            await self._run_in_thread(keyring.note_use, key_id, now)


def key_of(headers: Mapping[str, str], query: Mapping[str, str], *, in_query: bool = False) -> str | None:
    """Return the key that a request shows: Authorization: Bearer, else X-API-Key, else (only with `in_query`) key=….

    `headers` have names in lower case, or do not mind. A key in a URL ends up in the logs of every proxy.
    """
    scheme, _, credentials = headers.get("authorization", "").strip().partition(" ")
    found = (
        credentials.strip() if scheme.lower() == "bearer" else "",
        headers.get("x-api-key", "").strip(),
        query.get("key", "") if in_query else "",
    )
    return next(filter(None, found), None)


def _network_of(peer: str) -> str:
    """Return what one guesser has for himself: an IPv4 address, or the 2**64 addresses of a line with IPv6."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv4Address):
        return peer
    return str(address.ipv4_mapped or ipaddress.ip_network((int(address), 64), strict=False))


def _anybody(caller: str | None) -> Visitor:
    is_name = caller is not None and is_caller_name(caller) and redacted(caller) == caller
    name = caller if caller is not None and is_name else "open"  # a key for a name would be in the ledger
    return Visitor(name, Scope.ADMIN, "live", None, "")


def _is_recent(at: datetime, now: datetime, span: timedelta) -> bool:
    """Tell whether a moment lies in the last `span`; one to come does not: the clock was put back."""
    return timedelta() <= now - at < span
