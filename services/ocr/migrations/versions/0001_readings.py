"""Lay ocr's one table: what was read, by image, engine and parameters.

Back: downgrade() drops it. Nothing is lost that reading again would not give.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from chassis import outbox

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "readings",
        sa.Column("image_sha256", sa.Text, primary_key=True),
        sa.Column("engine", sa.Text, primary_key=True),
        sa.Column("parameters_digest", sa.Text, primary_key=True),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("lines", postgresql.JSONB, nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.CheckConstraint("image_sha256 ~ '^[0-9a-f]{64}$'", name="image_sha256"),
        sa.CheckConstraint("parameters_digest ~ '^[0-9a-f]{64}$'", name="parameters_digest"),
        sa.CheckConstraint("engine <> ''", name="engine"),
        sa.CheckConstraint(
            "outcome IN ('done', 'refused_input', 'out_of_memory', 'timeout', 'crashed')", name="outcome"
        ),
        sa.CheckConstraint(
            "jsonb_typeof(lines) = 'array' AND (outcome = 'done' OR lines = '[]'::jsonb)", name="lines_when_done"
        ),
    )
    outbox.create_tables(op)


def downgrade() -> None:
    outbox.drop_tables(op)
    op.drop_table("readings")
