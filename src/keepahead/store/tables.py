"""The tables. `entries` is the record and is only ever appended to; the others are what it adds up to."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    text,
)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Span(TypeDecorator[timedelta]):
    """A length of time kept as whole microseconds."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: Dialect) -> int | None:
        """Turn a length of time into microseconds."""
        _ = dialect
        return None if value is None else value // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> timedelta | None:
        """Turn microseconds into a length of time."""
        _ = dialect
        return None if value is None else timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime kept as whole microseconds since 1970 UTC: exact, and the same on every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Turn an aware datetime into microseconds."""
        _ = dialect
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        """Turn microseconds into an aware datetime."""
        _ = dialect
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def _meter_columns() -> tuple[Column[Any], ...]:
    return (
        Column("measured_at", Moment),
        Column("asked_at", Moment),
        Column("received_at", Moment),
        Column("tokens_left", BigInteger),
        Column("refill_rate_per_minute", Integer),
        Column("refill_in_ms", Integer),
        Column("flow_reduction_per_minute", Integer),
    )


HOUR_SUMS = ("calls", "charged", "unknown", "absorbed", "found", "refused", "external", "saved")
"""Calls that ended; tokens charged; lost, at their maximum; lost ones that a meter absorbed, and what it showed them to
have cost; calls refused; tokens that somebody else spent; tokens that the archive saved."""

metadata = MetaData()

accounts = Table(
    "accounts",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    *_meter_columns(),
    Column("gap", BigInteger, nullable=False, server_default="0"),
    Column("yielded_at", Moment),
    Column("version", BigInteger, nullable=False, server_default="0"),
    Column("rung", BigInteger, nullable=False, server_default="0"),
    Column("folded_before", Moment),
)
"""`version` counts the rounds that changed anything of the account, `rung` those that gave tokens back while somebody
waited. Entries from before `folded_before` are gone, but for those that the account needs; `hours` has their sums."""

reservations = Table(
    "reservations",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("call_id", String(40), primary_key=True),
    Column("endpoint", String(32), nullable=False),
    Column("lane", String(32), nullable=False),
    Column("caller", String(200), nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("lapses_at", Moment, nullable=False),
    Column("proven_after", Moment),
    sqlite_with_rowid=False,
)

tickets = Table(
    "tickets",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("call_id", String(40), primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("rank", Integer, nullable=False),
    Column("floor", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("patience", Span, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)

limits = Table(
    "limits",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("caller", String(200), primary_key=True),
    Column("tokens_per_hour", BigInteger),
    Column("tokens_per_day", BigInteger),
)

freezes = Table(
    "freezes",
    metadata,
    Column("freeze_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fingerprint", String(32), nullable=False),
    Column("words", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("endpoints", Text, nullable=False),
    Column("above", BigInteger),
    Column("lane", String(32)),
    Column("caller", String(200)),
    Column("until", Moment),
    Column("until_balance", BigInteger),
)
"""`endpoints` are names with blanks between them; none is all."""

hours = Table(
    "hours",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("caller", String(200), primary_key=True),
    Column("hour", Moment, primary_key=True),
    Column("endpoint", String(32), primary_key=True),
    Column("lane", String(32), primary_key=True),
    *(Column(name, BigInteger, nullable=False) for name in HOUR_SUMS),
    sqlite_with_rowid=False,
)
"""What the entries of each hour add up to, kept with every entry. Somebody else's spending has no caller."""

