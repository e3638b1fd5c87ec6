"""What a marker did, in the order they did it, put into the marks of one copy (ADR 0016)."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from contracts.errors.grading import OperationsTooLarge, VersionConflict
from contracts.rpc.grading.copies import AnnotationView
from contracts.rpc.grading.operations import (
    Annotate,
    ApplyOperations,
    Erase,
    Operation,
    OperationOutcome,
    OperationProblem,
    OperationsApplied,
)
from services.grading.context import Context
from services.grading.domain.copies import Copy
from services.grading.domain.marking import Marks
from services.grading.domain.operations import (
    MAX_BYTES,
    Answer,
    Note,
    Sheet,
    apply,
    changed_notes,
    current,
    sent,
)
from services.grading.store import audit, marking
from services.grading.store import operations as store
from services.grading.usecases.marking import annotation_entry, marking_of, scores_entry, scores_view


def apply_operations(app: Context, request: ApplyOperations) -> OperationsApplied:
    """Do what was sent, each operation if what it was based on still stands; all of it is kept, whatever its outcome.

    The statements are as many for one operation as for all. Asked again, the answers are the same; ``current`` and
    ``scores`` are as they are now.

    Raises:
        LockRequired, LockLost: nothing was done and nothing kept: the client still has it.
        OperationsTooLarge: above ``MAX_BYTES``.
    """
    ops = [sent(op) for op in request.ops]
    if len(request.model_dump_json(include={"ops"})) > MAX_BYTES:
        raise OperationsTooLarge(max_bytes=MAX_BYTES)
    by = request.by
    with marking_of(app, request.copy_id, request.token, by) as (uow, copy):
        rules = marking.rules(uow.sql, copy.exam_id)
        marks = marking.marks(uow.sql, copy.id)
        named = {op.annotation_id for op in request.ops if isinstance(op, Annotate | Erase)}
        loaded = store.loaded(uow.sql, named)
        before = _sheet(copy, marks, loaded)
        remembered = store.remembered(uow.sql, copy.id, {op.id for op in request.ops})
        after, answers, new = apply(before, rules, ops, remembered)
        changed = {name: after.notes[name] for name in changed_notes(before, after)}
        written = store.write(uow, changed, fence=copy.fence, by=by)
        if written.keys() != changed.keys():
            raise VersionConflict(version=0, current=None)
        entries = [
            annotation_entry(_act(before.notes.get(name), note), copy, written[name], by)
            for name, note in changed.items()
        ]
        if (after.scores, after.remarks, after.appraisal) != (before.scores, before.remarks, before.appraisal):
            marks = Marks(marks.version + 1, after.scores, after.remarks, after.appraisal)
            if not marking.put_marks(uow, copy.id, marks, fence=copy.fence, scheme_version=rules.scheme_version, by=by):
                raise VersionConflict(version=marks.version - 1, current=None)
            entries.append(scores_entry(copy, rules, marks, by))
        new = [(each, answer.of_marks(marks.version)) for each, answer in new]
        store.remember(uow, copy.id, new, client_id=request.client_id, fence=copy.fence, by=by)
        audit.append(uow, *entries)
    views = {name: each.view for name, each in loaded.items()} | written
    outcomes = tuple(
        _outcome(op, answer, after, views, marks.version) for op, answer in zip(request.ops, answers, strict=True)
    )
    return OperationsApplied(copy_id=copy.id, ops=outcomes, scores=scores_view(copy.id, rules, marks))


def _sheet(copy: Copy, marks: Marks, loaded: Mapping[UUID, store.Loaded]) -> Sheet:
    return Sheet(
        copy_id=copy.id,
        page_count=copy.page_count,
        notes={name: each.note for name, each in loaded.items()},
        scores=marks.scores or {},
        remarks=marks.remarks or {},
        appraisal=marks.appraisal,
    )


def _act(before: Note | None, after: Note) -> str:
    """What became of an annotation in all. One that was removed and comes back was changed."""
    if after.removed:
        return "ANNOTATION_REMOVED"
    return "ANNOTATION_CREATED" if before is None else "ANNOTATION_CHANGED"


def _outcome(
    op: Operation, answer: Answer, sheet: Sheet, views: Mapping[UUID, AnnotationView], marks_version: int
) -> OperationOutcome:
    problem = None if answer.problem is None else OperationProblem(**answer.problem.to_wire())
    version = answer.version
    stands: AnnotationView | str | None = None
    if isinstance(op, Annotate | Erase):
        if answer.kind == "conflict":
            note = sheet.notes[op.annotation_id]
            version, stands = note.version, None if note.removed else views[op.annotation_id]
    elif answer.kind == "conflict":
        version, stands = marks_version, current(sheet, op)
    elif answer.kind == "done":
        version = answer.version or marks_version
    return OperationOutcome(id=op.id, outcome=answer.kind, version=version, current=stands, problem=problem)
