"""Marking a copy: drafts, annotations, scores. Every write is the lock holder's, with the copy's row held."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

from chassis.db import UnitOfWork
from chassis.ids import uuid7
from contracts.errors.grading import (
    DraftConflict,
    DraftTooLarge,
    NotFound,
    PageOutOfRange,
    VersionConflict,
    VersionRequired,
)
from contracts.model import Actor
from contracts.rpc import Done
from contracts.rpc.grading.copies import (
    Annotations,
    AnnotationView,
    ChangeAnnotation,
    CreateAnnotation,
    DraftView,
    OneCopy,
    PutDraft,
    PutScores,
    RemoveAnnotation,
    ScoresView,
)
from services.grading.context import Context
from services.grading.domain.copies import Copy
from services.grading.domain.marking import DRAFT_MAX_BYTES, Marks, Rules, annotation_digest, payload_digest
from services.grading.domain.results import check_known, check_scores, missing, points, total_so_far
from services.grading.store import audit, copies, drafts, locks, marking


@contextmanager
def marking_of(app: Context, copy_id: UUID, token: str | None, by: Actor) -> Iterator[tuple[UnitOfWork, Copy]]:
    """A transaction in which the caller's lease is in force and stays so: taking it over needs the copy's row too."""
    with app.db.transaction() as uow:
        copy = copies.hold(uow, copy_id, by)
        locks.required(uow.sql, copy_id, token, by)
        yield uow, copy


# Drafts


def get_draft(app: Context, request: OneCopy) -> DraftView:
    """The caller's own draft; version 0 and no payload when there is none."""
    with app.db.reading() as sql:
        copies.find(sql, request.copy_id, request.by)
        found = drafts.draft(sql, request.copy_id, request.by.id)
    if found is None:
        return DraftView(copy_id=request.copy_id, client_id=None, version=0, payload=None, updated_at=None)
    return DraftView(
        copy_id=request.copy_id,
        client_id=found.client_id,
        version=found.version,
        payload=found.payload,
        updated_at=found.updated_at,
    )


def put_draft(app: Context, request: PutDraft) -> DraftView:
    """Save a draft; the reply does not repeat the payload. The same save again gets the same answer.

    Raises:
        DraftConflict: it was not based on what is stored. What was sent is kept all the same.
        DraftTooLarge: above ``DRAFT_MAX_BYTES``.
    """
    sha256, size = payload_digest(request.payload)
    if size > DRAFT_MAX_BYTES:
        raise DraftTooLarge(max_bytes=DRAFT_MAX_BYTES)
    with marking_of(app, request.copy_id, request.token, request.by) as (uow, copy):
        save = drafts.Save(
            copy_id=copy.id,
            owner_id=request.by.id,
            client_id=request.client_id,
            base_version=request.version,
            fence=copy.fence,
            sha256=sha256,
            payload=request.payload,
        )
        answer = drafts.answered_before(uow, save)
        if answer is None:
            answer = drafts.put(uow, save)
            drafts.keep(uow, save, *(answer or (None, None)))
        stored = drafts.draft(uow.sql, copy.id, request.by.id) if answer is None else None
    # Raised after the commit: raised inside, it would take back the payload that was refused but kept.
    if answer is None:
        raise _draft_conflict(stored)
    version, saved_at = answer
    return DraftView(
        copy_id=request.copy_id, client_id=request.client_id, version=version, payload=None, updated_at=saved_at
    )


def _draft_conflict(stored: drafts.Draft | None) -> DraftConflict:
    if stored is None:
        return DraftConflict(version=0, client_id=None, payload=None, updated_at=None)
    return DraftConflict(
        version=stored.version,
        client_id=stored.client_id,
        payload=stored.payload,
        updated_at=stored.updated_at.isoformat(),
    )


# Annotations


def list_annotations(app: Context, request: OneCopy) -> Annotations:
    with app.db.reading() as sql:
        copies.find(sql, request.copy_id, request.by)
        items = marking.standing(sql, request.copy_id)
    return Annotations(items=items, total=len(items))


def create_annotation(app: Context, request: CreateAnnotation) -> AnnotationView:
    """A new annotation; asked again, the one there is, as it stands. ``NotFound`` when it was removed meanwhile."""
    new, by = request.annotation, request.by
    with marking_of(app, request.copy_id, request.token, by) as (uow, copy):
        known = marking.annotation(uow.sql, request.once) if request.once else None
        if known is not None and known.copy_id == copy.id:
            return known
        if new.page > copy.page_count:
            raise PageOutOfRange(page=new.page, page_count=copy.page_count)
        _check_item(uow, copy, new.item_id)
        view = marking.add_annotation(uow, request.once or uuid7(), copy.id, new, fence=copy.fence, by=by)
        if view is None:
            raise NotFound
        audit.append(uow, annotation_entry("ANNOTATION_CREATED", copy, view, by))
    return view


