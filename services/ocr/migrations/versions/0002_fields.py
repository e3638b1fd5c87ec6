"""Keep what was read field by field, letters included.

Back: downgrade() drops the column, so that the older release answers known strips with their lines alone.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "readings", sa.Column("fields", postgresql.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb"))
    )
    op.create_check_constraint(
        "fields_when_done",
        "readings",
        "jsonb_typeof(fields) = 'array' AND (outcome = 'done' OR fields = '[]'::jsonb)",
    )


def downgrade() -> None:
    op.drop_column("readings", "fields")
