"""Does the account say what its entries add up to? And: old entries put away without changing anything of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, delete, or_, select, text, update

from keepahead.budget.account import Account, Reservation, apply
from keepahead.budget.entry import Carried, Entry
from keepahead.budget.rule import hour_of
from keepahead.store import hours, kept, rows, tables
from keepahead.store.database import Database
from keepahead.store.hours import HourKey, Sums

_AT_A_TIME = 2_000

PIECE = 500
"""So many entries are read in one piece, where others must not be held up: some hundredths of a second."""

FOLD_AT_A_TIME = 5_000
"""So many entries are put away in one transaction: others wait for it."""


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is `kept` otherwise than its entries say; both in words."""

    what: str
    kept: str
    rebuilt: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What an audit found: how many entries it read, the account that they add up to, and every drift."""

    entries: int
    account: Account
    drifts: tuple[Drift, ...]


class Audit:
    """The entries of one account against its tables."""

    def __init__(self, database: Database, fingerprint: str) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def verify(self) -> Finding:
        """Rebuild the account and the sums of the hours from the entries, as of one moment, and compare."""
        count, sums, rebuilt = 0, Sums(), Account(self._fingerprint)
        with self._database.read(at_length=True) as connection:
            self._see_one_moment(connection)
            since = self._folded_before(connection)
            for entry in self._entries(connection):
                count += 1
                rebuilt = apply(rebuilt, entry)
                if since is None or hour_of(entry.at) >= since:
                    hours.add(sums, entry)
            return self._finding(connection, count, rebuilt, sums, since)

    def verify_in_pieces(self) -> Iterator[Finding | None]:
        """Do the same a piece at a time, for who must hold nobody up; None says that there is more to come.

        Only the last piece and the account are of one moment. Where entries were put away meanwhile it may find a drift
        that there is not: ask `verify`.
        """
        count, sums, rebuilt, last = 0, Sums(), Account(self._fingerprint), 0
        while True:
            with self._database.read() as connection:
                self._see_one_moment(connection)
                since = self._folded_before(connection)
                some = self._query().where(tables.entries.c.seq > last).limit(PIECE)
                piece = [(row["seq"], rows.read_entry(row)) for row in connection.execute(some).mappings()]
                for _, entry in piece:
                    rebuilt = apply(rebuilt, entry)
                    if since is None or hour_of(entry.at) >= since:
                        hours.add(sums, entry)
                count += len(piece)
                is_last = len(piece) < PIECE
                finding = self._finding(connection, count, rebuilt, sums, since) if is_last else None
            yield finding
            if is_last:
                return
            last = piece[-1][0]

    def fold(self, before: datetime, *, at_most: int | None = None) -> int:
        """Put away entries from before that hour, all or `at_most` about so many; return how many.

        Their sums stay in `hours`. What the account still needs is carried over: nothing of it changes.
        """
        before, folded = hour_of(before), 0
        while (at_most is None or folded < at_most) and self._has_older(before):
            with self._database.write() as connection:
                gone = self._fold_some(connection, before)
            folded += gone
            if gone == 0:
                break
        return folded

    def _see_one_moment(self, connection: Connection) -> None:
        """Have all of a transaction see the same; on SQLite it does."""
        if self._database.locks_rows:
            connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))

    def _finding(
        self, connection: Connection, count: int, rebuilt: Account, sums: Sums, since: datetime | None
    ) -> Finding:
        found = kept.load(connection, self._fingerprint)
        have = found.account if found else Account(self._fingerprint)
        return Finding(count, rebuilt, (*_account_drifts(have, rebuilt), *self._hour_drifts(connection, sums, since)))

    def _fold_some(self, connection: Connection, before: datetime) -> int:
        kept.load_locked(connection, self._fingerprint)
        account, states = Account(self._fingerprint), list[tuple[int, Entry, Account]]()
        for row in connection.execute(self._query().limit(FOLD_AT_A_TIME)).mappings():
            entry = rows.read_entry(row)
            if entry.at >= before:
                break
            account = apply(account, entry)
            states.append((row["seq"], entry, account))
        while states and (states[-1][2].meter is None or _is_needed(states[-1][1], states[-1][2])):
            states.pop()
        if not states or all(isinstance(entry, Carried) or _is_needed(entry, states[-1][2]) for _, entry, _ in states):
            return 0
        seq, last, state = states[-1]
        assert state.meter is not None  # noqa: S101 - those without were left
        columns = tables.entries.c
        needed = [held.label.call_id for held in state.reservations]
        gone = connection.execute(
            delete(tables.entries).where(
                columns.fingerprint == self._fingerprint,
                columns.seq <= seq,
                or_(columns.call_id.is_(None), columns.call_id.not_in(needed)),
            )
        ).rowcount
        carried = Carried(at=last.at, meter=state.meter, gap=state.gap, yielded_at=state.yielded_at)
        connection.execute(
            tables.entries.insert().values(seq=seq, fingerprint=self._fingerprint, **rows.entry_row(carried))
        )
        account_columns = tables.accounts.c
        connection.execute(
            update(tables.accounts).where(account_columns.fingerprint == self._fingerprint).values(folded_before=before)
        )
        return gone - sum(isinstance(entry, Carried) for _, entry, _ in states)

    def _has_older(self, before: datetime) -> bool:
        """Tell whether there is anything to put away; locks nothing."""
        columns = tables.entries.c
        query = select(columns.at, columns.kind).where(columns.fingerprint == self._fingerprint)
        with self._database.read() as connection:
            first = connection.execute(query.order_by(columns.at).limit(2)).all()
        return any(at < before and kind != "carried" for at, kind in first)

    def _query(self) -> Select[Any]:
        columns = tables.entries.c
        return select(tables.entries).where(columns.fingerprint == self._fingerprint).order_by(columns.seq)

    def _entries(self, connection: Connection) -> Iterator[Entry]:
        with connection.execution_options(yield_per=_AT_A_TIME).execute(self._query()) as found:
            for row in found.mappings():
                yield rows.read_entry(row)

    def _folded_before(self, connection: Connection) -> datetime | None:
        columns = tables.accounts.c
        query = select(columns.folded_before).where(columns.fingerprint == self._fingerprint)
        return connection.execute(query).scalar_one_or_none()

    def _hour_drifts(self, connection: Connection, sums: Sums, since: datetime | None) -> Iterator[Drift]:
        columns = tables.hours.c
        query = select(tables.hours).where(columns.fingerprint == self._fingerprint)
        if since is not None:
            query = query.where(columns.hour >= since)
        have = {
            HourKey(row["caller"], row["hour"], row["endpoint"], row["lane"]): {
                name: row[name] for name in tables.HOUR_SUMS
            }
            for row in connection.execute(query).mappings()
        }
        for key in sorted(have.keys() | sums.keys()):
            if have.get(key) != sums.get(key):
                whose = ", ".join(name for name in (key.caller or "somebody else", key.endpoint, key.lane) if name)
                yield from _differences(f"sums of {whose}, {key.hour:%Y-%m-%d %H:00} UTC", have.get(key), sums.get(key))


def _is_needed(entry: Entry, account: Account) -> bool:
    label = getattr(entry, "label", None)
    return label is not None and account.find(label.call_id) is not None


def _account_drifts(have: Account, rebuilt: Account) -> Iterator[Drift]:
    old_meter, new_meter = (asdict(account.meter) if account.meter else None for account in (have, rebuilt))
    yield from _differences("meter", old_meter, new_meter)
    for name in ("gap", "yielded_at"):
        if getattr(have, name) != getattr(rebuilt, name):
            yield Drift(name, _words(getattr(have, name)), _words(getattr(rebuilt, name)))
    old, new = _by_call(have.reservations), _by_call(rebuilt.reservations)
    for call_id in sorted(old.keys() | new.keys()):
        yield from _differences(f"reservation {call_id}", old.get(call_id), new.get(call_id))


def _by_call(reservations: Sequence[Reservation]) -> dict[str, Mapping[str, object]]:
    return {held.label.call_id: rows.reservation_row(held) for held in reservations}


def _differences(what: str, have: Mapping[str, object] | None, rebuilt: Mapping[str, object] | None) -> Iterator[Drift]:
    """Yield the values that differ; one drift for all of them where one side has nothing."""
    if have is None or rebuilt is None:
        if have is not rebuilt:
            yield Drift(what, _all_words(have), _all_words(rebuilt))
        return
    for name, value in have.items():
        if value != rebuilt[name]:
            yield Drift(f"{what}: {name}", _words(value), _words(rebuilt[name]))


def _all_words(values: Mapping[str, object] | None) -> str:
    if values is None:
        return _words(None)
    return ", ".join(f"{name} {_words(value)}" for name, value in values.items() if value) or "0"


def _words(value: object) -> str:
    match value:
        case None:
            return "nothing"
        case datetime():
            return f"{value:%Y-%m-%d %H:%M:%S.%f} UTC"
        case _:
            return str(value)
