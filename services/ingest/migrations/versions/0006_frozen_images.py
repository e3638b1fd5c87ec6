"""Assemblies name all they were frozen with, of every revision: the collector leaves alone what has a name."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    nothing = sa.text("'[]'::jsonb")
    op.add_column("assemblies", sa.Column("frozen", JSONB, nullable=False, server_default=nothing))


def downgrade() -> None:
    op.drop_column("assemblies", "frozen")
