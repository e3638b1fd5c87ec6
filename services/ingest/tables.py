"""The tables of ingest, as the migrations leave them (a test compares)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from chassis.db import metadata as new_metadata

metadata = new_metadata()


def _owner(column: str, *, nullable: bool = False, index: bool = False) -> sa.Column[object]:
    table, key = column.split(".")
    return sa.Column(
        {"scan_profiles": "profile_id", "assemblies": "copy_id"}.get(table, f"{table[:-1]}_id"),
        sa.Uuid,
        sa.ForeignKey(f"{table}.{key}", ondelete="RESTRICT"),
        nullable=nullable,
        index=index,
    )


def _instant(name: str, *, default: bool = False) -> sa.Column[object]:
    server_default = sa.text("now()") if default else None
    return sa.Column(name, sa.DateTime(timezone=True), nullable=not default, server_default=server_default)


# How the paper of an upload was fed. An upload keeps the profile it was cut with.
scan_profiles = sa.Table(
    "scan_profiles",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.Uuid, nullable=False),
    sa.Column("intake", sa.Text, nullable=False),
    sa.Column("pages_per_booklet", sa.Integer, nullable=False),
    sa.Column("grouping", sa.Text, nullable=False, server_default="every_n"),
    sa.UniqueConstraint("exam_id", "intake", "pages_per_booklet", "grouping"),
    sa.CheckConstraint("intake IN ('a3', 'a4')", name="intake"),
    sa.CheckConstraint("pages_per_booklet BETWEEN 1 AND 200", name="pages_per_booklet"),
    sa.CheckConstraint("grouping IN ('every_n', 'by_header', 'one_per_file')", name="grouping"),
)

# ``id`` is time ordered. ``error``: code and details of a refusal. ``progressed_at``: when the last sides were cut, or
# asked for.
uploads = sa.Table(
    "uploads",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.Uuid, nullable=False),
    _owner("scan_profiles.id"),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("object", JSONB, nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("sides", sa.Integer, nullable=False),
    sa.Column("sides_done", sa.Integer, nullable=False, server_default="0"),
    sa.Column("pages", sa.Integer, nullable=False, server_default="0"),
    sa.Column("error", JSONB(none_as_null=True)),
    sa.Column("created_by", sa.Uuid, nullable=False),
    _instant("created_at", default=True),
    _instant("settled_at"),
    _instant("progressed_at", default=True),
    sa.CheckConstraint("status IN ('splitting', 'ready', 'failed', 'cancelled')", name="status"),
    sa.CheckConstraint("sides >= 1 AND sides_done BETWEEN 0 AND sides", name="progress"),
    sa.CheckConstraint("status <> 'ready' OR sides_done = sides", name="ready_is_complete"),
    sa.CheckConstraint("(status = 'failed') = (error IS NOT NULL)", name="failed_says_why"),
    sa.CheckConstraint("(status = 'splitting') = (settled_at IS NULL)", name="settled"),
)
# A failed or cancelled upload does not stand in the way of trying the same file again.
sa.Index(
    "uq_uploads_exam_id_sha256_live",
    uploads.c.exam_id,
    uploads.c.sha256,
    unique=True,
    postgresql_where=uploads.c.status.in_(("splitting", "ready")),
)
sa.Index("ix_uploads_exam_id_id", uploads.c.exam_id, uploads.c.id)
sa.Index("ix_uploads_sha256", uploads.c.sha256)

# A zip of scans. Each of its files is an upload of its own, or was refused. ``created_by``: the whole actor, in whose
# name the files are registered later. ``progressed_at``: when the last file was unpacked, or asked for.
archives = sa.Table(
    "archives",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.Uuid, nullable=False),
    _owner("scan_profiles.id"),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("object", JSONB, nullable=False),
    sa.Column("filename", sa.Text, nullable=False),
    sa.Column("created_by", JSONB, nullable=False),
    _instant("created_at", default=True),
    _instant("cancelled_at"),
    _instant("progressed_at", default=True),
)
sa.Index(
    "uq_archives_exam_id_sha256_live",
    archives.c.exam_id,
    archives.c.sha256,
    unique=True,
    postgresql_where=archives.c.cancelled_at.is_(None),
)

# ``place`` in the zip's table of contents; ``name`` for people only. Neither upload nor error: still to be unpacked.
archive_entries = sa.Table(
    "archive_entries",
    metadata,
    sa.Column("archive_id", sa.Uuid, sa.ForeignKey("archives.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("place", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    _owner("uploads.id", nullable=True, index=True),
    sa.Column("error", JSONB(none_as_null=True)),
    sa.CheckConstraint("num_nonnulls(upload_id, error) <= 1", name="one_end"),
)

# The paper of a copy as it was handed to marking: its pages only grow, each time as the next ``revision``. ``frozen``:
# of each revision its manifest and the images of the pages it added. Somebody may still be on the way to an earlier
# one, and images that were turned or hidden for it stand nowhere else.
assemblies = sa.Table(
    "assemblies",
    metadata,
    sa.Column("copy_id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.Uuid, nullable=False, index=True),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("manifest", JSONB, nullable=False),
    sa.Column("frozen", JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("page_count", sa.Integer, nullable=False),
    sa.Column("assembled_by", sa.Uuid, nullable=False),
    _instant("assembled_at", default=True),
    sa.CheckConstraint("revision >= 1", name="revision"),
    sa.CheckConstraint("page_count >= 1", name="page_count"),
)

# ``copy_id`` freezes a booklet: it is assembled at most once. One without pages was merged, or its making was undone.
# ``confidence``: how sure the machine was of its pages and their order, 0 to 1; null once a person arranged them.
booklets = sa.Table(
    "booklets",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("exam_id", sa.Uuid, nullable=False),
    _owner("uploads.id"),
    sa.Column("place", sa.Integer, nullable=False),
    sa.Column("first_side", sa.Integer, nullable=False),
    sa.Column("set_aside", sa.Boolean, nullable=False, server_default=sa.false()),
    _owner("assemblies.copy_id", nullable=True, index=True),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
    sa.Column("confidence", sa.Float),
    sa.UniqueConstraint("upload_id", "place", deferrable=True, initially="DEFERRED"),
    sa.CheckConstraint("place >= 1", name="place"),
    sa.CheckConstraint("first_side >= 1", name="first_side"),
    sa.CheckConstraint("version >= 1", name="version"),
    sa.CheckConstraint("copy_id IS NULL OR NOT set_aside", name="set_aside_is_not_assembled"),
    sa.CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
)
sa.Index("ix_booklets_exam_id_first_side", booklets.c.exam_id, booklets.c.first_side)
sa.Index("ix_booklets_exam_id_upload_id_place", booklets.c.exam_id, booklets.c.upload_id, booklets.c.place)

# ``turn_deg``: found when the side was cut; ``hand_turn_deg``: what a person added. ``clip``, ``header_box``: shares
# x, y, w, h. ``booklet_id`` is null only while the upload is being split. ``features``: what else the child saw.
pages = sa.Table(
    "pages",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    _owner("uploads.id"),
    sa.Column("side_no", sa.Integer, nullable=False),
    sa.Column("half", sa.Text, nullable=False),
    sa.Column("clip", JSONB, nullable=False),
    sa.Column("turn_deg", sa.SmallInteger, nullable=False),
    sa.Column("sound", sa.Boolean, nullable=False),
    sa.Column("blank", sa.Boolean, nullable=False),
    sa.Column("ink", sa.Integer, nullable=False),
    sa.Column("header", sa.Text),
    sa.Column("header_box", JSONB(none_as_null=True)),
    sa.Column("images", JSONB, nullable=False),
    sa.Column("masked", JSONB(none_as_null=True)),
    sa.Column("header_image", JSONB(none_as_null=True)),
    _owner("booklets.id", nullable=True),
    sa.Column("place", sa.Integer),
    sa.Column("hand_turn_deg", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("dropped", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("features", JSONB, nullable=False, server_default=sa.text("'{}'")),
    sa.UniqueConstraint("upload_id", "side_no", "half"),
    sa.UniqueConstraint("booklet_id", "place", deferrable=True, initially="DEFERRED"),
    sa.CheckConstraint("side_no >= 1", name="side_no"),
    sa.CheckConstraint("half IN ('whole', 'left', 'right')", name="half"),
    sa.CheckConstraint("turn_deg IN (0, 90, 180, 270) AND hand_turn_deg IN (0, 90, 180, 270)", name="turn"),
    sa.CheckConstraint("header IN ('sure', 'unsure')", name="header"),
    sa.CheckConstraint("num_nonnulls(header, header_box, masked, header_image) IN (0, 4)", name="header_is_masked"),
    sa.CheckConstraint("(booklet_id IS NULL) = (place IS NULL) AND place >= 1", name="place"),
)

# What a person must settle. Kept when settled.
anomalies = sa.Table(
    "anomalies",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    _owner("uploads.id", index=True),
    _owner("booklets.id", nullable=True, index=True),
    sa.Column("side_no", sa.Integer),
    sa.Column("code", sa.Text, nullable=False),
    _instant("created_at", default=True),
    _instant("settled_at"),
    sa.Column("settled_by", sa.Uuid),
    sa.CheckConstraint("(settled_at IS NULL) = (settled_by IS NULL)", name="settled"),
)

# What people did in staging, in the order of ``no``. ``before``: the booklets of ``booklet_ids`` that were there, with
# their pages; ``settled``: the doubts it settled.
staging_acts = sa.Table(
    "staging_acts",
    metadata,
    sa.Column("id", sa.Uuid, primary_key=True),
    sa.Column("no", sa.BigInteger, sa.Identity(always=True), nullable=False),
    sa.Column("exam_id", sa.Uuid, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("booklet_ids", ARRAY(sa.Uuid), nullable=False),
    sa.Column("before", JSONB, nullable=False),
    sa.Column("settled", ARRAY(sa.Uuid), nullable=False),
    sa.Column("done_by", sa.Uuid, nullable=False),
    _instant("done_at", default=True),
    sa.Column("undone_by", sa.Uuid),
    _instant("undone_at"),
    sa.Column("undone_once", sa.Uuid, unique=True),
    sa.CheckConstraint("kind IN ('arrange', 'split', 'merge', 'insert', 'set_aside', 'take_back')", name="kind"),
    sa.CheckConstraint("(undone_by IS NULL) = (undone_at IS NULL)", name="undone"),
    sa.Index("ix_staging_acts_exam_id_no", "exam_id", "no"),
)

# Pages at the scan's own resolution, made when somebody first asked for them. ``covered``: the boxes painted over.
full_images = sa.Table(
    "full_images",
    metadata,
    sa.Column("page_id", sa.Uuid, sa.ForeignKey("pages.id", ondelete="RESTRICT"), primary_key=True),
    sa.Column("masked", sa.Boolean, primary_key=True),
    sa.Column("covered", JSONB, primary_key=True, server_default=sa.text("'[]'")),
    sa.Column("image", JSONB, nullable=False),
    _instant("created_at", default=True),
)
