"""The keys of the gateway: made, changed, revoked, and found by their text, of which only a hash is kept."""

import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, exists, insert, or_, select, update

from keepahead.budget.scope import Scope
from keepahead.store import kept, tables
from keepahead.store.database import Database

FIRST_NAME = "admin"
"""The name of the key that the first start of a gateway makes."""

_PREFIX = "kah"
_ID_LENGTH = 8
_SECRET_LENGTH = 53  # 64 in all, as a Keepa key has: programs that talk to Keepa check the length
_ID_ENDS = len(_PREFIX) + _ID_LENGTH
_ID_ALPHABET = string.ascii_lowercase + string.digits
_ALPHABET = string.ascii_letters + string.digits
_SHAPE = re.compile(rf"{_PREFIX}[{_ID_ALPHABET}]{{{_ID_LENGTH}}}[{_ALPHABET}]{{{_SECRET_LENGTH}}}")
_NO_HASH = bytes(32)

_KEYS = tables.gateway_keys
_COLUMNS = ("key_id", "name", "scope", "lane", "requests_per_minute", "made_at", "revoked_at", "used_at")
_RECORD = tuple(_KEYS.c[name] for name in _COLUMNS)


@dataclass(frozen=True, slots=True)
class GatewayKey:
    """What is known of a key, which is all but the key itself. The ledger charges its `name`.

    `lane` "live" may spend in both lanes, "jobs" only in the background. `requests_per_minute` None is no limit.
    """

    key_id: str
    name: str
    scope: Scope
    lane: str
    requests_per_minute: int | None
    made_at: datetime
    revoked_at: datetime | None = None
    used_at: datetime | None = None


