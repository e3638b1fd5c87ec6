"""Readings already made. A derivation: emptying the table costs time and nothing else."""

from __future__ import annotations

from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from chassis import db
from services.ocr.domain import LASTING, Field, Line, Question, Reading

metadata = db.metadata()

readings = sa.Table(
    "readings",
    metadata,
    sa.Column("image_sha256", sa.Text, primary_key=True),
    sa.Column("engine", sa.Text, primary_key=True),
    sa.Column("parameters_digest", sa.Text, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("lines", postgresql.JSONB, nullable=False),
    sa.Column("fields", postgresql.JSONB, nullable=False, server_default=sa.text("'[]'::jsonb")),
    sa.Column("read_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.text("clock_timestamp()")),
    sa.CheckConstraint("image_sha256 ~ '^[0-9a-f]{64}$'", name="image_sha256"),
    sa.CheckConstraint("parameters_digest ~ '^[0-9a-f]{64}$'", name="parameters_digest"),
    sa.CheckConstraint("engine <> ''", name="engine"),
    sa.CheckConstraint("outcome IN ('done', 'refused_input', 'out_of_memory', 'timeout', 'crashed')", name="outcome"),
    sa.CheckConstraint(
        "jsonb_typeof(lines) = 'array' AND (outcome = 'done' OR lines = '[]'::jsonb)", name="lines_when_done"
    ),
    sa.CheckConstraint(
        "jsonb_typeof(fields) = 'array' AND (outcome = 'done' OR fields = '[]'::jsonb)", name="fields_when_done"
    ),
)


def known(sql: sa.Connection, question: Question) -> Reading | None:
    """The reading that the same question would give again; failures that may pass are not remembered as answers."""
    row = sql.execute(
        sa.select(readings.c.outcome, readings.c.lines, readings.c.fields).where(
            *_key(question), readings.c.outcome.in_(sorted(LASTING))
        )
    ).first()
    if row is None:
        return None
    lines = tuple(Line(text, confidence) for text, confidence in row.lines)
    return Reading(row.outcome, lines, tuple(Field(**field) for field in row.fields))


def keep(sql: sa.Connection, question: Question, reading: Reading) -> None:
    """Remember how a question ended. An answer stays; a failure gives way to whatever comes next."""
    insert = postgresql.insert(readings).values(
        image_sha256=question.image_sha256,
        engine=question.engine,
        parameters_digest=question.parameters_digest,
        outcome=reading.outcome,
        lines=[[line.text, line.confidence] for line in reading.lines],
        fields=[asdict(field) for field in reading.fields],
    )
    fresh = {name: insert.excluded[name] for name in ("outcome", "lines", "fields", "read_at")}
    sql.execute(
        insert.on_conflict_do_update(
            constraint=readings.primary_key, set_=fresh, where=readings.c.outcome.not_in(sorted(LASTING))
        )
    )


def _key(question: Question) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        readings.c.image_sha256 == question.image_sha256,
        readings.c.engine == question.engine,
        readings.c.parameters_digest == question.parameters_digest,
    )
