"""Slow work, from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

from flask import Response, request, stream_with_context
from pydantic import BeforeValidator, Field

from contracts.model import Model
from services.gateway import jobs as views
from services.gateway.api import Answer, Page, Resource
from services.gateway.auth import Caller, caller
from services.gateway.idempotency import name_of_request
from services.gateway.streams import NEVER

jobs = Resource("jobs")

EVENTS = "text/event-stream"
MOST_FOLLOWED = 12  # each is asked for twice a second


class JobsWanted(Page):
    """``everyone``: also what others started, as far as the caller may know of it."""

    everyone: bool = False


class Followed(Model):
    """``ids``: of at most ``MOST_FOLLOWED`` jobs, with commas between them."""

    ids: Annotated[tuple[UUID, ...], BeforeValidator(lambda sent: sent.split(","))] = Field(max_length=MOST_FOLLOWED)


@jobs.operation("GET", "/jobs", query=JobsWanted, reply=views.Jobs)
def index(query: JobsWanted) -> views.Jobs:
    """Jobs, latest first: mine, or everyone's."""
    return views.listed(caller(), query.limit, query.cursor, everyone=query.everyone)


@jobs.operation("GET", "/jobs/<uuid:job_id>", reply=views.Job)
def show(job_id: UUID) -> views.Job:
    """A job as it stands now."""
    return views.find(job_id, caller())


@jobs.operation("GET", "/jobs/<uuid:job_id>/events", statuses=(200, 204), gives=(EVENTS,))
def events(job_id: UUID) -> Response:
    """A job's progress as server-sent events; 204 to whoever has seen its end, which tells a browser to stop."""
    who = caller()
    job = views.find(job_id, who)
    if job.status in views.ENDED and request.headers.get("Last-Event-ID") == views.event_id(job):
        return Response(status=204)
    return _streamed([job], who)


@jobs.operation("GET", "/jobs/events", query=Followed, gives=(EVENTS,))
def events_of_several(query: Followed) -> Response:
    """The progress of several jobs in one stream: a browser opens few connections to one place."""
    who = caller()
    return _streamed([views.find(job_id, who) for job_id in query.ids], who)


def _streamed(followed: Sequence[views.Job], who: Caller) -> Response:
    stream = stream_with_context(views.followed(followed, who))
    # What buffers answers on their way would keep every event to the end.
    return Response(stream, content_type=EVENTS, headers={"Cache-Control": NEVER, "X-Accel-Buffering": "no"})


@jobs.operation(
    "POST", "/jobs/<uuid:job_id>/items/<uuid:item_id>/repeat", reply=views.Job, statuses=(202,), creates=True
)
def repeat(job_id: UUID, item_id: UUID) -> Answer:
    """Try an item again that did not succeed; answers the job to follow from now on."""
    job = views.repeat(job_id, item_id, caller(), name_of_request())
    return Answer(job, 202, {"Location": f"/api/v1/jobs/{job.id}"})


@jobs.operation("DELETE", "/jobs/<uuid:job_id>", reply=views.Job)
def cancel(job_id: UUID) -> views.Job:
    """Cancel an upload; a finalisation cannot be cancelled."""
    return views.cancel(job_id, caller())