class Keyring:
    """The gateway's keys of one account. Threads may share it. Raises LedgerUnavailableError."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def create(
        self, name: str, scope: Scope, lane: str, requests_per_minute: int | None, now: datetime
    ) -> tuple[GatewayKey, str] | None:
        """Make a key; return it with its text, which nobody can find out again. None: the name is taken."""
        with self._alone() as connection:
            if connection.execute(select(exists().where(*self._named(name)))).scalar_one():
                return None
            return self._insert(connection, *_new(name, scope, lane, requests_per_minute, now))

    def create_first(self, now: datetime) -> tuple[GatewayKey, str] | None:
        """Make the key "admin" if the account has never had any, else return None. Of many at once one gets it."""
        if self.has_any():
            return None
        with self._alone() as connection:
            if self._has_any(connection):
                return None
            return self._insert(connection, *_new(FIRST_NAME, Scope.ADMIN, "live", None, now))

    def listed(self, *, include_revoked: bool = False) -> Sequence[GatewayKey]:
        """Return the keys by name, those of one name by age."""
        query = select(*_RECORD).where(self._is_ours()).order_by(_KEYS.c.name, _KEYS.c.made_at)
        if not include_revoked:
            query = query.where(_KEYS.c.revoked_at.is_(None))
        with self._database.read() as connection:
            return [_read(row) for row in connection.execute(query)]

    def has_any(self) -> bool:
        """Tell whether the account has ever had a key, revoked ones included."""
        with self._database.read() as connection:
            return self._has_any(connection)

    def change(self, key: GatewayKey) -> bool:
        """Give the key of that id the scope, lane and requests a minute of `key`; tell whether it is there."""
        values = {name: getattr(key, name) for name in ("scope", "lane", "requests_per_minute")}
        with self._alone() as connection:
            return bool(connection.execute(update(_KEYS).where(*self._of(key.key_id)).values(values)).rowcount)

    def revoke(self, name_or_id: str, now: datetime) -> bool:
        """Let a key open nothing any more, for good; tell whether it did until now. A name comes before an id."""
        with self._alone() as connection:
            return any(
                connection.execute(update(_KEYS).where(*which).values(revoked_at=now)).rowcount
                for which in (self._named(name_or_id), self._of(name_or_id))
            )

    def find(self, text: str) -> GatewayKey | None:
        """Return the key of that text if it is one that is not revoked.

        The database is asked for the id alone; the secret part is compared in the same time whatever is known of it.
        """
        if not is_key_text(text):
            return None
        with self._database.read() as connection:
            query = select(_KEYS.c.hash, *_RECORD).where(self._is_ours(), _KEYS.c.key_id == id_of(text))
            row = connection.execute(query).first()
        expected, *record = row or (_NO_HASH,)
        is_right = hmac.compare_digest(expected, hash_of(text))
        key = _read(record) if record else None
        return key if is_right and key and key.revoked_at is None else None

    def hashes(self) -> frozenset[bytes]:
        """Return what is kept of all keys that are not revoked."""
        query = select(_KEYS.c.hash).where(self._is_ours(), _KEYS.c.revoked_at.is_(None))
        with self._database.read() as connection:
            return frozenset(connection.execute(query).scalars())

    def is_good(self, key_id: str) -> bool:
        """Tell whether there is a key of that id that is not revoked."""
        with self._database.read() as connection:
            return connection.execute(select(exists().where(*self._of(key_id)))).scalar_one()

    def seal(self, key_id: str, text: str) -> tuple[GatewayKey, str] | None:
        """Return a key that is not revoked, and a seal of the text (hex) that nobody can make without its hash."""
        with self._database.read() as connection:
            row = connection.execute(select(_KEYS.c.hash, *_RECORD).where(*self._of(key_id))).first()
        if row is None:
            return None
        secret, *record = row
        return _read(record), hmac.digest(secret, text.encode(), "sha256").hex()

    def note_use(self, key_id: str, now: datetime) -> None:
        """Write down when a key was used, unless a later moment is there."""
        is_older = or_(_KEYS.c.used_at.is_(None), _KEYS.c.used_at < now)
        with self._database.write() as connection:
            connection.execute(
                update(_KEYS).where(self._is_ours(), _KEYS.c.key_id == key_id, is_older).values(used_at=now)
            )

    def _insert(self, connection: Connection, key: GatewayKey, text: str) -> tuple[GatewayKey, str]:
        row = {name: getattr(key, name) for name in _COLUMNS}
        connection.execute(insert(_KEYS).values(fingerprint=self._fingerprint, hash=hash_of(text), **row))
        return key, text

    def _has_any(self, connection: Connection) -> bool:
        return connection.execute(select(exists().where(self._is_ours()))).scalar_one()

    def _is_ours(self) -> ColumnElement[bool]:
        return _KEYS.c.fingerprint == self._fingerprint

    def _named(self, name: str) -> tuple[ColumnElement[bool], ...]:
        return self._is_ours(), _KEYS.c.name == name, _KEYS.c.revoked_at.is_(None)

    def _of(self, key_id: str) -> tuple[ColumnElement[bool], ...]:
        return self._is_ours(), _KEYS.c.key_id == key_id, _KEYS.c.revoked_at.is_(None)

    @contextmanager
    def _alone(self) -> Generator[Connection]:
        """Give a transaction in which nobody else changes the keys of this account."""
        with self._database.write() as connection:
            kept.load_locked(connection, self._fingerprint)
            yield connection


def is_key_text(text: str) -> bool:
    """Tell whether a text has the shape of a key of ours: 64 letters and digits, of which the first are kah."""
    return _SHAPE.fullmatch(text) is not None


def id_of(text: str) -> str:
    """Return the id in the text of a key, which is no secret."""
    return text[len(_PREFIX) : _ID_ENDS]


def hash_of(text: str) -> bytes:
    """Return what is kept of a key in place of it.

    Slow hashes are for what people make up. This secret is 53 signs at random (315 bits): nobody tries them all,
    however fast the hash is.
    """
    return hashlib.sha256(text.encode()).digest()


def _new(name: str, scope: Scope, lane: str, requests_per_minute: int | None, now: datetime) -> tuple[GatewayKey, str]:
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(_ID_LENGTH))
    secret = "".join(secrets.choice(_ALPHABET) for _ in range(_SECRET_LENGTH))
    return GatewayKey(key_id, name, scope, lane, requests_per_minute, now), f"{_PREFIX}{key_id}{secret}"


def _read(row: Sequence[Any]) -> GatewayKey:
    key_id, name, scope, *rest = row
    return GatewayKey(key_id, name, Scope(scope), *rest)
