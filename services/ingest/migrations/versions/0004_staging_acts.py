"""What people do in staging is written down, so that it can be undone.

A merged booklet is no longer removed: it stays in its place without pages. Back: those are removed, as an older release
expects.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staging_acts",
        sa.Column("id", sa.Uuid, nullable=False),
        sa.Column("no", sa.BigInteger, sa.Identity(always=True), nullable=False),
        sa.Column("exam_id", sa.Uuid, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("booklet_ids", ARRAY(sa.Uuid), nullable=False),
        sa.Column("before", JSONB, nullable=False),
        sa.Column("settled", ARRAY(sa.Uuid), nullable=False),
        sa.Column("done_by", sa.Uuid, nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("undone_by", sa.Uuid),
        sa.Column("undone_at", sa.DateTime(timezone=True)),
        sa.Column("undone_once", sa.Uuid),
        sa.CheckConstraint(
            "kind IN ('arrange', 'split', 'merge', 'insert', 'set_aside', 'take_back')",
            name=op.f("ck_staging_acts_kind"),
        ),
        sa.CheckConstraint("(undone_by IS NULL) = (undone_at IS NULL)", name=op.f("ck_staging_acts_undone")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staging_acts")),
        sa.UniqueConstraint("undone_once", name=op.f("uq_staging_acts_undone_once")),
    )
    op.create_index("ix_staging_acts_exam_id_no", "staging_acts", ["exam_id", "no"])


def downgrade() -> None:
    op.drop_table("staging_acts")
    op.execute("""
        CREATE TEMPORARY TABLE emptied ON COMMIT DROP AS
        SELECT id FROM booklets b WHERE NOT EXISTS (SELECT 1 FROM pages p WHERE p.booklet_id = b.id)
    """)
    op.execute("UPDATE anomalies a SET booklet_id = NULL FROM emptied e WHERE e.id = a.booklet_id")
    op.execute("DELETE FROM booklets b USING emptied e WHERE e.id = b.id")
