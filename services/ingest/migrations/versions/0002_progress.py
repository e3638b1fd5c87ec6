"""Uploads say when they last moved, so that one that stands still is seen."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    now = sa.text("now()")
    op.add_column("uploads", sa.Column("progressed_at", sa.DateTime(timezone=True), nullable=False, server_default=now))


def downgrade() -> None:
    op.drop_column("uploads", "progressed_at")
