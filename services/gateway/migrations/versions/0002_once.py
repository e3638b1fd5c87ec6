"""Requests with a key get a name, so that what they create is created once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default of its own: the release before this one writes no name. The table holds a day's keys at most.
    name = sa.Column("once", sa.Uuid, nullable=False, server_default=sa.text("gen_random_uuid()"))
    op.add_column("idempotency_keys", name)


def downgrade() -> None:
    op.drop_column("idempotency_keys", "once")
