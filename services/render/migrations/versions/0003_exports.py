"""Remember exports: which documents of an exam went into a zip, and where the zip is.

Back: zips are no longer found and are collected; they can be made again.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'building'"), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("copies", postgresql.JSONB(), server_default=sa.text("'[]'::jsonb"), nullable=False),
        sa.Column("document", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status IN ('building', 'done', 'failed')", name="status"),
        sa.CheckConstraint("(status = 'building') = (settled_at IS NULL)", name="settled_when_ended"),
        sa.CheckConstraint("document IS NULL OR status = 'done'", name="document_of_what_is_done"),
        sa.CheckConstraint("total > 0", name="has_copies"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )


def downgrade() -> None:
    op.drop_table("exports")
