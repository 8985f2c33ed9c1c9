"""What alerts stand at, what is to be told, and what nobody wants to hear."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables; one of an outbox, so that what was decided is told whatever happens meanwhile."""
    op.create_table(
        "alarms",
        sa.Column("fingerprint", sa.String(32), primary_key=True),
        sa.Column("rule", sa.String(32), primary_key=True),
        sa.Column("subject", sa.String(200), primary_key=True),
        sa.Column("severity", sa.String(16), nullable=False),
        sa.Column("is_firing", sa.Boolean, nullable=False),
        sa.Column("is_told", sa.Boolean, nullable=False),
        sa.Column("began_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("told_at", sa.BigInteger),
        sa.Column("headline", sa.Text, nullable=False),
        sqlite_with_rowid=False,
    )
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    op.create_table(
        "outbox",
        sa.Column("delivery_id", number, primary_key=True, autoincrement=True),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("channel", sa.String(200), nullable=False),
        sa.Column("rule", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("is_over", sa.Boolean, nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("alert", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("holder", sa.String(40)),
        sa.Column("held_until", sa.BigInteger),
        sa.Column("delivered_at", sa.BigInteger),
        sa.Column("failure", sa.Text),
        sa.Column("given_up_at", sa.BigInteger),
    )
    unsent = sa.text("delivered_at IS NULL AND given_up_at IS NULL")
    op.create_index("outbox_by_due", "outbox", ["fingerprint", "due_at"], sqlite_where=unsent, postgresql_where=unsent)
    op.create_index("outbox_by_age", "outbox", ["fingerprint", "made_at"])
    op.create_table(
        "silences",
        sa.Column("silence_id", number, primary_key=True, autoincrement=True),
        sa.Column("fingerprint", sa.String(32), nullable=False),
        sa.Column("rule", sa.String(32)),
        sa.Column("subject", sa.String(200)),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
    )


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
