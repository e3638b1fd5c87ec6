"""Where the fields of the header stand on an exam's sheets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from chassis.db import UnitOfWork
from contracts.records.sheet import SheetModel
from services.grading.store.tables import sheet_models


def find(sql: sa.Connection, exam_id: UUID) -> Any:
    """The exam's row, ``None`` without one."""
    return sql.execute(sa.select(sheet_models).where(sheet_models.c.exam_id == exam_id)).one_or_none()


def model(sql: sa.Connection, exam_id: UUID) -> SheetModel | None:
    row = find(sql, exam_id)
    return None if row is None else SheetModel.model_validate({"sample": row.sample, "zones": row.zones})


def keep(uow: UnitOfWork, exam_id: UUID, values: Mapping[str, Any]) -> None:
    fresh = {**values, "updated_at": sa.func.clock_timestamp()}
    statement = insert(sheet_models).values(exam_id=exam_id, **fresh)
    uow.sql.execute(statement.on_conflict_do_update(index_elements=[sheet_models.c.exam_id], set_=fresh))


def remove(uow: UnitOfWork, exam_id: UUID) -> bool:
    return uow.sql.execute(sheet_models.delete().where(sheet_models.c.exam_id == exam_id)).rowcount == 1
