"""How the rules of alerts stand, and what nobody wants to be told. A state and its letters become true in one step."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, delete, func, insert, select

from keepahead.budget.meter import CLOCKS_AGREE
from keepahead.store import outbox, tables
from keepahead.store.database import Database
from keepahead.store.dialects import insert_for
from keepahead.store.outbox import Letter

KEEP_QUIET = timedelta(days=30)
"""What has not fired for so long is forgotten."""

_STATES = tables.alarms.c
_SILENCES = tables.silences.c


class AlarmKey(NamedTuple):
    """Which alarm: the name of its rule, and which of several the rule fired for, such as a caller; or empty."""

    rule: str
    subject: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """How a rule stands. It fires since `began_at` or, if it no longer does, began to fire then, the last time.

    `is_told`: people have been told of that firing. `told_at` is when they last were of any, `changed_at` when this
    state came to be. `headline` is the plain line that goes with it.
    """

    rule: str
    subject: str
    severity: str
    is_firing: bool
    is_told: bool
    began_at: datetime
    changed_at: datetime
    told_at: datetime | None
    headline: str

    @property
    def key(self) -> AlarmKey:
        """Which alarm this is."""
        return AlarmKey(self.rule, self.subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Until then nobody is told that a rule fires: one rule or all (None), for one subject or any (None)."""

    silence_id: int
    rule: str | None
    subject: str | None
    words: str
    made_at: datetime
    until: datetime

    def is_in_force(self, now: datetime) -> bool:
        """Tell whether it holds at `now`; one made at what is not yet is from before a clock was put back."""
        return self.made_at - CLOCKS_AGREE <= now < self.until

    def covers(self, key: AlarmKey) -> bool:
        """Tell whether it is about that alarm."""
        return self.rule in {None, key.rule} and self.subject in {None, key.subject}


_ALARM = tuple(_STATES[field.name] for field in fields(Alarm))
_SILENCE = tuple(_SILENCES[field.name] for field in fields(Silence))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a judgement changes: states that are new, and what is to be told of it."""

    alarms: Sequence[Alarm] = ()
    letters: Sequence[Letter] = ()


Judge = Callable[[Mapping[AlarmKey, Alarm], Sequence[Silence]], Change]
"""Decides purely, on how all rules stand and on the silences in force."""


class Alarms:
    """The alarms of one account. Threads and processes may share it. Raises LedgerUnavailableError."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def states(self) -> Sequence[Alarm]:
        """Return how every rule stands that has fired of late, those that fire first, then the newest first."""
        with self._database.read() as connection:
            found = self._load(connection).values()
        newest_first = sorted(found, key=lambda alarm: alarm.changed_at, reverse=True)
        return sorted(newest_first, key=lambda alarm: not alarm.is_firing)

    def standing(self, now: datetime) -> tuple[Mapping[AlarmKey, Alarm], Sequence[Silence]]:
        """Return what a judge would be given just now: how every rule stands, and the silences in force."""
        with self._database.read() as connection:
            return self._load(connection), self._in_force(connection, now)

    def change(self, judge: Judge, now: datetime) -> Change:
        """Make true what `judge` decides, as the only one who does so just now; return it.

        A state and its letters are written together: of several gateways one tells of a firing, and none tells of it
        again after a crash.
        """
        with self._database.write() as connection:
            self._lock(connection)
            change = judge(self._load(connection), self._in_force(connection, now))
            self._write(connection, change.alarms)
            outbox.put(connection, self._fingerprint, change.letters, now)
            if change.alarms:
                self._forget(connection, now)
        return change

    def silence(self, *, rule: str | None, subject: str | None, words: str, until: datetime, now: datetime) -> Silence:
        """Have nobody told until then; return it with its number."""
        row = {"rule": rule, "subject": subject, "words": words, "made_at": now, "until": until}
        with self._database.write() as connection:
            connection.execute(delete(tables.silences).where(self._is_silence, _SILENCES.until <= now))
            statement = insert(tables.silences).values(fingerprint=self._fingerprint, **row)
            number = connection.execute(statement.returning(_SILENCES.silence_id)).scalar_one()
        return Silence(silence_id=number, rule=rule, subject=subject, words=words, made_at=now, until=until)

    def unsilence(self, silence_id: int) -> bool:
        """Take a silence back; tell whether it was there."""
        which = self._is_silence, _SILENCES.silence_id == silence_id
        with self._database.write() as connection:
            return bool(connection.execute(delete(tables.silences).where(*which)).rowcount)

    def silences(self, now: datetime) -> Sequence[Silence]:
        """Return the silences in force, the oldest first."""
        with self._database.read() as connection:
            return self._in_force(connection, now)

    @property
    def _is_silence(self) -> ColumnElement[bool]:
        return _SILENCES.fingerprint == self._fingerprint

    def _lock(self, connection: Connection) -> None:
        """Keep others from judging until the end. Not the account's own lock: no call has to wait for an alert."""
        if self._database.locks_rows:
            lock = func.pg_advisory_xact_lock(func.hashtextextended(f"alarms of {self._fingerprint}", 0))
            connection.execute(select(lock))

    def _load(self, connection: Connection) -> Mapping[AlarmKey, Alarm]:
        query = select(*_ALARM).where(_STATES.fingerprint == self._fingerprint)
        found = (Alarm(**row) for row in connection.execute(query).mappings())
        return {alarm.key: alarm for alarm in found}

    def _in_force(self, connection: Connection, now: datetime) -> Sequence[Silence]:
        query = select(*_SILENCE).where(self._is_silence, _SILENCES.until > now)
        found = (Silence(**row) for row in connection.execute(query.order_by(_SILENCES.silence_id)).mappings())
        return [silence for silence in found if silence.is_in_force(now)]

    def _write(self, connection: Connection, alarms: Sequence[Alarm]) -> None:
        for alarm in alarms:
            row = {field.name: getattr(alarm, field.name) for field in fields(Alarm)}
            statement = insert_for(connection.dialect)(tables.alarms).values(fingerprint=self._fingerprint, **row)
            index = list(tables.alarms.primary_key)
            connection.execute(statement.on_conflict_do_update(index_elements=index, set_=row))

    def _forget(self, connection: Connection, now: datetime) -> None:
        is_old = _STATES.is_firing.is_(False), _STATES.changed_at < now - KEEP_QUIET
        connection.execute(delete(tables.alarms).where(_STATES.fingerprint == self._fingerprint, *is_old))
