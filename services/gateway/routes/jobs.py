"""Slow work, from outside."""

from __future__ import annotations

from uuid import UUID

from flask import Response, request, stream_with_context

from services.gateway import jobs as views
from services.gateway.api import Page, Resource
from services.gateway.auth import caller
from services.gateway.streams import NEVER

jobs = Resource("jobs")

EVENTS = "text/event-stream"


@jobs.operation("GET", "/jobs", query=Page, reply=views.Jobs)
def index(query: Page) -> views.Jobs:
    """My jobs, latest first."""
    return views.listed(caller(), query.limit, query.cursor)


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
    stream = stream_with_context(views.followed(job, who))
    # What buffers answers on their way would keep every event to the end.
    return Response(stream, content_type=EVENTS, headers={"Cache-Control": NEVER, "X-Accel-Buffering": "no"})


@jobs.operation("DELETE", "/jobs/<uuid:job_id>", reply=views.Job)
def cancel(job_id: UUID) -> views.Job:
    """Cancel an upload; a finalisation cannot be cancelled."""
    return views.cancel(job_id, caller())
