"""Operations and what came of them, and the annotations they are about. Writers hold the copy's row."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from contracts.errors import from_wire
from contracts.model import Actor
from contracts.rpc.grading.copies import AnnotationFields, AnnotationView
from contracts.rpc.grading.operations import Annotate, Erase
from services.grading.domain.operations import Answer, Note, Sent
from services.grading.store import marking
from services.grading.store.tables import annotations as annotations_table
from services.grading.store.tables import operations

_clock = sa.func.clock_timestamp()


def remembered(sql: sa.Connection, copy_id: UUID, ids: Collection[UUID]) -> dict[UUID, dict[str, Answer]]:
    """What was answered before to operations of these ids; see ``domain.operations.Remembered``."""
    table = operations.c
    query = sa.select(table.op_id, table.sha256, table.outcome, table.version, table.problem).where(
        table.copy_id == copy_id, table.op_id.in_(ids)
    )
    found: dict[UUID, dict[str, Answer]] = defaultdict(dict)
    for row in sql.execute(query):
        problem = None if row.problem is None else from_wire(row.problem)
        found[row.op_id][row.sha256] = Answer(row.outcome, row.version, problem)
    return found


def remember(
    uow: UnitOfWork, copy_id: UUID, new: Sequence[tuple[Sent, Answer]], *, client_id: str, fence: int, by: Actor
) -> None:
    """Keep all that was sent for the first time, in its order, the refused ones too."""
    if not new:
        return
    rows = [
        {
            "copy_id": copy_id, "op_id": each.op.id, "sha256": each.sha256, "owner_id": by.id, "client_id": client_id,
            "fence": fence, "op": each.op.model_dump(mode="json"), "outcome": answer.kind, "version": answer.version,
            "annotation_id": each.op.annotation_id if isinstance(each.op, Annotate | Erase) else None,
            "problem": answer.problem.to_wire() if answer.problem else None, "applied_at": _clock,
        }
        for each, answer in new
    ]  # fmt: skip
    uow.sql.execute(insert(operations).values(rows))


@dataclass(frozen=True)
class Loaded:
    """An annotation as a rule sees it and as people do, removed or not."""

    note: Note
    view: AnnotationView


def loaded(sql: sa.Connection, ids: Collection[UUID]) -> dict[UUID, Loaded]:
    """These annotations, of whatever copy they are."""
    query = sa.select(annotations_table).where(annotations_table.c.id.in_(ids))
    return {row["id"]: _loaded(row) for row in sql.execute(query).mappings()}


def _loaded(row: Mapping[Any, Any]) -> Loaded:
    view = marking.view_of(row)
    fields = AnnotationFields(**view.model_dump(include=set(AnnotationFields.model_fields)))
    return Loaded(Note(view.copy_id, view.version, fields, removed=row["deleted_at"] is not None), view)


def write(uow: UnitOfWork, changed: Mapping[UUID, Note], *, fence: int, by: Actor) -> dict[UUID, AnnotationView]:
    """Store annotations as they are now, in one statement however many there are; as they were stored, by id.

    One that was made on another copy meanwhile, under the same name, is missing from what is returned.
    """
    if not changed:
        return {}
    rows = [
        {
            **marking.columns_of(note.fields.model_dump()), "id": each, "copy_id": note.copy_id,
            "version": note.version, "fence": fence, "deleted_at": _clock if note.removed else None,
            "created_at": _clock, "updated_at": _clock, "updated_by": by.id,
        }
        for each, note in changed.items()
    ]  # fmt: skip
    written = insert(annotations_table).values(rows)
    new = written.excluded
    statement = written.on_conflict_do_update(
        index_elements=[annotations_table.c.id],
        set_={name: new[name] for name in rows[0] if name not in {"id", "copy_id", "created_at"}},
        where=annotations_table.c.copy_id == new.copy_id,
    ).returning(*marking.COLUMNS)
    return {row["id"]: marking.view_of(row) for row in uow.sql.execute(statement).mappings()}
