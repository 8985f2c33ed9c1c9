"""One budget for many: fair tickets, sums by the hour, limits, freezes, what somebody else spent.

Tickets are dropped with their table: whoever still waits takes its old place again with its next ask.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_ADD_UP = """
    INSERT INTO hours (fingerprint, caller, hour, endpoint, lane, calls, charged, unknown, absorbed, found, refused,
                       external)
    SELECT fingerprint, caller, at - at % 3600000000, endpoint, lane,
           SUM(CASE WHEN kind IN ('settled', 'lost') THEN 1 ELSE 0 END),
           SUM(CASE WHEN kind = 'settled' THEN tokens ELSE 0 END),
           SUM(CASE WHEN kind = 'lost' THEN tokens ELSE 0 END),
           SUM(CASE WHEN kind = 'absorbed' THEN tokens ELSE 0 END),
           0,
           SUM(CASE WHEN kind = 'refusal' THEN 1 ELSE 0 END),
           0
    FROM entries
    WHERE kind IN ('settled', 'lost', 'absorbed', 'refusal')
    GROUP BY fingerprint, caller, at - at % 3600000000, endpoint, lane
"""
_SUMS = ("calls", "charged", "unknown", "absorbed", "found", "refused", "external")


def upgrade() -> None:
    """Add the new columns and tables, and add up the hours that there are."""
    with op.batch_alter_table("accounts") as accounts:
        for name in ("gap", "version", "rung"):
            accounts.add_column(sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
        for name in ("yielded_at", "folded_before"):
            accounts.add_column(sa.Column(name, sa.BigInteger))
    for name in ("counted_before", "charged", "external_tokens", "gap", "yielded_at"):
        op.add_column("entries", sa.Column(name, sa.BigInteger))
    for name in ("rate_before", "reduction_before"):
        op.add_column("entries", sa.Column(name, sa.Integer))
    op.drop_table("tickets")
    op.create_table(
        "tickets",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("call_id", sa.String(40), primary_key=True),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("rank", sa.Integer, nullable=False),
        sa.Column("floor", sa.BigInteger, nullable=False),
        sa.Column("tokens", sa.BigInteger, nullable=False),
        sa.Column("patience", sa.BigInteger, nullable=False),
        sa.Column("opened_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "limits",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("caller", sa.String(200), primary_key=True),
        sa.Column("tokens_per_hour", sa.BigInteger),
        sa.Column("tokens_per_day", sa.BigInteger),
    )
    op.create_table(
        "freezes",
        sa.Column(
            "freeze_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True
        ),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("endpoints", sa.Text, nullable=False),
        sa.Column("above", sa.BigInteger),
        sa.Column("lane", sa.String(32)),
        sa.Column("caller", sa.String(200)),
        sa.Column("until", sa.BigInteger),
        sa.Column("until_balance", sa.BigInteger),
    )
    op.create_table(
        "hours",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("caller", sa.String(200), primary_key=True),
        sa.Column("hour", sa.BigInteger, primary_key=True),
        sa.Column("endpoint", sa.String(32), primary_key=True),
        sa.Column("lane", sa.String(32), primary_key=True),
        *(sa.Column(name, sa.BigInteger, nullable=False) for name in _SUMS),
        sqlite_with_rowid=False,
    )
    op.execute(_ADD_UP)


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
