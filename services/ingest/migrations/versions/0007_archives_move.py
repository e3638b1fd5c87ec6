"""Zips say when they last moved, so that one that stands still is seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("now()")
    op.add_column(
        "archives", sa.Column("progressed_at", sa.DateTime(timezone=True), nullable=False, server_default=now)
    )


def downgrade() -> None:
    op.drop_column("archives", "progressed_at")
