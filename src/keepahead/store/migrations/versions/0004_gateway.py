"""The keys of the gateway."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table of keys; a name is free again when its key is revoked."""
    op.create_table(
        "gateway_keys",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("key_id", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("scope", sa.String(16), nullable=False),
        sa.Column("lane", sa.String(32), nullable=False),
        sa.Column("requests_per_minute", sa.Integer),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
    )
    unrevoked = sa.text("revoked_at IS NULL")
    op.create_index(
        "gateway_keys_by_name",
        "gateway_keys",
        ["fingerprint", "name"],
        unique=True,
        sqlite_where=unrevoked,
        postgresql_where=unrevoked,
    )


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
