"""Lay grading's tables: exams, persons, copies with their state machine, marking, results, the audit chain.

Back: downgrade() drops everything; it is for tests and for an installation that never took a copy. Restore a backup
instead once there is marking.
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

TABLES = [
    "exams",
    "schemes",
    "persons",
    "candidates",
    "copies",
    "identifications",
    "locks",
    "drafts",
    "draft_saves",
    "marks",
    "annotations",
    "results",
    "publications",
    "published_copies",
    "audit",
]
APPEND_ONLY = ("schemes", "results", "audit")


def upgrade() -> None:
    outbox.create_tables(op)
    op.create_table(
        "exams",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("date", sa.Date(), nullable=True),
        sa.Column("total_points", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("intake", sa.Text(), nullable=False),
        sa.Column("pages_per_booklet", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("scheme_version", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("publication", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint("intake IN ('a3', 'a4')", name=op.f("ck_exams_intake")),
        sa.CheckConstraint("(deleted_at IS NULL) = (deleted_by IS NULL)", name=op.f("ck_exams_deleted_by_someone")),
        sa.CheckConstraint("total_points > 0", name=op.f("ck_exams_total_points")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exams")),
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("candidate_key", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("candidate_key", name=op.f("uq_persons_candidate_key")),
    )
    op.create_table(
        "candidates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("candidate_key", sa.Text(), nullable=False),
        sa.Column("ine", sa.Text(), nullable=True),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("class_name", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exams.id"], name=op.f("fk_candidates_exam_id_exams"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_candidates_person_id_persons"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_candidates")),
        sa.UniqueConstraint("exam_id", "candidate_key", name=op.f("uq_candidates_exam_id_candidate_key")),
        sa.UniqueConstraint("exam_id", "person_id", name=op.f("uq_candidates_exam_id_person_id")),
        sa.UniqueConstraint("id", "exam_id", name=op.f("uq_candidates_id_exam_id")),
    )
    op.create_index("ix_candidates_person_id", "candidates", ["person_id"], unique=False)
    op.create_table(
        "publications",
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("publication", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_by", sa.Uuid(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_by", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name=op.f("ck_publications_withdrawn_by_someone")
        ),
        sa.ForeignKeyConstraint(
            ["exam_id"], ["exams.id"], name=op.f("fk_publications_exam_id_exams"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("exam_id", "publication", name=op.f("pk_publications")),
    )
    op.create_table(
        "schemes",
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("nodes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("step", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("step > 0", name=op.f("ck_schemes_step")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_schemes_version")),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_schemes_exam_id_exams"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("exam_id", "version", name=op.f("pk_schemes")),
    )
    op.create_table(
        "copies",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("anonymous_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), server_default=sa.text("'READY'"), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("revision", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("paper_revision", sa.Integer(), nullable=False),
        sa.Column("manifest", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("pages", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("page_count", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=True),
        sa.Column("marker_id", sa.Uuid(), nullable=True),
        sa.Column("marker", sa.Text(), nullable=True),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("locked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fence", sa.BigInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("tries", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("attempted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("record_total", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_message", sa.Text(), nullable=True),
        sa.Column("final_key", sa.Text(), nullable=True),
        sa.Column("final_sha256", sa.Text(), nullable=True),
        sa.Column("final_size", sa.BigInteger(), nullable=True),
        sa.Column("total", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("graded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "(status = 'GRADED') = (final_key IS NOT NULL)"
            " AND num_nonnulls(final_key, final_sha256, final_size, total, graded_at) IN (0, 5)",
            name=op.f("ck_copies_graded_has_document"),
        ),
        sa.CheckConstraint(
            "(status = 'GRADING_FAILED') = (error_code IS NOT NULL)"
            " AND (error_code IS NULL) = (error_message IS NULL)"
            " AND (error_message IS NULL OR length(error_message) BETWEEN 1 AND 500)",
            name=op.f("ck_copies_failed_says_why"),
        ),
        sa.CheckConstraint(
            "(status = 'GRADING_IN_PROGRESS') = (attempted_at IS NOT NULL)",
            name=op.f("ck_copies_attempted_while_in_progress"),
        ),
        sa.CheckConstraint(
            "(status = 'LOCKED') = (locked_at IS NOT NULL)", name=op.f("ck_copies_locked_at_while_locked")
        ),
        sa.CheckConstraint("(status = 'READY') = (owner_id IS NULL)", name=op.f("ck_copies_owned_unless_ready")),
        sa.CheckConstraint(
            "status IN ('READY', 'LOCKED', 'GRADING_IN_PROGRESS', 'GRADED', 'GRADING_FAILED')",
            name=op.f("ck_copies_status"),
        ),
        sa.CheckConstraint(
            "status NOT IN ('GRADING_IN_PROGRESS', 'GRADED', 'GRADING_FAILED')"
            " OR (attempt >= 1 AND record IS NOT NULL AND record_total IS NOT NULL)",
            name=op.f("ck_copies_finalised_has_record"),
        ),
        sa.CheckConstraint("(marker_id IS NULL) = (marker IS NULL)", name=op.f("ck_copies_marker_named")),
        sa.CheckConstraint("(owner_id IS NULL) = (owner IS NULL)", name=op.f("ck_copies_owner_named")),
        sa.CheckConstraint("revision >= 1 AND paper_revision >= 1 AND page_count >= 1", name=op.f("ck_copies_counts")),
        sa.ForeignKeyConstraint(
            ["candidate_id", "exam_id"],
            ["candidates.id", "candidates.exam_id"],
            name=op.f("fk_copies_candidate_id_exam_id_candidates"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_copies_exam_id_exams"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_copies")),
        sa.UniqueConstraint("exam_id", "anonymous_id", name=op.f("uq_copies_exam_id_anonymous_id")),
    )
    op.create_index("ix_copies_exam_marker", "copies", ["exam_id", "marker_id"], unique=False)
    op.create_index("ix_copies_exam_status", "copies", ["exam_id", "status"], unique=False)
    op.create_index("ix_copies_owner", "copies", ["owner_id"], unique=False)
    op.create_index(
        "ix_copies_status_graded_at", "copies", ["status", sa.literal_column("graded_at DESC")], unique=False
    )
    op.create_index("uq_copies_candidate", "copies", ["candidate_id", "exam_id"], unique=True)
    op.create_table(
        "annotations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("page_no", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("x", sa.Double(), nullable=False),
        sa.Column("y", sa.Double(), nullable=False),
        sa.Column("w", sa.Double(), nullable=False),
        sa.Column("h", sa.Double(), nullable=False),
        sa.Column(
            "strokes", postgresql.JSONB(astext_type=sa.Text()), server_default=sa.text("'[]'::jsonb"), nullable=False
        ),
        sa.Column("content", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("score_delta", sa.Numeric(precision=7, scale=3), nullable=True),
        sa.Column("item_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "least(x, y, w, h) >= 0 AND greatest(x, y, w, h) <= 1", name=op.f("ck_annotations_on_the_page")
        ),
        sa.CheckConstraint("version >= 1 AND page_no >= 1", name=op.f("ck_annotations_from_one")),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_annotations_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_annotations")),
    )
    op.create_index("ix_annotations_copy_page", "annotations", ["copy_id", "page_no"], unique=False)
    op.create_table(
        "audit",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("prev_hash", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.CheckConstraint("seq >= 1", name=op.f("ck_audit_seq")),
        sa.CheckConstraint("subject_id = coalesce(copy_id, exam_id)", name=op.f("ck_audit_subject")),
        sa.ForeignKeyConstraint(["copy_id"], ["copies.id"], name=op.f("fk_audit_copy_id_copies"), ondelete="RESTRICT"),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_audit_exam_id_exams"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("subject_id", "seq", name=op.f("pk_audit")),
    )
    op.create_index(
        "uq_audit_finalise",
        "audit",
        ["copy_id", "revision", "attempt"],
        unique=True,
        postgresql_where=sa.text("action = 'FINALISE'"),
    )
    op.create_table(
        "draft_saves",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("base_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("saved_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_draft_saves_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_draft_saves")),
        sa.UniqueConstraint(
            "copy_id", "owner_id", "client_id", "base_version", "sha256", name="uq_draft_saves_request"
        ),
        sa.UniqueConstraint("copy_id", "owner_id", "version", name=op.f("uq_draft_saves_copy_id_owner_id_version")),
    )
    op.create_table(
        "drafts",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_drafts_version")),
        sa.ForeignKeyConstraint(["copy_id"], ["copies.id"], name=op.f("fk_drafts_copy_id_copies"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("copy_id", "owner_id", name=op.f("pk_drafts")),
    )
    op.create_table(
        "identifications",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("paper_revision", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("lines", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_identifications_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_identifications")),
    )
    op.create_table(
        "locks",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("acquired_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["copy_id"], ["copies.id"], name=op.f("fk_locks_copy_id_copies"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_locks")),
    )
    op.create_index("ix_locks_expires_at", "locks", ["expires_at"], unique=False)
    op.create_table(
        "marks",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("scheme_version", sa.Integer(), nullable=False),
        sa.Column("scores", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("remarks", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("appraisal", sa.Text(), server_default=sa.text("''"), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=False),
        sa.CheckConstraint("version >= 1", name=op.f("ck_marks_version")),
        sa.ForeignKeyConstraint(["copy_id"], ["copies.id"], name=op.f("fk_marks_copy_id_copies"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("copy_id", name=op.f("pk_marks")),
    )
    op.create_table(
        "results",
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("record", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("document", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("total", sa.Numeric(precision=7, scale=3), nullable=False),
        sa.Column("graded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["copy_id"], ["copies.id"], name=op.f("fk_results_copy_id_copies"), ondelete="RESTRICT"
        ),
        sa.ForeignKeyConstraint(["exam_id"], ["exams.id"], name=op.f("fk_results_exam_id_exams"), ondelete="RESTRICT"),
        sa.PrimaryKeyConstraint("copy_id", "revision", name=op.f("pk_results")),
    )
    op.create_table(
        "published_copies",
        sa.Column("exam_id", sa.Uuid(), nullable=False),
        sa.Column("publication", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("copy_id", sa.Uuid(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("candidate_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["candidate_id"],
            ["candidates.id"],
            name=op.f("fk_published_copies_candidate_id_candidates"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["copy_id", "revision"],
            ["results.copy_id", "results.revision"],
            name=op.f("fk_published_copies_copy_id_revision_results"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["exam_id", "publication"],
            ["publications.exam_id", "publications.publication"],
            name=op.f("fk_published_copies_exam_id_publication_publications"),
            ondelete="RESTRICT",
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_published_copies_person_id_persons"), ondelete="RESTRICT"
        ),
        sa.PrimaryKeyConstraint("exam_id", "publication", "copy_id", name=op.f("pk_published_copies")),
    )
    op.create_index("ix_published_copies_person", "published_copies", ["person_id"], unique=False)
    _refuse_changes()


def _refuse_changes() -> None:
    """Rows of the append-only tables are never changed, whoever asks."""
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: % refused', TG_TABLE_NAME, TG_OP USING ERRCODE = 'restrict_violation';
        END $$
        """
    )
    for table in APPEND_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_never_truncated BEFORE TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_change()")
    outbox.drop_tables(op)
