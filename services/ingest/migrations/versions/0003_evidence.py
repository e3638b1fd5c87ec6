"""Pages keep all that was seen on them, booklets how sure the machine is, and a profile says how A4 piles are cut."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

KEY = ["exam_id", "intake", "pages_per_booklet"]
OLD_NAME = "uq_scan_profiles_exam_id_intake_pages_per_booklet"
NEW_NAME = "uq_scan_profiles_exam_id_intake_pages_per_booklet_grouping"


def upgrade() -> None:
    op.add_column("pages", sa.Column("features", JSONB, nullable=False, server_default=sa.text("'{}'")))
    op.add_column("booklets", sa.Column("confidence", sa.Float))
    op.create_check_constraint(op.f("ck_booklets_confidence"), "booklets", "confidence BETWEEN 0 AND 1")
    op.add_column("scan_profiles", sa.Column("grouping", sa.Text, nullable=False, server_default="every_n"))
    op.create_check_constraint(
        op.f("ck_scan_profiles_grouping"), "scan_profiles", "grouping IN ('every_n', 'by_header', 'one_per_file')"
    )
    op.drop_constraint(op.f(OLD_NAME), "scan_profiles", type_="unique")
    op.create_unique_constraint(op.f(NEW_NAME), "scan_profiles", [*KEY, "grouping"])


def downgrade() -> None:
    # Profiles that differ in nothing but their grouping become one again.
    op.execute("""
        CREATE TEMPORARY TABLE same_profile ON COMMIT DROP AS
        SELECT id, first_value(id) OVER (PARTITION BY exam_id, intake, pages_per_booklet ORDER BY id) AS kept
        FROM scan_profiles
    """)
    op.execute("UPDATE uploads SET profile_id = kept FROM same_profile s WHERE s.id = profile_id")
    op.execute("DELETE FROM scan_profiles p USING same_profile s WHERE s.id = p.id AND s.id <> s.kept")
    op.drop_constraint(op.f(NEW_NAME), "scan_profiles", type_="unique")
    op.drop_constraint(op.f("ck_scan_profiles_grouping"), "scan_profiles", type_="check")
    op.drop_column("scan_profiles", "grouping")
    op.create_unique_constraint(op.f(OLD_NAME), "scan_profiles", KEY)
    op.drop_column("booklets", "confidence")
    op.drop_column("pages", "features")
