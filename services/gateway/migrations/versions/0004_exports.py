"""Let a job be an export.

Back: jobs of exports are forgotten; the exports themselves are render's.
"""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f("ck_jobs_type"), "jobs", type_="check")
    op.create_check_constraint(op.f("ck_jobs_type"), "jobs", "type IN ('upload', 'finalise', 'export')")


def downgrade() -> None:
    op.execute("DELETE FROM jobs WHERE type = 'export'")
    op.drop_constraint(op.f("ck_jobs_type"), "jobs", type_="check")
    op.create_check_constraint(op.f("ck_jobs_type"), "jobs", "type IN ('upload', 'finalise')")
