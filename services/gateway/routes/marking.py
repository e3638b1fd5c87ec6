"""Marking: who marks what, the lock, the draft, annotations, scores, and the end of it."""

from __future__ import annotations

from uuid import UUID

from flask import request
from pydantic import Field

from contracts.errors import from_wire
from contracts.model import Model
from contracts.rpc.grading import copies as rpc
from contracts.rpc.grading import desk as desk_rpc
from contracts.rpc.grading import operations as operations_rpc
from services.gateway import jobs, people
from services.gateway.api import Answer, Resource, Version, shape
from services.gateway.auth import caller
from services.gateway.context import ask, gateway
from services.gateway.idempotency import name_of_request
from services.gateway.jobs import Job, JobType
from services.gateway.problems import language
from services.gateway.routes.copies import Copy, seen

marking = Resource("marking")

LOCK_HEADER = "X-Lock-Token"
_HELD = ("by", "token", "copy_id")
NewDraft = shape("NewDraft", rpc.PutDraft, without=_HELD)
NewAnnotation = shape("NewAnnotation", rpc.AnnotationFields)
AnnotationChange = shape("AnnotationChange", rpc.ChangeAnnotation, without=("by", "token", "annotation_id"))
Reopening = shape("Reopening", rpc.Reopen, without=("by", "copy_id"))
NewScores = shape("NewScores", rpc.PutScores, without=_HELD)


DraftOperations = shape("DraftOperations", operations_rpc.ApplyOperations, without=_HELD)


class OperationProblem(operations_rpc.OperationProblem):
    """``detail`` is a sentence in the caller's language."""

    detail: str


class OperationOutcome(operations_rpc.OperationOutcome):
    problem: OperationProblem | None = None


class OperationsApplied(operations_rpc.OperationsApplied):
    ops: tuple[OperationOutcome, ...]


class MarkersWanted(Model):
    """``taken_from``: spread copies of this marker that nobody is marking; they keep ``keeping`` of these."""

    marker_ids: tuple[UUID, ...] = Field(min_length=1, max_length=200)
    taken_from: UUID | None = None
    keeping: int = Field(default=0, ge=0, le=100_000)


def _token() -> str | None:
    """The lock's token; whether it may be missing is grading's to say."""
    sent = request.headers.get(LOCK_HEADER)
    return sent[:200] if sent else None


@marking.operation("POST", "/exams/<uuid:exam_id>/allocation", body=MarkersWanted, reply=rpc.Allocations)
def allocate(exam_id: UUID, body: MarkersWanted) -> rpc.Allocations:
    """Spread the copies that have no marker evenly over markers; again with the same ones changes nothing."""
    return ask(
        rpc.ALLOCATE,
        exam_id=exam_id,
        markers=people.markers(gateway().db, body.marker_ids),
        taken_from=body.taken_from,
        keeping=body.keeping,
        by=caller().actor,
    )


@marking.operation("GET", "/exams/<uuid:exam_id>/allocation", reply=rpc.Allocations)
def allocation(exam_id: UUID) -> rpc.Allocations:
    """Who marks which copies."""
    return ask(rpc.GET_ALLOCATION, exam_id=exam_id, by=caller().actor)


@marking.operation("POST", "/copies/<uuid:copy_id>/lock", reply=rpc.LockView)
def lock(copy_id: UUID) -> rpc.LockView:
    """Take the exclusive right to mark a copy, or renew one's own; 409 tells who holds it."""
    return ask(rpc.TAKE_LOCK, copy_id=copy_id, by=caller().actor)


@marking.operation("DELETE", "/copies/<uuid:copy_id>/lock", statuses=(204,))
def unlock(copy_id: UUID) -> None:
    """Give the lock back."""
    ask(rpc.RELEASE_LOCK, copy_id=copy_id, token=_token(), by=caller().actor)


@marking.operation("POST", "/copies/<uuid:copy_id>/lock/heartbeat", reply=rpc.LockView)
def heartbeat(copy_id: UUID) -> rpc.LockView:
    """Keep the lock while somebody is at the desk."""
    return ask(rpc.RENEW_LOCK, copy_id=copy_id, token=_token(), by=caller().actor)


class ByItem(Model):
    item: str | None = Field(default=None, max_length=64)


@marking.operation("GET", "/copies/<uuid:copy_id>/desk", query=ByItem, reply=desk_rpc.DeskView)
def desk(copy_id: UUID, query: ByItem) -> desk_rpc.DeskView:
    """All that a marking desk needs; with ``item``, ``next`` is the next copy on which it has no score."""
    return ask(desk_rpc.OPEN_DESK, copy_id=copy_id, item_id=query.item, by=caller().actor)


@marking.operation("GET", "/copies/<uuid:copy_id>/draft", reply=rpc.DraftView)
def draft(copy_id: UUID) -> rpc.DraftView:
    """My draft of this copy; version 0 when there is none."""
    return ask(rpc.GET_DRAFT, copy_id=copy_id, by=caller().actor)


