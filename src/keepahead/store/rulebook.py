"""Limits and freezes: read, made and taken back. Every process sees a change with its next decision."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, delete, func, select, update

from keepahead.budget.account import Account
from keepahead.budget.rule import Freeze, Limit, day_of, hour_of
from keepahead.store import kept, rows, tables
from keepahead.store.database import Database
from keepahead.store.dialects import insert_for
from keepahead.store.kept import Kept
from keepahead.store.statement import pen

_HOURS = tables.hours.c


@dataclass(frozen=True, slots=True)
class Caller:
    """A caller, its limit if it has one, and what it has spent, or may have, since the hour and the day began (UTC).

    `held` tokens are set aside for its calls under way.
    """

    name: str
    limit: Limit | None
    spent_hour: int
    spent_day: int
    held: int


class Rulebook:
    """The rules of one account."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def callers(self, now: datetime) -> Sequence[Caller]:
        """Return everybody who has a limit or has called today, by name."""
        with self._database.read() as connection:
            found = kept.load(connection, self._fingerprint) or Kept(Account(self._fingerprint))
            spent = {of: self._spent(connection, of) for of in (hour_of(now), day_of(now))}
        held: dict[str, int] = {}
        for each in found.account.reservations:
            if not each.is_unknown:
                held[each.label.caller] = held.get(each.label.caller, 0) + each.tokens
        hour, day = spent[hour_of(now)], spent[day_of(now)]
        names = sorted(found.limits.keys() | day.keys() | held.keys())
        return [
            Caller(name, found.limits.get(name), hour.get(name, 0), day.get(name, 0), held.get(name, 0))
            for name in names
        ]

    def limit(self, limit: Limit) -> None:
        """Set the limit of a caller in place of the one it had."""
        row = {name: getattr(limit, name) for name in rows.LIMIT_COLUMNS}
        with self._changed() as connection:
            statement = insert_for(connection.dialect)(tables.limits).values(fingerprint=self._fingerprint, **row)
            connection.execute(
                statement.on_conflict_do_update(index_elements=list(tables.limits.primary_key), set_=row)
            )

    def unlimit(self, caller: str) -> bool:
        """Take the limit of a caller away; tell whether there was one."""
        columns = tables.limits.c
        with self._changed() as connection:
            gone = connection.execute(
                delete(tables.limits)
                .where(columns.fingerprint == self._fingerprint, columns.caller == caller)
                .returning(columns.caller)
            )
            return gone.first() is not None

    def freezes(self, now: datetime) -> Sequence[Freeze]:
        """Return the freezes in force, the oldest first."""
        with self._database.read() as connection:
            found = kept.load(connection, self._fingerprint)
        if found is None:
            return ()
        balance = found.account.balance_at(now) if found.account.meter else None
        return [freeze for freeze in found.freezes if not freeze.is_over(balance, now)]

    def freeze(self, freeze: Freeze) -> Freeze:
        """Put a freeze in force; return it with its number."""
        with self._changed() as connection:
            statement = insert_for(connection.dialect)(tables.freezes)
            row = {"fingerprint": self._fingerprint, **rows.freeze_row(freeze)}
            number = connection.execute(statement.values(row).returning(tables.freezes.c.freeze_id)).scalar_one()
        return replace(freeze, freeze_id=number)

    def thaw(self, freeze_id: int) -> bool:
        """Take a freeze back; tell whether it was there."""
        columns = tables.freezes.c
        with self._changed() as connection:
            gone = connection.execute(
                delete(tables.freezes)
                .where(columns.fingerprint == self._fingerprint, columns.freeze_id == freeze_id)
                .returning(columns.freeze_id)
            )
            return gone.first() is not None

    def _spent(self, connection: Connection, since: datetime) -> Mapping[str, int]:
        tokens = func.sum(_HOURS.charged + _HOURS.unknown)
        query = (
            select(_HOURS.caller, tokens)
            .where(_HOURS.fingerprint == self._fingerprint, _HOURS.hour >= since, _HOURS.caller != "")
            .group_by(_HOURS.caller)
        )
        return {caller: max(0, int(spent)) for caller, spent in connection.execute(query)}

    @contextmanager
    def _changed(self) -> Generator[Connection]:
        """Give a transaction in which nobody decides; whoever waits looks at the rules anew afterwards."""
        account = tables.accounts
        with self._database.write() as connection:
            kept.load_locked(connection, self._fingerprint)
            yield connection
            connection.execute(
                update(account)
                .where(account.c.fingerprint == self._fingerprint)
                .values(version=account.c.version + 1, rung=account.c.rung + 1)
            )
            with pen(connection) as hand:
                self._database.ring(hand, self._fingerprint)
