"""The way to the newest entry of a kind before a moment: by it the past of the balance is read."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index; a ledger of millions of entries takes some seconds for it."""
    op.create_index("entries_by_kind", "entries", ["fingerprint", "kind", "at", "seq"])


def downgrade() -> None:
    """Nobody goes back."""
    raise NotImplementedError
