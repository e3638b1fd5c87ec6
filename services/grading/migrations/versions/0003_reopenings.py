"""Keep why a copy was opened again, and refuse every change of what was published to whom.

Back: the reasons are lost; dump ``reopenings`` first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from chassis import append_only

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reopenings",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("reopened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reopened_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("length(reason) BETWEEN 1 AND 500", name=op.f("ck_reopenings_reason")),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_reopenings_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("copy_id", "revision", name=op.f("pk_reopenings")),
    )
    append_only.protect(op, "reopenings")
    append_only.protect(op, "published_copies")


def downgrade() -> None:
    append_only.unprotect(op, "published_copies")
    op.drop_table("reopenings")
