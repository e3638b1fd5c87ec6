"""Scores, annotations and the rules they are given by. Writers hold the copy's row."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from contracts.model import Actor
from contracts.records.marking import RecordedAnnotation
from contracts.rpc.grading.copies import AnnotationFields, AnnotationView
from services.grading.domain import scheme
from services.grading.domain.marking import Marks, Rules
from services.grading.domain.results import points
from services.grading.store import tables

_clock = sa.func.clock_timestamp()


def rules(sql: sa.Connection, exam_id: UUID) -> Rules:
    """The scheme in force; without one, ``items`` is empty."""
    exams, schemes = tables.exams, tables.schemes
    in_force = sa.and_(schemes.c.exam_id == exams.c.id, schemes.c.version == exams.c.scheme_version)
    row = sql.execute(
        sa.select(exams, schemes.c.nodes, schemes.c.step)
        .select_from(exams.outerjoin(schemes, in_force))
        .where(exams.c.id == exam_id)
    ).one()
    nodes = scheme.from_json(row.nodes) if row.nodes else ()
    return Rules(
        exam_title=row.title,
        exam_date=row.date,
        total_points=row.total_points,
        scheme_version=row.scheme_version,
        step=row.step if row.step is not None else Decimal(1),
        items=scheme.leaves(nodes),
        nodes=nodes,
    )


# Scores


def marks(sql: sa.Connection, copy_id: UUID) -> Marks:
    row = sql.execute(sa.select(tables.marks).where(tables.marks.c.copy_id == copy_id)).one_or_none()
    if row is None:
        return Marks(scores={}, remarks={})
    scores = {item: Decimal(score) for item, score in row.scores.items()}
    return Marks(row.version, scores, row.remarks, row.appraisal)


def put_marks(uow: UnitOfWork, copy_id: UUID, new: Marks, *, fence: int, scheme_version: int, by: Actor) -> bool:
    """Store ``new`` if what is stored is the version before it; whether it was."""
    values = {
        "version": new.version, "fence": fence, "scheme_version": scheme_version,
        "scores": {item: points(score) for item, score in (new.scores or {}).items()},
        "remarks": dict(new.remarks or {}), "appraisal": new.appraisal, "updated_at": _clock, "updated_by": by.id,
    }  # fmt: skip
    table = tables.marks
    if new.version == 1:
        first = insert(table).values(copy_id=copy_id, **values).on_conflict_do_nothing()
        return uow.sql.execute(first.returning(table.c.version)).first() is not None
    update = table.update().where(table.c.copy_id == copy_id, table.c.version == new.version - 1).values(**values)
    return uow.sql.execute(update.returning(table.c.version)).first() is not None


# Annotations


_ANNOTATION = (
    "id", "copy_id", "version", "page_no", "type", "x", "y", "w", "h", "strokes", "content", "score_delta", "item_id",
    "pressures", "colour", "comment_id", "updated_at",
)  # fmt: skip
COLUMNS = [tables.annotations.c[name] for name in _ANNOTATION]


def view_of(row: Mapping[Any, Any]) -> AnnotationView:
    """A row that has the columns of an annotation, and perhaps others."""
    values = {name: row[name] for name in _ANNOTATION}
    return AnnotationView(page=values.pop("page_no"), points=values.pop("strokes"), **values)


def standing(sql: sa.Connection, copy_id: UUID) -> tuple[AnnotationView, ...]:
    """Every annotation that stands, page by page in the order they were made."""
    table = tables.annotations
    query = (
        sa.select(*COLUMNS)
        .where(table.c.copy_id == copy_id, table.c.deleted_at.is_(None))
        .order_by(table.c.page_no, table.c.created_at, table.c.id)
    )
    return tuple(view_of(row) for row in sql.execute(query).mappings())


def recorded(view: AnnotationView) -> RecordedAnnotation:
    values = view.model_dump(exclude={"copy_id", "version", "updated_at", "page", "points", "comment_id"})
    return RecordedAnnotation(page_no=view.page, strokes=view.points, **values)


def annotation(sql: sa.Connection, annotation_id: UUID) -> AnnotationView | None:
    table = tables.annotations
    query = sa.select(*COLUMNS).where(table.c.id == annotation_id, table.c.deleted_at.is_(None))
    row = sql.execute(query).mappings().one_or_none()
    return None if row is None else view_of(row)


def add_annotation(
    uow: UnitOfWork, annotation_id: UUID, copy_id: UUID, new: AnnotationFields, *, fence: int, by: Actor
) -> AnnotationView | None:
    """``None`` when there is, or was, an annotation with this id."""
    statement = insert(tables.annotations).values(
        id=annotation_id, copy_id=copy_id, version=1, fence=fence, created_at=_clock, updated_at=_clock,
        updated_by=by.id, **columns_of(new.model_dump(mode="json") | {"score_delta": new.score_delta}),
    )  # fmt: skip
    added = statement.on_conflict_do_nothing().returning(*COLUMNS)
    row = uow.sql.execute(added).mappings().one_or_none()
    return None if row is None else view_of(row)


def change_annotation(
    uow: UnitOfWork, annotation_id: UUID, version: int, changes: Mapping[str, Any], *, fence: int, by: Actor
) -> AnnotationView | None:
    """Change it if it stands at ``version``; ``None`` when it does not."""
    return _write(uow, annotation_id, version, columns_of(changes), fence, by)


def remove_annotation(
    uow: UnitOfWork, annotation_id: UUID, version: int, *, fence: int, by: Actor
) -> AnnotationView | None:
    """Soft: the row stays, with the version after the one removed; ``None`` when it does not stand at ``version``."""
    return _write(uow, annotation_id, version, {"deleted_at": _clock}, fence, by)


def _write(
    uow: UnitOfWork, annotation_id: UUID, version: int, values: Mapping[str, Any], fence: int, by: Actor
) -> AnnotationView | None:
    table = tables.annotations
    statement = (
        table.update()
        .where(table.c.id == annotation_id, table.c.version == version, table.c.deleted_at.is_(None))
        .values(**values, version=version + 1, fence=fence, updated_at=_clock, updated_by=by.id)
        .returning(*COLUMNS)
    )
    row = uow.sql.execute(statement).mappings().one_or_none()
    return None if row is None else view_of(row)


def columns_of(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of an annotation under the names of their columns."""
    names = {"page": "page_no", "points": "strokes"}
    return {names.get(name, name): value for name, value in fields.items()}


def edition(sql: sa.Connection, copy_id: UUID) -> tuple[int, ...]:
    """Numbers that grow with every change of what a marking record is made of; see ``domain.marking.Snapshot``."""
    copies, exams, marks_table, notes = tables.copies, tables.exams, tables.marks, tables.annotations
    counted = sa.select(sa.func.coalesce(sa.func.sum(notes.c.version), 0)).where(notes.c.copy_id == copy_id)
    query = (
        sa.select(
            copies.c.paper_revision,
            copies.c.revision,
            exams.c.version,
            exams.c.scheme_version,
            sa.func.coalesce(marks_table.c.version, 0),
            counted.scalar_subquery(),
        )
        .select_from(
            copies.join(exams, exams.c.id == copies.c.exam_id).outerjoin(
                marks_table, marks_table.c.copy_id == copies.c.id
            )
        )
        .where(copies.c.id == copy_id)
    )
    return tuple(int(number) for number in sql.execute(query).one())
