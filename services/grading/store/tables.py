"""Every table of grading. The schema carries the rules that must hold whatever the code does.

Foreign keys restrict: nothing that holds marking disappears because something else does. Points are ``numeric(7, 3)``,
inside JSON decimal strings. What belongs to a person (candidates, readings) is in tables no marker-facing query reads.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from chassis.db import metadata as new_metadata

metadata = new_metadata()

POINTS = sa.Numeric(7, 3)
INSTANT = sa.DateTime(timezone=True)
ERROR_MESSAGE_MAX = 500  # P0-DI-004

COPY_STATUSES = "'READY', 'LOCKED', 'GRADING_IN_PROGRESS', 'GRADED', 'GRADING_FAILED'"


def _now() -> sa.TextClause:
    return sa.text("now()")


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.Uuid, primary_key=True)


def _instant(name: str) -> sa.Column[Any]:
    return sa.Column(name, INSTANT)


def _stamp(name: str) -> sa.Column[Any]:
    return sa.Column(name, INSTANT, nullable=False, server_default=_now())


def _counter(name: str, start: int) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer, nullable=False, server_default=sa.text(str(start)))


def _fence() -> sa.Column[Any]:
    """Of the lock under which the row was last written."""
    return sa.Column("fence", sa.BigInteger, nullable=False)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text, nullable=False, server_default=sa.text("''"))


# ``scheme_version`` is the scheme in force, 0 while there is none. ``published_at`` is set exactly while candidates
# may read; ``publication`` numbers the publications so far. ``class_statistics``: they also read how the class did.
# ``identification_error_budget``: NULL for the installation's.
exams = sa.Table(
    "exams",
    metadata,
    _id(),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("date", sa.Date),
    sa.Column("total_points", POINTS, nullable=False),
    sa.Column("intake", sa.Text, nullable=False),
    sa.Column("pages_per_booklet", sa.Integer, nullable=False),
    _counter("version", 1),
    _counter("scheme_version", 0),
    _counter("publication", 0),
    _instant("published_at"),
    sa.Column("class_statistics", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("identification_error_budget", sa.Numeric(6, 5)),
    sa.Column("check_printed_names", sa.Boolean, nullable=False, server_default=sa.text("false")),
    _stamp("created_at"),
    sa.Column("created_by", sa.Uuid, nullable=False),
    _instant("deleted_at"),
    sa.Column("deleted_by", sa.Uuid),
    sa.CheckConstraint("total_points > 0", name="total_points"),
    sa.CheckConstraint("intake IN ('a3', 'a4')", name="intake"),
    sa.CheckConstraint("identification_error_budget BETWEEN 0 AND 0.05", name="identification_error_budget"),
    sa.CheckConstraint("(deleted_at IS NULL) = (deleted_by IS NULL)", name="deleted_by_someone"),
)

# Append-only: a copy is marked under one version and its record names it.
schemes = sa.Table(
    "schemes",
    metadata,
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("nodes", JSONB, nullable=False),
    sa.Column("step", POINTS, nullable=False),
    _stamp("created_at"),
    sa.Column("created_by", sa.Uuid, nullable=False),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint("step > 0", name="step"),
)

# The same person in every exam; the access codes of candidates hang on this id.
persons = sa.Table(
    "persons",
    metadata,
    _id(),
    sa.Column("candidate_key", sa.Text, nullable=False, unique=True),
    _stamp("created_at"),
)

candidates = sa.Table(
    "candidates",
    metadata,
    _id(),
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("person_id", sa.ForeignKey("persons.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("candidate_key", sa.Text, nullable=False),
    sa.Column("ine", sa.Text),
    sa.Column("last_name", sa.Text, nullable=False),
    sa.Column("first_name", sa.Text, nullable=False),
    _text("class_name"),
    sa.Column("birth_date", sa.Date),
    _stamp("created_at"),
    _stamp("updated_at"),
    sa.UniqueConstraint("exam_id", "candidate_key"),
    sa.UniqueConstraint("exam_id", "person_id"),
    sa.UniqueConstraint("id", "exam_id"),  # what a copy's foreign key points to: a candidate of its own exam
)
sa.Index("ix_candidates_person_id", candidates.c.person_id)

# One row per copy, one state machine (domain/copies.py). ``paper_revision`` is ingest's, ``revision`` counts finalised
# states of the marking, ``attempt`` the requests for the PDF of this revision (the last at ``attempted_at``), ``tries``
# those that failed since a person last asked, ``fence`` every lock ever taken.
# ``pages`` are the manifest's pages as JSON, so that no request reads the store. The owner is the lock's holder, kept
# through finalisation. The final fields belong to GRADED alone; earlier revisions stay in ``results``.
copies = sa.Table(
    "copies",
    metadata,
    _id(),
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("anonymous_id", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False, server_default=sa.text("'READY'")),
    _counter("version", 1),
    _counter("revision", 1),
    sa.Column("paper_revision", sa.Integer, nullable=False),
    sa.Column("manifest", JSONB, nullable=False),
    sa.Column("pages", JSONB, nullable=False),
    sa.Column("page_count", sa.Integer, nullable=False),
    sa.Column("candidate_id", sa.Uuid),
    sa.Column("marker_id", sa.Uuid),
    sa.Column("marker", sa.Text),
    sa.Column("owner_id", sa.Uuid),
    sa.Column("owner", sa.Text),
    _instant("locked_at"),
    sa.Column("fence", sa.BigInteger, nullable=False, server_default=sa.text("0")),
    _counter("attempt", 0),
    _counter("tries", 0),
    _instant("attempted_at"),
    sa.Column("record", JSONB(none_as_null=True)),  # JSON's own null would pass the CHECK below
    sa.Column("record_total", POINTS),
    sa.Column("error_code", sa.Text),
    sa.Column("error_message", sa.Text),
    sa.Column("final_key", sa.Text),
    sa.Column("final_sha256", sa.Text),
    sa.Column("final_size", sa.BigInteger),
    sa.Column("total", POINTS),
    _instant("graded_at"),
    _stamp("created_at"),
    _stamp("updated_at"),
    sa.ForeignKeyConstraint(["candidate_id", "exam_id"], ["candidates.id", "candidates.exam_id"], ondelete="RESTRICT"),
    sa.UniqueConstraint("exam_id", "anonymous_id"),
    sa.CheckConstraint(f"status IN ({COPY_STATUSES})", name="status"),
    sa.CheckConstraint("revision >= 1 AND paper_revision >= 1 AND page_count >= 1", name="counts"),
    sa.CheckConstraint("(marker_id IS NULL) = (marker IS NULL)", name="marker_named"),
    sa.CheckConstraint("(owner_id IS NULL) = (owner IS NULL)", name="owner_named"),
    sa.CheckConstraint("(status = 'READY') = (owner_id IS NULL)", name="owned_unless_ready"),
    sa.CheckConstraint("(status = 'LOCKED') = (locked_at IS NOT NULL)", name="locked_at_while_locked"),
    sa.CheckConstraint(
        "status NOT IN ('GRADING_IN_PROGRESS', 'GRADED', 'GRADING_FAILED')"
        " OR (attempt >= 1 AND record IS NOT NULL AND record_total IS NOT NULL)",
        name="finalised_has_record",
    ),
    sa.CheckConstraint(
        "(status = 'GRADING_IN_PROGRESS') = (attempted_at IS NOT NULL)", name="attempted_while_in_progress"
    ),
    sa.CheckConstraint(
        "(status = 'GRADED') = (final_key IS NOT NULL)"
        " AND num_nonnulls(final_key, final_sha256, final_size, total, graded_at) IN (0, 5)",
        name="graded_has_document",
    ),
    sa.CheckConstraint(
        "(status = 'GRADING_FAILED') = (error_code IS NOT NULL)"
        " AND (error_code IS NULL) = (error_message IS NULL)"
        f" AND (error_message IS NULL OR length(error_message) BETWEEN 1 AND {ERROR_MESSAGE_MAX})",
        name="failed_says_why",
    ),
)
sa.Index("uq_copies_candidate", copies.c.candidate_id, copies.c.exam_id, unique=True)
sa.Index("ix_copies_exam_status", copies.c.exam_id, copies.c.status)
sa.Index("ix_copies_status_graded_at", copies.c.status, copies.c.graded_at.desc())
sa.Index("ix_copies_exam_marker", copies.c.exam_id, copies.c.marker_id)
sa.Index("ix_copies_owner", copies.c.owner_id)

# What reading said about the header of one paper revision, and how its copy's candidate was found. ``outcome`` is null
# until it answered. ``ranked`` are the candidates it fits best with their nats, against the roster whose digest is
# ``ranked_for``. ``decided_by`` says who is answerable for the copy's candidate, or for its having none.
identifications = sa.Table(
    "identifications",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("paper_revision", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("engine", sa.Text),
    sa.Column("lines", JSONB),
    sa.Column("fields", JSONB(none_as_null=True)),
    sa.Column("ranked", JSONB(none_as_null=True)),
    sa.Column("ranked_for", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("probability", sa.Double),
    sa.Column("doubt", sa.Text),
    _stamp("updated_at"),
    sa.CheckConstraint("decided_by IN ('person', 'machine')", name="decided_by"),
    sa.CheckConstraint("probability BETWEEN 0 AND 1", name="probability"),
    sa.CheckConstraint("doubt IN ('exchanged', 'unlikely', 'dismissed')", name="doubt"),
)

# Exams whose copies are to be matched with the roster again. The row goes when that is done.
matching_due = sa.Table(
    "matching_due",
    metadata,
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), primary_key=True),
    _stamp("since"),
)

# Pages of an exam that looks for printed names, each image once however often its copy's paper is revised. ``words``
# are what ocr read, ``found`` the places where names of the roster stand in them, ``roster_current`` while that is the
# roster. ``dismissed``: places that a person says are none, with who and when.
printed_pages = sa.Table(
    "printed_pages",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("image_sha256", sa.Text, primary_key=True),
    _instant("asked_at"),
    sa.Column("outcome", sa.Text),
    sa.Column("words", JSONB(none_as_null=True)),
    sa.Column("roster_current", sa.Boolean, nullable=False, server_default=sa.text("false")),
    sa.Column("found", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("dismissed", JSONB, nullable=False, server_default=sa.text("'{}'::jsonb")),
    sa.CheckConstraint("image_sha256 ~ '^[0-9a-f]{64}$'", name="image_sha256"),
    sa.CheckConstraint("outcome IS NULL OR asked_at IS NOT NULL", name="answered_when_asked"),
    sa.CheckConstraint("(outcome IS NOT NULL AND outcome = 'done') = (words IS NOT NULL)", name="words_when_done"),
    sa.Index("ix_printed_pages_unread", "asked_at", postgresql_where=sa.text("outcome IS NULL")),
    sa.Index("ix_printed_pages_to_compare", "copy_id",
             postgresql_where=sa.text("outcome = 'done' AND NOT roster_current")),
)  # fmt: skip

# Where the fields of the header stand on an exam's sheets, drawn once on the header of one copy.
sheet_models = sa.Table(
    "sheet_models",
    metadata,
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("sample_copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("sample", JSONB, nullable=False),
    sa.Column("zones", JSONB, nullable=False),
    _stamp("updated_at"),
    sa.Column("updated_by", sa.Uuid, nullable=False),
)

# A lease: it ends by the database's clock. ``fence`` is the copy's at the time it was taken.
locks = sa.Table(
    "locks",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("token", sa.Text, nullable=False),
    _fence(),
    sa.Column("acquired_at", INSTANT, nullable=False),
    sa.Column("expires_at", INSTANT, nullable=False),
)
sa.Index("ix_locks_expires_at", locks.c.expires_at)

drafts = sa.Table(
    "drafts",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("owner_id", sa.Uuid, primary_key=True),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    _fence(),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("updated_at", INSTANT, nullable=False),
    sa.CheckConstraint("version >= 1", name="version"),
)

# Every save that reached us, the refused ones too: both sides of a conflict stay recoverable. ``version`` is what the
# save became, null when it was refused.
draft_saves = sa.Table(
    "draft_saves",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    sa.Column("base_version", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer),
    _fence(),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("payload", JSONB, nullable=False),
    sa.Column("saved_at", INSTANT, nullable=False),
    sa.UniqueConstraint("copy_id", "owner_id", "version"),
    sa.UniqueConstraint("copy_id", "owner_id", "client_id", "base_version", "sha256", name="uq_draft_saves_request"),
)

marks = sa.Table(
    "marks",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("version", sa.Integer, nullable=False),
    _fence(),
    sa.Column("scheme_version", sa.Integer, nullable=False),
    sa.Column("scores", JSONB, nullable=False),
    sa.Column("remarks", JSONB, nullable=False),
    _text("appraisal"),
    sa.Column("updated_at", INSTANT, nullable=False),
    sa.Column("updated_by", sa.Uuid, nullable=False),
    sa.CheckConstraint("version >= 1", name="version"),
)

annotations = sa.Table(
    "annotations",
    metadata,
    _id(),
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    _fence(),
    sa.Column("page_no", sa.Integer, nullable=False),
    sa.Column("type", sa.Text, nullable=False),
    *(sa.Column(name, sa.Double, nullable=False) for name in ("x", "y", "w", "h")),
    sa.Column("strokes", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    _text("content"),
    sa.Column("score_delta", POINTS),
    sa.Column("item_id", sa.Text),
    sa.Column("pressures", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("colour", sa.Text),
    sa.Column("comment_id", sa.Uuid),
    sa.Column("created_at", INSTANT, nullable=False),
    sa.Column("updated_at", INSTANT, nullable=False),
    sa.Column("updated_by", sa.Uuid, nullable=False),
    _instant("deleted_at"),
    sa.CheckConstraint("version >= 1 AND page_no >= 1", name="from_one"),
    sa.CheckConstraint("least(x, y, w, h) >= 0 AND greatest(x, y, w, h) <= 1", name="on_the_page"),
    sa.CheckConstraint("colour IN ('red', 'green', 'blue')", name="colour"),
)
sa.Index("ix_annotations_copy_page", annotations.c.copy_id, annotations.c.page_no)
sa.Index("ix_annotations_comment_id", annotations.c.comment_id, postgresql_where=annotations.c.comment_id.is_not(None))

# Append-only: every operation that reached us, what it was and what came of it; the answer of a retry is read here.
# One that was sent again with another content under the same name stands here a second time, refused.
operations = sa.Table(
    "operations",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("op_id", sa.Uuid, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    sa.Column("client_id", sa.Text, nullable=False),
    _fence(),
    sa.Column("op", JSONB, nullable=False),
    sa.Column("annotation_id", sa.Uuid),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("version", sa.Integer),
    sa.Column("problem", JSONB(none_as_null=True)),
    sa.Column("applied_at", INSTANT, nullable=False),
    sa.UniqueConstraint("copy_id", "op_id", "sha256"),
    sa.CheckConstraint("outcome IN ('done', 'conflict', 'refused')", name="outcome"),
    sa.CheckConstraint("(outcome = 'refused') = (problem IS NOT NULL)", name="refused_says_why"),
)
# Two operations that were based on one version are never both done.
sa.Index(
    "uq_operations_annotation_version",
    operations.c.annotation_id,
    operations.c.version,
    unique=True,
    postgresql_where=sa.text("outcome = 'done' AND annotation_id IS NOT NULL"),
)

# What markers write again and again: an item's comments, or with no item the exam's. ``official`` ones are everybody's
# and kept by administrators; the others are their owner's alone. How often one was used, annotations know.
comments = sa.Table(
    "comments",
    metadata,
    _id(),
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("item_id", sa.Text),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("points", POINTS),
    sa.Column("official", sa.Boolean, nullable=False),
    sa.Column("owner_id", sa.Uuid, nullable=False),
    _counter("version", 1),
    _stamp("created_at"),
    _stamp("updated_at"),
    _instant("deleted_at"),
    sa.CheckConstraint("length(text) BETWEEN 1 AND 1000", name="text"),
)
sa.Index("ix_comments_exam_id", comments.c.exam_id)

# A sign from colleague to colleague, about a copy; no mark, and no part of its trail.
copy_flags = sa.Table(
    "copy_flags",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("flagged", sa.Boolean, nullable=False),
    _text("note"),
    _stamp("updated_at"),
    sa.Column("updated_by", sa.Uuid, nullable=False),
    sa.CheckConstraint("length(note) <= 500", name="note"),
)

# Append-only: each graded revision of a copy, what it was worth and where its PDF is.
results = sa.Table(
    "results",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("record", JSONB, nullable=False),
    sa.Column("document", JSONB, nullable=False),
    sa.Column("total", POINTS, nullable=False),
    sa.Column("graded_at", INSTANT, nullable=False),
)

publications = sa.Table(
    "publications",
    metadata,
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("publication", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("published_at", INSTANT, nullable=False),
    sa.Column("published_by", sa.Uuid, nullable=False),
    _instant("withdrawn_at"),
    sa.Column("withdrawn_by", sa.Uuid),
    sa.CheckConstraint("(withdrawn_at IS NULL) = (withdrawn_by IS NULL)", name="withdrawn_by_someone"),
)

# Append-only: exactly what one publication showed to whom: the revision of each copy and the person it belongs to.
published_copies = sa.Table(
    "published_copies",
    metadata,
    sa.Column("exam_id", sa.Uuid, primary_key=True),
    sa.Column("publication", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("copy_id", sa.Uuid, primary_key=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("candidate_id", sa.ForeignKey("candidates.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("person_id", sa.ForeignKey("persons.id", ondelete="RESTRICT"), nullable=False),
    sa.ForeignKeyConstraint(
        ["exam_id", "publication"], ["publications.exam_id", "publications.publication"], ondelete="RESTRICT"
    ),
    sa.ForeignKeyConstraint(["copy_id", "revision"], ["results.copy_id", "results.revision"], ondelete="RESTRICT"),
)
sa.Index("ix_published_copies_person", published_copies.c.person_id)

# Append-only and chained per subject (a copy, or an exam when there is no copy). ``hash`` covers the row and
# ``prev_hash``. ``revision`` and ``attempt`` are set on FINALISE, of which each pair is unique.
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("subject_id", sa.Uuid, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT")),
    sa.Column("action", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer),
    sa.Column("attempt", sa.Integer),
    sa.Column("actor_id", sa.Uuid),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("at", INSTANT, nullable=False),
    sa.Column("details", JSONB, nullable=False),
    sa.Column("prev_hash", sa.Text, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.CheckConstraint("subject_id = coalesce(copy_id, exam_id)", name="subject"),
    sa.CheckConstraint("seq >= 1", name="seq"),
)
sa.Index(
    "uq_audit_finalise",
    audit.c.copy_id,
    audit.c.revision,
    audit.c.attempt,
    unique=True,
    postgresql_where=audit.c.action == "FINALISE",
)
sa.Index("ix_audit_at_subject_id_seq", audit.c.at, audit.c.subject_id, audit.c.seq)

# Append-only: why a copy was opened again, by the revision that began. ``reopened_by`` is null for the system itself.
reopenings = sa.Table(
    "reopenings",
    metadata,
    sa.Column("copy_id", sa.ForeignKey("copies.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("revision", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("reopened_at", INSTANT, nullable=False),
    sa.Column("reopened_by", sa.Uuid),
    sa.CheckConstraint("length(reason) BETWEEN 1 AND 500", name="reason"),
)

# The last event of every subject. ``seal`` binds it to a key that is not in the database; it is null for trails older
# than this table until an operator seals them (services/grading/seal.py).
audit_heads = sa.Table(
    "audit_heads",
    metadata,
    sa.Column("subject_id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.ForeignKey("exams.id", ondelete="RESTRICT"), nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("hash", sa.Text, nullable=False),
    sa.Column("seal", sa.Text),
)

APPEND_ONLY = (
    schemes.name, results.name, published_copies.name, reopenings.name, audit.name, operations.name,
)  # fmt: skip