entries = Table(
    "entries",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fingerprint", String(32), nullable=False),
    Column("at", Moment, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("call_id", String(40)),
    Column("endpoint", String(32)),
    Column("lane", String(32)),
    Column("caller", String(200)),
    Column("tokens", BigInteger),
    Column("reserved", BigInteger),
    Column("shape", Text),
    Column("reason", Text),
    Column("balance", BigInteger),
    Column("free", BigInteger),
    Column("floor", BigInteger),
    Column("lapses_at", Moment),
    Column("proven_after", Moment),
    *_meter_columns(),
    Column("counted_before", BigInteger),
    Column("charged", BigInteger),
    Column("external_tokens", BigInteger),
    Column("rate_before", Integer),
    Column("reduction_before", Integer),
    Column("gap", BigInteger),
    Column("yielded_at", Moment),
    Column("paid_by", String(40)),
    Index("entries_by_time", "fingerprint", "at"),
    Index("entries_by_call", "call_id"),
    Index("entries_by_kind", "fingerprint", "kind", "at", "seq"),
)

answers = Table(
    "answers",
    metadata,
    Column("seq", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("upstream", String(120), nullable=False),
    Column("endpoint", String(32), nullable=False),
    Column("domain", Integer, nullable=False),
    Column("item", String(120), nullable=False),
    Column("contents", Text, nullable=False),
    Column("fetched_at", Moment, nullable=False),
    Column("used_at", Moment, nullable=False),
    Column("size", Integer, nullable=False),
    Column("tokens", Integer, nullable=False),
    Column("call_id", String(40), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("answers_by_key", "upstream", "endpoint", "domain", "item", "contents", unique=True),
    Index("answers_by_use", "used_at", "size"),
)
"""The archive: one item of an answer, or an answer that cannot be divided. `contents` says what of Keepa's it holds,
`size` counts the bytes of `body`, `tokens` is what it cost, `call_id` the call that paid."""

leases = Table(
    "leases",
    metadata,
    Column("upstream", String(120), primary_key=True),
    Column("endpoint", String(32), primary_key=True),
    Column("domain", Integer, primary_key=True),
    Column("item", String(120), primary_key=True),
    Column("contents", Text, primary_key=True),
    Column("holder", String(40), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("leases_by_holder", "holder"),
    sqlite_with_rowid=False,
)
"""What is being fetched just now, so that nobody else pays for the same."""

counts = Table(
    "counts",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("count", BigInteger, nullable=False),
)
"""What happened to the archive that no row of it tells any more."""

_UNREVOKED = text("revoked_at IS NULL")

gateway_keys = Table(
    "gateway_keys",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("key_id", String(16), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("lane", String(32), nullable=False),
    Column("requests_per_minute", Integer),
    Column("made_at", Moment, nullable=False),
    Column("revoked_at", Moment),
    Column("used_at", Moment),
    Index(
        "gateway_keys_by_name",
        "fingerprint",
        "name",
        unique=True,
        sqlite_where=_UNREVOKED,
        postgresql_where=_UNREVOKED,
    ),
)
"""Who may use the gateway. `name` is the caller that the ledger charges, `hash` the SHA-256 of the key, which itself is
kept nowhere. `used_at` is written about once a minute."""

alarms = Table(
    "alarms",
    metadata,
    Column("fingerprint", String(32), primary_key=True),
    Column("rule", String(32), primary_key=True),
    Column("subject", String(200), primary_key=True),
    Column("severity", String(16), nullable=False),
    Column("is_firing", Boolean, nullable=False),
    Column("is_told", Boolean, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("told_at", Moment),
    Column("headline", Text, nullable=False),
    sqlite_with_rowid=False,
)
"""How every rule that has ever fired stands. `is_told`: its last firing was sent out; `told_at`: when one last was."""

_UNSENT = text("delivered_at IS NULL AND given_up_at IS NULL")

outbox = Table(
    "outbox",
    metadata,
    Column("delivery_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fingerprint", String(32), nullable=False),
    Column("channel", String(200), nullable=False),
    Column("rule", String(32), nullable=False),
    Column("subject", String(200), nullable=False),
    Column("is_over", Boolean, nullable=False),
    Column("headline", Text, nullable=False),
    Column("alert", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("due_at", Moment, nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("holder", String(40)),
    Column("held_until", Moment),
    Column("delivered_at", Moment),
    Column("failure", Text),
    Column("given_up_at", Moment),
    Index("outbox_by_due", "fingerprint", "due_at", sqlite_where=_UNSENT, postgresql_where=_UNSENT),
    Index("outbox_by_age", "fingerprint", "made_at"),
)
"""What is to be told, once for each channel. `alert` is all of it as JSON; `failure` why the last attempt failed."""

silences = Table(
    "silences",
    metadata,
    Column("silence_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fingerprint", String(32), nullable=False),
    Column("rule", String(32)),
    Column("subject", String(200)),
    Column("words", Text, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
)
"""What nobody wants to be told for some time; no rule is all of them, no subject whatever a rule fires for."""
