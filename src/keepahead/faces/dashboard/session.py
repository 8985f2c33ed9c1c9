"""Who is logged in: a cookie that says which gateway key was shown, sealed with what is kept of that key.

No session is kept anywhere: every gateway on the same ledger can read it, and a key that is revoked ends it. Whoever
logs out ends it as well, where he does so and until that gateway starts anew.
"""

import asyncio
import hmac
import re
from datetime import datetime, timedelta

from keepahead.faces.gateway.visitor import Visitor
from keepahead.store.keyring import Keyring

COOKIE = "keepahead_session"
LIFE = timedelta(days=14)

_SHAPE = re.compile(r"([a-z0-9]{1,16})\.([0-9]{1,12})\.([0-9a-f]{64})")
_PURPOSE = "dashboard"
_MOST_ENDED = 10_000


class Sessions:
    """Opens and reads sessions. Without a keyring anybody may do everything, and there are none."""

    def __init__(self, keyring: Keyring | None) -> None:
        self._keyring = keyring
        self._ended: dict[str, None] = {}

    @property
    def is_open(self) -> bool:
        """Whether nobody is asked for a key."""
        return self._keyring is None

    async def begin(self, key_id: str, now: datetime) -> str | None:
        """Return the cookie for whoever has just shown the key of that id; None if it is gone. Raises LedgerError."""
        ends = int((now + LIFE).timestamp())
        sealed = await self._seal(key_id, ends)
        return None if sealed is None else f"{key_id}.{ends}.{sealed[1]}"

    async def visitor(self, cookie: str, now: datetime) -> Visitor | None:
        """Return who that is; None if the cookie is not ours, too old, or its key is revoked. Raises LedgerError."""
        found = _SHAPE.fullmatch(cookie)
        if (
            found is None or found[3] in self._ended or int(found[2]) <= now.timestamp()
        ):  # anybody may write a moment that no calendar has
            return None
        sealed = await self._seal(found[1], int(found[2]))
        if sealed is None or not hmac.compare_digest(sealed[1], found[3]):
            return None
        return sealed[0]

    async def end(self, cookie: str, now: datetime) -> None:
        """Let a cookie be good for nothing any more, should somebody else have it. Raises LedgerError."""
        found = _SHAPE.fullmatch(cookie)
        if found is None or await self.visitor(cookie, now) is None:  # what never was good takes no room
            return
        self._ended[found[3]] = None
        if len(self._ended) > _MOST_ENDED:
            del self._ended[next(iter(self._ended))]

    async def _seal(self, key_id: str, ends: int) -> tuple[Visitor, str] | None:
        if self._keyring is None:
            return None
        found = await asyncio.to_thread(self._keyring.seal, key_id, f"{_PURPOSE}.{key_id}.{ends}")
        if found is None:
            return None
        key, seal = found
        return Visitor(key.name, key.scope, key.lane, key.requests_per_minute, key.key_id), seal
