"""A page at full size is made once for each set of zones that a person covered on it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

KEY = "pk_full_images"


def upgrade() -> None:
    op.add_column("full_images", sa.Column("covered", JSONB, nullable=False, server_default=sa.text("'[]'")))
    op.drop_constraint(KEY, "full_images")
    op.create_primary_key(KEY, "full_images", ["page_id", "masked", "covered"])


def downgrade() -> None:
    """What shows covered zones goes: it is made again when somebody asks."""
    op.execute("DELETE FROM full_images WHERE covered <> '[]'::jsonb")
    op.drop_constraint(KEY, "full_images")
    op.drop_column("full_images", "covered")
    op.create_primary_key(KEY, "full_images", ["page_id", "masked"])