def change_annotation(app: Context, request: ChangeAnnotation) -> AnnotationView:
    """Change what was sent and keep the rest; ``VersionConflict`` when somebody was faster."""
    changes: dict[str, Any] = {
        name: value
        for name, value in request.model_dump(mode="json", exclude={"annotation_id", "token", "version", "by"}).items()
        if value is not None
    }
    if request.score_delta is not None:
        changes["score_delta"] = request.score_delta
    if request.points is not None:
        changes.setdefault("pressures", [])  # those of the strokes that were there
    copy_id = _copy_of(app, request.annotation_id)
    with marking_of(app, copy_id, request.token, request.by) as (uow, copy):
        _check_item(uow, copy, request.item_id)
        view = marking.change_annotation(
            uow, request.annotation_id, request.version, changes, fence=copy.fence, by=request.by
        )
        if view is None:
            raise _annotation_conflict(uow, request.annotation_id)
        audit.append(uow, annotation_entry("ANNOTATION_CHANGED", copy, view, request.by))
    return view


def remove_annotation(app: Context, request: RemoveAnnotation) -> Done:
    """Take an annotation back; the row is kept."""
    copy_id = _copy_of(app, request.annotation_id)
    with marking_of(app, copy_id, request.token, request.by) as (uow, copy):
        view = marking.remove_annotation(uow, request.annotation_id, request.version, fence=copy.fence, by=request.by)
        if view is None:
            raise _annotation_conflict(uow, request.annotation_id)
        audit.append(uow, annotation_entry("ANNOTATION_REMOVED", copy, view, request.by))
    return Done()


def _copy_of(app: Context, annotation_id: UUID) -> UUID:
    """Which copy it is on never changes; whether the caller may know of it is asked of the copy."""
    with app.db.reading() as sql:
        found = marking.annotation(sql, annotation_id)
    if found is None:
        raise NotFound
    return found.copy_id


def _annotation_conflict(uow: UnitOfWork, annotation_id: UUID) -> NotFound | VersionConflict:
    current = marking.annotation(uow.sql, annotation_id)
    if current is None:
        return NotFound()
    return VersionConflict(version=current.version, current=current.model_dump(mode="json"))


def _check_item(uow: UnitOfWork, copy: Copy, item_id: str | None) -> None:
    if item_id is not None:
        rules = marking.rules(uow.sql, copy.exam_id)
        check_known(rules.items, [item_id], rules.scheme_version)


def annotation_entry(action: str, copy: Copy, view: AnnotationView, by: Actor) -> audit.Entry:
    """The digest pins what it says without repeating it: a comment may quote the candidate."""
    digest = annotation_digest(view)
    details = {"annotation_id": str(view.id), "version": view.version, "sha256": digest, "fence": copy.fence}
    return audit.Entry(action, by, copy.exam_id, copy.id, details)


# Scores


def get_scores(app: Context, request: OneCopy) -> ScoresView:
    with app.db.reading() as sql:
        copy = copies.find(sql, request.copy_id, request.by)
        rules = marking.rules(sql, copy.exam_id)
        stored = marking.marks(sql, copy.id)
    return scores_view(copy.id, rules, stored)


def put_scores(app: Context, request: PutScores) -> ScoresView:
    """Replace all scores, remarks and the appraisal; items may still be missing.

    Raises:
        VersionRequired: something is stored and no version was sent.
        VersionConflict: another version is stored.
        UnknownItem, ScoreOutOfRange, ScoreOffStep: the scheme in force does not allow it.
    """
    by = request.by
    with marking_of(app, request.copy_id, request.token, by) as (uow, copy):
        rules = marking.rules(uow.sql, copy.exam_id)
        stored = marking.marks(uow.sql, copy.id)
        if request.version is None and stored.version:
            raise VersionRequired(version=stored.version)
        if (request.version or 0) != stored.version:
            current = scores_view(copy.id, rules, stored).model_dump(mode="json")
            raise VersionConflict(version=stored.version, current=current)
        check_known(rules.items, [*request.scores, *request.remarks], rules.scheme_version)
        check_scores(rules.items, rules.step, request.scores)
        new = Marks(stored.version + 1, request.scores, request.remarks, request.appraisal)
        if not marking.put_marks(uow, copy.id, new, fence=copy.fence, scheme_version=rules.scheme_version, by=by):
            raise VersionConflict(version=stored.version, current=None)
        audit.append(uow, scores_entry(copy, rules, new, by))
    return scores_view(copy.id, rules, new)


def scores_entry(copy: Copy, rules: Rules, new: Marks, by: Actor) -> audit.Entry:
    texts = {"remarks": dict(new.remarks or {}), "appraisal": new.appraisal}
    details = {
        "version": new.version,
        "scheme_version": rules.scheme_version,
        "scores": {item: points(score) for item, score in (new.scores or {}).items()},
        "texts_sha256": payload_digest(json.loads(json.dumps(texts)))[0],
        "fence": copy.fence,
    }
    return audit.Entry("SCORES", by, copy.exam_id, copy.id, details)


def scores_view(copy_id: UUID, rules: Rules, marks: Marks) -> ScoresView:
    scores = dict(marks.scores or {})
    return ScoresView(
        copy_id=copy_id,
        version=marks.version,
        scores=scores,
        remarks=dict(marks.remarks or {}),
        appraisal=marks.appraisal,
        total=total_so_far(rules.items, rules.step, scores, rules.total_points),
        total_points=rules.total_points,
        missing=missing(rules.items, scores),
        scheme_version=rules.scheme_version,
    )
