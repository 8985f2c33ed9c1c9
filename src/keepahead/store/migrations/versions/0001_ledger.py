"""The ledger: accounts, reservations, tickets, entries.

Columns are spelled out here, not taken from tables.py: a step never changes after its release.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def _meter() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("measured_at", sa.BigInteger),
        sa.Column("asked_at", sa.BigInteger),
        sa.Column("received_at", sa.BigInteger),
        sa.Column("tokens_left", sa.BigInteger),
        sa.Column("refill_rate_per_minute", sa.Integer),
        sa.Column("refill_in_ms", sa.Integer),
        sa.Column("flow_reduction_per_minute", sa.Integer),
    )


def upgrade() -> None:
    """Create all four tables."""
    op.create_table("accounts", sa.Column("fingerprint", sa.String(32), primary_key=True), *_meter())
    op.create_table(
        "reservations",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("call_id", sa.String(40), primary_key=True),
        sa.Column("endpoint", sa.String(32), nullable=False),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("caller", sa.String(200), nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("lapses_at", sa.BigInteger, nullable=False),
        sa.Column("proven_after", sa.BigInteger),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "tickets",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("call_id", sa.String(40), primary_key=True),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "entries",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("call_id", sa.String(40)),
        sa.Column("endpoint", sa.String(32)),
        sa.Column("lane", sa.String(32)),
        sa.Column("caller", sa.String(200)),
        sa.Column("tokens", sa.BigInteger),
        sa.Column("reserved", sa.BigInteger),
        sa.Column("shape", sa.Text),
        sa.Column("reason", sa.Text),
        sa.Column("balance", sa.BigInteger),
        sa.Column("free", sa.BigInteger),
        sa.Column("floor", sa.BigInteger),
        sa.Column("lapses_at", sa.BigInteger),
        sa.Column("proven_after", sa.BigInteger),
        *_meter(),
    )
    op.create_index("entries_by_time", "entries", ["fingerprint", "at"])
    op.create_index("entries_by_call", "entries", ["call_id"])


def downgrade() -> None:
    """There is nothing before the first version."""
    raise NotImplementedError
