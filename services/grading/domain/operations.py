"""What an operation does to the marks of one copy: done, in conflict with what stands, or refused (ADR 0016).

An operation says what it was based on, and is done only if that still stands. So it can be sent late, twice, or from
two windows, and never overwrites what its author did not see.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from contracts.errors import Refusal
from contracts.errors.grading import NotFound, OperationReused, PageOutOfRange
from contracts.rpc.grading.copies import AnnotationFields
from contracts.rpc.grading.operations import Annotate, Appraise, Erase, Operation, Remark, Score
from services.grading.domain.audit import sha256
from services.grading.domain.marking import Rules
from services.grading.domain.results import check_known, check_scores, points

MAX_BYTES = 1_000_000
"""What the operations of one request may weigh as JSON: 200 pen strokes of 100 points are 600 KB."""

Kind = Literal["done", "conflict", "refused"]


@dataclass(frozen=True)
class Note:
    """An annotation as it stands at ``version``, or as it stood when it was removed."""

    copy_id: UUID
    version: int
    fields: AnnotationFields
    removed: bool = False


@dataclass(frozen=True)
class Sheet:
    """The marks of one copy, with every annotation that an operation may be about, of whatever copy it is."""

    copy_id: UUID
    page_count: int
    notes: Mapping[UUID, Note]
    scores: Mapping[str, Decimal]
    remarks: Mapping[str, str]
    appraisal: str


@dataclass(frozen=True)
class Answer:
    """``version``, once it was done: the annotation's, or the one that all scores and texts have together."""

    kind: Kind
    version: int | None = None
    problem: Refusal | None = None

    def of_marks(self, version: int) -> Answer:
        """Scores and texts get their version when all of a request is done."""
        return replace(self, version=version) if self.kind == "done" and self.version is None else self


@dataclass(frozen=True)
class Sent:
    """An operation and the digest of all it says."""

    op: Operation
    sha256: str


Remembered = Mapping[UUID, Mapping[str, Answer]]
"""Answers given before: by the operation's id, then by its digest."""


def sent(op: Operation) -> Sent:
    return Sent(op, sha256(op.model_dump(mode="json")))


def apply(
    sheet: Sheet, rules: Rules, ops: Iterable[Sent], remembered: Remembered
) -> tuple[Sheet, list[Answer], list[tuple[Sent, Answer]]]:
    """Do the operations in order. One that was answered before gets that answer, and does nothing.

    Returns:
        The sheet afterwards, an answer for each operation, and those that are new, to be remembered.
    """
    known = {op_id: dict(by_digest) for op_id, by_digest in remembered.items()}
    answers: list[Answer] = []
    new: list[tuple[Sent, Answer]] = []
    for each in ops:
        before = known.setdefault(each.op.id, {})
        answer = before.get(each.sha256)
        if answer is None:
            if before:
                answer = Answer("refused", problem=OperationReused())
            else:
                sheet, answer = _done(sheet, rules, each.op)
            before[each.sha256] = answer
            new.append((each, answer))
        answers.append(answer)
    return sheet, answers, new


def current(sheet: Sheet, op: Operation) -> str | None:
    """The score or text that stands where ``op`` wanted another; ``None`` for no score."""
    match op:
        case Score():
            score = sheet.scores.get(op.item_id)
            return None if score is None else points(score)
        case Remark():
            return sheet.remarks.get(op.item_id, "")
        case _:
            return sheet.appraisal


def _done(sheet: Sheet, rules: Rules, op: Operation) -> tuple[Sheet, Answer]:
    try:
        match op:
            case Annotate():
                return _annotated(sheet, rules, op)
            case Erase():
                return _erased(sheet, op)
            case Score():
                return _scored(sheet, rules, op)
            case Remark():
                return _remarked(sheet, rules, op)
            case Appraise():
                if op.was != sheet.appraisal:
                    return sheet, Answer("conflict")
                return replace(sheet, appraisal=op.text), Answer("done")
            case _:
                raise TypeError(f"{type(op).__name__} is no operation")
    except Refusal as refusal:
        return sheet, Answer("refused", problem=refusal)


def _annotated(sheet: Sheet, rules: Rules, op: Annotate) -> tuple[Sheet, Answer]:
    """Under a name that is taken on another copy nothing is made: it would move."""
    note = sheet.notes.get(op.annotation_id)
    if op.version if note is None else note.copy_id != sheet.copy_id:
        raise NotFound
    if op.annotation.page > sheet.page_count:
        raise PageOutOfRange(page=op.annotation.page, page_count=sheet.page_count)
    if op.annotation.item_id is not None:
        check_known(rules.items, [op.annotation.item_id], rules.scheme_version)
    if op.version != (note.version if note else 0):
        return sheet, Answer("conflict")
    return _with(sheet, op.annotation_id, Note(sheet.copy_id, op.version + 1, op.annotation))


def _erased(sheet: Sheet, op: Erase) -> tuple[Sheet, Answer]:
    note = sheet.notes.get(op.annotation_id)
    if note is None or note.copy_id != sheet.copy_id:
        raise NotFound
    if note.removed or op.version != note.version:
        return sheet, Answer("conflict")
    return _with(sheet, op.annotation_id, replace(note, version=note.version + 1, removed=True))


def _with(sheet: Sheet, annotation_id: UUID, note: Note) -> tuple[Sheet, Answer]:
    return replace(sheet, notes={**sheet.notes, annotation_id: note}), Answer("done", note.version)


def _scored(sheet: Sheet, rules: Rules, op: Score) -> tuple[Sheet, Answer]:
    """A score is taken back even from an item that the scheme lost since."""
    if op.score is not None:
        check_known(rules.items, [op.item_id], rules.scheme_version)
        check_scores(rules.items, rules.step, {op.item_id: op.score})
    if op.was != sheet.scores.get(op.item_id):
        return sheet, Answer("conflict")
    return replace(sheet, scores=_put(sheet.scores, op.item_id, op.score)), Answer("done")


def _remarked(sheet: Sheet, rules: Rules, op: Remark) -> tuple[Sheet, Answer]:
    if op.text:
        check_known(rules.items, [op.item_id], rules.scheme_version)
    if op.was != sheet.remarks.get(op.item_id, ""):
        return sheet, Answer("conflict")
    return replace(sheet, remarks=_put(sheet.remarks, op.item_id, op.text or None)), Answer("done")


def _put(values: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    kept = {each: known for each, known in values.items() if each != name}
    return kept if value is None else kept | {name: value}


def changed_notes(before: Sheet, after: Sheet) -> Sequence[UUID]:
    """Annotations that are not what they were."""
    return [name for name, note in after.notes.items() if before.notes.get(name) != note]
