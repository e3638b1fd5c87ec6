"""Drafts, scores, annotations: what a marker saves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from services.grading.domain import operations as operating
from services.grading.store import drafts, marking, operations
from services.grading.usecases import marking as marking_usecases
from tests.faults.simulation.defects.planting import defect, replaced
from tests.faults.simulation.world import World


@defect("I4")
def autosave_does_not_compare(_: World) -> Iterator[None]:
    def put(uow: Any, save: Any) -> Any:
        stored = drafts.draft(uow.sql, save.copy_id, save.owner_id)
        table = drafts.drafts
        if stored is None:
            return original(uow, replace(save, base_version=0))
        row = uow.sql.execute(
            table.update()
            .where(table.c.copy_id == save.copy_id, table.c.owner_id == save.owner_id)
            .values(client_id=save.client_id, version=stored.version + 1, fence=save.fence, payload=save.payload)
            .returning(table.c.version, table.c.updated_at)
        ).one()
        return row.version, row.updated_at

    original = drafts.put
    with replaced((drafts, "put", put)):
        yield


@defect("I4")
def two_windows_overwrite_each_other(_: World) -> Iterator[None]:
    def put(uow: Any, save: Any) -> Any:
        table = drafts.drafts
        uow.sql.execute(
            table.update()
            .where(table.c.copy_id == save.copy_id, table.c.owner_id == save.owner_id)
            .values(client_id=save.client_id)
        )
        return original(uow, save)

    original = drafts.put
    with replaced((drafts, "put", put)):
        yield


@defect("I4")
def forgets_a_draft_that_it_refuses(_: World) -> Iterator[None]:
    def keep(uow: Any, save: Any, version: Any, saved_at: Any) -> None:
        if version is not None:
            original(uow, save, version, saved_at)

    original = drafts.keep
    with replaced((drafts, "keep", keep)):
        yield


@defect("contradiction")
def scores_overwrite_whatever_is_stored(_: World) -> Iterator[None]:
    def put_scores(app: Any, request: Any) -> Any:
        with app.db.reading() as sql:
            stored = marking.marks(sql, request.copy_id)
        return original(app, request.model_copy(update={"version": stored.version or None}))

    original = marking_usecases.put_scores
    with replaced((marking_usecases, "put_scores", put_scores)):
        yield


@defect("contradiction")
def annotations_overwrite_whatever_is_stored(_: World) -> Iterator[None]:
    def change(uow: Any, annotation_id: Any, version: Any, changes: Any, **options: Any) -> Any:
        stored = marking.annotation(uow.sql, annotation_id)
        return None if stored is None else original(uow, annotation_id, stored.version, changes, **options)

    original = marking.change_annotation
    with replaced((marking, "change_annotation", change)):
        yield


@defect("I6")
def creates_again_what_was_asked_again(_: World) -> Iterator[None]:
    def create(app: Any, request: Any) -> Any:
        return original(app, request.model_copy(update={"once": None}))

    original = marking_usecases.create_annotation
    with replaced((marking_usecases, "create_annotation", create)):
        yield


@defect("I6")
def does_operations_again_that_come_again(_: World) -> Iterator[None]:
    def remember(uow: Any, copy_id: Any, new: Any, **options: Any) -> None:
        known = stored(uow.sql, copy_id, {each.op.id for each, _ in new})
        original(uow, copy_id, [(each, answer) for each, answer in new if each.op.id not in known], **options)

    stored, original = operations.remembered, operations.remember
    forgotten = (operations, "remembered", lambda *_: {})
    with replaced(forgotten, (operations, "remember", remember)):
        yield


@defect("contradiction")
def operations_change_annotations_at_any_version(_: World) -> Iterator[None]:
    def annotated(sheet: Any, rules: Any, op: Any) -> Any:
        note = sheet.notes.get(op.annotation_id)
        return original(sheet, rules, op if note is None else op.model_copy(update={"version": note.version}))

    original = operating._annotated
    with replaced((operating, "_annotated", annotated)):
        yield


@defect("I4")
def operations_score_over_whatever_stands(_: World) -> Iterator[None]:
    def scored(sheet: Any, rules: Any, op: Any) -> Any:
        return original(sheet, rules, op.model_copy(update={"was": sheet.scores.get(op.item_id)}))

    original = operating._scored
    with replaced((operating, "_scored", scored)):
        yield


@defect("I4")
def forgets_operations_that_met_a_conflict(_: World) -> Iterator[None]:
    def remember(uow: Any, copy_id: Any, new: Any, **options: Any) -> None:
        original(uow, copy_id, [(each, answer) for each, answer in new if answer.kind == "done"], **options)

    original = operations.remember
    with replaced((operations, "remember", remember)):
        yield