@marking.operation("PUT", "/copies/<uuid:copy_id>/draft", body=NewDraft, reply=rpc.DraftView, versioned=True)
def put_draft(copy_id: UUID, body: Model) -> rpc.DraftView:
    """Save my draft; what is answered with 200 is kept."""
    return ask(rpc.PUT_DRAFT, body, copy_id=copy_id, token=_token(), by=caller().actor)


@marking.operation("PATCH", "/copies/<uuid:copy_id>/draft", body=DraftOperations, reply=OperationsApplied)
def apply(copy_id: UUID, body: Model) -> OperationsApplied:
    """Do what was done at the desk, in its order; each operation has its own outcome and is done once, for ever."""
    applied = ask(operations_rpc.APPLY_OPERATIONS, body, copy_id=copy_id, token=_token(), by=caller().actor)
    ops = tuple(OperationOutcome(**dict(each) | {"problem": _shown(each.problem)}) for each in applied.ops)
    return OperationsApplied(copy_id=applied.copy_id, ops=ops, scores=applied.scores)


def _shown(problem: operations_rpc.OperationProblem | None) -> OperationProblem | None:
    if problem is None:
        return None
    text = from_wire(problem.model_dump()).text(language())
    return OperationProblem(code=problem.code, details=problem.details, detail=text)


@marking.operation("GET", "/copies/<uuid:copy_id>/annotations", reply=rpc.Annotations)
def list_annotations(copy_id: UUID) -> rpc.Annotations:
    """All annotations of a copy."""
    return ask(rpc.LIST_ANNOTATIONS, copy_id=copy_id, by=caller().actor)


@marking.operation(
    "POST",
    "/copies/<uuid:copy_id>/annotations",
    body=NewAnnotation,
    reply=rpc.AnnotationView,
    statuses=(201,),
    creates=True,
)
def annotate(copy_id: UUID, body: Model) -> Answer:
    """Put an annotation on a page."""
    fields = rpc.AnnotationFields(**{name: getattr(body, name) for name in body.model_fields_set})
    made = ask(
        rpc.CREATE_ANNOTATION,
        annotation=fields,
        copy_id=copy_id,
        token=_token(),
        once=name_of_request(),
        by=caller().actor,
    )
    return Answer(made, 201, {"Location": f"/api/v1/annotations/{made.id}"})


@marking.operation(
    "PATCH", "/annotations/<uuid:annotation_id>", body=AnnotationChange, reply=rpc.AnnotationView, versioned=True
)
def change_annotation(annotation_id: UUID, body: Model) -> rpc.AnnotationView:
    """Move or change an annotation; fields left out keep their value."""
    return ask(rpc.CHANGE_ANNOTATION, body, annotation_id=annotation_id, token=_token(), by=caller().actor)


@marking.operation("DELETE", "/annotations/<uuid:annotation_id>", query=Version, statuses=(204,), versioned=True)
def remove_annotation(annotation_id: UUID, query: Version) -> None:
    """Remove an annotation."""
    ask(rpc.REMOVE_ANNOTATION, query, annotation_id=annotation_id, token=_token(), by=caller().actor)


@marking.operation("GET", "/copies/<uuid:copy_id>/scores", reply=rpc.ScoresView)
def scores(copy_id: UUID) -> rpc.ScoresView:
    """Points per item, remarks, appraisal, and what is still missing."""
    return ask(rpc.GET_SCORES, copy_id=copy_id, by=caller().actor)


@marking.operation("PUT", "/copies/<uuid:copy_id>/scores", body=NewScores, reply=rpc.ScoresView)
def put_scores(copy_id: UUID, body: Model) -> rpc.ScoresView:
    """Replace all scores, remarks and the appraisal; ``version`` may be left out only for the first write."""
    return ask(rpc.PUT_SCORES, body, copy_id=copy_id, token=_token(), by=caller().actor)


@marking.operation("POST", "/copies/<uuid:copy_id>/finalise", reply=Job, statuses=(202, 200))
def finalise(copy_id: UUID) -> Answer:
    """Freeze the marking and compose the final document; already graded: 200, and nothing is done twice."""
    who = caller()
    started = ask(rpc.FINALISE, copy_id=copy_id, token=_token(), by=who.actor)
    job_id = jobs.open_job(JobType.FINALISE, copy_id, who, revision=started.revision)
    job = jobs.finalising_started(job_id, started)
    return Answer(job, 200 if started.already else 202, {"Location": f"/api/v1/jobs/{job_id}"})


@marking.operation("POST", "/copies/<uuid:copy_id>/reopen", body=Reopening, reply=Copy)
def reopen(copy_id: UUID, body: Model) -> Model:
    """Open a finalised copy for its next revision; after publication with a reason, by a second administrator."""
    return seen(ask(rpc.REOPEN, body, copy_id=copy_id, by=caller().actor))
