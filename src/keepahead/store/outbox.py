"""What is to be told, until it has been: put in with what it tells of, and taken out by one of many, at least once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, and_, delete, exists, func, insert, or_, select, update

from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.store import tables
from keepahead.store.database import Database

LONGEST_WAIT = timedelta(hours=2)
"""No attempt is put off for longer: what seems to be was, before our clock was put back, and is due."""

_ROWS = tables.outbox.c
_IS_UNSENT = and_(_ROWS.delivered_at.is_(None), _ROWS.given_up_at.is_(None))
_LETTER = ("channel", "rule", "subject", "is_over", "headline", "alert")
_PARCEL = ("delivery_id", "holder", "attempts", "made_at", *_LETTER)
_DELIVERY = (
    "delivery_id",
    "channel",
    "rule",
    "subject",
    "is_over",
    "headline",
    "made_at",
    "due_at",
    "attempts",
    "delivered_at",
    "failure",
    "given_up_at",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What goes to one channel. `alert` is all of it, as text; the rest is for whoever looks at a list."""

    channel: str
    rule: str
    subject: str
    is_over: bool
    headline: str
    alert: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel(Letter):
    """A letter that `holder` has taken out to deliver; it is the attempt number `attempts`."""

    delivery_id: int
    holder: str
    attempts: int
    made_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How it went with one letter: delivered, given up, or due again. `failure` is why the last attempt failed."""

    delivery_id: int
    channel: str
    rule: str
    subject: str
    is_over: bool
    headline: str
    made_at: datetime
    due_at: datetime
    attempts: int
    delivered_at: datetime | None
    failure: str | None
    given_up_at: datetime | None


class Outbox:
    """The letters of one account. Threads and processes may share it. Raises LedgerUnavailableError."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._is_ours = _ROWS.fingerprint == fingerprint
        self._fingerprint = fingerprint

    def put(self, letters: Sequence[Letter], now: datetime) -> None:
        """Put letters in; each is due at once."""
        with self._database.write() as connection:
            put(connection, self._fingerprint, letters, now)

    def claim(self, holder: str, now: datetime, *, hold: timedelta, besides: Collection[str] = ()) -> Parcel | None:
        """Give `holder` the letter that has been due longest, and that nobody holds; None if there is none.

        Of many who ask one gets it. Who has neither delivered it nor failed by the end of `hold` has lost it. Letters
        to the channels `besides` stay. What one channel is to hear of one alarm it hears in its order: a letter waits
        for an earlier one.
        """
        open_to_us = and_(self._claimable(now, hold), _ROWS.channel.not_in(besides), ~_comes_later())
        oldest = select(_ROWS.delivery_id).where(open_to_us).order_by(_ROWS.due_at, _ROWS.delivery_id).limit(1)
        while True:
            with self._database.read() as connection:  # mostly there is none, and nobody has to wait for a look
                delivery_id = connection.execute(oldest).scalar_one_or_none()
            if delivery_id is None:
                return None
            taken = (
                update(tables.outbox)
                .where(_ROWS.delivery_id == delivery_id, open_to_us)
                .values(holder=holder, held_until=now + hold, attempts=_ROWS.attempts + 1)
                .returning(*(_ROWS[name] for name in _PARCEL))
            )
            with self._database.write() as connection:
                row = connection.execute(taken).mappings().one_or_none()
            if row is not None:  # else somebody else was quicker, and there may be another
                return Parcel(**row)

    def delivered(self, parcel: Parcel, now: datetime) -> None:
        """Have on record that a letter has arrived, whoever holds it by now."""
        self._write(parcel, holder=None, held_until=None, failure=None, delivered_at=now, given_up_at=None)

    def failed(self, parcel: Parcel, why: str, retry_at: datetime | None, now: datetime) -> None:
        """Have on record why an attempt failed, and when the next is due; None gives the letter up.

        Nothing happens where the parcel has meanwhile been lost to another holder, who will tell how it went with it.
        """
        next_step = {"given_up_at": now} if retry_at is None else {"due_at": min(retry_at, now + LONGEST_WAIT)}
        is_held = _ROWS.holder == parcel.holder, _ROWS.attempts == parcel.attempts, _IS_UNSENT
        self._write(parcel, *is_held, holder=None, held_until=None, failure=why, **next_step)

    def recent(self, limit: int = 50) -> Sequence[Delivery]:
        """Return the letters that were put in last, the last first, whatever clocks said."""
        query = select(*(_ROWS[name] for name in _DELIVERY)).where(self._is_ours)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(_ROWS.delivery_id.desc()).limit(limit))
            return [Delivery(**row) for row in found.mappings()]

    def after(self, delivery_id: int, *, besides: Collection[int] = ()) -> Sequence[Delivery]:
        """Return the letters with a higher number, and those with these numbers, the oldest first."""
        wanted = or_(_ROWS.delivery_id > delivery_id, _ROWS.delivery_id.in_(besides))
        query = select(*(_ROWS[name] for name in _DELIVERY)).where(self._is_ours, wanted)
        with self._database.read() as connection:
            found = connection.execute(query.order_by(_ROWS.delivery_id))
            return [Delivery(**row) for row in found.mappings()]

    def waiting(self) -> int:
        """Count the letters that have neither been delivered nor given up."""
        with self._database.read() as connection:
            return connection.execute(select(func.count()).where(self._is_ours, _IS_UNSENT)).scalar_one()

    def sweep(self, before: datetime) -> int:
        """Take out the letters from before that moment that are done with; return how many."""
        is_done = or_(_ROWS.delivered_at.is_not(None), _ROWS.given_up_at.is_not(None))
        old = self._is_ours, _ROWS.made_at < before, is_done
        with self._database.read() as connection:  # as above
            if not connection.execute(select(func.count()).where(*old)).scalar_one():
                return 0
        with self._database.write() as connection:
            return connection.execute(delete(tables.outbox).where(*old)).rowcount

    def _claimable(self, now: datetime, hold: timedelta) -> ColumnElement[bool]:
        """Tell which letters may be taken; a moment further away than it can be is from before a clock was put back.

        One that is only a little too far is from a gateway whose clock is ahead of ours.
        """
        is_due = or_(_ROWS.due_at <= now, _ROWS.due_at > now + LONGEST_WAIT)
        is_free = or_(_ROWS.held_until.is_(None), _ROWS.held_until <= now, _ROWS.held_until > now + hold + CLOCKS_AGREE)
        return and_(self._is_ours, _IS_UNSENT, is_due, is_free)

    def _write(self, parcel: Parcel, *conditions: ColumnElement[bool], **values: object) -> None:
        which = self._is_ours, _ROWS.delivery_id == parcel.delivery_id
        with self._database.write() as connection:
            connection.execute(update(tables.outbox).where(*which, *conditions).values(**values))


def _comes_later() -> ColumnElement[bool]:
    """Tell which letters have an earlier one before them that is neither delivered nor given up."""
    earlier = tables.outbox.alias("earlier").c
    is_alike = (earlier[name] == _ROWS[name] for name in ("fingerprint", "channel", "rule", "subject"))
    is_unsent = earlier.delivered_at.is_(None), earlier.given_up_at.is_(None)
    is_before = earlier.delivery_id < _ROWS.delivery_id
    return exists().where(*is_alike, *is_unsent, is_before).correlate(tables.outbox)


def put(connection: Connection, fingerprint: str, letters: Sequence[Letter], now: datetime) -> None:
    """Put letters in, in the transaction in which it becomes true what they tell."""
    rows = [{name: getattr(letter, name) for name in _LETTER} for letter in letters]
    if rows:
        always = {"fingerprint": fingerprint, "made_at": now, "due_at": now}
        connection.execute(insert(tables.outbox), [{**always, **row} for row in rows])
