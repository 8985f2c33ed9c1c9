"""The archive: answers, leases on what is being fetched, and what it saved, hour by hour."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables of the archive, and the columns for what it saved."""
    op.add_column("hours", sa.Column("saved", sa.BigInteger, nullable=False, server_default="0"))
    with op.batch_alter_table("entries") as entries:
        entries.alter_column("kind", type_=sa.String(32), existing_type=sa.String(16), existing_nullable=False)
        entries.add_column(sa.Column("paid_by", sa.String(40)))
    op.create_table(
        "answers",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("upstream", sa.String(120), nullable=False),
        sa.Column("endpoint", sa.String(32), nullable=False),
        sa.Column("domain", sa.Integer, nullable=False),
        sa.Column("item", sa.String(120), nullable=False),
        sa.Column("contents", sa.Text, nullable=False),
        sa.Column("fetched_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("call_id", sa.String(40), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
    )
    key = ["upstream", "endpoint", "domain", "item", "contents"]
    op.create_index("answers_by_key", "answers", key, unique=True)
    op.create_index("answers_by_use", "answers", ["used_at", "size"])
    op.create_table(
        "leases",
        sa.Column("upstream", sa.String(120), primary_key=True),
        sa.Column("endpoint", sa.String(32), primary_key=True),
        sa.Column("domain", sa.Integer, primary_key=True),
        sa.Column("item", sa.String(120), primary_key=True),
        sa.Column("contents", sa.Text, primary_key=True),
        sa.Column("holder", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("leases_by_holder", "leases", ["holder"])
    op.create_table(
        "counts",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
    )
    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE answers ALTER COLUMN body SET STORAGE EXTERNAL")  # it is compressed already


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
