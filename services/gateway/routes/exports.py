"""All final documents of an exam in one file."""

from __future__ import annotations

from uuid import UUID

from flask import Response, g

from contracts.errors.render import ExportNotReady
from contracts.rpc import render
from contracts.rpc.grading import results as rpc
from services.gateway import jobs, people, streams
from services.gateway.api import Answer, Resource
from services.gateway.auth import caller
from services.gateway.context import ask, gateway
from services.gateway.idempotency import name_of_request
from services.gateway.jobs import Job, JobType

exports = Resource("exports")


@exports.operation("POST", "/exams/<uuid:exam_id>/exports", reply=Job, statuses=(202,), creates=True)
def create(exam_id: UUID) -> Answer:
    """Put the final PDFs of all graded copies into a zip; the job lists each copy's outcome."""
    who = caller()
    started = ask(rpc.START_EXPORT, exam_id=exam_id, once=name_of_request(), by=who.actor)
    job_id = jobs.open_job(JobType.EXPORT, started.export_id, who)
    return Answer(jobs.export_queued(job_id, started), 202, {"Location": f"/api/v1/jobs/{job_id}"})


@exports.operation("GET", "/exports/<uuid:export_id>", statuses=(200, 206, 304), gives=("application/zip",))
def show(export_id: UUID) -> Response:
    """The zip, for some days."""
    found = ask(render.GET_EXPORT, export_id=export_id)
    if found.document is None:
        raise ExportNotReady(status=found.status)
    response = streams.send(found.document, caching=streams.NEVER, filename="copies.zip")
    response.headers.set("Content-Disposition", "attachment", filename="copies.zip")
    who = caller()
    with gateway().db.transaction() as work:
        people.note_access(
            work,
            actor_id=who.id,
            role=who.role,
            action="exports.show",
            subject_id=found.exam_id,
            request_id=g.get("request_id"),
        )
    return response
